package wal

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sort"
)

// indexEvery is the distance, in records, of the marks in a segment's sparse index.
const indexEvery = 64

// indexMark says where in its file a record begins.
type indexMark struct {
	seq Seq
	off int64
}

// indexKey names an extent of a file.
type indexKey struct {
	path string
	off  int64
}

// Records iterates over the records from..to, both included; to 0 is the head at the time
// of the call. Reading goes on beside appends and never shows a record that is not
// synced. Memory is one record and a buffer. A stretch that cannot be read yields one
// *CorruptionError with its numbers, and the iteration goes on behind it; a break of the
// chain yields one without numbers, before the record that does not fit. Any other error
// ends the iteration.
func (l *Log) Records(from, to Seq) iter.Seq2[Record, error] {
	v := l.view.Load()
	if to == 0 || to > v.head.Seq {
		to = v.head.Seq
	}
	return func(yield func(Record, error) bool) {
		r := &reading{l: l, v: v, next: max(from, 1), to: to, yield: yield}
		r.run()
	}
}

// Read returns one record. ErrNotFound: there is no such number; *CorruptionError: it
// cannot be read.
func (l *Log) Read(seq Seq) (Record, error) {
	if seq == 0 || seq > l.Head().Seq {
		return Record{}, fmt.Errorf("read record %d: %w", seq, ErrNotFound)
	}
	for r, err := range l.Records(seq, seq) {
		return r, err
	}
	return Record{}, fmt.Errorf("read record %d: %w", seq, ErrNotFound)
}

// reading is one iteration.
type reading struct {
	l        *Log
	v        *view
	next, to Seq
	yield    func(Record, error) bool
	before   Position // the record yielded last
	lost     bool     // it was a Lost frame
	stopped  bool
}

func (r *reading) run() {
	for r.next <= r.to && !r.stopped {
		p := r.v.find(r.next)
		if p == nil {
			r.damage(&CorruptionError{Segment: logDir, FromSeq: r.next, ToSeq: r.to,
				Kind: KindMissing, Detail: "no file holds these records"})
			return
		}
		if p.from > r.next {
			r.damage(r.l.hole(p, Range{r.next, min(p.from-1, r.to)}))
			continue
		}
		r.piece(p)
	}
}

// find returns the piece that holds a number, or else the next one behind it.
func (v *view) find(seq Seq) *piece {
	i := sort.Search(len(v.pieces), func(i int) bool { return v.pieces[i].to >= seq })
	if i < len(v.pieces) {
		return &v.pieces[i]
	}
	if v.active != nil && v.active.to >= seq {
		return v.active
	}
	return nil
}

// hole describes numbers that no file holds, with what Open found out about them.
func (l *Log) hole(behind *piece, r Range) *CorruptionError {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.health.Damage {
		if d.FromSeq > 0 && d.FromSeq <= r.From && d.ToSeq >= r.To {
			d.FromSeq, d.ToSeq = r.From, r.To
			return &d
		}
	}
	return &CorruptionError{Segment: behind.file.name, Offset: behind.off, FromSeq: r.From,
		ToSeq: r.To, Kind: KindMissing, Detail: "no file holds these records"}
}

// damage yields an error and goes on behind its numbers.
func (r *reading) damage(e *CorruptionError) {
	r.l.noteDamage(e)
	if e.ToSeq >= r.next {
		r.next, r.before, r.lost = e.ToSeq+1, Position{}, false
	}
	r.stopped = !r.yield(Record{}, e)
}

