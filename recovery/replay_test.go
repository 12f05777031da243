package recovery

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"memlog/projection"
	"memlog/wal"
)

// stateAsOf is the state digest of the live index as of a record, by a scan.
func stateAsOf(t testing.TB, e *Engine, seq wal.Seq) [32]byte {
	t.Helper()
	db, release := e.Index()
	defer release()
	v, err := db.At(uint64(seq))
	if err != nil {
		t.Fatal(err)
	}
	d, err := projection.StateDigest(v)
	if err = errors.Join(err, v.Close()); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestReplayEveryRecord: for each moment, looking back, folding and a store of its own agree.
func TestReplayEveryRecord(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 301, 15)
	e := mustOpen(t, dir, testOptions())
	for seq := wal.Seq(1); seq <= e.Log.Head().Seq; seq++ {
		want := stateAsOf(t, e, seq)
		db, err := Fold(t.Context(), e.Log, seq, filepath.Join(t.TempDir(), "fold"), nil)
		if err != nil {
			t.Fatalf("fold until %d: %v", seq, err)
		}
		if got := sumsOf(t, db).state; got != want {
			t.Errorf("fold until %d: state %x, want %x", seq, got[:4], want[:4])
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		into := filepath.Join(t.TempDir(), "copy")
		r, err := Replay(t.Context(), e.Log, seq, into, nil)
		if err != nil {
			t.Fatalf("replay until %d: %v", seq, err)
		}
		if r.State != want || r.Records != uint64(seq) {
			t.Errorf("replay until %d: %d records, state %x, want %x",
				seq, r.Records, r.State[:4], want[:4])
		}
		if r.LogID == e.Log.ID() {
			t.Errorf("replay until %d: the copy has the log id of its source", seq)
		}
		if seq == e.Log.Head().Seq {
			served(t, into)
		}
	}
}

// TestReplayInto: nothing that is there is touched, and a failure leaves nothing.
func TestReplayInto(t *testing.T) {
	t.Parallel()
	dir := newStore(t, 302, 15)
	e := mustOpen(t, dir, testOptions())
	parent := t.TempDir()
	into := filepath.Join(parent, "copy")
	if _, err := Replay(t.Context(), e.Log, 0, dir, nil); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("replay over a store: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Replay(ctx, e.Log, 0, into, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("replay with an ended context: got %v", err)
	}
	mustClose(t, e)
	damaged := clone(t, dir)
	flipRecord(t, damaged, 7)
	d := mustOpen(t, damaged, testOptions())
	if _, err := Replay(t.Context(), d.Log, 0, into, nil); !isDamage(err) {
		t.Errorf("replay of a damaged log: got %v", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("failures left %v: %v", left, err)
	}
	if _, err := Replay(t.Context(), d.Log, 6, into, nil); err != nil {
		t.Errorf("replay until before the damage: %v", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
		t.Errorf("beside the copy there is %v: %v", left, err)
	}
	empty := t.TempDir()
	if _, err := Replay(t.Context(), d.Log, 6, empty, nil); err != nil {
		t.Errorf("replay into an empty directory: %v", err)
	}
	served(t, empty)
}
