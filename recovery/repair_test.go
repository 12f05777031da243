package recovery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"memlog/index"
	"memlog/wal"
	"memlog/wal/event"
)

func testRepair(accept, dry bool) RepairOptions {
	return RepairOptions{AcceptLoss: accept, DryRun: dry, Now: testOptions().Now}
}

func mustRepair(t testing.TB, dir string, o RepairOptions) RepairReport {
	t.Helper()
	r, err := Repair(t.Context(), dir, o)
	if err != nil {
		t.Fatalf("repair: %v", err)
	}
	return r
}

// wantMended fails unless the store is sound, takes writes, and its index is what the log says.
func wantMended(t testing.TB, dir string) {
	t.Helper()
	if r := mustVerify(t, dir, true); !r.OK() {
		t.Errorf("verify after repair: %s", problems(r))
	}
	e := mustOpen(t, dir, testOptions())
	wantFold(t, e)
	add(t, e, event.Stored{Memory: newHistory(1).memory()})
	wantFold(t, e)
	if _, err := e.Rebuild(t.Context(), nil); err != nil {
		t.Errorf("rebuild after repair: %v", err)
	}
	mustClose(t, e)
}

// TestDamagedLogHealthyIndex: damage behind a sound tail stops nothing. The index, which has what
// the log lost, is served and kept up to date, and nothing is rebuilt over the damage.
func TestDamagedLogHealthyIndex(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 81, 40)
	e := mustOpen(t, dir, testOptions())
	want := live(t, e)
	mustClose(t, e)
	flip(t, segments(t, dir)[0], 1500)

	e = mustOpen(t, dir, testOptions())
	if live(t, e) != want {
		t.Errorf("the index is not served as it was; notes %q", e.Notes())
	}
	id := event.NewID()
	add(t, e, event.Stored{Memory: event.Memory{ID: id, Version: 1, Content: "later"}})
	db, release := e.Index()
	v, err := db.View()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := v.Doc(index.ID(id)); !ok || err != nil {
		t.Errorf("what was written over the damage is not there: %v", err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	release()
	if r, err := e.Rebuild(t.Context(), nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("rebuilt over damage: %v %v", r, err)
	} else if !strings.Contains(err.Error(), "memlog repair") {
		t.Errorf("the error does not say what to run: %v", err)
	}
	mustClose(t, e)
	r := mustVerify(t, dir, true)
	if r.Log.OK() || !r.Index.OK {
		t.Errorf("verify: %s", problems(r))
	}
}

// TestDamagedCheckpoint: the very record that the index rests on is damaged. The index is believed
// and goes on from there: it has what the log has lost.
func TestDamagedCheckpoint(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 92, 20)
	old := clone(t, dir)
	e := mustOpen(t, dir, testOptions())
	at := e.Log.Head().Seq
	grow(t, e, newHistory(93), 20)
	want := live(t, e)
	mustClose(t, e)
	copyIndex(t, old, dir)
	flipRecord(t, dir, at)
	e = mustOpen(t, dir, testOptions())
	if live(t, e) != want {
		t.Errorf("the index was not believed; notes %q", e.Notes())
	}
	if got := len(aside(t, dir)); got != 0 {
		t.Errorf("generations set aside: %d", got)
	}
}

// TestDamagedLogNoIndex: without an index, what survives is served; when the log is whole again,
// by whatever hand, so is the index, without being told.
func TestDamagedLogNoIndex(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 82, 40)
	e := mustOpen(t, dir, testOptions())
	want := live(t, e)
	mustClose(t, e)
	seg := segments(t, dir)[0]
	whole, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, seg, 1500)
	remove(t, filepath.Join(dir, indexName))

	e = mustOpen(t, dir, testOptions())
	wantFold(t, e)
	if live(t, e) == want {
		t.Error("the damaged record is there")
	}
	if notes := strings.Join(e.Notes(), "\n"); !strings.Contains(notes, "lacks what is damaged") {
		t.Errorf("notes: %q", notes)
	}
	if _, err := e.Snapshot(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("made a snapshot of an index that lacks records: %v", err)
	}
	mustClose(t, e)

	if err := os.WriteFile(seg, whole, filePerm); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, dir, testOptions())
	if live(t, e) != want {
		t.Errorf("the index still lacks the record; notes %q", e.Notes())
	}
	mustClose(t, e)
	e = mustOpen(t, dir, testOptions())
	if notes := e.Notes(); len(notes) != 0 {
		t.Errorf("notes once it is mended: %q", notes)
	}
}

