package index

import (
	"cmp"
	"slices"
)

// feedback is pseudo-relevance feedback: what the best texts so far have in common is asked for too
// (Rocchio 1971; Lavrenko and Croft, Relevance-Based Language Models, 2001). It only ranks the
// candidates, and weighs more where texts are long.
func (h *hybrid) feedback() error {
	long := longness(h.b.mean)
	weight := weightFeedback * (feedbackShort + float64(feedbackForLong*long))
	words, err := h.common()
	if err != nil || len(words) == 0 {
		return err
	}
	scores := make([]float64, len(h.pool))
	for _, w := range words {
		h.spread(w, scores)
	}
	best := 0.0
	for _, s := range scores {
		best = max(best, s)
	}
	if best == 0 {
		return nil
	}
	for i := range h.pool {
		c := &h.pool[i]
		score := func(n Row) float64 {
			if n == noRow || h.w.slots[n] == 0 {
				return 0
			}
			return scores[h.w.slots[n]-1] / best
		}
		near := weightBefore*score(c.beside[0]) + weightAfter*score(c.beside[1]) +
			weightBeside*(score(c.beside[2])+score(c.beside[3]))
		c.signals[sigFeedback] = weight * (score(c.row) + float64(c.near*near))
	}
	return nil
}

// common returns the terms that the best candidates have in common, with their postings.
func (h *hybrid) common() ([]term, error) {
	top := make([]int, len(h.pool))
	for i := range top {
		top[i] = i
	}
	b := &best{t: h.t}
	slices.SortFunc(top, func(x, y int) int {
		return b.compare(h.found(h.pool[x]), h.found(h.pool[y]))
	})
	sums := map[string]*term{}
	var z analyzer
	for _, i := range top[:min(len(top), feedbackTexts)] {
		c := &h.pool[i]
		text, err := h.v.text(h.t, c.row)
		if err != nil {
			return nil, err
		}
		a := z.analyze(text[:min(len(text), maxFeedbackText)])
		for _, name := range a.terms {
			if isStopWord(name) {
				continue
			}
			if sums[name] == nil {
				sums[name] = &term{name: name}
			}
			sums[name].df++ // of these texts, for now
			sums[name].weight += float64(c.score *
				h.b.saturated(float64(a.tf[name]), float64(a.length), h.b.mean))
		}
	}
	return h.heaviest(sums)
}

// maxFeedbackText is how many bytes of a text are looked at.
const maxFeedbackText = 4096

// heaviest loads the heaviest of the terms that more than one of the texts has.
func (h *hybrid) heaviest(sums map[string]*term) ([]term, error) {
	words := make([]term, 0, len(sums))
	for _, name := range sortedKeys(sums) {
		if sums[name].df > 1 {
			words = append(words, *sums[name])
		}
	}
	slices.SortStableFunc(words, func(a, b term) int { return cmp.Compare(b.weight, a.weight) })
	words = words[:min(len(words), feedbackTerms)]
	kept := words[:0]
	for _, w := range words {
		t, err := h.load(w.name, 0)
		if err != nil {
			return nil, err
		}
		if t.df < 2 || t.df > h.b.docs/2 {
			continue
		}
		t.weight = float64(w.weight * t.idf)
		kept = append(kept, t)
	}
	slices.SortStableFunc(kept, func(a, b term) int { return cmp.Compare(b.weight, a.weight) })
	return kept[:min(len(kept), feedbackTerms)], nil
}

// spread adds what a term gives each candidate.
func (h *hybrid) spread(t term, scores []float64) {
	add := func(i int, tf uint32) {
		length := h.t.row(h.pool[i].row).terms
		scores[i] += float64(t.weight * h.b.score(t.idf, tf, length))
	}
	if t.postings() > lookUpCost*len(h.pool) {
		for i := range h.pool {
			if tf := t.tf(h.pool[i].row); tf > 0 {
				add(i, tf)
			}
		}
		return
	}
	for _, one := range t.runs {
		for i := range one.len() {
			if slot := h.w.slots[one.row(i)]; slot > 0 {
				add(int(slot-1), one.tf(i))
			}
		}
	}
}
