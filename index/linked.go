package index

import (
	"errors"
	"slices"
)

// linkCandidates is how many of the best by other signals have their links looked at, and maxLinked
// how many links in each direction, so that one that all others are linked to costs no more.
const linkCandidates, maxLinked = 50, 64

// linked computes what the best candidates so far are worth by what they are linked with, in either
// direction: the best score by words of these. What the filter keeps from being found counts, too,
// as neighbours do.
func (h *hybrid) linked(best float64) error {
	if !h.t.links.Load() {
		return nil
	}
	top := h.ordered()
	for _, c := range top[:min(len(top), linkCandidates)] {
		others, err := h.docs.linked(c.ord)
		if err != nil {
			return err
		}
		for _, o := range others {
			n := h.t.at(o, h.s.seq)
			if n == noRow || n == c.row || slices.Contains(c.beside[:], n) {
				continue // what is near has its part already
			}
			h.lookUp(n)
			worth := float64(h.by.Linked*h.w.cells[n].score) / best
			c.signals[sigLinked] = max(c.signals[sigLinked], worth)
		}
	}
	h.sum()
	return nil
}

// linked returns the documents that o is linked with at the view's moment.
func (r *rowReader) linked(o Ordinal) (others []Ordinal, err error) {
	for _, direction := range []byte{keyLink, keyLinkBack} {
		n := 0
		err := r.each(newKey(direction).ord(o), func(k, val []byte) (bool, error) {
			f, g := fieldReader{b: k[1:]}, fieldReader{b: val}
			f.ord()
			other := f.ord()
			f.str()
			if since, until := f.u64(), g.u64(); at(since, until, r.v.seq) {
				others = append(others, other)
			}
			n++
			return n < maxLinked, errors.Join(f.done("link key"), g.done("link"))
		})
		if err != nil {
			return nil, err
		}
	}
	return others, nil
}
