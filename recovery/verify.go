package recovery

import (
	"context"
	"errors"
	"time"

	"memlog/index"
	"memlog/wal"
)

// VerifyOptions of Verify. The zero value checks the log, the archive, the snapshots' manifests
// and the index.
type VerifyOptions struct {
	Deep     bool          // replay everything, compare digests with the index, read all snapshots
	Wait     time.Duration // how long to wait for an index that another process has open
	Progress Progress
}

// IndexReport is the part of a Report that is about the index.
type IndexReport struct {
	OK         bool
	Checked    bool // it could be opened; false where another process has it
	Detail     string
	Checkpoint index.Checkpoint
	Digest     [32]byte // over all keys, as it stands; zero unless Deep
	State      [32]byte // state digest as it stands
	Replayed   [32]byte // what Digest should be, by a fresh replay (Deep)
	Anomalies  index.Anomalies
}

// SnapshotProblem names a snapshot that is not as it was made.
type SnapshotProblem struct {
	Name   string
	Detail string
}

// Report is what Verify found.
type Report struct {
	Log       wal.Report
	Index     IndexReport
	Snapshots []SnapshotProblem
	Notes     []string
}

// OK tells whether nothing is damaged.
func (r Report) OK() bool { return r.Log.OK() && r.Index.OK && len(r.Snapshots) == 0 }

// Verify checks the store in dir and changes nothing in it. It takes no lock, so that it works on
// a read-only disk and beside an owner that hangs.
func Verify(ctx context.Context, dir string, o VerifyOptions) (Report, error) {
	return Report{}, errors.ErrUnsupported
}

// Verify is the package's Verify for the process that owns the store.
func (e *Engine) Verify(ctx context.Context, o VerifyOptions) (Report, error) {
	return Report{}, errors.ErrUnsupported
}
