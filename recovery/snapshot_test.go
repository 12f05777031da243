package recovery

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"memlog/index"
)

func mustSnapshot(t testing.TB, e *Engine) SnapshotInfo {
	t.Helper()
	s, err := e.Snapshot(t.Context())
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	if !s.OK {
		t.Fatalf("a fresh snapshot is not whole: %s", s.Reason)
	}
	return s
}

func names(list []SnapshotInfo) []string {
	var all []string
	for _, s := range list {
		all = append(all, s.Name)
	}
	return all
}

func mustList(t testing.TB, dir string) []SnapshotInfo {
	t.Helper()
	list, err := Snapshots(dir)
	if err != nil {
		t.Fatalf("list snapshots: %v", err)
	}
	return list
}

func TestSnapshotListPrune(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	e := mustOpen(t, dir, testOptions())
	h := newHistory(61)
	var made []string
	for range 4 {
		grow(t, e, h, 3)
		s := mustSnapshot(t, e)
		if got, want := s.Seq, e.Log.Head().Seq; got != want {
			t.Errorf("snapshot of record %d, want %d", got, want)
		}
		made = append(made, s.Name)
	}
	if again := mustSnapshot(t, e); again.Name != made[3] {
		t.Errorf("a second snapshot of the same moment: got %s, want %s", again.Name, made[3])
	}
	if diff := cmp.Diff(made, names(mustList(t, dir))); diff != "" {
		t.Errorf("list: %s", diff)
	}
	truncate(t, filepath.Join(dir, snapshotsName, made[2], "SNAPSHOT.json"), 9)
	list := mustList(t, dir)
	if list[2].OK || list[2].Reason == "" {
		t.Error("a damaged snapshot is listed as whole")
	}
	wantGone := []string{made[0], made[2]} // the damaged one does not count as kept
	gone, err := PruneSnapshots(dir, 2, true)
	if diff := cmp.Diff(wantGone, names(gone)); diff != "" || err != nil {
		t.Errorf("dry run: %v: %s", err, diff)
	}
	if got := len(mustList(t, dir)); got != 4 {
		t.Errorf("a dry run left %d snapshots of 4", got)
	}
	gone, err = PruneSnapshots(dir, 2, false)
	if diff := cmp.Diff(wantGone, names(gone)); diff != "" || err != nil {
		t.Errorf("prune: %v: %s", err, diff)
	}
	if diff := cmp.Diff([]string{made[1], made[3]}, names(mustList(t, dir))); diff != "" {
		t.Errorf("after prune: %s", diff)
	}
	left, err := os.ReadDir(filepath.Join(dir, snapshotsName))
	if err != nil || len(left) != 2 {
		t.Errorf("prune left %d entries: %v", len(left), err)
	}
	if _, err := PruneSnapshots(dir, -1, false); err == nil {
		t.Error("pruned to a negative number")
	}
}

// TestSnapshotLeftovers: what a killed snapshot left is no snapshot, and goes with the next one.
func TestSnapshotLeftovers(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 62, 3)
	left := filepath.Join(dir, snapshotsName, ".tmp-7", indexName)
	if err := os.MkdirAll(left, dirPerm); err != nil {
		t.Fatal(err)
	}
	if list := mustList(t, dir); len(list) != 0 {
		t.Errorf("half a snapshot is listed: %v", names(list))
	}
	mustSnapshot(t, mustOpen(t, dir, testOptions()))
	if _, err := os.Stat(left); err == nil {
		t.Error("half a snapshot was left behind")
	}
}

