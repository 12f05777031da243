package wal

import (
	"fmt"
	"slices"
)

// judge names everything that is not as it was written.
func (c *catalog) judge() {
	for i, f := range c.files {
		next := Seq(0)
		if i+1 < len(c.files) {
			next = c.files[i+1].first
		}
		c.judgeFile(f, next)
	}
	for _, f := range c.archive {
		c.judgeArchived(f)
	}
	c.judgeHead()
	c.judgeTail()
	c.judgeHoles()
	c.judgeLinks()
	if c.full {
		c.judgeLost()
	}
	if c.torn != nil {
		c.note("%s has %d torn bytes at offset %d, of a write that was never acknowledged",
			c.torn.name, c.torn.size-c.tornAt, c.tornAt)
	}
}

// judgeFile names what is wrong inside one file of log/. next is the name of the file
// behind it, 0 if it is the last.
func (c *catalog) judgeFile(f *segFile, next Seq) {
	if f.broken != "" {
		c.problem(f.name, 0, c.missing(f.span(next)), KindUnreadable, f.broken)
		return
	}
	for _, g := range f.gaps {
		r := c.missing(f.around(g, next))
		kind := g.kind
		if next == 0 && f.isTail(g) && c.witness.Seq > c.end().Seq {
			kind = KindTornAcked
			r = Range{c.end().Seq + 1, c.witness.Seq}
		}
		c.problem(f.name, g.off, r, kind, g.detail)
	}
	switch {
	case len(f.extents) == 0 && len(f.gaps) == 0 && f != c.torn && next != 0:
		c.problem(f.name, 0, c.missing(f.span(next)), KindMissing, "the file is empty")
	case len(f.extents) == 0 && len(f.gaps) == 0 && f.first != c.end().Seq+1 && c.settled():
		c.problem(f.name, 0, Range{}, KindStray,
			fmt.Sprintf("empty, and the log ends at %d", c.end().Seq))
	case len(f.extents) > 0:
		c.judgeContent(f)
	}
}

// settled tells whether HEAD is sound and the log ends where it says.
func (c *catalog) settled() bool { return c.headOK && c.witness.Seq <= c.end().Seq }

// judgeContent names files whose frames are sound but do not belong there.
func (c *catalog) judgeContent(f *segFile) {
	e := f.extents[0]
	foreign := slices.ContainsFunc(f.extents, func(e *extent) bool { return e.foreign })
	used := slices.ContainsFunc(f.extents, func(e *extent) bool { return e.chosen })
	switch {
	case foreign:
		c.problem(f.name, e.off, c.missing(Range{e.first, f.lastExtent().last}), KindForeign,
			"its records are not of this log")
	case !used:
		c.problem(f.name, e.off, Range{}, KindDuplicate, fmt.Sprintf(
			"records %d to %d are in another file too", e.first, f.lastExtent().last))
	case e.first != f.first && (len(f.gaps) == 0 || f.gaps[0].after > 0):
		c.problem(f.name, e.off, Range{}, KindName,
			fmt.Sprintf("begins with record %d", e.first))
	case f.walked && f.line != nil && f.sum != f.line.SHA256 && len(f.gaps) == 0:
		c.note("%s says another size or SHA-256 of %s, whose records are sound; it is made again",
			sealedName, f.name)
		c.rebuild, f.line = true, nil
	}
}

// span is the numbers a file should hold, going by the names.
func (f *segFile) span(next Seq) Range {
	switch {
	case f.line != nil:
		return Range{f.line.First, f.line.Last}
	case f.entry != nil:
		return Range{f.entry.First, f.entry.Last}
	case next > f.first:
		return Range{f.first, next - 1}
	}
	return Range{f.first, 1<<64 - 1}
}

// around is the numbers between the extents on both sides of a gap.
func (f *segFile) around(g gap, next Seq) Range {
	r := f.span(next)
	if g.after > 0 {
		r.From = f.extents[g.after-1].last + 1
	}
	if g.after < len(f.extents) {
		r.To = f.extents[g.after].first - 1
	}
	return r
}

// missing cuts a range down to the numbers that nothing holds; zero if there are none.
func (c *catalog) missing(r Range) Range {
	var hull Range
	for _, l := range c.lostRanges() {
		from, to := max(l.From, r.From), min(l.To, r.To)
		if from > to {
			continue
		}
		if hull.From == 0 {
			hull.From = from
		}
		hull.To = to
	}
	return hull
}

// lostRanges is every hole, and what is missing behind the end.
func (c *catalog) lostRanges() []Range {
	var all []Range
	for _, h := range c.holes {
		all = append(all, h.Range)
	}
	if end := c.end().Seq; c.witness.Seq > end {
		all = append(all, Range{end + 1, c.witness.Seq})
	}
	return all
}

