package wal

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"
)

// Witness is a position of this log that somebody outside of it saw acknowledged: the
// index's watermark, a snapshot's checkpoint. A log that ends before a witness has lost
// acknowledged records, and Open will not cut anything off it.
type Witness struct {
	Name     string // for messages: "index watermark"
	Position Position
}

// Options of Open. The zero value works.
type Options struct {
	LockWait    time.Duration // how long Open waits for the lock; then *LockedError
	Holder      string        // shown to others who wait for the lock, as "memlog add"
	ReadOnly    bool          // never changes a byte and takes no lock; works on a read-only disk
	Witnesses   []Witness
	Logger      *slog.Logger     // nil: discard
	SegmentSize int64            // 0: DefaultSegmentSize
	Now         func() time.Time // nil: time.Now
	AcceptClock bool             // believe the clock however far it is from the last record
	NewID       func() [16]byte  // nil: a random UUIDv7
	Follower    Follower         // nil: none
	MustExist   bool             // do not create a store: ErrNoStore
	Fork        *Forked          // a new store begins with this mark instead of Created
}

// Follower is the projection that is kept beside the log. All its methods are called on
// the log's writer goroutine only, in sequence order: Stage for each record of a batch,
// then exactly one Commit or Abort. A Stage error fails that one append (its record is
// taken out of the batch before it is written). A Commit error does not undo the
// record, which is durable: it is logged and shown in Health.
type Follower interface {
	Stage(Record) error // the record is framed, not yet durable
	Commit() error      // everything staged is durable: make it visible
	Abort()             // nothing of what was staged became durable
}

// Log is an open log. All methods may be called at the same time.
type Log struct{}

// Open opens or makes the store in dir.
func Open(ctx context.Context, dir string, o Options) (*Log, error) {
	return nil, errors.ErrUnsupported
}

// SetFollower sets the projection; only before the first Append.
func (l *Log) SetFollower(f Follower) {}

// ID returns the log's identity, from record 1.
func (l *Log) ID() [16]byte { return [16]byte{} }

// Dir returns the store directory that was given to Open.
func (l *Log) Dir() string { return "" }

// Head returns the last synced record.
func (l *Log) Head() Position { return Position{} }

// First returns the first record that can be read, archive included.
func (l *Log) First() Seq { return 0 }

// Append runs build on the writer goroutine and makes its entry durable.
func (l *Log) Append(ctx context.Context, build func() (Entry, error)) (Record, error) {
	return Record{}, errors.ErrUnsupported
}

// Records iterates over the records from..to; to 0 is the head at the time of the call.
func (l *Log) Records(from, to Seq) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {}
}

// Read returns one record.
func (l *Log) Read(seq Seq) (Record, error) { return Record{}, ErrNotFound }

// SeqAt returns the last record whose Time is at or before t, 0 if there is none.
func (l *Log) SeqAt(t time.Time) (Seq, error) { return 0, nil }

// Changed returns a channel that is closed at the next commit.
func (l *Log) Changed() <-chan struct{} { return nil }

// Health returns what is wrong, or odd, with the log.
func (l *Log) Health() Health { return Health{} }

// Segments lists the log's files, oldest first.
func (l *Log) Segments() []Segment { return nil }

// Seal ends the active segment and begins the next one.
func (l *Log) Seal() error { return errors.ErrUnsupported }

// Sync makes HEAD durable too.
func (l *Log) Sync() error { return errors.ErrUnsupported }

// Close ends the log after the appends that were accepted.
func (l *Log) Close() error { return nil }
