package projection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"memlog/wal"
	"memlog/wal/event"
)

// mixed is a history of records with no event, one, several chunks of them, and large ones.
func mixed(t testing.TB) history {
	n := 0
	stored := func(count, size int) (events []event.Event) {
		for range count {
			n++
			m := memory(n, fmt.Sprintf("memory %d %s", n, bytes.Repeat([]byte("word "), size/5)))
			m.ID[1] = byte(n >> 8)
			events = append(events, event.Stored{Memory: m})
		}
		return events
	}
	lists := [][]event.Event{stored(1, 9), nil, stored(3*prepareEvents+1, 9), stored(3, chunkBytes)}
	for range 2*prepareEvents + 1 {
		lists = append(lists, stored(1, 9))
	}
	return records(t, append(lists, stored(2*prepareEvents, 9), stored(1, 9))...)
}

// TestCatchupAhead: what is prepared ahead comes to what records applied one by one come to.
func TestCatchupAhead(t *testing.T) {
	h := mixed(t)
	one, ahead := openMem(t), openMem(t)
	defer closeAll(t, one)
	defer closeAll(t, ahead)
	applyAll(t, one, h, 1)
	p, err := New(ahead, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []int{1, 3, 10, len(h)} { // some are in the index already
		rep, err := p.Catchup(context.Background(), from1(h), wal.Seq(to), nil)
		if err != nil || rep.Applied != uint64(to) {
			t.Fatalf("to %d: applied %d, %v", to, rep.Applied, err)
		}
	}
	if got, want := indexDigest(t, ahead), indexDigest(t, one); got != want {
		t.Errorf("digest %s, one by one %s", got, want)
	}
}

// from1 hands out all records, whatever was asked for.
type from1 history

func (h from1) Records(_, to wal.Seq) iter.Seq2[wal.Record, error] {
	return history(h).Records(1, to)
}

// TestCatchupStops: an error of the log ends a catch-up behind the records before it, and nobody
// reads on.
func TestCatchupStops(t *testing.T) {
	h := mixed(t)
	broken := errors.New("no more of the log")
	for _, at := range []int{0, 1, 3, len(h) - 2} {
		db := openMem(t)
		p, err := New(db, Options{})
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		log := logFunc(func(yield func(wal.Record, error) bool) {
			for i, r := range h {
				read++
				if i == at {
					yield(wal.Record{}, broken)
					return
				}
				if !yield(r, nil) {
					return
				}
			}
		})
		rep, err := p.Catchup(context.Background(), log, 0, nil)
		if !errors.Is(err, broken) || rep.Applied != uint64(at) {
			t.Errorf("broken at %d: applied %d, %v", at, rep.Applied, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := p.Catchup(ctx, h, 0, nil); at < len(h) && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		closeAll(t, db)
	}
}

type logFunc func(yield func(wal.Record, error) bool)

func (f logFunc) Records(_, _ wal.Seq) iter.Seq2[wal.Record, error] {
	return iter.Seq2[wal.Record, error](f)
}
