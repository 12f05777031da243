package recovery

import (
	"context"
	"errors"

	"memlog/index"
	"memlog/wal"
)

// Fold replays the log up to a record (0: the head at the time of the call) into a throw-away
// index in tmpdir, which must be empty or absent. The caller closes the index and removes tmpdir.
func Fold(ctx context.Context, l *wal.Log, until wal.Seq, tmpdir string, p Progress) (
	*index.DB, error) {
	return nil, errors.ErrUnsupported
}

// ReplayReport is what Replay made.
type ReplayReport struct {
	Records uint64
	Digest  [32]byte // over all keys of the new store's index
	State   [32]byte // state digest
	LogID   [16]byte // of the new store
}

// Replay makes a complete store of its own in the directory into, which must be empty or absent:
// the log up to a record, and its index.
func Replay(ctx context.Context, l *wal.Log, until wal.Seq, into string, p Progress) (
	ReplayReport, error) {
	return ReplayReport{}, errors.ErrUnsupported
}