// TestRepairLostRecord: one record is given up, the rest is served, the log and a replay agree, and
// what the old index still holds of it is reported and kept.
func TestRepairLostRecord(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	e := mustOpen(t, dir, testOptions())
	id := event.NewID()
	grow(t, e, newHistory(83), 10)
	lost := add(t, e, event.Stored{Memory: event.Memory{ID: id, Version: 1, Content: "the lost one"}})
	grow(t, e, newHistory(84), 30)
	mustClose(t, e)
	before := clone(t, dir)
	flipRecord(t, dir, lost.Seq)

	refused, err := Repair(t.Context(), dir, testRepair(false, false))
	if !errors.Is(err, wal.ErrLossNotAccepted) {
		t.Errorf("repair without leave: got %v", err)
	}
	was := content(t, dir)
	dry := mustRepair(t, dir, testRepair(true, true))
	if diff := cmp.Diff(was, content(t, dir)); diff != "" {
		t.Errorf("a dry run changed the store: %s", diff)
	}
	r := mustRepair(t, dir, testRepair(true, false))
	wantLost := []wal.Range{{From: lost.Seq, To: lost.Seq}}
	if diff := cmp.Diff(wantLost, r.Lost); diff != "" {
		t.Errorf("lost: %s", diff)
	}
	wantSurvivors := []Survivor{{ID: id, From: lost.Seq, Text: "the lost one"}}
	if diff := cmp.Diff(wantSurvivors, r.Survived); diff != "" {
		t.Errorf("survivors: %s", diff)
	}
	for what, got := range map[string]RepairReport{"dry run": dry, "refusal": refused} {
		if diff := cmp.Diff(r.Survived, got.Survived); diff != "" {
			t.Errorf("survivors of the %s: %s", what, diff)
		}
	}
	if !r.Rebuilt {
		t.Error("the index was not made anew")
	}
	kept, err := filepath.Glob(filepath.Join(dir, r.Evidence, "*.sst"))
	if err != nil || len(kept) == 0 || r.Evidence == "" {
		t.Errorf("the old index is not kept: %q %v", r.Evidence, err)
	}
	if rep := mustVerify(t, dir, false); len(rep.Log.Accepted) != 1 {
		t.Errorf("accepted: %v", rep.Log.Accepted)
	}
	wantMended(t, dir)

	// A crash between the repair of the log and that of the index leaves the old one.
	copyIndex(t, before, dir)
	e = mustOpen(t, dir, testOptions())
	wantFold(t, e)
	if notes := strings.Join(e.Notes(), "\n"); !strings.Contains(notes, "gave up") {
		t.Errorf("notes: %q", notes)
	}
}

// TestRepairDistrustsForeignIndex: an index of the log's other history is no source for what was
// lost in this one.
func TestRepairDistrustsForeignIndex(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 94, 10)
	twin := clone(t, dir)
	var at wal.Seq
	for i, d := range []string{dir, twin} {
		e := mustOpen(t, d, testOptions())
		at = add(t, e, event.Stored{Memory: event.Memory{ID: event.NewID(), Version: 1}}).Seq
		grow(t, e, newHistory(uint64(95+i)), 20)
		mustClose(t, e)
	}
	copyIndex(t, twin, dir)
	flipRecord(t, dir, at)
	r := mustRepair(t, dir, testRepair(true, false))
	if len(r.Survived) != 0 {
		t.Errorf("took %d memories from an index that is not the log's", len(r.Survived))
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "not searched") {
		t.Errorf("notes: %q", notes)
	}
	wantMended(t, dir)
}

