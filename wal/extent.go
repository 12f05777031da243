package wal

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// extent is a stretch of whole frames in one file, each chained to the one before.
type extent struct {
	file        *segFile
	off, end    int64
	first, last Seq
	prev, hash  Hash // before the first record, of the last one
	firstTime   int64
	lastTime    int64
	firstEpoch  uint64
	epoch       uint64 // of the last record
	eras        []era
	lost        []Range // the losses that Lost frames in here belong to
	endsLost    bool    // the last record is a Lost frame
	accepted    []LossAccepted
	records     uint64       // whole records, Lost frames not counted
	synced      Seq          // the highest number a record in here vouches for
	id          *[16]byte    // log id, where record 1 is in here
	at          map[Seq]Hash // the hashes at numbers that witnesses know
	vouched     bool         // a witness knows one of the hashes
	denied      bool         // a witness knows another hash for one of the numbers
	foreign     bool
	chosen      bool
	group       int // set by assemble: extents that are linked have the same
}

// segFile is one segment file, in log/ or in the archive.
type segFile struct {
	name     string // relative to the store, for messages
	path     string
	archived bool
	first    Seq // by its name
	size     int64
	line     *sealedLine   // of log/ files: what sealed.jsonl says
	entry    *ArchiveEntry // of archived files: what the manifest says
	walked   bool
	sum      Hash // SHA-256 of the bytes, if it was walked
	read     resumption
	stored   Hash // SHA-256 of the compressed file, if it was walked
	extents  []*extent
	gaps     []gap
	broken   string // the file cannot be read, and why
	gone     bool   // it was there a moment ago
}

// resumption is what a walk leaves for who goes on writing where it ended.
type resumption struct {
	size  int64       // bytes that were read
	sum   hash.Hash   // of them, not ended
	index []indexMark // of the frames among them
}

// gap is a stretch of a file that is no frame, or (off == end) a place where frames follow
// each other that should not.
type gap struct {
	off, end int64
	after    int // how many extents of the file are before it
	kind     string
	detail   string
}

// isTail tells whether the gap reaches to the end of the file.
func (f *segFile) isTail(g gap) bool { return g.end == f.size && g.after == len(f.extents) }

func (f *segFile) lastExtent() *extent {
	if len(f.extents) == 0 {
		return nil
	}
	return f.extents[len(f.extents)-1]
}

// fromLine is the extent of a sealed segment that was not walked.
func (f *segFile) fromLine(l *sealedLine) *extent {
	return &extent{
		file: f, end: l.Bytes, first: l.First, last: l.Last, prev: l.Prev, hash: l.LastHash,
		firstTime: l.FirstTime, lastTime: l.LastTime, epoch: l.Epoch, eras: l.Eras,
		records: uint64(l.Last-l.First) + 1, synced: l.Last, vouched: true,
		endsLost: l.EndsLost, at: map[Seq]Hash{l.Last: l.LastHash},
	}
}

// toLine is what sealed.jsonl says of a walked, complete file.
func (f *segFile) toLine() sealedLine {
	a, b := f.extents[0], f.lastExtent()
	l := sealedLine{First: a.first, Last: b.last, Bytes: f.size, SHA256: f.sum, Prev: a.prev,
		LastHash: b.hash, FirstTime: a.firstTime, LastTime: b.lastTime, Epoch: b.epoch,
		EndsLost: b.endsLost}
	for _, e := range f.extents {
		l.Eras = append(l.Eras, e.eras...)
	}
	return l
}

// walk reads the whole segment. anchors are the hashes that witnesses know.
func (f *segFile) walk(r io.Reader, anchors map[Seq][]Hash) {
	f.walked, f.extents, f.gaps = true, nil, nil
	f.read = resumption{sum: newSum()}
	size := &countWriter{w: f.read.sum}
	s := newScanner(io.TeeReader(r, size), 0)
	for {
		it, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			f.broken = err.Error()
			break
		}
		f.add(it, anchors)
	}
	f.size, f.read.size = size.n, size.n
	f.read.sum.Sum(f.sum[:0])
}

