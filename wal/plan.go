package wal

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"os"
	"slices"
)

// plan is what repair has to do, going by a full catalog.
type plan struct {
	rewrite []Range    // numbers to be written into new segments
	replace []*segFile // files that go to quarantine
	strays  []string
	lost    []Range // numbers that nothing holds
	healed  uint64
}

// plan finds the files that are not clean, and the numbers that no clean file holds:
// those are written again from what there is. Without accept, stretches with losses, and
// the files they touch, are left alone.
func (c *catalog) plan(accept bool) *plan {
	p := &plan{strays: c.strays}
	var clean []Range
	var dirty []*segFile
	for _, f := range slices.Concat(c.files, c.archive) {
		if f == c.torn {
			continue
		}
		if f.clean(c) {
			if n := len(f.extents); n > 0 {
				clean = append(clean, Range{f.extents[0].first, f.extents[n-1].last})
			}
			continue
		}
		dirty = append(dirty, f)
	}
	if f := c.torn; f != nil && len(f.extents) > 0 {
		clean = append(clean, Range{f.extents[0].first, f.lastExtent().last})
	}
	p.lost = c.lostRanges()
	last := max(c.end().Seq, c.witness.Seq)
	p.rewrite = complement(clean, last)
	var left []Range
	if !accept {
		p.rewrite, left = withoutLoss(p.rewrite, p.lost, dirty)
	}
	for _, f := range dirty {
		if !overlapsAny(f.reach(), left) {
			p.replace = append(p.replace, f)
			p.healed += c.healed(f)
		}
	}
	return p
}

// withoutLoss takes out of the stretches to rewrite those that must be left: the ones with
// losses, and the ones whose new files could take the name of a file that stays because it
// has to do with such a stretch.
func withoutLoss(all, lost []Range, dirty []*segFile) (rewrite, left []Range) {
	must := lost
	for {
		rewrite = rewrite[:0]
		n := len(left)
		left = left[:0]
		for _, r := range all {
			if overlapsAny(r, must) {
				left = append(left, r)
			} else {
				rewrite = append(rewrite, r)
			}
		}
		if len(left) == n {
			return rewrite, left
		}
		must = slices.Concat(lost, left)
		for _, f := range dirty {
			if overlapsAny(f.reach(), left) {
				must = append(must, f.reach())
			}
		}
	}
}

// clean tells whether a file may stay as it is.
func (f *segFile) clean(c *catalog) bool {
	if f.broken != "" || len(f.gaps) > 0 {
		return false
	}
	if f.archived {
		return f.entry != nil && f.stored == f.entry.StoredSHA256 && len(f.extents) == 1 &&
			!f.extents[0].foreign
	}
	if len(f.extents) == 0 {
		return f.first == c.end().Seq+1 && c.witness.Seq <= c.end().Seq
	}
	next := f.first
	for _, e := range f.extents {
		if !e.chosen || e.first != next || !c.wholly(e) {
			return false
		}
		next = e.last + 1
	}
	return true
}

// wholly tells whether all of an extent is in the log.
func (c *catalog) wholly(e *extent) bool {
	return slices.ContainsFunc(c.pieces, func(p piece) bool {
		return p.extent == e && p.from == e.first
	})
}

// reach is the numbers a file has to do with: by its name and by its content.
func (f *segFile) reach() Range {
	r := f.span(0)
	if f.line == nil && f.entry == nil {
		r.To = r.From
	}
	for _, e := range f.extents {
		r.From, r.To = min(r.From, e.first), max(r.To, e.last)
	}
	return r
}

// healed counts the records of a damaged file's own stretch that come from elsewhere.
func (c *catalog) healed(f *segFile) uint64 {
	own := f.span(0)
	if f.line == nil && f.entry == nil {
		return 0
	}
	n := uint64(0)
	for _, p := range c.pieces {
		from, to := max(p.from, own.From), min(p.to, own.To)
		if p.file != f && from <= to {
			n += uint64(to-from) + 1
		}
	}
	return n
}

func overlapsAny(r Range, all []Range) bool {
	return slices.ContainsFunc(all, func(o Range) bool { return o.From <= r.To && r.From <= o.To })
}

// complement returns the numbers from 1 to last that no range has.
func complement(ranges []Range, last Seq) []Range {
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.From, b.From) })
	var rest []Range
	next := Seq(1)
	for _, r := range ranges {
		if r.From > next {
			rest = append(rest, Range{next, r.From - 1})
		}
		next = max(next, r.To+1)
	}
	if next <= last {
		rest = append(rest, Range{next, last})
	}
	return rest
}

