package wal

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// request is one waiting Append.
type request struct {
	build func() (Entry, error)
	state atomic.Int32 // waiting, then taken or given up
	began time.Time    // its turn came; set before done is sent to
	done  chan result
}

// take gives a request its turn; false where it was given up.
func (r *request) take() bool {
	if !r.state.CompareAndSwap(waiting, taken) {
		return false
	}
	r.began = time.Now()
	return true
}

type result struct {
	record Record
	err    error
}

// States of a request.
const (
	waiting = iota
	taken
	givenUp
)

// Append runs build on the writer goroutine and makes its entry durable: when Append
// returns without an error, the record is fsynced and the follower has it.
//
// build runs alone, in the order of the log, after everything staged before it; it must
// not call Append. What it returns as error is returned as it is, and nothing is written.
// An entry with neither events nor mark is "nothing to do": Append returns a zero Record
// and no error, and nothing is written. The entry's events belong to the log from then on.
//
// Waiting callers share one write and one sync. Append waits its turn until ctx ends, or
// for DefaultWait where ctx has no deadline, and then returns ErrBusy; once build has been
// called it waits for the outcome, whatever ctx says.
func (l *Log) Append(ctx context.Context, build func() (Entry, error)) (Record, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultWait)
		defer cancel()
	}
	r := &request{build: build, done: make(chan result, 1)}
	asked := time.Now()
	if err := l.enqueue(r); err != nil {
		l.o.Events.waited(time.Since(asked), err)
		return Record{}, err
	}
	var res result
	select {
	case res = <-r.done:
	case <-ctx.Done():
		if r.state.CompareAndSwap(waiting, givenUp) {
			err := fmt.Errorf("append: %w: %w", ErrBusy, ctx.Err())
			l.o.Events.waited(time.Since(asked), err)
			return Record{}, err
		}
		res = <-r.done
	}
	l.o.Events.waited(r.began.Sub(asked), nil)
	return res.record, res.err
}

func (l *Log) enqueue(r *request) error {
	if l.w == nil {
		return l.refuse()
	}
	l.closing.RLock()
	defer l.closing.RUnlock()
	if l.closed {
		return ErrClosed
	}
	select {
	case l.queue <- r:
		return nil
	default:
		return fmt.Errorf("append: %w: %d are waiting", ErrBusy, MaxQueue)
	}
}

// refuse is the error of a write on a handle that takes none.
func (l *Log) refuse() error {
	return fmt.Errorf("append: %w", l.why)
}

// batch is what shares one sync.
type batch struct {
	staged []staged
	buf    []byte // the frames with their length prefixes
	next   Seq
	prev   Hash
	time   int64
}

// staged is one framed record and who waits for it (nobody, for the log's own marks).
type staged struct {
	request *request
	record  Record
	end     int // in buf
}

// put frames an entry, shows it to the follower and takes it into the batch; where either
// fails the batch is as before. Nobody waits for an entry of the log's own: r is nil.
func (w *writer) put(r *request, entry Entry) error {
	b := &w.batch
	before, at := *b, len(b.buf)
	rec, err := w.add(entry)
	if err != nil {
		return err
	}
	if err := w.follow(rec); err != nil {
		staged := b.staged
		*b = before
		b.staged, b.buf = staged, b.buf[:at]
		w.restage()
		return fmt.Errorf("apply record %d: %w", rec.Seq, err)
	}
	b.staged = append(b.staged, staged{r, rec, len(b.buf)})
	return nil
}

// add frames an entry as the next record of the batch.
func (w *writer) add(e Entry) (Record, error) {
	if err := e.check(); err != nil {
		return Record{}, err
	}
	b := &w.batch
	wall := w.l.o.Now().UnixMicro()
	h := header{seq: b.next, epoch: w.epoch, prev: b.prev, time: max(wall, b.time+1), wall: wall,
		requestID: e.RequestID, groupID: e.GroupID, provenance: e.Provenance, mark: e.Mark,
		batch: uint64(len(b.staged))}
	if e.Mark != nil && e.Mark.ClockCorrected != nil {
		h.time = wall
	}
	if !believable(h.time) || !believable(wall) {
		return Record{}, fmt.Errorf("append: %w: it is outside of the years 1 to 9999, or the "+
			"last record is at their end", ErrClock)
	}
	body, digests := sealEvents(e.Events, func(salt []byte) { _, _ = rand.Read(salt) })
	h.digests = digests
	raw := h.encode()
	if n := frameFixed + len(raw) + len(body); n > MaxRecord || len(raw) > MaxHeader {
		return Record{}, fmt.Errorf("%w: %d bytes, at most %d in a record and %d in its header",
			ErrTooLarge, n, MaxRecord, MaxHeader)
	}
	b.buf = appendFrame(b.buf, 0, raw, body)
	r := h.record(raw)
	r.Events = e.Events
	b.next, b.prev, b.time = h.seq+1, r.Hash, h.time
	return r, nil
}

// check holds an entry against the limits.
func (e *Entry) check() error {
	if len(e.Events) > MaxEvents {
		return fmt.Errorf("%w: %d events, at most %d", ErrTooLarge, len(e.Events), MaxEvents)
	}
	for i, event := range e.Events {
		if len(event) == 0 {
			return fmt.Errorf("append: event %d is empty", i)
		}
	}
	if err := checkText("request id", e.RequestID, MaxID); err != nil {
		return err
	}
	if err := checkText("group id", e.GroupID, MaxID); err != nil {
		return err
	}
	for _, f := range provenanceFields(&e.Provenance) {
		if err := checkText("provenance", *f, MaxProvenance); err != nil {
			return err
		}
	}
	return nil
}

func checkText(what, s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("%w: %s of %d bytes, at most %d", ErrTooLarge, what, len(s), limit)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("append: %s is not UTF-8", what)
	}
	return nil
}
