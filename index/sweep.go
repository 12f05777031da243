package index

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"
)

// sweep is ModeLexical under way: the k best rows by BM25, exactly. It goes through windows of rows
// from the newest to the oldest, and in each reads only those terms through without which a row
// cannot be among the best; the others, which the most frequent are, are looked up for the rows
// that have these and could still be (MaxScore: Turtle and Flood, Query Evaluation: Strategies and
// Optimizations, 1995; by windows as in Lucene's MaxScoreBulkScorer). What a term brings at most is
// known by window and by class of lengths of texts. So the more is found, the less is read, and
// what is added up stays in the processor's caches.
type sweep struct {
	*ranker
	*window
	k     int
	pass  func(Row) bool
	from  Row // the window's first row
	chunk *rowChunk
	top   *best
	low   lowest  // the k best scores
	floor float64 // what a row has at least that is among the best
	need  float64 // a little less, for sums that are rounded in another order
	saved int     // windows in which not all terms were read through
}

// windowRows are those of one chunk of the table.
const windowRows = tableChunk

// window is what a sweep knows of the rows it is at. Outside of accumulate it is all zero but for
// found and what is by term.
type window struct {
	scores  [windowRows]float64
	touched [windowRows / 64]uint64 // rows with a score, a bit each
	tfs     [windowRows]uint16      // how often they have one term
	found   []partial               // what could be among the best, newest first
	parts   []part                  // by term
	rest    []bounds                // by term: the most that it and those after it bring
}

// part is what a term has in the window.
type part struct {
	runs []run // those of the window and before
	now  run   // the postings of the window
	most uint16
	bounds
}

// bounds are the most that something brings to a text of each class of lengths.
type bounds [lengthClasses]float64

// partial is a row with what the terms looked at so far give it.
type partial struct {
	row   Row
	class uint8 // of its length
	score float64
}

var windows = sync.Pool{New: func() any { return new(window) }}

// take makes room for what is known by term.
func (w *window) take(terms []term) {
	w.rest = append(w.rest[:0], make([]bounds, len(terms)+1)...)
	for i := range terms {
		w.parts = append(w.parts, part{runs: terms[i].runs})
	}
}

// giveBack gives the window back, without the postings, which others may want to be rid of.
func (w *window) giveBack() {
	clear(w.parts)
	w.parts = w.parts[:0]
	windows.Put(w)
}

// rounding is more than what sums of the same numbers in another order differ by, as a factor.
const rounding = 1 - 1e-9

// sweep finds the k best rows that pass.
func (r *ranker) sweep(k int, pass func(Row) bool) *sweep {
	s := &sweep{ranker: r, window: windows.Get().(*window), k: k, pass: pass,
		top: &best{t: r.t, limit: k}}
	defer s.giveBack()
	s.take(r.terms)
	if rows, ok := r.fewRows(r.terms); ok {
		s.few(rows)
		return s
	}
	s.seed()
	for s.from = (r.end + windowRows - 1) / windowRows * windowRows; s.from > 0; {
		if !s.begin(s.from - windowRows) {
			continue
		}
		n := s.essential()
		if n < len(s.terms) {
			s.saved++
		}
		switch {
		case n == 1:
			s.readOne()
		case n > 1:
			s.read(n)
		}
		s.complete(n)
	}
	return s
}

// seed finds out what a row among the best has at least: what the k-th has of some rows that the
// rarest terms stand in most often. Else the first windows would be read through for nothing.
func (s *sweep) seed() {
	var rows []Row
	for i := 0; i < len(s.terms) && len(rows) < seeds*s.k; i++ {
		rows = s.terms[i].oftenest(rows, s.k)
	}
	slices.Sort(rows)
	for _, n := range slices.Compact(rows) {
		if !s.pass(n) {
			continue
		}
		score := 0.0
		for i := range s.terms {
			if tf := s.terms[i].tf(n); tf > 0 {
				score += float64(s.terms[i].weight * s.b.score(s.terms[i].idf, tf, s.t.length(n)))
			}
		}
		if len(s.low) < s.k || score > s.low[0] {
			s.low.push(score, s.k)
		}
	}
	if len(s.low) == s.k {
		s.floor = s.low[0] * rounding
		s.need = s.floor * rounding
	}
	s.low = s.low[:0]
}