// TestRepairTail: the log ends before what the index has seen.
func TestRepairTail(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 85, 30)
	e := mustOpen(t, dir, testOptions())
	head := e.Log.Head().Seq
	mustClose(t, e)
	loseTail(t, dir)
	_, err := Repair(t.Context(), dir, testRepair(false, false))
	if !errors.Is(err, wal.ErrLossNotAccepted) {
		t.Errorf("repair without leave: got %v", err)
	}
	r := mustRepair(t, dir, testRepair(true, false))
	if len(r.Lost) != 1 || r.Lost[0].To != head {
		t.Errorf("lost: got %v, want up to %d", r.Lost, head)
	}
	if r.Evidence == "" || !r.Rebuilt {
		t.Errorf("evidence %q, rebuilt %v", r.Evidence, r.Rebuilt)
	}
	wantMended(t, dir)
	if rep := mustRepair(t, dir, testRepair(false, false)); len(rep.Lost) != 0 || rep.Rebuilt {
		t.Errorf("a second repair does something: %+v", rep)
	}
}

// TestRepairTornTail: what was never acknowledged is no loss.
func TestRepairTornTail(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 86, 20)
	e := mustOpen(t, dir, testOptions())
	want := live(t, e)
	mustClose(t, e)
	segs := segments(t, dir)
	appendTo(t, segs[len(segs)-1], "half a frame")
	r := mustRepair(t, dir, testRepair(false, false))
	if len(r.Lost) != 0 || r.Rebuilt {
		t.Errorf("repair: %+v", r)
	}
	e = mustOpen(t, dir, testOptions())
	if live(t, e) != want {
		t.Error("the index changed")
	}
	mustClose(t, e)
	wantMended(t, dir)
}

// TestRepairEveryRecord: each record of a random history is lost in turn; the rest replays.
func TestRepairEveryRecord(t *testing.T) {
	t.Parallel()
	const n = 12
	dir := newStore(t, 87, n)
	for seq := wal.Seq(1); seq <= n+1; seq++ {
		t.Run(fmt.Sprint(seq), func(t *testing.T) {
			damaged := clone(t, dir)
			flipRecord(t, damaged, seq)
			r := mustRepair(t, damaged, testRepair(true, false))
			if len(r.Lost) != 1 || r.Lost[0] != (wal.Range{From: seq, To: seq}) {
				t.Errorf("lost: got %v, want %d", r.Lost, seq)
			}
			if r.Kept != n {
				t.Errorf("kept: got %d, want %d", r.Kept, n)
			}
			wantMended(t, damaged)
		})
	}
}

// TestSnapshotBeforeRepair: a snapshot that holds what a repair gave up is no longer of this log.
func TestSnapshotBeforeRepair(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 88, 20)
	e := mustOpen(t, dir, testOptions())
	s := mustSnapshot(t, e)
	grow(t, e, newHistory(89), 5)
	mustClose(t, e)
	flipRecord(t, dir, 10)
	e = mustOpen(t, dir, testOptions())
	mustClose(t, e)
	mustRepair(t, dir, testRepair(true, false))
	e = mustOpen(t, dir, testOptions())
	want := folded(t, e.Log)
	if _, err := e.RestoreSnapshot(t.Context(), s.Name, nil); !errors.Is(err, ErrForeign) {
		t.Errorf("restored what was given up: %v", err)
	}
	if live(t, e) != want {
		t.Error("the index changed")
	}
}

// TestRestoreOverDamage: the tail that would complete the snapshot is damaged.
func TestRestoreOverDamage(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 90, 10)
	e := mustOpen(t, dir, testOptions())
	s := mustSnapshot(t, e)
	grow(t, e, newHistory(91), 20)
	want := live(t, e)
	mustClose(t, e)
	flipRecord(t, dir, 15)
	e = mustOpen(t, dir, testOptions())
	if _, err := e.RestoreSnapshot(t.Context(), s.Name, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("restored over damage: %v", err)
	}
	if live(t, e) != want {
		t.Error("the index changed")
	}
}

// flipRecord damages one record of the log, wherever it is.
func flipRecord(t testing.TB, dir string, seq wal.Seq) {
	t.Helper()
	at := 0 // magic numbers seen
	for _, path := range segments(t, dir) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+4 <= len(b); i++ {
			if string(b[i:i+4]) != "mlr\x01" {
				continue
			}
			if at++; wal.Seq(at) == seq {
				flip(t, path, int64(i)+30)
				return
			}
		}
	}
	t.Fatalf("record %d is not in the log", seq)
}
