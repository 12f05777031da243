package projection

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"memlog/index"
	"memlog/wal"
	"memlog/wal/event"

	"github.com/google/go-cmp/cmp"
)

func memory(n int, content string) event.Memory {
	return event.Memory{
		ID: testID(n), Version: 1, Content: content, Type: "note", Project: "p",
		Tags: []string{"a", "b"}, Aliases: []string{"x"}, Metadata: []byte(`{"k":1}`),
		CreatedAt: epoch, UpdatedAt: epoch,
	}
}

// records makes one record of each list of events.
func records(t testing.TB, lists ...[]event.Event) history {
	t.Helper()
	var h history
	for i, events := range lists {
		h = append(h, newRecord(i+1, encode(t, events...)...))
	}
	return h
}

func stateDigest(t testing.TB, db *index.DB, seq uint64) [32]byte {
	t.Helper()
	v, err := db.At(seq)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	d, err := v.StateDigest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func anomalies(t testing.TB, db *index.DB) index.Anomalies {
	t.Helper()
	v := view(t, db)
	defer v.Close()
	a, err := v.Anomalies()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What is taken back leaves the state it was before: the digest knows no numbers and no times.
func TestOppositeEventsRestoreTheStateDigest(t *testing.T) {
	m := memory(1, "one")
	updated := memory(1, "two")
	updated.Version, updated.Tags, updated.Aliases = 2, []string{"c"}, nil
	occ := event.Occurrence{ID: testID(9), CreatedAt: epoch.Add(time.Hour)}
	link := event.Link{From: testID(1), To: testID(2), Type: "about"}
	for name, pair := range map[string][2]event.Event{
		"stored":  {event.Stored{Memory: memory(3, "three")}, event.Retracted{ID: testID(3)}},
		"updated": {event.Updated{Memory: updated}, event.Reverted{Memory: m}},
		"deleted": {event.Deleted{ID: m.ID}, event.Restored{Memory: m}},
		"linked":  {event.Linked{Link: link}, event.Unlinked{Link: link}},
		"repeated": {event.Repeated{ID: m.ID, Occurrence: occ, Tags: []string{"new"}},
			event.Unrepeated{ID: m.ID, Occurrence: occ.ID, Tags: []string{"new"}}},
	} {
		db := openMem(t)
		applyAll(t, db, records(t,
			[]event.Event{event.Stored{Memory: m}, event.Stored{Memory: memory(2, "other")}},
			[]event.Event{event.Repeated{ID: m.ID, Occurrence: event.Occurrence{ID: testID(8)}}},
			[]event.Event{pair[0]}, []event.Event{pair[1]}), 1)
		before, between, after := stateDigest(t, db, 2), stateDigest(t, db, 3), stateDigest(t, db, 4)
		if before == between {
			t.Errorf("%s: the state digest did not change", name)
		}
		if before != after {
			t.Errorf("%s: the state digest is not what it was before", name)
		}
		if a := anomalies(t, db); len(a.First) > 0 {
			t.Errorf("%s: anomalies %+v", name, a)
		}
		closeAll(t, db)
	}
}

func TestAnomaliesAreCountedAndSkipped(t *testing.T) {
	m := memory(1, "one")
	occ := event.Occurrence{ID: testID(9)}
	link := event.Link{From: m.ID, To: testID(2), Type: "r"}
	of := func(e ...event.Event) []event.Event { return e }
	for name, c := range map[string]struct {
		events []event.Event
		kind   string
	}{
		"stored twice":      {of(event.Stored{Memory: m}), AnomalyExists},
		"update of unknown": {of(event.Updated{Memory: memory(5, "")}), AnomalyIncomplete},
		"delete unknown":    {of(event.Deleted{ID: testID(5)}), AnomalyIncomplete},
		"repeat unknown":    {of(event.Repeated{ID: testID(5), Occurrence: occ}), AnomalyIncomplete},
		"link to unknown":   {of(event.Linked{Link: link}), AnomalyIncomplete},
		"retract unknown":   {of(event.Retracted{ID: testID(5)}), AnomalyAbsent},
		"deleted twice":     {of(event.Deleted{ID: m.ID}, event.Deleted{ID: m.ID}), AnomalyAbsent},
		"unlinked":          {of(event.Unlinked{Link: link}), AnomalyAbsent},
		"unrepeated":        {of(event.Unrepeated{ID: m.ID, Occurrence: occ.ID}), AnomalyAbsent},
		"undone later":      {of(event.Undone{Seqs: []uint64{2}}), AnomalyReference},
		"short digest":      {of(event.Digested{Version: 1, Seq: 1}), AnomalyReference},
		"wrong digest": {of(event.Digested{Version: 1, Seq: 1, Digest: make([]byte, 32)}),
			AnomalyDigest},
	} {
		db := openMem(t)
		applyAll(t, db, records(t, []event.Event{event.Stored{Memory: m}}, c.events), 1)
		a := anomalies(t, db)
		if a.Counts[c.kind] != 1 || len(a.First) != 1 || a.First[0].Seq != 2 {
			t.Errorf("%s: anomalies %+v, want one of kind %s at 2", name, a, c.kind)
		}
		closeAll(t, db)
	}
}

// The memory that an event about an unknown id makes says that parts of it are missing.
func TestIncomplete(t *testing.T) {
	db := openMem(t)
	defer closeAll(t, db)
	applyAll(t, db, records(t,
		[]event.Event{event.Updated{Memory: memory(1, "whole")}},
		[]event.Event{event.Deleted{ID: testID(2)}},
		[]event.Event{event.Stored{Memory: memory(3, "known")}},
	), 1)
	v := view(t, db)
	defer v.Close()
	for n, want := range map[int][2]bool{1: {true, false}, 2: {true, true}, 3: {false, false}} {
		d, ok, err := v.Doc(index.ID(testID(n)))
		if err != nil || !ok || [2]bool{d.Incomplete, d.Deleted} != want {
			t.Errorf("memory %d: incomplete %v, deleted %v, %v %v; want %v", n, d.Incomplete,
				d.Deleted, ok, err, want)
		}
	}
}

func TestDeletedHidesAndRestoredShows(t *testing.T) {
	m := memory(1, "fox")
	occ := event.Occurrence{ID: testID(9), CreatedAt: epoch}
	db := openMem(t)
	defer closeAll(t, db)
	applyAll(t, db, records(t,
		[]event.Event{event.Stored{Memory: m}},
		[]event.Event{event.Repeated{ID: m.ID, Occurrence: occ, Tags: []string{"c"}}},
		[]event.Event{event.Deleted{ID: m.ID, SupersededBy: testID(7)}},
		[]event.Event{event.Restored{Memory: m}},
	), 1)
	type facts struct {
		Deleted    bool
		Tags       []string
		Occs       int
		Hits       int
		Exact      int
		Alias      int
		Superseded event.ID
	}
	for seq, want := range []facts{
		1: {Tags: []string{"a", "b"}, Hits: 1, Exact: 1, Alias: 1},
		2: {Tags: []string{"a", "b", "c"}, Occs: 1, Hits: 1, Exact: 1, Alias: 1},
		3: {Deleted: true, Superseded: testID(7)},
		4: {Tags: []string{"a", "b"}, Occs: 1, Hits: 1, Exact: 1, Alias: 1},
	} {
		if seq == 0 {
			continue
		}
		v, err := db.At(uint64(seq))
		if err != nil {
			t.Fatal(err)
		}
		d, _, err := v.Doc(index.ID(m.ID))
		hits, err2 := v.Search(index.Query{Text: "foxes", Limit: 5})
		exact, err3 := v.ByExact(index.ExactKey("fox", "note", "p"))
		alias, err4 := v.ByAlias("x")
		if err := errors.Join(err, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		kept, err := event.DecodeMemory(d.Payload)
		if err != nil {
			t.Fatal(err)
		}
		got := facts{d.Deleted, d.Tags, len(d.Occurrences), len(hits), len(exact), len(alias),
			kept.SupersededBy}
		if diff := cmp.Diff(want, got); diff != "" || kept.Content != "fox" {
			t.Errorf("as of %d (-want +got):\n%s", seq, diff)
		}
		closeAll(t, v)
	}
	v := view(t, db)
	defer v.Close()
	images, err := v.Images(index.ID(m.ID))
	if err != nil || len(images) != 3 {
		t.Fatalf("%d images, %v", len(images), err)
	}
}

func TestDigestedIsChecked(t *testing.T) {
	h := records(t, []event.Event{event.Stored{Memory: memory(1, "one")}},
		[]event.Event{event.Stored{Memory: memory(2, "two")}})
	db := openMem(t)
	defer closeAll(t, db)
	applyAll(t, db, h, 1)
	d1, d2 := stateDigest(t, db, 1), stateDigest(t, db, 2)
	more := newRecord(3, encode(t,
		event.Digested{Version: StateDigestVersion, Seq: 2, Digest: d2[:]},
		event.Digested{Version: StateDigestVersion, Seq: 1, Digest: d1[:]},
		event.Digested{Version: 99, Seq: 1, Digest: d2[:]})...)
	applyAll(t, db, history{more}, 1)
	if a := anomalies(t, db); len(a.First) > 0 {
		t.Fatalf("right digests are anomalies: %+v", a)
	}
}

func TestUnknownKinds(t *testing.T) {
	ignorable := []byte("\xa3\x61b\xa0\x61i\xf5\x61k\x65later")
	binding := []byte("\xa2\x61b\xa0\x61k\x65later")
	for name, c := range map[string]struct {
		event    []byte
		readOnly bool
	}{"ignorable": {ignorable, false}, "not ignorable": {binding, true}} {
		db := openMem(t)
		applyAll(t, db, history{newRecord(1, c.event)}, 1)
		v := view(t, db)
		reason, err := v.ReadOnlyReason()
		if err != nil || strings.Contains(reason, "later") != c.readOnly {
			t.Errorf("%s: read-only reason %q, %v", name, reason, err)
		}
		closeAll(t, v, db)
	}
}

// A user's command can be undone; an undo itself and bookkeeping cannot be met by a bare undo.
func TestCommands(t *testing.T) {
	h := records(t,
		[]event.Event{event.Stored{Memory: memory(1, "one")}},
		[]event.Event{event.Stored{Memory: memory(2, "two")}},
		[]event.Event{event.Retracted{ID: testID(2)}, event.Undone{Seqs: []uint64{2}}},
		[]event.Event{event.Digested{Version: 9}},
		[]event.Event{event.Deleted{ID: testID(1)}},
	)
	for i := range h {
		h[i].Provenance.Session = []string{"s", "t"}[i%2]
	}
	h[4].GroupID = "g"
	db := openMem(t)
	defer closeAll(t, db)
	applyAll(t, db, h, 2)
	v := view(t, db)
	defer v.Close()
	for _, c := range []struct {
		session string
		before  uint64
		want    []index.Command
	}{
		{"", 0, []index.Command{{Seq: 5, Session: "s", Group: "g"}, {Seq: 2, Session: "t"},
			{Seq: 1, Session: "s"}}},
		{"s", 0, []index.Command{{Seq: 5, Session: "s", Group: "g"}, {Seq: 1, Session: "s"}}},
		{"t", 2, nil},
		{"", 5, []index.Command{{Seq: 2, Session: "t"}, {Seq: 1, Session: "s"}}},
	} {
		var got []index.Command
		for cmd, err := range v.Commands(c.session, c.before) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, cmd)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q before %d (-want +got):\n%s", c.session, c.before, diff)
		}
	}
	if undone, err := v.Undone(2); err != nil || !undone {
		t.Errorf("2 is undone: %v, %v", undone, err)
	}
	if undone, err := v.Undone(1); err != nil || undone {
		t.Errorf("1 is undone: %v, %v", undone, err)
	}
}

// damaged yields a corruption in place of record 2.
type damaged history

func (d damaged) Records(from, to wal.Seq) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		for r := range history(d).Records(from, to) {
			var err error
			if r.Seq == 2 {
				r, err = wal.Record{}, &wal.CorruptionError{FromSeq: 2, ToSeq: 2}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestCatchup(t *testing.T) {
	h := records(t,
		[]event.Event{event.Stored{Memory: memory(1, "one")}},
		[]event.Event{event.Stored{Memory: memory(2, "two")}},
		[]event.Event{event.Updated{Memory: memory(2, "two again")}},
		[]event.Event{event.Stored{Memory: memory(4, "four")}},
	)
	h[3].Lost, h[3].Events = true, nil
	db := openMem(t)
	defer closeAll(t, db)
	p, err := New(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stage(h[1]); !errors.Is(err, ErrBehind) {
		t.Fatalf("record 2 staged on an empty index: %v", err)
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Catchup(stopped, h, 0, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("after cancel: %v", err)
	}
	var told [][2]uint64
	rep, err := p.Catchup(context.Background(), damaged(h), 4, func(done, total uint64) {
		told = append(told, [2]uint64{done, total})
	})
	if err != nil || rep.Applied != 3 || rep.Lost != 1 || len(rep.Damaged) != 1 {
		t.Fatalf("report %+v, %v", rep, err)
	}
	if diff := cmp.Diff([][2]uint64{{3, 4}}, told); diff != "" {
		t.Fatalf("progress:\n%s", diff)
	}
	c := db.Checkpoint()
	if c.Seq != 4 || c.LogID != [16]byte{1, 2, 3} || c.Hash != [32]byte(h[3].Hash) ||
		c.Time != h[3].Time.UnixMicro() {
		t.Fatalf("checkpoint %+v", c)
	}
	if rep, err = p.Catchup(context.Background(), h, 0, nil); err != nil || rep.Applied != 0 {
		t.Fatalf("again: %+v, %v", rep, err)
	}
	if err := errors.Join(p.Stage(newRecord(5)), p.Commit()); err != nil || db.Checkpoint().Seq != 5 {
		t.Fatalf("next record: %v, at %d", err, db.Checkpoint().Seq)
	}
}

// Once a record could not be staged, nothing after it is: it would be left out for good.
func TestFailedProjectorStaysBehind(t *testing.T) {
	db := openMem(t)
	p, err := New(db, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAll(t, db)
	first := p.Stage(newRecord(1))
	if !errors.Is(first, index.ErrClosed) {
		t.Fatalf("stage on a closed index: %v", first)
	}
	if err := p.Stage(newRecord(1)); !errors.Is(err, index.ErrClosed) {
		t.Fatalf("next: %v", err)
	}
	if err := p.Commit(); err == nil {
		t.Fatal("committed")
	}
	if _, _, err := p.View().Doc(index.ID{1}); !errors.Is(err, index.ErrClosed) {
		t.Fatalf("view: %v", err)
	}
}