// oftenest appends rows that have the term as often as the text that has it most often does in k
// windows, or more often; up to seeds*k in all.
func (t *term) oftenest(rows []Row, k int) []Row {
	var stretches [1 << 6]int // by most, of those that have it so often or more
	for _, one := range t.runs {
		for i := range Row(runWindows) {
			_, most := one.window(one.base + i*windowRows)
			stretches[min(most, 1<<6-1)]++
		}
	}
	often, left := 1<<6-1, k
	for ; often > 1 && left > stretches[often]; often-- {
		left -= stretches[often]
	}
	for _, one := range slices.Backward(t.runs) {
		for i := range Row(runWindows) {
			data, most := one.window(one.base + i*windowRows)
			if int(most) < often {
				continue
			}
			for ; len(data) >= postingSize; data = data[postingSize:] {
				if p := binary.LittleEndian.Uint32(data); int(p>>16) >= often {
					if rows = append(rows, one.base|Row(p&0xFFFF)); len(rows) == seeds*k {
						return rows
					}
				}
			}
		}
	}
	return rows
}

// seeds are how many rows are scored to begin with, for each that is asked for.
const seeds = 2

// few is the search among rows, in order, which are all that could pass.
func (s *sweep) few(rows []Row) {
	for len(rows) > 0 {
		s.begin(rows[len(rows)-1] / windowRows * windowRows)
		n := len(rows) - 1
		for ; n >= 0 && rows[n] >= s.from; n-- {
			class := s.w.class(s.chunk.lengths[rows[n]-s.from])
			s.found = append(s.found, partial{row: rows[n], class: class})
		}
		rows = rows[:n+1]
		s.complete(0)
	}
}

// begin begins the window of rows from the given one on, which comes before all those so far, and
// reports whether there is a posting in it.
func (s *sweep) begin(from Row) (any bool) {
	s.from, s.chunk, s.found = from, s.t.chunk(from), s.found[:0]
	for i := len(s.parts) - 1; i >= 0; i-- {
		p := &s.parts[i]
		for len(p.runs) > 0 && p.runs[len(p.runs)-1].base > from {
			p.runs = p.runs[:len(p.runs)-1]
		}
		most := uint16(0)
		if p.now.data = nil; len(p.runs) > 0 {
			if last := &p.runs[len(p.runs)-1]; last.base == from>>postingBlockShift<<postingBlockShift {
				p.now.base = last.base
				p.now.data, most = last.window(from)
			}
		}
		s.rest[i] = s.rest[i+1]
		if p.now.len() == 0 {
			continue
		}
		if any = true; most != p.most {
			p.most, p.bounds = most, s.bounds(&s.terms[i], most)
		}
		for c, more := range p.bounds {
			s.rest[i][c] += more
		}
	}
	return any
}

// bounds returns what a term brings that a text has so often.
func (s *sweep) bounds(t *term, tf uint16) (b bounds) {
	for c, norm := range s.w.least {
		b[c] = float64(t.weight*t.idf) * s.b.saturatedBy(float64(tf), norm)
	}
	return b
}

// essential returns how many terms, the rarest, must be read through.
func (s *sweep) essential() (n int) {
	shortest := s.w.class(s.chunk.least.Load())
	for n < len(s.terms) && s.rest[n][shortest] >= s.need {
		n++
	}
	return n
}

// offers notes a row, unless what it can get is not enough.
func (s *sweep) offers(i Row, score float64, rest *bounds) {
	class := s.w.class(s.chunk.lengths[i])
	if score+rest[class] >= s.need && s.ranker.s.mayMatch(&s.chunk.kinds[i]) {
		s.found = append(s.found, partial{s.from + i, class, score})
	}
}

