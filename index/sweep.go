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
// Optimizations, 1995; by windows as in Lucene's MaxScoreBulkScorer). So the more is found, the
// less is read, and what is added up stays in the processor's caches.
type sweep struct {
	*ranker
	*window
	k     int
	pass  func(Row) bool
	from  Row // the window's first row
	chunk *rowChunk
	tails []tail    // by term
	rest  []float64 // by term: the most that it and those after it bring in this window
	top   *best
	low   lowest  // the k best scores
	floor float64 // what a row has at least that is among the best
	saved int     // windows in which not all terms were read through
}

// windowRows are those of one chunk of the table.
const windowRows = tableChunk

// window is what a sweep knows of the rows it is at. Outside of accumulate it is all zero but for
// found.
type window struct {
	scores  [windowRows]float64
	touched [windowRows / 64]uint64 // rows with a score, a bit each
	tfs     [windowRows]uint16      // how often they have one term
	found   []partial               // what could be among the best, newest first
}

// partial is a row with what the terms looked at so far give it.
type partial struct {
	row   Row
	score float64
}

var windows = sync.Pool{New: func() any { return new(window) }}

// rounding is more than what sums of the same numbers in another order differ by, as a factor.
const rounding = 1 - 1e-9

// sweep finds the k best rows that pass.
func (r *ranker) sweep(k int, pass func(Row) bool) *sweep {
	s := &sweep{ranker: r, window: windows.Get().(*window), k: k, pass: pass,
		top: &best{t: r.t, limit: k}, rest: make([]float64, len(r.terms)+1)}
	defer windows.Put(s.window)
	for i := range r.terms {
		s.tails = append(s.tails, tailOf(r.terms[i].runs))
	}
	if rows, ok := r.fewRows(r.terms); ok {
		s.few(rows)
		return s
	}
	for s.next() {
		s.found = s.found[:0]
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

// few is the search among rows, in order, which are all that could pass.
func (s *sweep) few(rows []Row) {
	for len(rows) > 0 {
		s.begin(rows[len(rows)-1])
		s.found = s.found[:0]
		for n := len(rows) - 1; n >= 0 && rows[n] >= s.from; n-- {
			s.found = append(s.found, partial{row: rows[n]})
		}
		rows = rows[:len(rows)-len(s.found)]
		s.complete(0)
	}
}

// next begins the next window that has a posting.
func (s *sweep) next() bool {
	newest, ok := Row(0), false
	for i := range s.tails {
		if t := &s.tails[i]; t.last.len() > 0 {
			newest, ok = max(newest, t.last.row(t.last.len()-1)), true
		}
	}
	if ok {
		s.begin(newest)
	}
	return ok
}

// begin begins the window of a row.
func (s *sweep) begin(n Row) {
	s.from, s.chunk = n/windowRows*windowRows, s.t.chunk(n)
	rest := 0.0
	for i := len(s.tails) - 1; i >= 0; i-- {
		if s.tails[i].cut(s.from); s.tails[i].now.len() > 0 {
			rest += s.bound(i)
		}
		s.rest[i] = rest
	}
}

// bound is the most that a term brings to a row of the window.
func (s *sweep) bound(i int) float64 {
	most := float64(s.tails[i].now.most)
	return float64(s.terms[i].weight*s.terms[i].idf) * s.b.saturated(most, 0, s.b.mean)
}

// essential returns how many terms, the rarest, must be read through.
func (s *sweep) essential() (n int) {
	for n < len(s.terms) && s.rest[n] >= s.floor*rounding {
		n++
	}
	return n
}

// offers notes a row, unless what it can get is not enough.
func (s *sweep) offers(i Row, score, rest float64) {
	if score+rest >= s.floor*rounding && s.ranker.s.mayMatch(&s.chunk.kinds[i]) {
		s.found = append(s.found, partial{s.from + i, score})
	}
}

// readOne reads the first term through.
func (s *sweep) readOne() {
	t, rest := &s.terms[0], s.rest[1]
	need := uint32(1) // how often a text must have the term at least, were it of no length
	for need < 1<<6 && float64(t.weight*t.idf)*s.b.saturated(float64(need), 0, s.b.mean)+rest <
		s.floor*rounding {
		need++
	}
	data := s.tails[0].now.data
	for at := len(data) - postingSize; at >= 0; at -= postingSize {
		posting := binary.LittleEndian.Uint32(data[at:])
		if posting>>16 < need {
			continue
		}
		i := Row(posting % windowRows)
		s.offers(i, s.worth(t, i, posting>>16), rest)
	}
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
		for data := s.tails[k].now.data; len(data) >= postingSize; data = data[postingSize:] {
			posting := binary.LittleEndian.Uint32(data)
			i := Row(posting % windowRows)
			s.scores[i] += s.worth(t, i, posting>>16)
			s.touched[i/64] |= 1 << (i % 64)
		}
	}
	for k, word := range slices.Backward(s.touched[:]) {
		for s.touched[k] = 0; word != 0; {
			bit := 63 - bits.LeadingZeros64(word)
			word &^= 1 << bit
			i := Row(k*64 + bit)
			s.offers(i, s.scores[i], s.rest[n])
			s.scores[i] = 0
		}
	}
}

// complete adds what the terms from the given one on bring to the rows that were found, as long as
// these can be among the best.
func (s *sweep) complete(from int) {
	for i := from; i < len(s.terms); i++ {
		t, now, end := &s.terms[i], s.tails[i].now, s.tails[i].now.len()
		if end == 0 {
			continue
		}
		spread := end < spreadCost*len(s.found)
		if spread {
			s.spread(now)
		}
		left := s.found[:0]
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
			if f.score+s.rest[i+1] >= s.floor*rounding {
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
const spreadCost = 16

// spread notes by row how often its text has the term.
func (s *sweep) spread(now run) {
	for data := now.data; len(data) >= postingSize; data = data[postingSize:] {
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
			s.floor = s.low[0]
		}
	}
}

// tail is what of a term's postings was not in a window yet, to be taken off from its end.
type tail struct {
	runs []run
	last run // behind these
	now  run // the postings of the window
}

func tailOf(runs []run) tail {
	t := tail{runs: runs}
	t.more()
	return t
}

// more makes the newest run that has postings the last one.
func (t *tail) more() {
	for t.last.len() == 0 && len(t.runs) > 0 {
		t.runs, t.last = t.runs[:len(t.runs)-1], t.runs[len(t.runs)-1]
	}
}

// cut takes the postings from n on, of those rows that share a run with n.
func (t *tail) cut(n Row) {
	for t.last.len() > 0 && t.last.base > n {
		t.last.data = nil
		t.more()
	}
	t.now = t.last
	at := t.last.searchBack(t.last.len(), n)
	t.now.data, t.last.data = t.now.data[at*postingSize:], t.now.data[:at*postingSize]
	t.more()
}
