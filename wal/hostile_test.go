package wal

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHostileTimes: a record whose time could not be followed by another one, or shown, is damage.
func TestHostileTimes(t *testing.T) {
	for _, us := range []int64{math.MinInt64, MinTime - 1, MaxTime + 1, math.MaxInt64} {
		for _, spoil := range []func(*header){
			func(h *header) { h.time = us },
			func(h *header) { h.wall = us },
		} {
			c := newCrafted(3)
			spoil(&c.headers[2])
			dir, _ := c.write(t)
			rep := mustVerify(t, dir)
			if rep.Records != 2 || rep.Head.Seq != 2 {
				t.Errorf("time %d: got %+v, want two records", us, rep)
			}
		}
	}
	for _, us := range []int64{MinTime, MaxTime} {
		h := header{seq: 1, epoch: 1, time: us, wall: us, mark: &Mark{}}
		if got, err := decodeHeader(h.encode()); err != nil || got.time != us {
			t.Errorf("time %d: got %d, %v", us, got.time, err)
		}
	}
	for _, h := range []header{{seq: MaxNumber + 1, epoch: 1}, {seq: 1, epoch: MaxNumber + 1}} {
		if _, err := decodeHeader(h.encode()); err == nil {
			t.Errorf("record %d of epoch %d was read", h.seq, h.epoch)
		}
	}
}

// TestTimeAtTheEnd: behind a record at the last moment there is no time for another one.
func TestTimeAtTheEnd(t *testing.T) {
	c := newCrafted(3)
	c.headers[2].time = MaxTime
	dir, _ := c.write(t)
	l := mustOpen(t, dir, Options{disk: quickDisk()})
	if _, err := l.Append(context.Background(), entry("x")); !errors.Is(err, ErrClock) {
		t.Errorf("append: got %v, want ErrClock", err)
	}
	l.Close()
	far := time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := Open(context.Background(), quickDir(t),
		Options{disk: quickDisk(), Now: func() time.Time { return far }})
	if !errors.Is(err, ErrClock) {
		t.Errorf("open in the year 12000: got %v, want ErrClock", err)
	}
}

// TestHostileNumber: with HEAD gone, a segment with an absurd number, beside a log or alone, is
// not believed: it goes to quarantine, and no Lost frames are written up to it.
func TestHostileNumber(t *testing.T) {
	for _, alone := range []bool{false, true} {
		for _, number := range []Seq{MaxLost + 100, 1 << 40, MaxNumber} {
			dir := farSegment(t, number, alone)
			rep := mustVerify(t, dir)
			foreign := func(p CorruptionError) bool { return p.Kind == KindForeign }
			if !slices.ContainsFunc(rep.Problems, foreign) {
				t.Fatalf("number %d: verify: got %v", number, rep.Problems)
			}
			l := mustOpen(t, dir, Options{disk: quickDisk()})
			if why := l.Health().ReadOnly; !strings.Contains(why, repairHint) {
				t.Errorf("number %d: open: read-only because %q", number, why)
			}
			l.Close()
			r, err := Repair(context.Background(), dir,
				RepairOptions{AcceptLoss: true, disk: quickDisk()})
			if err != nil || len(r.Lost) > 0 || len(r.Quarantine) != 1 {
				t.Errorf("number %d: repair: got %+v, %v", number, r, err)
			}
			if rep = mustVerify(t, dir); !rep.OK() || len(rep.Accepted) > 0 {
				t.Errorf("number %d: verify after repair: got %+v", number, rep)
			}
			l = mustOpen(t, dir, Options{disk: quickDisk(), AcceptClock: true})
			mustAppend(t, l, "more")
			l.Close()
		}
	}
}

// farSegment makes a log without HEAD, and a sound segment that begins with a number.
func farSegment(t *testing.T, number Seq, alone bool) string {
	t.Helper()
	dir, _ := newCrafted(3).write(t)
	if alone {
		if err := os.Remove(segmentPath(dir, 1)); err != nil {
			t.Fatal(err)
		}
		s := storeFormat{reads: Format, writes: Format, id: [16]byte{1}}
		writeFile(t, filepath.Join(dir, formatName), s.encode())
	}
	h := header{seq: number, epoch: 3, prev: Hash{7}, time: 5000, wall: 5000, mark: &Mark{}}
	writeFile(t, segmentPath(dir, number), appendFrame(nil, 0, h.encode(), nil))
	return dir
}
