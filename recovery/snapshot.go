package recovery

import (
	"context"
	"errors"
	"time"

	"memlog/wal"
)

// SnapshotInfo describes one snapshot.
type SnapshotInfo struct {
	Name   string // <seq>-<time>, its directory in snapshots/
	Path   string
	Seq    wal.Seq
	Hash   wal.Hash  // chain hash of record Seq
	Time   time.Time // recorded time of record Seq
	Made   time.Time
	Bytes  int64
	OK     bool   // its files are there in full size; Verify reads them
	Reason string // why not
}

// Snapshot makes a full copy of the index at its checkpoint.
func (e *Engine) Snapshot(ctx context.Context) (SnapshotInfo, error) {
	return SnapshotInfo{}, errors.ErrUnsupported
}

// Snapshots lists the snapshots of the store in dir, oldest first. Damaged ones are listed too.
func Snapshots(dir string) ([]SnapshotInfo, error) { return nil, errors.ErrUnsupported }

// PruneSnapshots removes all but the newest keep whole snapshots and returns what it removed, or
// would remove.
func PruneSnapshots(dir string, keep int, dryRun bool) ([]SnapshotInfo, error) {
	return nil, errors.ErrUnsupported
}

// RestoreReport is what RestoreSnapshot did.
type RestoreReport struct {
	Snapshot SnapshotInfo
	Replayed uint64 // records of the log's tail that were applied on top
	Digest   [32]byte
	State    [32]byte
}

// RestoreSnapshot puts a snapshot, brought up to date with the tail of the log, in the place of
// the live index.
func (e *Engine) RestoreSnapshot(ctx context.Context, name string, p Progress) (
	RestoreReport, error) {
	return RestoreReport{}, errors.ErrUnsupported
}