// readOne reads the first term through.
func (s *sweep) readOne() {
	t, rest, often := &s.terms[0], &s.rest[1], s.often()
	data := s.parts[0].now.data
	for at := len(data) - postingSize; at >= 0; at -= postingSize {
		posting := binary.LittleEndian.Uint32(data[at:])
		i := Row(posting % windowRows)
		if length := s.chunk.lengths[i]; posting>>16 >= often[s.w.class(length)] {
			s.offers(i, s.worth(t, i, posting>>16), rest)
		}
	}
}

// often returns how often a text of each class must have the first term at least, or less.
func (s *sweep) often() (least [lengthClasses]uint32) {
	t, tf := &s.terms[0], uint32(1)
	for c, norm := range s.w.least {
		for tf < 1<<6 && float64(t.weight*t.idf)*s.b.saturatedBy(float64(tf), norm)+s.rest[1][c] <
			s.need {
			tf++
		}
		least[c] = tf
	}
	return least
}

// worth is what a term that a row of the window has so often adds to its score.
func (s *sweep) worth(t *term, i Row, tf uint32) float64 {
	return float64(t.weight * float64(t.idf*
		s.b.saturatedBy(float64(tf), s.w.norm(s.b, s.chunk.lengths[i]))))
}

// read reads the first n terms through.
func (s *sweep) read(n int) {
	for k := range s.terms[:n] {
		t := &s.terms[k]
		for data := s.parts[k].now.data; len(data) >= postingSize; data = data[postingSize:] {
			posting := binary.LittleEndian.Uint32(data)
			i := Row(posting % windowRows)
			s.scores[i] += s.worth(t, i, posting>>16)
			s.touched[i/64] |= 1 << (i % 64)
		}
	}
	rest := &s.rest[n]
	for k, word := range slices.Backward(s.touched[:]) {
		for s.touched[k] = 0; word != 0; {
			bit := 63 - bits.LeadingZeros64(word)
			word &^= 1 << bit
			i := Row(k*64 + bit)
			s.offers(i, s.scores[i], rest)
			s.scores[i] = 0
		}
	}
}

// complete adds what the terms from the given one on bring to the rows that were found, as long as
// these can be among the best.
func (s *sweep) complete(from int) {
	for i := from; i < len(s.terms); i++ {
		t, now, end := &s.terms[i], s.parts[i].now, s.parts[i].now.len()
		if end == 0 {
			continue
		}
		spread := end < spreadCost*len(s.found)
		if spread {
			s.spread(now)
		}
		left, rest := s.found[:0], &s.rest[i+1]
		for _, f := range s.found {
			tf := uint32(0)
			if spread {
				tf = uint32(s.tfs[f.row%windowRows])
			} else if end = now.searchBack(end, f.row); end < now.len() && now.row(end) == f.row {
				tf = now.tf(end)
			}
			if tf > 0 {
				f.score += s.worth(t, f.row-s.from, tf)
			}
			if f.score+rest[f.class] >= s.need {
				left = append(left, f)
			}
		}
		s.found = left
		if spread {
			clear(s.tfs[:])
		}
	}
	s.keep()
}

// spreadCost is what it costs to find a row among postings, in postings that are spread out.
const spreadCost = 32

// spread notes by row how often its text has the term.
func (s *sweep) spread(now run) {
	data := now.data
	for ; len(data) >= 2*postingSize; data = data[2*postingSize:] {
		two := binary.LittleEndian.Uint64(data)
		s.tfs[two%windowRows] = uint16(two >> 16)
		s.tfs[two>>32%windowRows] = uint16(two >> 48)
	}
	if len(data) > 0 {
		posting := binary.LittleEndian.Uint32(data)
		s.tfs[posting%windowRows] = uint16(posting >> 16)
	}
}

// keep notes those of the rows found that are among the best.
func (s *sweep) keep() {
	for _, f := range s.found {
		if f.score == 0 || f.score < s.floor || !s.pass(f.row) {
			continue
		}
		row := s.t.row(f.row)
		s.top.offer(found{f.score, listed{row.created, row.ord}, f.row})
		if s.low.push(f.score, s.k); len(s.low) == s.k {
			s.floor = max(s.floor, s.low[0])
			s.need = s.floor * rounding
		}
	}
}
