package wal

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
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
	Cause       error         // with ReadOnly: why it cannot be written; nil: it was asked for
	Witnesses   []Witness
	Logger      *slog.Logger     // nil: discard
	SegmentSize int64            // 0: DefaultSegmentSize
	Now         func() time.Time // nil: time.Now
	AcceptClock bool             // believe the clock however far it is from the last record
	NewID       func() [16]byte  // nil: a random UUIDv7
	Follower    Follower         // nil: none
	MustExist   bool             // do not create a store: ErrNoStore
	Fork        *Forked          // a new store begins with this mark instead of Created
	Events      Events           // what is told of the writing

	disk *disk // tests: operations that fail, or are recorded
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.SegmentSize <= 0 {
		o.SegmentSize = DefaultSegmentSize
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = func() [16]byte { return newID(o.Now()) }
	}
	if o.disk == nil {
		o.disk = realDisk()
	}
	return o
}

// newID makes a UUIDv7 (RFC 9562): milliseconds, then random bits.
func newID(now time.Time) (id [16]byte) {
	_, _ = rand.Read(id[:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Follower is the projection that is kept beside the log. All its methods are called on
// the log's writer goroutine only, in sequence order: Stage for each record of a batch,
// then exactly one Commit or Abort. A Stage error fails that one append: the batch is
// aborted and the records before it are staged again. A Commit error does not undo the
// records, which are durable: it is logged and shown in Health, and the follower has to
// catch up by reading the log.
type Follower interface {
	Stage(Record) error // the record is framed, not yet durable
	Commit() error      // everything staged is durable: make it visible
	Abort()             // nothing of what was staged became durable
}

// Log is an open log. All methods may be called at the same time.
type Log struct {
	dir  string
	o    Options
	disk *disk
	id   [16]byte
	view atomic.Pointer[view]
	lock *storeLock // nil: this handle takes no writes
	w    *writer    // nil: this handle takes no writes
	why  error      // where w is nil: what a write is refused with

	queue   chan *request
	control chan func()
	quit    chan struct{}
	done    chan struct{}
	closing sync.RWMutex // guards closed against a send to queue or control
	closed  bool

	mu sync.Mutex
	// mu guards:
	follower Follower
	health   Health
	indexes  map[indexKey][]indexMark
}

// view is what readers see: an immutable state of the log, replaced at each commit.
type view struct {
	pieces  []piece     // all but the active segment, ascending
	active  *piece      // nil while the active segment is empty
	index   []indexMark // of the active segment
	path    string      // of the active segment
	head    Position
	time    int64         // of the last record
	changed chan struct{} // closed when head moves
}

// SetFollower sets the projection that is told of every append from now on. It must be
// called before the first Append.
func (l *Log) SetFollower(f Follower) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.follower = f
}

// Waiting returns how many appends are in the writer's queue.
func (l *Log) Waiting() int { return len(l.queue) }

// ID returns the log's identity, from record 1.
func (l *Log) ID() [16]byte { return l.id }

// Dir returns the store directory that was given to Open.
func (l *Log) Dir() string { return l.dir }

// Head returns the last synced record.
func (l *Log) Head() Position { return l.view.Load().head }

// HeadTime returns the recorded time of the last synced record.
func (l *Log) HeadTime() time.Time { return fromMicro(l.view.Load().time) }

// First returns the first record that can be read, archive included; 0 if there is none.
func (l *Log) First() Seq {
	v := l.view.Load()
	switch {
	case len(v.pieces) > 0:
		return v.pieces[0].from
	case v.active != nil:
		return v.active.from
	}
	return 0
}

// Changed returns a channel that is closed at the next commit. Take it before reading
// Head, or a commit in between is missed. On a read-only handle it never closes.
func (l *Log) Changed() <-chan struct{} { return l.view.Load().changed }

// Health returns what is wrong, or odd, with the log.
func (l *Log) Health() Health {
	free, _ := l.disk.free(l.dir)
	skew := l.o.Now().Sub(l.HeadTime())
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.health
	h.Damage, h.Notes = slices.Clone(h.Damage), slices.Clone(h.Notes)
	h.FreeBytes = free
	if skew > MaxClockAhead || skew < -MaxClockBehind {
		h.ClockSkew = skew
	}
	return h
}

// Writable returns the error that a write would be refused with because this handle takes
// none: an ErrDiskFull or an ErrReadOnly; nil where it takes them. One whose last write failed
// does: it tries again.
func (l *Log) Writable() error {
	if l.w != nil {
		return nil
	}
	return l.why
}

// noteDamage adds what a reader met.
func (l *Log) noteDamage(e *CorruptionError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.health.Damage {
		if d.Segment == e.Segment && d.Offset == e.Offset ||
			e.FromSeq > 0 && d.FromSeq <= e.FromSeq && d.ToSeq >= e.ToSeq {
			return
		}
	}
	l.health.Damage = append(l.health.Damage, *e)
}

func (l *Log) noteFailure(err error) {
	l.o.Logger.Error("log write", "error", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health.Failures++
	l.health.LastError = err.Error()
}

// setReadOnly sets why writes are refused; empty: they are taken again.
func (l *Log) setReadOnly(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health.ReadOnly = why
}

// Segments lists the log's files, oldest first.
func (l *Log) Segments() []Segment {
	v := l.view.Load()
	var all []Segment
	for _, p := range v.pieces {
		s := p.segment()
		if n := len(all); n > 0 && all[n-1].Path == s.Path {
			all[n-1].Last, all[n-1].LastTime = s.Last, s.LastTime
			continue
		}
		all = append(all, s)
	}
	switch {
	case v.active != nil:
		s := v.active.segment()
		s.State = Active
		all = append(all, s)
	case v.path != "":
		first := v.head.Seq + 1
		all = append(all, Segment{Name: segmentName(first), First: first, Last: first - 1,
			State: Active, Path: v.path})
	}
	return all
}

func (p *piece) segment() Segment {
	f := p.file
	s := Segment{Name: segmentName(f.first), First: p.from, Last: p.to, Path: f.path,
		FirstTime: fromMicro(p.firstTime), LastTime: fromMicro(p.lastTime), Bytes: f.size,
		State: Sealed, SHA256: f.sum}
	switch {
	case f.archived:
		s.State = Archived
		if f.entry != nil {
			s.SHA256 = f.entry.SHA256
		}
	case f.line != nil:
		s.SHA256 = f.line.SHA256
	}
	return s
}

// Seal ends the active segment and begins the next one. An empty one stays.
func (l *Log) Seal() error {
	return l.onWriter(context.Background(), func(w *writer) error {
		if w.seg.first > w.last() {
			return nil
		}
		return w.roll()
	})
}

// Sync makes HEAD durable too. Records are durable without it.
func (l *Log) Sync() error {
	return l.onWriter(context.Background(), func(w *writer) error { return w.head.sync() })
}

// onWriter runs a function on the writer goroutine, between two batches.
func (l *Log) onWriter(ctx context.Context, fn func(*writer) error) error {
	if l.w == nil {
		return l.refuse()
	}
	result := make(chan error, 1)
	err := l.take(ctx, func() {
		err := l.w.ready()
		if err == nil {
			err = fn(l.w)
		}
		if err != nil {
			l.w.fail(err)
		}
		result <- err
	})
	if err != nil {
		return err
	}
	return <-result
}

// BetweenBatches runs fn on the writer's goroutine while nothing is staged, also where the last
// write failed, and returns when it has run; fn must not use the log's writing methods. An error
// says that fn was not run: ErrClosed, that of ctx, or what a write is refused with by a handle
// that has no writer.
func (l *Log) BetweenBatches(ctx context.Context, fn func()) error {
	if l.w == nil {
		return l.refuse()
	}
	ran := make(chan struct{})
	if err := l.take(ctx, func() { defer close(ran); fn() }); err != nil {
		return err
	}
	<-ran
	return nil
}

// take hands a function to the writer's goroutine, which runs it between two batches.
func (l *Log) take(ctx context.Context, do func()) error {
	l.closing.RLock()
	defer l.closing.RUnlock()
	if l.closed {
		return ErrClosed
	}
	select {
	case l.control <- do:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the log after the appends that were accepted, and gives the lock back.
// Iterations that are under way go on with what they see. A second Close does nothing.
func (l *Log) Close() error {
	l.closing.Lock()
	if l.closed {
		l.closing.Unlock()
		return nil
	}
	l.closed = true
	l.closing.Unlock()
	var err error
	if l.w != nil {
		close(l.quit)
		<-l.done
		err = l.w.close()
	}
	if l.lock != nil {
		err = joinClose(err, l.lock.f)
	}
	return err
}

func joinClose(err error, c io.Closer) error {
	if e := c.Close(); err == nil {
		return e
	}
	return err
}
