package recovery

import (
	"log/slog"
	"time"

	"memlog/index"
	"memlog/projection"
	"memlog/wal"
)

// Limits and waits.
const (
	// InUseWait is how long an opening waits for an index that another process looks at, which
	// only a verify or a read-only opening does while this process has the store's lock.
	InUseWait = 5 * time.Second
	// InUsePoll is how often it tries.
	InUsePoll = 10 * time.Millisecond
	// CloseWait bounds how long Close waits for readers to release the index.
	CloseWait = 5 * time.Second
	// MaxSurvivors bounds the documents that a repair reports as kept in the old index only.
	MaxSurvivors = 10_000
	// MaxVerifyTries is how often Verify reads what is written to while it is read; more often
	// with VerifyOptions.Wait.
	MaxVerifyTries = 5
)

// Progress is told how far long work has come, in the units of its stage; total 0 means unknown.
// It is called from one goroutine at a time and may be nil.
type Progress func(stage string, done, total int64)

// The stages that Progress is told of.
const (
	StageReplay   = "replay"   // records applied to an index
	StageCopy     = "copy"     // records copied to another log
	StageVerify   = "verify"   // bytes of the log read
	StageRepair   = "repair"   // bytes of the log read
	StageSnapshot = "snapshot" // snapshots read
)

// records adapts p to what projection reports.
func (p Progress) records() func(done, total uint64) {
	if p == nil {
		return nil
	}
	return func(done, total uint64) { p(StageReplay, int64(done), int64(total)) }
}

// bytes adapts p to what wal reports.
func (p Progress) bytes(stage string) func(done, total int64) {
	if p == nil {
		return nil
	}
	return func(done, total int64) { p(stage, done, total) }
}

// Options of Open. The zero value works.
type Options struct {
	LockWait    time.Duration // how long to wait for the store's lock; then *wal.LockedError
	Holder      string        // shown to others who wait for the lock
	Logger      *slog.Logger  // nil: discard
	ReadOnly    bool          // changes no byte in the store and takes no lock
	Cause       error         // with ReadOnly: why it cannot be written; nil: it was asked for
	MustExist   bool          // do not make a store: wal.ErrNoStore
	AcceptClock bool          // see wal.Options
	Now         func() time.Time
	Progress    Progress
	SegmentSize int64                       // 0: wal.DefaultSegmentSize
	Text        func(payload []byte) string // see index.Options; nil: projection.Text
	Events      wal.Events                  // what is told of the writing

	after func(step) // tests look at the disk after each write step
}

// step names a write step of the crash matrix in RECOVERY.md.
type step string

// The write steps, in the order in which an operation takes them.
const (
	stepLog       step = "log opened"
	stepFolded    step = "generation filled"
	stepStale     step = "gaps noted"
	stepPromoted  step = "generation promoted"
	stepUnstale   step = "gaps cleared"
	stepSwapped   step = "index swapped"
	stepCopied    step = "snapshot copied"
	stepNamed     step = "snapshot named"
	stepBridged   step = "bridge installed"
	stepInstalled step = "snapshot installed"
	stepMended    step = "log repaired"
	stepEvidence  step = "evidence moved"
)

func (o Options) withDefaults() Options {
	if o.after == nil {
		o.after = func(step) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Text == nil {
		o.Text = projection.Text
	}
	return o
}

func (o Options) wal(ws []wal.Witness) wal.Options {
	return wal.Options{
		LockWait: o.LockWait, Holder: o.Holder, ReadOnly: o.ReadOnly, MustExist: o.MustExist,
		AcceptClock: o.AcceptClock, Now: o.Now, Logger: o.Logger, SegmentSize: o.SegmentSize,
		Witnesses: ws, Cause: o.Cause, Events: o.Events,
	}
}

func (o Options) index() index.Options {
	return index.Options{Logger: o.Logger, Text: o.Text}
}
