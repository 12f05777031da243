package wal

import (
	"fmt"
	"slices"
)

// findTorn looks for a torn end: in the last file of log/, the first gap for whose number
// nobody vouches, neither a witness nor a whole frame behind it. What is behind such a gap
// was written in the same batch and was never acknowledged: it is left out of the log.
func (c *catalog) findTorn() {
	if len(c.files) == 0 {
		return
	}
	f := c.files[len(c.files)-1]
	if !f.walked || f.line != nil || f.broken != "" {
		return
	}
	for _, g := range f.gaps {
		missing := f.first
		if g.after > 0 {
			missing = f.extents[g.after-1].last + 1
		}
		vouched := c.witness.Seq >= missing
		for _, e := range f.extents[g.after:] {
			// A frame with the number itself, or before it, is not of this batch.
			vouched = vouched || e.synced >= missing || e.first <= missing
		}
		if vouched {
			continue
		}
		c.torn, c.tornAt = f, g.off
		f.extents = f.extents[:g.after]
		f.gaps = slices.DeleteFunc(f.gaps, func(o gap) bool { return o.off >= g.off })
		return
	}
}

// assemble chooses which extent holds which numbers, from record 1 on. Where extents
// compete, links decide (the chain hash of the record before), then what witnesses say,
// then how many records hang together.
func (c *catalog) assemble() {
	var all []*extent
	for _, f := range slices.Concat(c.files, c.archive) {
		all = append(all, f.extents...)
	}
	for _, e := range all {
		e.foreign = e.id != nil && c.known && *e.id != c.format.id
	}
	weight := group(all)
	next := Seq(1)
	for {
		e := c.best(all, next)
		if e == nil {
			first := lowestFrom(all, next)
			if first == 0 {
				break
			}
			c.holes = append(c.holes, hole{Range: Range{next, first - 1}})
			next = first
			continue
		}
		if p := c.last(); p != nil && p.to+1 == next && !c.links(p.extent, e) {
			if weight[e.group] < weight[p.group] {
				e.foreign = true
				continue
			}
			if weight[e.group] > weight[p.group] {
				next = c.unchoose()
				continue
			}
		} else if c.unanchored(next) && !e.vouched && (e.denied || c.beyond(e) || c.tooFar(next)) {
			e.foreign = true
			continue
		}
		e.chosen = true
		c.pieces = append(c.pieces, piece{e, next, e.last})
		next = e.last + 1
	}
	end := c.end().Seq
	c.holes = slices.DeleteFunc(c.holes, func(h hole) bool { return h.From > end })
	c.nameHoles()
}

// beyond tells whether an extent is in a file that was begun behind all that anybody saw
// acknowledged. HEAD is durable before a segment begins, so that is no segment of this log.
func (c *catalog) beyond(e *extent) bool {
	return c.headOK && !c.headDamaged && e.file.first > c.witness.Seq+1
}

// tooFar tells whether so many numbers are missing before next, and nobody has seen them, that
// next is not believed. Writes are refused until somebody has looked.
func (c *catalog) tooFar(next Seq) bool {
	end := c.end().Seq
	if next-1-end <= MaxLost || c.witness.Seq >= next-1 {
		return false
	}
	c.far = fmt.Sprintf("a segment begins with record %d, the log ends at %d, and nobody has "+
		"seen a record between", next, end)
	return true
}

// unanchored tells whether nothing holds the number before next.
func (c *catalog) unanchored(next Seq) bool {
	p := c.last()
	return next > 1 && (p == nil || p.to+1 != next)
}

// unchoose takes the last piece out as foreign and returns where to go on.
func (c *catalog) unchoose() Seq {
	p := c.last()
	p.foreign, p.chosen = true, false
	next := p.from
	c.pieces = c.pieces[:len(c.pieces)-1]
	for n := len(c.holes); n > 0 && c.holes[n-1].To >= next-1; n = len(c.holes) {
		next = c.holes[n-1].From
		c.holes = c.holes[:n-1]
	}
	return next
}