func (c *catalog) judgeArchived(f *segFile) {
	switch {
	case f.broken != "":
		c.problem(f.name, 0, c.missing(f.span(0)), KindArchive, f.broken)
	case f.walked && f.entry != nil && f.stored != f.entry.StoredSHA256:
		c.problem(f.name, 0, c.missing(f.span(0)), KindArchive,
			"its SHA-256 is not the one in the manifest")
	case len(f.gaps) > 0:
		g := f.gaps[0]
		c.problem(f.name, g.off, c.missing(f.around(g, 0)), KindArchive,
			"uncompressed: "+g.detail)
	}
}

// judgeHead compares HEAD with the record it names.
func (c *catalog) judgeHead() {
	if !c.headOK || c.head.Seq > c.end().Seq {
		return
	}
	for _, p := range c.pieces {
		if h, ok := p.at[c.head.Seq]; ok && h != c.head.Hash {
			c.conflict = fmt.Sprintf("HEAD names another record %d than the log has", c.head.Seq)
			c.problem(p.file.name, p.off, Range{}, KindForeign, c.conflict)
		}
	}
}

// judgeTail names acknowledged records that are missing at the end, unless a gap there
// was already named for them.
func (c *catalog) judgeTail() {
	end := c.end().Seq
	if c.witness.Seq <= end {
		return
	}
	for _, p := range c.problems {
		if p.ToSeq >= c.witness.Seq {
			return
		}
	}
	name, off := logDir, int64(0)
	if n := len(c.files); n > 0 {
		name, off = c.files[n-1].name, c.files[n-1].size
	}
	c.problem(name, off, Range{end + 1, c.witness.Seq}, KindTornAcked, fmt.Sprintf(
		"the log ends at record %d, %s saw record %d", end, c.seenBy, c.witness.Seq))
}

// judgeHoles names missing numbers that no damage in a file explains.
func (c *catalog) judgeHoles() {
	for _, h := range c.holes {
		rest := h.Range
		for _, p := range c.problems {
			if p.FromSeq == 0 || p.FromSeq > rest.To || p.ToSeq < rest.From {
				continue
			}
			if p.FromSeq <= rest.From {
				rest.From = p.ToSeq + 1
			} else if p.ToSeq >= rest.To {
				rest.To = p.FromSeq - 1
			}
		}
		if rest.From <= rest.To {
			c.problem(rel(c.dir, segmentPath(c.dir, rest.From)), 0, rest, KindMissing,
				"no file holds these records")
		}
	}
}

// judgeLinks checks the chain, epoch and time where one piece follows another.
func (c *catalog) judgeLinks() {
	for i := 1; i < len(c.pieces); i++ {
		p, q := c.pieces[i-1], c.pieces[i]
		if p.to+1 != q.from || q.first != q.from || p.to != p.last {
			continue
		}
		if q.prev != p.hash && !(p.endsLost && (!c.full || c.excused(p.to, q.prev))) {
			c.problem(q.file.name, q.off, Range{}, KindChain, fmt.Sprintf(
				"record %d names another one before it", q.from))
		}
		if q.file.walked && p.file != q.file && q.firstEpoch < p.epoch {
			c.problem(q.file.name, q.off, Range{}, KindOrder, fmt.Sprintf(
				"epoch of record %d goes back from %d to %d", q.from, p.epoch, q.firstEpoch))
		}
	}
	if p := c.pieces; len(p) > 0 && p[0].from == 1 && p[0].first == 1 && !p[0].prev.IsZero() {
		c.problem(p[0].file.name, p[0].off, Range{}, KindChain, "record 1 names one before it")
	}
}

// excused tells whether an accepted loss ends at last and names prev as the hash that the
// next record has for the one before it.
func (c *catalog) excused(last Seq, prev Hash) bool {
	return slices.ContainsFunc(c.accepted(), func(a LossAccepted) bool {
		return a.To == last && a.After == prev
	})
}

// accepted lists the accepted losses of the log. Only a full catalog knows them all.
func (c *catalog) accepted() []LossAccepted {
	var all []LossAccepted
	for _, p := range c.pieces {
		all = append(all, p.accepted...)
	}
	return all
}

// unaccepted lists the losses that Lost frames speak of and no LossAccepted covers.
func (c *catalog) unaccepted() []Range {
	var open []Range
	accepted := c.accepted()
	for _, p := range c.pieces {
		for _, l := range p.lost {
			covered := slices.ContainsFunc(accepted, func(a LossAccepted) bool {
				return a.From == l.From && a.To == l.To
			})
			if !covered && !slices.Contains(open, l) {
				open = append(open, l)
			}
		}
	}
	return open
}

func (c *catalog) judgeLost() {
	for _, r := range c.unaccepted() {
		c.problem(rel(c.dir, segmentPath(c.dir, r.From)), 0, r, KindLost,
			"an interrupted repair put Lost frames here and nothing accepts them")
	}
}
