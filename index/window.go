package index

import "slices"

// MaxContext is how many neighbours a hit may bring on each side.
const MaxContext = 20

// Weak reports whether none of the best hits has enough of what its query asks for to be an answer.
func Weak(hits []Hit) bool {
	for _, h := range hits[:min(len(hits), weakHits)] {
		if h.Covers >= weakCovers {
			return false
		}
	}
	return len(hits) > 0
}

// windows makes hits of candidates, best first, up to the query's limit. With Context, a candidate
// that a better one's window shows already is no hit of its own.
func (h *hybrid) windows(all []*candidate) ([]Hit, error) {
	r := h.docs
	var hits []Hit
	var end func()
	var err error
	if h.v, end, err = h.v.seeking(); err != nil {
		return nil, err
	}
	defer end()
	shown := map[Ordinal]bool{}
	for _, c := range all {
		if len(hits) == h.q.Limit {
			break
		}
		if shown[c.ord] {
			continue
		}
		hit, err := h.hit(r, c)
		if err != nil {
			return nil, err
		}
		if h.q.Context > 0 {
			shown[c.ord] = true
			if hit.Before, err = r.beside(c.ord, h.q.Context, false, shown); err != nil {
				return nil, err
			}
			slices.Reverse(hit.Before)
			if hit.After, err = r.beside(c.ord, h.q.Context, true, shown); err != nil {
				return nil, err
			}
		}
		hits = append(hits, hit)
	}
	return hits, nil
}

// beside returns up to n documents of o's session before or after it, the nearest first. What an
// earlier window shows is not shown again, and counts.
func (r *rowReader) beside(o Ordinal, n int, after bool, shown map[Ordinal]bool) ([]Doc, error) {
	var docs []Doc
	for range n {
		var row Row
		if o, row = r.t.step(o, r.v.seq, after); row == noRow {
			break
		}
		if shown[o] {
			continue
		}
		shown[o] = true
		d, err := r.doc(row)
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	return docs, nil
}