func (f *segFile) add(it item, anchors map[Seq][]Hash) {
	if it.gap != nil {
		kind := KindChecksum
		switch {
		case it.zeros:
			kind = KindZeros
		case errors.Is(it.gap, errContent):
			kind = KindDecode
		}
		f.gaps = append(f.gaps, gap{it.off, it.end, len(f.extents), kind, it.gap.Error()})
		return
	}
	e := f.lastExtent()
	behindGap := len(f.gaps) > 0 && f.gaps[len(f.gaps)-1].after == len(f.extents)
	if e == nil || behindGap || !f.continues(e, it) {
		e = newExtent(f, it)
		f.extents = append(f.extents, e)
	}
	e.add(it, anchors)
	if uint64(e.last-f.first)%indexEvery == 0 {
		f.read.index = append(f.read.index, indexMark{e.last, it.off})
	}
}

// continues tells whether the frame belongs to the extent, and notes the place if it does
// not.
func (f *segFile) continues(e *extent, it item) bool {
	r := &it.frame.record
	note := func(kind, format string, args ...any) bool {
		f.gaps = append(f.gaps,
			gap{it.off, it.off, len(f.extents), kind, fmt.Sprintf(format, args...)})
		return false
	}
	switch {
	case r.Seq != e.last+1:
		return note(KindOrder, "record %d follows record %d", r.Seq, e.last)
	case r.Prev != e.hash:
		if e.endsLost {
			// What was lost was named by its hash; assemble looks for LossAccepted.
			return false
		}
		return note(KindChain, "record %d names another one before it", r.Seq)
	}
	if why := orderProblem(e, &it.frame); why != "" {
		note(KindOrder, "%s", why)
		return false
	}
	return true
}

// orderProblem tells what is wrong with epoch or time of a frame that follows e.
func orderProblem(e *extent, f *frame) string {
	h := &f.header
	corrected := h.mark != nil && h.mark.ClockCorrected != nil
	switch {
	case h.epoch < e.epoch:
		return fmt.Sprintf("epoch of record %d goes back from %d to %d: two writers",
			h.seq, e.epoch, h.epoch)
	case h.time <= e.lastTime && !corrected && !e.endsLost && h.lost == nil:
		return fmt.Sprintf("time of record %d is not after that of record %d", h.seq, e.last)
	}
	return ""
}

func newExtent(f *segFile, it item) *extent {
	h := &it.frame.header
	return &extent{file: f, off: it.off, first: h.seq, prev: h.prev, firstTime: h.time,
		firstEpoch: h.epoch}
}

func (e *extent) add(it item, anchors map[Seq][]Hash) {
	h, r := &it.frame.header, &it.frame.record
	e.end, e.last, e.hash, e.lastTime, e.epoch = it.end, h.seq, r.Hash, h.time, h.epoch
	e.endsLost = r.Lost
	if r.Lost {
		if n := len(e.lost); n == 0 || e.lost[n-1] != *h.lost {
			e.lost = append(e.lost, *h.lost)
		}
	} else {
		e.records++
		e.synced = max(e.synced, h.synced())
	}
	if known := anchors[h.seq]; len(known) > 0 && !r.Lost {
		if e.at == nil {
			e.at = map[Seq]Hash{}
		}
		e.at[h.seq] = r.Hash
		if slices.Contains(known, r.Hash) {
			e.vouched = true
		} else {
			e.denied = true
		}
	}
	if m := h.mark; m != nil {
		e.addMark(h, m)
	}
}

func (e *extent) addMark(h *header, m *Mark) {
	switch {
	case m.Created != nil && h.seq == 1:
		e.id = &m.Created.LogID
	case m.Forked != nil && h.seq == 1:
		e.id = &m.Forked.LogID
	case m.LossAccepted != nil:
		e.accepted = append(e.accepted, *m.LossAccepted)
	case m.ClockCorrected != nil:
		e.eras = append(e.eras, era{h.seq, h.time})
	}
}

// countWriter counts what passes through.
type countWriter struct {
	w io.Writer
	n int64
}

// Write passes the bytes on.
func (c *countWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