// best returns the extent to take for the number next, nil if none holds it.
func (c *catalog) best(all []*extent, next Seq) *extent {
	prev := c.last()
	if prev != nil && prev.to+1 != next {
		prev = nil
	}
	rank := func(e *extent) int {
		linked := prev != nil && e.first == next && e.prev == prev.hash ||
			next == 1 && e.prev.IsZero()
		switch {
		case linked:
			return 0
		case e.first < next:
			return 1
		case e.vouched:
			return 2
		case !e.denied:
			return 3
		}
		return 4
	}
	var best *extent
	for _, e := range all {
		if e.foreign || e.first > next || e.last < next {
			continue
		}
		if best == nil || better(rank(e), rank(best), e, best) {
			best = e
		}
	}
	return best
}

func better(rank, bestRank int, e, best *extent) bool {
	switch {
	case rank != bestRank:
		return rank < bestRank
	case e.last != best.last:
		return e.last > best.last
	case e.file.archived != best.file.archived:
		return !e.file.archived
	}
	// Of two equal copies, the one under its own name.
	return e.file.first == e.first && best.file.first != best.first
}

// links tells whether e may follow p: chained, or behind Lost frames, or overlapping with
// the same record at the end of p.
func (c *catalog) links(p, e *extent) bool {
	if e.first > p.last || p.endsLost {
		return e.prev == p.hash || p.endsLost
	}
	hash, known := e.hashAt(p.last)
	return !known || hash == p.hash
}

// hashAt reads the hash of a record; false where it cannot be read, or is a Lost frame.
func (e *extent) hashAt(seq Seq) (Hash, bool) {
	r, err := e.file.open(0)
	if err != nil {
		return Hash{}, false
	}
	defer r.Close()
	s := newScanner(r, 0)
	for {
		it, err := s.next()
		if err != nil {
			return Hash{}, false
		}
		if it.gap == nil && it.off >= e.off && it.frame.header.seq == seq {
			return it.frame.record.Hash, !it.frame.record.Lost
		}
	}
}

func lowestFrom(all []*extent, next Seq) Seq {
	lowest := Seq(0)
	for _, e := range all {
		if !e.foreign && e.last >= next && e.first > next && (lowest == 0 || e.first < lowest) {
			lowest = e.first
		}
	}
	return lowest
}

// nameHoles sets the previous hash that the record behind each hole names.
func (c *catalog) nameHoles() {
	for i := range c.holes {
		for _, p := range c.pieces {
			if p.from == c.holes[i].To+1 && p.first == p.from {
				c.holes[i].prev = p.prev
			}
		}
	}
}

// group finds the extents that hang together by their links, and how much each such group
// weighs: a witness, or record 1 with the right log id, outweighs any number of records.
func group(all []*extent) (weight []uint64) {
	const sure = 1 << 40
	parent := make([]int, len(all))
	byEnd := map[Position][]int{}
	lostEnds := map[Seq][]int{}
	for i, e := range all {
		parent[i] = i
		end := Position{e.last, e.hash}
		byEnd[end] = append(byEnd[end], i)
		if e.endsLost {
			lostEnds[e.last] = append(lostEnds[e.last], i)
		}
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	for i, e := range all {
		before := byEnd[Position{e.first - 1, e.prev}]
		if len(before) == 0 {
			before = lostEnds[e.first-1]
		}
		same := byEnd[Position{e.last, e.hash}]
		for _, j := range slices.Concat(before, same) {
			parent[root(j)] = root(i)
		}
	}
	weight = make([]uint64, len(all))
	for i, e := range all {
		e.group = root(i)
		weight[e.group] += uint64(e.last-e.first) + 1
		if e.vouched || e.id != nil && !e.foreign {
			weight[e.group] += sure
		}
	}
	return weight
}
