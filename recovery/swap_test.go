package recovery

import (
	"errors"
	"testing"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// TestRebuildWhereWritesAreRefused: the writer, which takes no commands any more, still swaps.
func TestRebuildWhereWritesAreRefused(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, newStore(t, 3, 10), testOptions())
	last := segments(t, e.Dir())
	truncate(t, last[len(last)-1], sizeOf(t, last[len(last)-1])+1)
	_, err := e.Append(t.Context(), func(*projection.Projector) (wal.Entry, error) {
		return wal.Entry{Events: encode(t, newHistory(4).command())}, nil
	})
	if !errors.Is(err, wal.ErrReadOnly) {
		t.Fatalf("append: got %v, want ErrReadOnly", err)
	}
	old := e.current()
	if _, err := e.Rebuild(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if e.current() == old {
		t.Error("the old index is still served")
	}
	wantFold(t, e)
}

// TestSwapOverDamage: what an index passes over while it takes its place is noted, and the note
// outlives the rebuild.
func TestSwapOverDamage(t *testing.T) {
	t.Parallel()
	e := mustOpen(t, newStore(t, 5, 20), testOptions())
	flip(t, segments(t, e.Dir())[0], 1500)
	db, err := index.NewGeneration(e.indexDir, e.o.index())
	if err != nil {
		t.Fatal(err)
	}
	next := &generation{db: db}
	if next.p, err = projection.New(db, projection.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := e.follower.replace(next.p); err != nil {
		t.Fatal(err)
	}
	if e.passedOver() != 1 || !isStale(e.indexDir) || len(e.Notes()) == 0 {
		t.Errorf("passed over %d places, stale %v, notes %q", e.passedOver(),
			isStale(e.indexDir), e.Notes())
	}
	if err := next.discard(); err != nil {
		t.Error(err)
	}
}
