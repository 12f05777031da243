package recovery

import (
	"log/slog"
	"time"
)

// Progress is told how far long work has come, in the units of its stage; total 0 means unknown.
// It is called from one goroutine at a time and may be nil.
type Progress func(stage string, done, total int64)

// Options of Open. The zero value works.
type Options struct {
	LockWait    time.Duration // how long to wait for the store's lock; then *wal.LockedError
	Holder      string        // shown to others who wait for the lock
	Logger      *slog.Logger  // nil: discard
	ReadOnly    bool          // changes no byte in the store and takes no lock
	MustExist   bool          // do not make a store: wal.ErrNoStore
	AcceptClock bool          // see wal.Options
	Now         func() time.Time
	Progress    Progress
	SegmentSize int64                       // 0: wal.DefaultSegmentSize
	Text        func(payload []byte) string // see index.Options; nil: projection.Text
}
