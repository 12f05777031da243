package wal

import (
	"errors"
	"fmt"
	"time"
)

// Errors a caller may ask for with errors.Is.
var (
	// ErrBusy: the queue of waiting appends is full, or the caller's context ended while
	// it waited there. Nothing was written; try again.
	ErrBusy = errors.New("log is busy")
	// ErrReadOnly: this handle takes no writes; the text says why and what to run.
	ErrReadOnly = errors.New("log is read-only")
	// ErrNotFound: no record has that number.
	ErrNotFound = errors.New("no such record")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("log is closed")
	// ErrTooLarge: a record is beyond one of the limits of limits.go.
	ErrTooLarge = errors.New("record is too large")
	// ErrNewerFormat: the store was written by a newer memlog.
	ErrNewerFormat = errors.New("store format is newer than this program")
	// ErrNoStore: there is no store in the directory and none may be made.
	ErrNoStore = errors.New("no store")
	// ErrClock: the clock cannot be believed; the text says what to do.
	ErrClock = errors.New("clock is not believed")
	// ErrFailedWrite: a write or a sync failed. What was asked is not in the log, and the
	// log reopens itself at the next Append.
	ErrFailedWrite = errors.New("log write failed")
	// ErrDiskFull: an ErrFailedWrite for want of space, on the disk or in a quota. Nothing is
	// damaged: what was stored stands, and writes are taken again when there is room.
	ErrDiskFull error = diskFull{}
	// ErrLossNotAccepted: repair would give up acknowledged records and was not told to.
	ErrLossNotAccepted = errors.New("acknowledged records would be given up")
)

// diskFull is the type of ErrDiskFull.
type diskFull struct{}

// Error says it in words.
func (diskFull) Error() string { return "the disk is full" }

// Unwrap makes it a failed write.
func (diskFull) Unwrap() error { return ErrFailedWrite }

// DiskFull returns err as an ErrDiskFull where want of space is its cause, and err otherwise.
func DiskFull(err error) error {
	if !isDiskFull(err) || errors.Is(err, ErrDiskFull) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDiskFull, err)
}

// CorruptionError is one place of the log that is not as it was written.
type CorruptionError struct {
	Segment string // file name, relative to the store
	Offset  int64  // first bad byte in it
	FromSeq Seq    // numbers that cannot be read because of it; 0 = not known or none
	ToSeq   Seq
	Kind    string // one of the Kind constants
	Detail  string
}

// Error names the place and the cause.
func (e *CorruptionError) Error() string {
	s := fmt.Sprintf("%s at offset %d: %s: %s", e.Segment, e.Offset, e.Kind, e.Detail)
	switch {
	case e.FromSeq == 0:
	case e.FromSeq == e.ToSeq:
		s += fmt.Sprintf(" (record %d)", e.FromSeq)
	default:
		s += fmt.Sprintf(" (records %d to %d)", e.FromSeq, e.ToSeq)
	}
	return s
}

// Kinds of damage.
const (
	KindChecksum   = "checksum"          // bytes that are no frame, a frame that fails its CRC
	KindDecode     = "decode"            // a frame whose checksum holds and whose content does not
	KindChain      = "chain"             // the previous hash is not that of the record before
	KindOrder      = "order"             // number, epoch or time out of order
	KindMissing    = "missing-segment"   // records whose file is gone
	KindForeign    = "foreign"           // a segment of another log
	KindDuplicate  = "duplicate"         // records that are already there
	KindName       = "name"              // a segment whose name is not its first record's number
	KindSize       = "size"              // a sealed segment whose size or hash is not as sealed
	KindStray      = "stray-file"        // a file that does not belong there
	KindTornAcked  = "torn-acknowledged" // the end of the log is missing and was acknowledged
	KindZeros      = "zeros"             // zero bytes where frames should be
	KindArchive    = "archive"           // an archived file that is not as it was archived
	KindLost       = "lost"              // Lost frames that no LossAccepted covers
	KindHead       = "head"              // HEAD is unreadable
	KindUnreadable = "unreadable"        // the file cannot be read at all
)

// LockedError says who holds the store.
type LockedError struct {
	PID    int
	Holder string
	Waited time.Duration
}

// Error names the holder.
func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	if e.Holder != "" {
		who += " (" + e.Holder + ")"
	}
	return fmt.Sprintf("store is in use by %s; waited %s", who, e.Waited.Round(time.Millisecond))
}
