package index

import "memlog/index/vector"

// Meaning is what an embedding model makes of a query, beside its words.
type Meaning struct {
	Space  Space
	Vector vector.Query
	Weight float64 // of the nearest vector, as those of weights.go
}

// nearEnough is how near a text must be to be a candidate by its vector alone.
const nearEnough = 0.5

// meant finds the nearest vectors of those that pass and makes candidates of them. How near each
// is counts from 0, for the last of them, to 1.
func (h *hybrid) meant(limit int, pass func(Row) bool) error {
	m := h.q.Meaning
	if m == nil {
		return nil
	}
	near, err := h.v.nearest(VectorQuery{Space: m.Space, Vector: m.Vector, Limit: limit}, h.s)
	if err != nil || len(near) == 0 {
		return err
	}
	h.meaning = make(map[Row]float64, len(near))
	best, last := float64(near[0].Score), float64(near[len(near)-1].Score)
	for _, n := range near {
		if !pass(n.Row) {
			continue
		}
		h.meaning[n.Row] = 1
		if best > last {
			h.meaning[n.Row] = (float64(n.Score) - last) / (best - last)
		}
		if h.meaning[n.Row] >= nearEnough && h.w.slots[n.Row] == 0 {
			h.add(n.Row)
		}
	}
	return nil
}

// weightMeaning is the weight of the query's vector; 0 where there is none.
func (h *hybrid) weightMeaning() float64 {
	if h.q.Meaning == nil {
		return 0
	}
	return h.q.Meaning.Weight
}
