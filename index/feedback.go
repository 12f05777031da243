package index

import (
	"cmp"
	"slices"
	"sync"
)

// feedback is pseudo-relevance feedback: what the best texts so far have in common is asked for too
// (Rocchio 1971; Lavrenko and Croft, Relevance-Based Language Models, 2001). It only ranks the
// candidates, and weighs more where texts are long.
func (h *hybrid) feedback() error {
	long := longness(h.b.mean)
	weight := h.by.Feedback * (feedbackShort + float64(feedbackForLong*long))
	words, err := h.common()
	if err != nil || len(words) == 0 {
		return err
	}
	scores := make([]float64, len(h.pool))
	order, norms := h.byRow()
	for i := range words {
		h.spread(&words[i], order, func(at int, tf uint32) {
			t := &words[i]
			scores[at] += float64(t.weight *
				float64(t.idf*h.b.saturatedBy(float64(tf), norms[at])))
		})
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
		near := h.by.Before*score(c.beside[0]) + h.by.After*score(c.beside[1]) +
			h.by.Beside*(score(c.beside[2])+score(c.beside[3]))
		c.signals[sigFeedback] = weight * (score(c.row) + float64(c.near*near))
	}
	return nil
}

// common returns the terms that the best candidates have in common, with their postings.
func (h *hybrid) common() ([]term, error) {
	top := &best{t: h.t, limit: feedbackTexts}
	for i := range h.pool {
		top.offer(h.found(&h.pool[i]))
	}
	sums := map[string]*term{}
	z := analyzers.get()
	defer analyzers.put(z)
	for _, f := range top.sorted() {
		if err := h.docs.keep(f.row); err != nil { // most are hits, too
			return nil, err
		}
		text, err := h.docs.text(f.row)
		if err != nil {
			return nil, err
		}
		a := z.analyze(text[:min(len(text), maxFeedbackText)])
		for i, t := range a.terms {
			name := t.Value()
			if a.tongue.isStopWord(name) {
				continue
			}
			if sums[name] == nil {
				sums[name] = &term{name: name}
			}
			sums[name].df++ // of these texts, for now
			sums[name].weight += float64(f.score *
				h.b.saturated(float64(a.counts[i]), float64(a.length), h.b.mean))
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
	words = slices.DeleteFunc(words, func(w term) bool { return h.v.usual(w.name) })
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = w.name
	}
	if err := h.fetch(names); err != nil {
		return nil, err
	}
	kept := words[:0]
	for _, w := range words {
		t, err := h.load(w.name, 0)
		if err != nil {
			return nil, err
		}
		if t.df > h.b.docs/2 {
			h.v.noteUsual(w.name)
			continue
		}
		if t.df < 2 {
			continue
		}
		t.weight = float64(w.weight * t.idf)
		kept = append(kept, t)
	}
	slices.SortStableFunc(kept, func(a, b term) int { return cmp.Compare(b.weight, a.weight) })
	return kept[:min(len(kept), feedbackTerms)], nil
}

// usuals are the terms that more than half of all texts of a moment have. They say nothing of what
// the best have in common, and their postings, the longest of all, need not be read to know that
// again.
type usuals struct {
	mu      sync.Mutex
	seq     uint64              // mu guards: the moment
	commits uint64              // mu guards: as of the view, which other moments are not
	names   map[string]struct{} // mu guards
}

// usual reports whether the term is known to be one.
func (v *View) usual(name string) bool {
	u := &v.d.usuals
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.names[name]
	return ok && v.batch == nil && u.seq == v.seq && u.commits == v.commits
}

func (v *View) noteUsual(name string) {
	if v.batch != nil {
		return
	}
	u := &v.d.usuals
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.names == nil || u.seq != v.seq || u.commits != v.commits {
		u.seq, u.commits, u.names = v.seq, v.commits, map[string]struct{}{}
	}
	u.names[name] = struct{}{}
}

// byRow returns the pool's places in order of rows, and by place the norm of each text.
func (h *hybrid) byRow() (order []int, norms []float64) {
	order, norms = make([]int, len(h.pool)), make([]float64, len(h.pool))
	for i := range h.pool {
		order[i], norms[i] = i, h.w.norm(h.b, h.t.length(h.pool[i].row))
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(h.pool[a].row, h.pool[b].row) })
	return order, norms
}

// spread calls add for each candidate that has the term: by reading it through, or where it is long
// by looking for the candidates in it, one behind the other.
func (h *hybrid) spread(t *term, order []int, add func(at int, tf uint32)) {
	for k := range t.runs {
		one := &t.runs[k]
		if one.len() <= seekCost*len(order) {
			for i := range one.len() {
				if slot := h.w.slots[one.row(i)]; slot > 0 {
					add(int(slot-1), one.tf(i))
				}
			}
			continue
		}
		i := 0
		for _, at := range order {
			n := h.pool[at].row
			if n < one.base {
				continue
			}
			if i = one.searchFrom(i, n); i == one.len() {
				break
			}
			if one.row(i) == n {
				add(at, one.tf(i))
			}
		}
	}
}

// seekCost is what looking for the next of a list of rows costs, in postings read through.
const seekCost = 8
