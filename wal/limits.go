package wal

import "time"

// Format is the store format this package writes. A store names the format a program must
// know to read it and the one it must know to write it; see FORMAT.md.
const Format = 1

// Limits of a record. Append refuses what is beyond them with ErrTooLarge; a reader takes
// a frame that claims more for damage.
const (
	MaxRecord     = 64 << 20 // bytes of a frame
	MaxHeader     = 16 << 20 // bytes of a frame's header
	MaxEvents     = 1 << 18  // events in one record: a bulk delete is one
	MaxID         = 256      // bytes of a request id or group id
	MaxProvenance = 4096     // bytes of each field of Provenance
	MaxNumber     = 1 << 60  // sequence numbers and epochs: what follows one never overflows
)

// Limits and defaults of a log.
const (
	DefaultSegmentSize = 4 << 20 // a segment is sealed when it has grown to this many bytes
	MaxQueue           = 1024    // appends that may wait; the next one gets ErrBusy
	MaxBatch           = 256     // appends that share one sync
	MaxBatchBytes      = 8 << 20 // bytes that share one sync, unless one record has more
	MinFree            = 2 << 20 // free bytes the disk must keep for repair and shutdown
	BallastSize        = 1 << 20 // bytes of the ballast file
	// MaxLost is how many records may be missing before a segment that nothing vouches for:
	// with more, its number is not believed, and no Lost frames are written up to it.
	MaxLost = 1 << 20
)

// Times.
const (
	MinTime        = -62135596800_000000  // µs since 1970: year 1; a record before is damage
	MaxTime        = 253402300799_999999  // µs since 1970: year 9999; a record after is damage
	DefaultWait    = 30 * time.Second     // how long an Append without a deadline may queue
	HeadSyncIdle   = time.Second          // HEAD is fsynced after so long without a write
	LockPoll       = 5 * time.Millisecond // how often a busy lock is tried
	MaxClockAhead  = 366 * 24 * time.Hour // a clock further ahead needs AcceptClock
	MaxClockBehind = 24 * time.Hour       // a clock further behind is shown as skew
)
