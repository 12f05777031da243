package wal

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// TestTimes holds what is read from headers alone against whole records, in marked and unmarked
// places and across segments.
func TestTimes(t *testing.T) {
	dir := buildLog(t, 400, 15_000)
	l := mustOpen(t, dir, Options{SegmentSize: 15_000, disk: quickDisk()})
	defer l.Close()
	checkTimes(t, l)
	if v := l.view.Load(); len(l.marks(&v.pieces[0], v)) < 2 {
		t.Fatal("no marks were left behind")
	}
	checkTimes(t, l)
}

func checkTimes(t *testing.T, l *Log) {
	t.Helper()
	v := l.view.Load()
	if len(v.pieces) < 2 || v.active == nil {
		t.Fatalf("%d segments: too few to test with", len(v.pieces))
	}
	for seq := l.Head().Seq; seq >= 1; seq-- {
		r, err := l.Read(seq)
		if err != nil {
			t.Fatal(err)
		}
		if us, ok := l.headerTime(v, seq); !ok || us != r.Time.UnixMicro() {
			t.Fatalf("record %d: got %d %v from its header, want %d", seq, us, ok, r.Time.UnixMicro())
		}
		p := v.find(seq)
		for _, off := range []int64{-1, 0} {
			limit := r.Time.UnixMicro() + off
			got, ok := l.searchTime(v, p.from, p.to, limit)
			want, err := l.scanTime(p.from, p.to, limit)
			if err != nil || !ok || got != want {
				t.Fatalf("record %d%+d µs: got %d %v, want %d %v", seq, off, got, ok, want, err)
			}
		}
	}
}

// TestTimesDamaged: a header that was changed, or one behind it, is not believed.
func TestTimesDamaged(t *testing.T) {
	dir := buildLog(t, 60, 1<<20)
	seg := segmentNames(t, dir)[0]
	l := mustOpen(t, dir, Options{disk: quickDisk()})
	defer l.Close()
	at, err := l.TimeOf(30)
	if err != nil {
		t.Fatal(err)
	}
	whole := readFile(t, seg)
	for _, seq := range []Seq{30, 31} {
		r, err := l.Read(seq)
		if err != nil {
			t.Fatal(err)
		}
		spoiled := bytes.Clone(whole)
		i := bytes.Index(spoiled, r.Prev[:]) // of the record's header
		if i < 0 {
			t.Fatal("no such header")
		}
		spoiled[i+len(r.Prev)+5] ^= 1 // in its time
		spoiled[i] ^= byte(seq & 1)   // of 31, what it says of 30
		writeFile(t, seg, spoiled)
		if us, ok := l.headerTime(l.view.Load(), 30); ok {
			t.Errorf("record %d spoiled: the time of 30 is taken to be %d", seq, us)
		}
		got, err := l.TimeOf(30)
		var damage *CorruptionError
		if seq == 30 && !errors.As(err, &damage) || seq == 31 && (err != nil || !got.Equal(at)) {
			t.Errorf("record %d spoiled: got %v, %v", seq, got, err)
		}
		writeFile(t, seg, whole)
	}
	if _, err := l.TimeOf(99); !errors.Is(err, ErrNotFound) {
		t.Errorf("a record behind the end: got %v", err)
	}
	if got, err := l.SeqAt(at.Add(-time.Microsecond)); err != nil || got != 29 {
		t.Errorf("before 30: got %d, %v", got, err)
	}
}
