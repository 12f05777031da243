package index

import (
	"math/bits"
	"slices"
)

// lookUpCost is what looking a row up in a term's postings costs, in postings read through.
const lookUpCost = 16

// filters reports whether anything but live documents as such was asked for.
func (s *sieve) filters() bool {
	return s.tagged != nil || s.typ != nil || s.project != nil || s.occurred != nil
}

// plain returns which rows the filter lets through, of rows that have a posting by the moment. Most
// of a row's facts are far from those of the next in memory; so they are asked for once, and only
// of rows that may pass by what is near.
func (r *ranker) plain() func(Row) bool {
	s, t, w := r.s, r.t, r.w
	if !s.filters() {
		return func(n Row) bool { return t.holds(n, s.seq) }
	}
	ask := func(n Row) bool {
		at, bit := n/64, uint64(1)<<(n%64)
		if w.asked[at]&bit == 0 {
			w.asked[at] |= bit
			if s.match(t.row(n)) {
				w.passed[at] |= bit
			}
		}
		return w.passed[at]&bit != 0
	}
	if s.tagged != nil && s.tagged.len() <= int(t.len()/fewTagged) {
		for o := range s.tagged.all {
			if n := r.lastRow(o); n != noRow {
				w.may[n/64] |= 1 << (n % 64)
			}
		}
		return func(n Row) bool { return w.may[n/64]&(1<<(n%64)) != 0 && ask(n) }
	}
	return func(n Row) bool { return s.mayMatch(t.kind(n)) && ask(n) }
}

// lastRow returns the document's newest row of the moment, whether it still held then or not.
func (r *ranker) lastRow(o Ordinal) Row {
	n := Row(r.t.doc(o).last.Load() - 1)
	for n != noRow && n >= r.end {
		n = r.t.row(n).before
	}
	return n
}

// fewTagged is the share of rows, as a divisor, up to which the rows of a tag are noted first.
const fewTagged = 32

// scoreFew scores the rows that pass the filter by looking them up in terms, the last of the
// ranker's, where that is cheaper than reading these through. It reports whether it did.
func (r *ranker) scoreFew(terms []term) bool {
	rows, ok := r.fewRows(terms)
	if !ok {
		return false
	}
	r.few, r.skipped = rows, len(terms)
	for _, n := range rows {
		r.lookUp(n)
	}
	return true
}

// fewRows returns the rows that could pass the filter, in order, where to look them up in terms is
// cheaper than to read these through.
func (r *ranker) fewRows(terms []term) ([]Row, bool) {
	if !r.s.filters() {
		return nil, false
	}
	left := 0
	for i := range terms {
		left += terms[i].postings()
	}
	rows, ok := r.passing(left, left/(lookUpCost*len(terms)))
	slices.Sort(rows)
	return rows, ok
}

// rowsPerPosting is how many rows of the table are asked whether they pass in the time in which one
// posting is read through.
const rowsPerPosting = 4

// passing returns the rows that could pass the filter, unless they are more than most, or finding
// them costs more than reading so many postings.
func (r *ranker) passing(postings, most int) (rows []Row, ok bool) {
	rows = []Row{}
	if tagged := r.s.tagged; tagged != nil {
		if tagged.len() > most {
			return nil, false
		}
		for o := range tagged.all {
			if n := r.t.at(o, r.s.seq); n != noRow {
				rows = append(rows, n)
			}
		}
		return rows, true
	}
	if int(r.end) > postings*rowsPerPosting {
		return nil, false
	}
	for n := range r.end {
		if !r.s.mayMatch(r.t.kind(n)) || !r.s.match(r.t.row(n)) {
			continue
		}
		if len(rows) == most {
			return nil, false
		}
		rows = append(rows, n)
	}
	return rows, true
}

func (s docSet) len() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// all yields the documents of the set, in order.
func (s docSet) all(yield func(Ordinal) bool) {
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			if !yield(Ordinal(i<<6 + bits.TrailingZeros64(word))) {
				return
			}
		}
	}
}
