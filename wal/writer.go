package wal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"runtime"
	"time"

	engine "github.com/tidwall/wal"
)

// writer appends. It is owned by the goroutine run; nobody else touches it.
type writer struct {
	l      *Log
	disk   *disk
	eng    *engine.Log
	f      *os.File    // the active segment, for sync and size
	info   os.FileInfo // of f: tells a file that was replaced
	head   headFile
	seg    activeSegment
	index  []indexMark
	epoch  uint64
	batch  batch
	ebatch engine.Batch
	lately int // appends in the last batch

	broken   error // the handle is poisoned: reopen before the next write
	refused  error // no reopening helps; a new Open must look at the log
	rolling  bool  // roll was begun and not ended
	lineDone bool  // roll has written the line of the segment it ends
}

// activeSegment is what the writer knows to be synced.
type activeSegment struct {
	file  *segFile
	first Seq
	size  int64
	sum   hash.Hash
	ext   extent // of all its records; last < first while it is empty
}

func (w *writer) last() Seq { return w.seg.ext.last }

// run serves appends until Close, and those that were accepted before it.
func (l *Log) run() {
	defer close(l.done)
	idle := time.NewTimer(HeadSyncIdle)
	defer idle.Stop()
	for {
		select {
		case r := <-l.queue:
			l.w.commit(r)
			idle.Reset(HeadSyncIdle)
		case do := <-l.control:
			do()
		case <-idle.C:
			l.w.idle()
		case <-l.quit:
			l.drain()
			return
		}
	}
}

func (l *Log) drain() {
	for {
		select {
		case r := <-l.queue:
			l.w.commit(r)
		case do := <-l.control:
			do()
		default:
			return
		}
	}
}

// commit stages the request and those that wait behind it, and writes them with one sync.
func (w *writer) commit(first *request) {
	if err := w.ready(); err != nil {
		if first.take() {
			first.done <- result{err: err}
		}
		return
	}
	b := &w.batch
	*b = batch{staged: b.staged[:0], buf: b.buf[:0], next: w.last() + 1, prev: w.seg.ext.hash,
		time: w.seg.ext.lastTime}
	w.gather()
	for r := first; r != nil; r = w.nextWaiting() {
		w.stage(r)
	}
	if len(b.staged) == 0 {
		return
	}
	if err := w.write(); err != nil {
		w.abort(err)
		return
	}
	w.publish()
	w.acknowledge()
	if w.seg.size >= w.l.o.SegmentSize {
		if err := w.roll(); err != nil {
			w.fail(err)
		}
	}
	if cap(b.buf) > MaxBatchBytes {
		b.buf, w.ebatch = nil, engine.Batch{}
	}
}

// gather lets the callers of the last batch queue up again before this one is built:
// else they would share the next sync and not this one.
func (w *writer) gather() {
	before := -1
	for now := len(w.l.queue); w.lately > 1 && now < w.lately && now > before; {
		before = now
		for range w.lately {
			runtime.Gosched()
		}
		now = len(w.l.queue)
	}
	w.lately = 0
}

func (w *writer) nextWaiting() *request {
	if w.lately++; w.lately >= MaxBatch || len(w.batch.buf) >= MaxBatchBytes {
		return nil
	}
	select {
	case r := <-w.l.queue:
		return r
	default:
		return nil
	}
}

// stage builds and frames one request.
func (w *writer) stage(r *request) {
	if !r.take() {
		return
	}
	entry, err := r.build()
	if err == nil && (len(entry.Events) > 0 || entry.Mark != nil) {
		err = w.checkClock() // only what is written needs a clock to be believed
	}
	if err != nil || len(entry.Events) == 0 && entry.Mark == nil {
		r.done <- result{err: err}
		return
	}
	if err := w.put(r, entry); err != nil {
		r.done <- result{err: err}
	}
}

// checkClock refuses a clock that runs far ahead of the log, and begins a new era when
// one that is far behind it is to be believed.
func (w *writer) checkClock() error {
	b, o := &w.batch, &w.l.o
	now := o.Now()
	ahead := now.Sub(fromMicro(b.time))
	if w.last() == 0 {
		return nil
	}
	if ahead > MaxClockAhead && !o.AcceptClock {
		return fmt.Errorf("append: %w: it says %s, the last record is of %s; if the clock is "+
			"right, accept it (--accept-clock)", ErrClock, now.Format(time.RFC3339),
			fromMicro(b.time).Format(time.RFC3339))
	}
	if ahead < -MaxClockBehind && o.AcceptClock {
		return w.put(nil, Entry{Mark: &Mark{ClockCorrected: &ClockCorrected{fromMicro(b.time)}}})
	}
	return nil
}

func (w *writer) follower() Follower {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	return w.l.follower
}

func (w *writer) follow(rec Record) error {
	if f := w.follower(); f != nil {
		return f.Stage(rec)
	}
	return nil
}

// restage gives the follower the records of the batch again, after it refused one.
func (w *writer) restage() {
	f := w.follower()
	f.Abort()
	for _, s := range w.batch.staged {
		if err := f.Stage(s.record); err != nil {
			w.abort(fmt.Errorf("apply record %d: %w", s.record.Seq, err))
			w.batch = batch{next: w.last() + 1, prev: w.seg.ext.hash, time: w.seg.ext.lastTime}
			return
		}
	}
}