// piece yields what one piece holds, from next on.
func (r *reading) piece(p *piece) {
	src, off, err := r.l.openPiece(p, r.v, r.next)
	if errors.Is(err, os.ErrNotExist) && r.reload(p) {
		return
	}
	last := min(p.to, r.to)
	if err != nil {
		r.damage(&CorruptionError{Segment: p.file.name, FromSeq: r.next, ToSeq: last,
			Kind: KindUnreadable, Detail: err.Error()})
		return
	}
	defer src.Close()
	s := newScanner(src, off)
	marks := newMarks(p, off)
	bad := CorruptionError{Segment: p.file.name, Offset: p.end, Kind: KindMissing,
		Detail: "the file ends early"}
	for r.next <= last && !r.stopped {
		it, err := s.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				bad.Kind, bad.Detail, bad.Offset = KindUnreadable, err.Error(), s.off
			}
			break
		}
		if it.gap != nil {
			bad.Offset, bad.Kind, bad.Detail = it.off, KindChecksum, it.gap.Error()
			continue
		}
		marks.add(it)
		if it.frame.header.seq > last {
			break
		}
		r.record(&it.frame.record, bad)
	}
	r.l.keepIndex(marks)
	if r.next <= last && !r.stopped {
		bad.FromSeq, bad.ToSeq = r.next, last
		r.damage(&bad)
	}
}

// reload takes the newest view when a file was moved into the archive meanwhile.
func (r *reading) reload(p *piece) bool {
	v := r.l.view.Load()
	q := v.find(r.next)
	if q == nil || q.file.path == p.file.path {
		return false
	}
	r.v = v
	return true
}

// record yields one record, and before it what is missing or does not fit.
func (r *reading) record(rec *Record, bad CorruptionError) {
	if rec.Seq < r.next {
		return
	}
	if rec.Seq > r.next {
		bad.FromSeq, bad.ToSeq = r.next, rec.Seq-1
		r.damage(&bad)
	}
	if !r.stopped && r.before.Seq+1 == rec.Seq && r.before.Seq > 0 && !r.lost &&
		rec.Prev != r.before.Hash {
		r.damage(&CorruptionError{Segment: bad.Segment, Offset: bad.Offset, Kind: KindChain,
			Detail: fmt.Sprintf("record %d names another one before it", rec.Seq)})
	}
	if r.stopped {
		return
	}
	r.before, r.lost, r.next = rec.Position(), rec.Lost, rec.Seq+1
	own(rec.Events)
	r.stopped = !r.yield(*rec, nil)
}

// own moves events into memory of their own, so that they outlive the scanner's.
func own(events [][]byte) {
	n := 0
	for _, e := range events {
		n += len(e)
	}
	mem := make([]byte, 0, n)
	for i, e := range events {
		if e != nil { // of a destroyed one there is nothing
			at := len(mem)
			mem = append(mem, e...)
			events[i] = mem[at:len(mem):len(mem)]
		}
	}
}

// marks returns the sparse index of a piece, as far as it is known.
func (l *Log) marks(p *piece, v *view) []indexMark {
	if p == v.active {
		return v.index
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.indexes[indexKey{p.file.path, p.off}]
}

// nearest returns the mark at, or before, a record; else the piece's begin.
func (l *Log) nearest(p *piece, v *view, seq Seq) indexMark {
	marks := l.marks(p, v)
	if i := sort.Search(len(marks), func(i int) bool { return marks[i].seq > seq }); i > 0 {
		return marks[i-1]
	}
	return indexMark{p.first, p.off}
}

// openPiece opens a piece's file at, or before, a record.
func (l *Log) openPiece(p *piece, v *view, seq Seq) (io.ReadCloser, int64, error) {
	if p.file.archived {
		r, err := p.file.open(0)
		return r, 0, err
	}
	off := l.nearest(p, v, seq).off
	f, err := os.Open(p.file.path)
	if err != nil {
		return nil, 0, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&fileReader{f: f, off: off, end: p.end}, f}, off, nil
}

// marking collects a sparse index while a piece is read from its start.
type marking struct {
	key   indexKey
	on    bool
	count int
	marks []indexMark
}

func newMarks(p *piece, off int64) *marking {
	return &marking{key: indexKey{p.file.path, p.off}, on: off == p.off && !p.file.archived}
}

func (m *marking) add(it item) {
	if m.on && m.count%indexEvery == 0 {
		m.marks = append(m.marks, indexMark{it.frame.header.seq, it.off})
	}
	m.count++
}

// keepIndex remembers the marks if they reach further than what is known.
func (l *Log) keepIndex(m *marking) {
	if !m.on {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(m.marks) > len(l.indexes[m.key]) {
		l.indexes[m.key] = m.marks
	}
}
