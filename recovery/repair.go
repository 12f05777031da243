package recovery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"memlog/wal"
)

// RepairOptions of Repair. The zero value heals what can be healed without loss.
type RepairOptions struct {
	AcceptLoss bool // give up what cannot be healed
	DryRun     bool // report, change nothing
	LockWait   time.Duration
	Holder     string
	Logger     *slog.Logger
	Now        func() time.Time
	Progress   Progress
}

// RepairReport is what Repair did, or would do.
type RepairReport struct {
	wal.RepairReport
	Rebuilt  bool       // the index was made anew
	Survived []Survivor // documents that only the old index still holds
	Evidence string     // where that index is kept, relative to the store; empty: nowhere
}

// Survivor is a document whose present state rests on records that were given up, and that the
// index of before the repair still holds.
type Survivor struct {
	ID   [16]byte
	From wal.Seq // the record that made this state
	Text string
}

// Repair makes a damaged store open for writing again, log first, then index.
func Repair(ctx context.Context, dir string, o RepairOptions) (RepairReport, error) {
	return RepairReport{}, errors.ErrUnsupported
}