// write appends the batch and syncs it.
func (w *writer) write() error {
	b := &w.batch
	if err := w.checkSpace(int64(len(b.buf))); err != nil {
		return err
	}
	begin := time.Now()
	w.ebatch.Clear()
	at := 0
	for _, s := range b.staged {
		frame := b.buf[at:s.end]
		w.ebatch.Write(uint64(s.record.Seq), frame[prefixSize(frame):])
		at = s.end
	}
	if err := w.eng.WriteBatch(&w.ebatch); err != nil {
		return w.fail(fmt.Errorf("write: %w", err))
	}
	// The commit point: what is synced here survives, and nothing is acknowledged before.
	if err := w.disk.sync(w.f); err != nil {
		return w.fail(fmt.Errorf("sync: %w", err))
	}
	w.l.o.Events.synced(len(b.staged), len(b.buf), time.Since(begin))
	last := b.staged[len(b.staged)-1].record.Position()
	w.seg.sum.Write(b.buf)
	w.advance()
	err := w.head.write(headMark{Position: last, segment: w.seg.first, end: w.seg.size})
	if err != nil {
		// The records are durable; HEAD lags, which it may.
		w.l.noteFailure(fmt.Errorf("write HEAD: %w", err))
	}
	return nil
}

// advance takes the synced batch into the active segment's extent and index.
func (w *writer) advance() {
	at := 0
	e := &w.seg.ext
	for i := range w.batch.staged {
		s := &w.batch.staged[i]
		r := &s.record
		us := r.Time.UnixMicro()
		if e.last < w.seg.first {
			e.first, e.prev, e.firstTime, e.firstEpoch = r.Seq, r.Prev, us, r.Epoch
		}
		if uint64(r.Seq-w.seg.first)%indexEvery == 0 {
			w.index = append(w.index, indexMark{r.Seq, w.seg.size + int64(at)})
		}
		e.last, e.hash, e.lastTime, e.epoch, e.endsLost = r.Seq, r.Hash, us, r.Epoch, false
		if r.Mark != nil {
			e.addMark(&header{seq: r.Seq, time: us}, r.Mark)
		}
		at = s.end
	}
	w.seg.size += int64(len(w.batch.buf))
	e.end = w.seg.size
}

// publish shows readers the synced state.
func (w *writer) publish() {
	old := w.l.view.Load()
	v := w.newView(old.pieces)
	v.changed = make(chan struct{})
	w.l.view.Store(v)
	close(old.changed)
}

func (w *writer) newView(pieces []piece) *view {
	e := w.seg.ext
	v := &view{pieces: pieces, index: w.index, path: w.seg.file.path,
		head: Position{e.last, e.hash}, time: e.lastTime}
	if e.last >= w.seg.first {
		file := *w.seg.file
		file.size, e.file = w.seg.size, &file
		v.active = &piece{&e, e.first, e.last}
	}
	return v
}

// acknowledge makes the follower show the batch and answers everybody in it.
func (w *writer) acknowledge() {
	if f := w.follower(); f != nil {
		if err := f.Commit(); err != nil {
			w.l.noteFailure(fmt.Errorf("commit to the index: %w", err))
		}
	}
	for i := range w.batch.staged {
		s := &w.batch.staged[i]
		if s.request != nil {
			s.request.done <- result{record: s.record}
		}
		s.request, s.record = nil, Record{}
	}
}

// abort answers everybody in the batch with the error that stopped it.
func (w *writer) abort(err error) {
	if f := w.follower(); f != nil {
		f.Abort()
	}
	for _, s := range w.batch.staged {
		if s.request != nil {
			s.request.done <- result{err: err}
		}
	}
}

// prefixSize returns how many bytes the length prefix of a frame takes.
func prefixSize(b []byte) int {
	n := 1
	for b[n-1] >= 0x80 {
		n++
	}
	return n
}

// idle runs when nothing was written for a while.
func (w *writer) idle() {
	if w.broken != nil || w.refused != nil {
		return
	}
	if err := w.head.sync(); err != nil {
		w.l.noteFailure(fmt.Errorf("sync HEAD: %w", err))
	}
	w.keepBallast()
}

// close ends the writing; the log is whole whatever happens here. What a failed write left
// behind the end is cut off, since its callers were told that it is not in the log.
func (w *writer) close() error {
	if w.broken != nil && w.refused == nil && !w.rolling {
		if err := w.reopen(); err != nil {
			w.l.noteFailure(fmt.Errorf("cut off a failed write: %w", err))
		}
	}
	err := w.head.sync()
	w.closeFiles()
	return errors.Join(err, w.head.f.Close())
}

func (w *writer) closeFiles() {
	if w.eng != nil {
		if w.eng.Close() != nil {
			// Its Close stops at a failed sync; the kernel reports that only once.
			_ = w.eng.Close()
		}
		w.eng = nil
	}
	if w.f != nil {
		_ = w.f.Close()
		w.f = nil
	}
}

// openEngine opens the active segment for appending. Everything in log/ was verified, or
// is not the last file, before tidwall/wal sees it.
func (w *writer) openEngine() error {
	dir := filepath.Join(w.l.dir, logDir)
	eng, err := engine.Open(dir, &engine.Options{NoSync: true, AllowEmpty: true, NoCopy: true,
		SegmentSize: maxInt, SegmentCacheSize: 1, DirPerms: dirPerm, FilePerms: filePerm})
	if err != nil {
		return fmt.Errorf("open engine: %w", err)
	}
	w.eng = eng
	last, err := eng.LastIndex()
	if err != nil || Seq(last) != w.last() {
		w.closeFiles()
		return fmt.Errorf("open engine: its last record is %d, the log's is %d", last, w.last())
	}
	if w.f, err = os.OpenFile(w.seg.file.path, os.O_RDWR, filePerm); err != nil {
		w.closeFiles()
		return err
	}
	if w.info, err = w.f.Stat(); err != nil {
		w.closeFiles()
	}
	return err
}

const maxInt = int(^uint(0) >> 1)

func newSum() hash.Hash { return sha256.New() }
