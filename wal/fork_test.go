package wal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// all reads a log whole.
func all(t *testing.T, l *Log) []Record {
	t.Helper()
	var out []Record
	for r, err := range l.Records(1, 0) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func TestForkKeepsRecords(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	src, err := Open(ctx, dir, Options{SegmentSize: 2000})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for i := range 40 {
		_, err := src.Append(ctx, func() (Entry, error) {
			return Entry{RequestID: fmt.Sprint("r", i), GroupID: "g", Provenance: Provenance{Client: "c"},
				Events: [][]byte{fmt.Appendf(nil, "event %d", i), []byte("second")}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := all(t, src)
	for _, until := range []Seq{1, 2, 20, 41} {
		into := filepath.Join(t.TempDir(), "fork")
		id, err := Fork(ctx, src, until, into, nil)
		if err != nil {
			t.Fatal(err)
		}
		fork, err := Open(ctx, into, Options{SegmentSize: 2000})
		if err != nil {
			t.Fatal(err)
		}
		got := all(t, fork)
		if id != fork.ID() || id == src.ID() {
			t.Errorf("until %d: log id %x, announced %x, source %x", until, fork.ID(), id, src.ID())
		}
		f := got[0].Mark.Forked
		if f == nil || f.From != src.ID() || f.Position != want[until-1].Position() {
			t.Errorf("until %d: first mark %+v", until, got[0].Mark)
		}
		ignore := cmpopts.IgnoreFields(Record{}, "Prev", "Hash", "Digests")
		if d := cmp.Diff(got[1:], want[1:until], ignore); d != "" {
			t.Errorf("until %d (-fork +source):\n%s", until, d)
		}
		if err := fork.Close(); err != nil {
			t.Fatal(err)
		}
		if r, err := Verify(ctx, into, VerifyOptions{}); err != nil || !r.OK() {
			t.Errorf("until %d: %+v %v", until, r, err)
		}
	}
}

// TestForkWithoutFirstRecord copies a log whose first records were given up: the copy is a log of
// its own all the same.
func TestForkWithoutFirstRecord(t *testing.T) {
	ctx := t.Context()
	dir := buildLog(t, 10, 300)
	if err := os.Remove(segmentNames(t, dir)[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := Repair(ctx, dir, RepairOptions{AcceptLoss: true, disk: quickDisk()}); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, dir, Options{disk: quickDisk()})
	into := quickDir(t)
	id, err := Fork(ctx, l, 0, into, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rep := mustVerify(t, into); !rep.OK() || rep.LogID != id || id == l.ID() {
		t.Errorf("fork %x of %x: got %+v", id, l.ID(), rep)
	}
}

// TestForkFails leaves no file open when it fails on the way.
func TestForkFails(t *testing.T) {
	dir := buildLog(t, 10, 300)
	flipAt(t, segmentNames(t, dir)[1], 60)
	d := quickDisk()
	create := d.create
	var made []*os.File
	d.create = func(name string) (*os.File, error) {
		f, err := create(name)
		made = append(made, f)
		return f, err
	}
	l := mustOpen(t, dir, Options{disk: d})
	made = nil
	if _, err := Fork(t.Context(), l, 0, quickDir(t), nil); err == nil || len(made) == 0 {
		t.Fatalf("fork of a damaged log: got %v, %d files made", err, len(made))
	}
	for _, f := range made {
		if err := f.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s was left open (%v)", f.Name(), err)
		}
	}
}

func TestForkKeepsLosses(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	c := &copying{dir: t.TempDir(), disk: realDisk(), size: 1 << 20, after: map[Range]Hash{}}
	src, err := Open(ctx, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	first := all(t, src)[0]
	records := []Record{first}
	for seq := Seq(2); seq < 10; seq++ {
		r := first
		r.Seq, r.Mark, r.Time = seq, nil, first.Time.AddDate(0, 0, int(seq))
		r.Lost = seq == 4 || seq == 5 || seq == 9
		if !r.Lost {
			r.Events, r.Digests = [][]byte{[]byte("x"), nil}, make([]Hash, 2)
		}
		if seq == 7 {
			r.Mark = &Mark{LossAccepted: &LossAccepted{From: 4, To: 5, After: Hash{1}}}
		}
		records = append(records, r)
	}
	for _, r := range records {
		if err := c.record(r, &Forked{From: src.ID(), LogID: [16]byte{7}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.finish(records[len(records)-1]); err != nil {
		t.Fatal(err)
	}
	into := t.TempDir()
	if err := c.disk.rename(c.dir, filepath.Join(into, logDir)); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(ctx, into, VerifyOptions{})
	if err != nil || !r.OK() || r.LastSeq != 10 {
		t.Fatalf("%+v %v", r, err)
	}
	want := []Range{{4, 5}, {9, 9}}
	var got []Range
	for _, a := range r.Accepted {
		got = append(got, Range{a.From, a.To})
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("accepted (-got +want):\n%s", d)
	}
}
