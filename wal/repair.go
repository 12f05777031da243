package wal

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// RepairOptions of Repair. The zero value heals what can be healed without loss.
type RepairOptions struct {
	AcceptLoss bool // give up what cannot be healed
	DryRun     bool // report, change nothing
	Witnesses  []Witness
	Progress   func(done, total int64)
	LockWait   time.Duration
	Holder     string
	Logger     *slog.Logger
	Now        func() time.Time
}

// RepairReport is what Repair did, or would do.
type RepairReport struct {
	Kept       uint64   // records that are whole
	Healed     uint64   // records that were brought back from a second copy
	Lost       []Range  // numbers that were given up in this run
	Quarantine []string // files that were set aside, relative to the store
	Notes      []string
}

// Repair makes a damaged store open for writing again.
func Repair(ctx context.Context, dir string, o RepairOptions) (RepairReport, error) {
	return RepairReport{}, errors.ErrUnsupported
}
