package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/robustio"

	"memlog/index"
	"memlog/wal"
)

// ErrNotEmpty: the directory that a replay was asked to make exists and holds something.
var ErrNotEmpty = errors.New("directory is not empty")

// ReplayReport is what Replay made.
type ReplayReport struct {
	Records uint64   // of the log that was copied
	Digest  [32]byte // over all keys of the new store's index
	State   [32]byte // state digest
	LogID   [16]byte // of the new store
}

// Replay makes a complete store of its own in the directory into, which must be empty or absent
// (ErrNotEmpty): the log's records up to until (0: the head) with their numbers, times and events,
// in a new chain that begins with a mark of where they came from, and the index. Its state digest
// is that of l as of until. It is made beside into and renamed when it is whole; a failure leaves
// nothing there. A damaged record is refused (*wal.CorruptionError).
func Replay(ctx context.Context, l *wal.Log, until wal.Seq, into string, p Progress) (
	ReplayReport, error) {
	into, err := filepath.Abs(into)
	if err != nil {
		return ReplayReport{}, fmt.Errorf("replay into %s: %w", into, err)
	}
	if err := mustBeEmpty(into); err != nil {
		return ReplayReport{}, fmt.Errorf("replay into %s: %w", into, err)
	}
	if until == 0 {
		until = l.Head().Seq
	}
	if err := os.MkdirAll(filepath.Dir(into), dirPerm); err != nil {
		return ReplayReport{}, fmt.Errorf("replay into %s: %w", into, err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(into), "."+filepath.Base(into)+".tmp-")
	if err != nil {
		return ReplayReport{}, fmt.Errorf("replay into %s: %w", into, err)
	}
	r, err := replayInto(ctx, l, until, filepath.Join(tmp, "store"), p)
	if err == nil {
		err = install(filepath.Join(tmp, "store"), into)
	}
	if err = errors.Join(err, robustio.RemoveAll(tmp)); err != nil {
		return ReplayReport{}, fmt.Errorf("replay into %s: %w", into, err)
	}
	return r, nil
}

// replayInto makes the copy, and its index by opening it, which is how every index is made.
func replayInto(ctx context.Context, l *wal.Log, until wal.Seq, dir string, p Progress) (
	ReplayReport, error) {
	if _, err := wal.Fork(ctx, l, until, dir, p.bytes(StageCopy)); err != nil {
		return ReplayReport{}, err
	}
	e, err := Open(ctx, dir, Options{MustExist: true, Progress: p})
	if err != nil {
		return ReplayReport{}, err
	}
	r := ReplayReport{Records: uint64(until), LogID: e.Log.ID()}
	err = e.readOnce(func(db *index.DB) (err error) {
		r.Digest, r.State, err = digests(db)
		return err
	})
	return r, errors.Join(err, e.Close())
}

func mustBeEmpty(dir string) error {
	names, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(names) > 0:
		return ErrNotEmpty
	}
	return nil
}

// install renames a whole store into its place.
func install(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // it was empty; a store that came there meanwhile stays
	}
	if err := robustio.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}