// TestRestoreDamaged: every file of a snapshot, flipped, cut and deleted. It is refused and the
// file named, verify finds it, and the index goes on as it was.
func TestRestoreDamaged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	e := mustOpen(t, dir, testOptions())
	h := newHistory(63)
	grow(t, e, h, 10)
	s := mustSnapshot(t, e)
	grow(t, e, h, 5)
	want := live(t, e)
	whole := clone(t, s.Path)
	for path, body := range content(t, whole) {
		if info, err := os.Stat(path); err != nil || info.IsDir() || len(body) == 0 {
			continue
		}
		rel, err := filepath.Rel(whole, path)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range damages(int64(len(body)))[:6] {
			remove(t, s.Path)
			if err := copyTree(whole, s.Path); err != nil {
				t.Fatal(err)
			}
			d.do(t, filepath.Join(s.Path, rel))
			_, err := e.RestoreSnapshot(t.Context(), s.Name, nil)
			if !errors.Is(err, index.ErrSnapshot) {
				t.Errorf("%s %s: got %v, want it refused", d.name, rel, err)
			} else if base := filepath.Base(rel); !strings.Contains(err.Error(), base) &&
				!strings.Contains(err.Error(), "manifest") {
				t.Errorf("%s %s: the error does not name the file: %v", d.name, rel, err)
			}
			r, err := e.Verify(t.Context(), VerifyOptions{Deep: true})
			if err != nil || r.OK() || len(r.Snapshots) != 1 {
				t.Errorf("%s %s: verify does not find it: %v %v", d.name, rel, r.Snapshots, err)
			}
		}
	}
	if live(t, e) != want {
		t.Error("the index changed")
	}
	if _, err := e.RestoreSnapshot(t.Context(), "nothing", nil); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("restore of no snapshot: got %v", err)
	}
}

// TestRestoreForeign: a snapshot of another log, or of the same log's other history, is refused.
func TestRestoreForeign(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 64, 8)
	twin := clone(t, dir)
	for _, c := range []struct {
		name  string
		other string
		seed  uint64
	}{{"another log", newStore(t, 65, 3), 66}, {"another history", twin, 67}} {
		t.Run(c.name, func(t *testing.T) {
			o := mustOpen(t, c.other, testOptions())
			grow(t, o, newHistory(c.seed), 2)
			s := mustSnapshot(t, o)
			e := mustOpen(t, dir, testOptions())
			grow(t, e, newHistory(68), 12)
			want := live(t, e)
			to := filepath.Join(dir, snapshotsName, s.Name)
			if err := copyTree(s.Path, to); err != nil {
				t.Fatal(err)
			}
			if _, err := e.RestoreSnapshot(t.Context(), s.Name, nil); !errors.Is(err, ErrForeign) {
				t.Errorf("got %v, want it refused", err)
			}
			if live(t, e) != want {
				t.Error("the index changed")
			}
			remove(t, to)
			mustClose(t, e)
		})
	}
}

// TestSnapshotWitness: a snapshot remembers the end of the log when index and HEAD are gone.
func TestSnapshotWitness(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 69, 20)
	e := mustOpen(t, dir, testOptions())
	mustSnapshot(t, e)
	mustClose(t, e)
	loseTail(t, dir)
	remove(t, filepath.Join(dir, indexName))
	e = mustOpen(t, dir, testOptions())
	if why := e.Log.Health().ReadOnly; !strings.Contains(why, "snapshot") {
		t.Errorf("the log takes writes: %q", why)
	}
	wantFold(t, e)
	if _, err := os.Stat(filepath.Join(dir, indexName)); err == nil {
		t.Error("an index was made in a store whose lock is not held")
	}
	r, err := Verify(t.Context(), dir, VerifyOptions{})
	if err != nil || r.OK() {
		t.Errorf("verify does not find the loss: %v", err)
	}
}

// TestSnapshotAfterFailedRestore: a restore that fails half way goes on serving an index among the
// snapshots, and the next snapshot must not take that for a leftover.
func TestSnapshotAfterFailedRestore(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 208, 10)
	e := mustOpen(t, dir, testOptions())
	snap := mustSnapshot(t, e)
	grow(t, e, newHistory(209), 5)
	block := filepath.Join(dir, indexName, "CURRENT.tmp", "x")
	if err := os.MkdirAll(block, dirPerm); err != nil {
		t.Fatal(err)
	}
	if _, err := e.RestoreSnapshot(t.Context(), snap.Name, nil); err == nil {
		t.Fatal("the restore did not fail: this test tests nothing")
	}
	remove(t, filepath.Dir(block))
	mustSnapshot(t, e)
	db, release := e.Index()
	defer release()
	if _, err := os.Stat(db.Path()); err != nil {
		t.Errorf("the index that is served is gone: %v", err)
	}
	wantFold(t, e)
}
