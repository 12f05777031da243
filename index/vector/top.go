package vector

import (
	"cmp"
	"math"
	"slices"
)

// Candidate is a vector that a scan found.
type Candidate struct {
	Slot     uint32
	Row      uint32
	Estimate float32 // of the inner product with the query
	Error    float32 // standard deviation of the estimate
}

// compare is the order of candidates: by estimate, best first, and the later one of equals.
func (c Candidate) compare(o Candidate) int {
	if c.Estimate != o.Estimate {
		return cmp.Compare(o.Estimate, c.Estimate)
	}
	return cmp.Compare(o.Slot, c.Slot)
}

// top keeps the best limit candidates of those offered, and some that are not: twice as many fit,
// and then the worse half is dropped, which costs less for each than to keep them in order.
type top struct {
	limit int
	floor float32 // what is below is not among the best
	kept  []Candidate
}

func newTop(limit int) *top {
	return &top{limit: limit, floor: float32(math.Inf(-1)), kept: make([]Candidate, 0, 2*limit)}
}

func (t *top) offer(c Candidate) {
	t.kept = append(t.kept, c)
	if len(t.kept) == 2*t.limit {
		t.drop()
	}
}

// drop keeps the best limit.
func (t *top) drop() {
	selectBest(t.kept, t.limit)
	t.kept = t.kept[:t.limit]
	for i, c := range t.kept {
		if i == 0 || c.Estimate < t.floor {
			t.floor = c.Estimate
		}
	}
}

// selectBest moves the n best to the front, in any order (Hoare, Algorithm 65: Find, 1961).
func selectBest(all []Candidate, n int) {
	for len(all) > 1 && n > 0 && n < len(all) {
		mid := all[len(all)/2]
		i, j := 0, len(all)-1
		for i <= j {
			for all[i].compare(mid) < 0 {
				i++
			}
			for all[j].compare(mid) > 0 {
				j--
			}
			if i <= j {
				all[i], all[j] = all[j], all[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j+1:
			all = all[:j+1]
		case n >= i:
			all, n = all[i:], n-i
		default:
			return
		}
	}
}

// sorted returns the best limit, best first.
func (t *top) sorted() []Candidate {
	slices.SortFunc(t.kept, Candidate.compare)
	return t.kept[:min(len(t.kept), t.limit)]
}
