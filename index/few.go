package index

import "math/bits"

// lookUpCost is what looking a row up in a term's postings costs, in postings read through.
const lookUpCost = 16

// filters reports whether anything but live documents as such was asked for.
func (s *sieve) filters() bool {
	return s.tagged != nil || s.typ != nil || s.project != nil || s.occurred != nil
}

// scoreFew scores the rows that pass the filter by looking them up in terms, the last of the
// ranker's, where that is cheaper than reading these through. It reports whether it did.
func (r *ranker) scoreFew(terms []term) bool {
	if !r.s.filters() {
		return false
	}
	left := 0
	for i := range terms {
		left += terms[i].postings()
	}
	rows, ok := r.passing(left, left/(lookUpCost*len(terms)))
	if !ok {
		return false
	}
	r.few, r.skipped = rows, len(terms)
	for _, n := range rows {
		r.lookUp(n)
	}
	return true
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
		for i, word := range *tagged {
			for ; word != 0; word &= word - 1 {
				n := r.t.at(Ordinal(i<<6+bits.TrailingZeros64(word)), r.s.seq)
				if n != noRow {
					rows = append(rows, n)
				}
			}
		}
		return rows, true
	}
	if int(r.end) > postings*rowsPerPosting {
		return nil, false
	}
	for n := range r.end {
		if !r.s.match(r.t.row(n)) {
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