// rangeWriter writes one stretch of numbers into new segment files.
type rangeWriter struct {
	r     *repair
	names []string // final names; the files have a temporary one until all are written
	f     *os.File
	w     *bufio.Writer
	size  int64
	next  Seq
	prev  Hash
	time  int64
	epoch uint64
	buf   []byte
}

// writeRange writes the numbers of a range: whole frames byte for byte, and Lost frames
// for what is missing.
func (r *repair) writeRange(rg Range) ([]string, error) {
	w := &rangeWriter{r: r, next: rg.From, epoch: 1}
	w.before(r.c, rg.From)
	for w.next <= rg.To {
		p := r.c.pieceFrom(w.next)
		var err error
		if p != nil && p.from <= w.next {
			err = w.copyPiece(p, min(p.to, rg.To))
		} else {
			to := rg.To
			if p != nil {
				to = min(to, p.from-1)
			}
			err = w.lost(Range{w.next, to}, p)
		}
		if err != nil {
			return nil, errors.Join(err, w.end())
		}
	}
	return w.names, w.end()
}

// pieceFrom returns the piece that holds a number or else the next one behind it.
func (c *catalog) pieceFrom(seq Seq) *piece {
	for i := range c.pieces {
		if c.pieces[i].to >= seq {
			return &c.pieces[i]
		}
	}
	return nil
}

// before learns what the record before the range was, which its first Lost frame follows.
func (w *rangeWriter) before(c *catalog, from Seq) {
	for _, p := range c.pieces {
		if p.to == from-1 {
			w.prev, w.time, w.epoch = p.hash, p.lastTime, p.epoch
		}
	}
}

func (w *rangeWriter) copyPiece(p *piece, to Seq) error {
	off := p.off
	if p.file.archived {
		off = 0
	}
	src, err := p.file.open(off)
	if err != nil {
		return err
	}
	defer src.Close()
	s := newScanner(src, off)
	for w.next <= to {
		it, err := s.next()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if it.gap != nil || it.off < p.off || it.frame.header.seq != w.next {
			continue
		}
		if err := w.frame(&it.frame); err != nil {
			return err
		}
	}
	return nil
}

// lost writes Lost frames. The last one before it, or the next one behind it, gives the
// times: those of records that were lost lay between.
func (w *rangeWriter) lost(rg Range, behind *piece) error {
	if w.time == 0 && behind != nil {
		w.time = max(behind.firstTime-int64(rg.Len())-1, MinTime)
	}
	if w.time == 0 {
		w.time = w.r.open.Now().UnixMicro()
	}
	for seq := rg.From; seq <= rg.To; seq++ {
		h := header{seq: seq, epoch: w.epoch, prev: w.prev, time: min(w.time+1, MaxTime), lost: &rg}
		if id := w.r.c.id(); seq == 1 && id != [16]byte{} {
			h.mark = &Mark{Created: &Created{LogID: id, Format: Format}}
		}
		raw := h.encode()
		f := frame{flags: flagLost, raw: raw, header: h, record: h.record(raw)}
		if err := w.frame(&f); err != nil {
			return err
		}
	}
	return nil
}

func (w *rangeWriter) frame(f *frame) error {
	if w.f == nil || w.size >= DefaultSegmentSize {
		if err := w.begin(f.header.seq); err != nil {
			return err
		}
	}
	w.buf = appendFrame(w.buf[:0], f.flags, f.raw, f.body)
	if _, err := w.w.Write(w.buf); err != nil {
		return err
	}
	w.size += int64(len(w.buf))
	w.next, w.prev = f.header.seq+1, f.record.Hash
	w.time, w.epoch = f.header.time, f.header.epoch
	return nil
}

func (w *rangeWriter) begin(first Seq) error {
	if err := w.end(); err != nil {
		return err
	}
	name := segmentPath(w.r.dir, first)
	f, err := w.r.disk.createOver(name + tmpSuffix)
	if err != nil {
		return err
	}
	w.f, w.w, w.size = f, bufio.NewWriter(f), 0
	w.names = append(w.names, name)
	return nil
}

// end makes the file that is being written durable.
func (w *rangeWriter) end() error {
	if w.f == nil {
		return nil
	}
	err := w.w.Flush()
	if err == nil {
		err = w.r.disk.sync(w.f)
	}
	err = joinClose(err, w.f)
	w.f = nil
	return err
}
