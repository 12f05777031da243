package index

import (
	"math/bits"
	"slices"
)

// The signals of a hybrid search, in the order they are shown.
const (
	sigWords = iota
	sigBefore
	sigAfter
	sigBeside
	sigCoverage
	sigSession
	sigDate
	sigSpeaker
	sigAsks
	sigTime
	sigNumber
	sigFeedback
	sigRecent
	sigProject
	sigMeaning
	sigTopic
	sigLinked
	numSignals
)

var signalNames = [numSignals]string{"words", "before", "after", "beside", "coverage", "session",
	"date", "speaker", "asks", "time", "number", "feedback", "recent", "project",
	"meaning", "topic", "linked"}

// candidate is a row that is ranked by all signals.
type candidate struct {
	row     Row
	ord     Ordinal
	beside  [4]Row // before, after, and the second ones; noRow where there is none
	near    float64
	signals [numSignals]float64 // weighted
	score   float64
}

// hybrid is one search by all signals.
type hybrid struct {
	*ranker
	q       Query
	by      Weights
	p       parsed
	pool    []candidate
	date    map[Row]float64 // weighted
	meaning map[Row]float64 // by the query's vector
}

// searchHybrid is ModeHybrid: words find, everything ranks.
func (v *View) searchHybrid(q Query, t *table, s *sieve) ([]Hit, error) {
	p, err := parse(q.Text, v.tongues())
	if err != nil {
		return nil, err
	}
	r, err := v.ranker(t, s)
	if r == nil || err != nil {
		return nil, err
	}
	defer r.close()
	p.spans = querySpans(q.Text, q.Now)
	h := &hybrid{ranker: r, q: q, by: DefaultWeights(), p: p}
	if q.Weights != nil {
		h.by = *q.Weights
	}
	if err := h.loadAll(p); err != nil {
		return nil, err
	}
	if err := h.choose(); err != nil || len(h.pool) == 0 {
		return nil, err
	}
	if err := h.rank(); err != nil {
		return nil, err
	}
	return h.answer()
}

// choose fills the pool: the best by words and date, and what else of their sessions is near them
// and has words of the query.
func (h *hybrid) choose() error {
	pass, err := h.pass(h.p)
	if err != nil {
		return err
	}
	limit := max(candidates, 2*h.q.Limit)
	h.gather(limit, pass)
	if err := h.datesOf(); err != nil {
		return err
	}
	top := &best{t: h.t, limit: limit}
	floor := h.threshold(limit, 0, pass)
	h.offer(top, floor, pass, h.date)
	for _, n := range sortedRows(h.date) { // what the date alone makes a candidate
		if score := h.w.cells[n].score; (score < floor || score == 0) && pass(n) {
			row := h.t.row(n)
			top.offer(found{score + h.date[n], listed{row.created, row.ord}, n})
		}
	}
	for _, f := range top.sorted() {
		h.add(f.row)
	}
	if err := h.meant(limit, pass); err != nil {
		return err
	}
	for i := range len(h.pool) {
		for _, n := range h.pool[i].beside {
			if n != noRow && h.w.slots[n] == 0 && h.w.cells[n].score > 0 && pass(n) {
				h.add(n)
			}
		}
	}
	for i := range h.pool {
		h.lookUp(h.pool[i].row)
		for _, n := range h.pool[i].beside {
			if n != noRow {
				h.lookUp(n)
			}
		}
	}
	return nil
}

func (h *hybrid) add(n Row) {
	row := h.t.row(n)
	c := candidate{row: n, ord: row.ord, near: nearness(row.terms)}
	for side, after := range []bool{false, true} {
		o, first := h.t.step(row.ord, h.s.seq, after)
		c.beside[side], c.beside[2+side] = first, noRow
		if first != noRow {
			_, c.beside[2+side] = h.t.step(o, h.s.seq, after)
		}
	}
	h.pool = append(h.pool, c)
	h.w.slots[n] = int32(len(h.pool))
	h.w.slotted = append(h.w.slotted, n)
}

// maxDateRows bounds how many rows of a date are candidates by their date alone.
const maxDateRows = 1 << 14

// datesOf sums, for each row, what the query's dates that it has are worth.
func (h *hybrid) datesOf() error {
	h.date = map[Row]float64{}
	h.datesWithin()
	if err := h.datesNamed(); err != nil {
		return err
	}
	for n := range h.date {
		h.date[n] *= h.by.Date
	}
	return nil
}

// datesNamed adds the dates that a query names as they are.
func (h *hybrid) datesNamed() error {
	for _, group := range h.p.dates {
		var all term
		for _, name := range group {
			t, err := h.load(name, 1)
			if err != nil {
				return err
			}
			all.runs = append(all.runs, t.runs...)
			all.df += t.df
		}
		if all.postings() > maxDateRows {
			h.datesOfTouched(&all)
			continue
		}
		idf := h.b.idf(min(all.df, h.b.docs))
		for _, one := range all.runs {
			for i := range one.len() {
				if n := one.row(i); h.t.row(n).at(h.s.seq) {
					h.date[n] += idf
				}
			}
		}
	}
	return nil
}

// datesOfTouched is datesNamed for a date that is too frequent to find anything by itself.
func (h *hybrid) datesOfTouched(all *term) {
	idf := h.b.idf(min(all.df, h.b.docs))
	for _, n := range h.w.touched {
		for k := range all.runs {
			one := &all.runs[k]
			if i := one.search(n); i < one.len() && one.row(i) == n {
				h.date[n] += idf
				break
			}
		}
	}
}

// rank computes the signals.
func (h *hybrid) rank() error {
	best := 0.0
	for i := range h.pool {
		best = max(best, h.w.cells[h.pool[i].row].score)
	}
	if best == 0 {
		best = 1 // found by date alone
	}
	speakers, err := h.speakers()
	if err != nil {
		return err
	}
	if err := h.own(best, speakers); err != nil {
		return err
	}
	h.sessions()
	h.sum()
	if err := h.topic(); err != nil {
		return err
	}
	if err := h.linked(best); err != nil {
		return err
	}
	if err := h.feedback(); err != nil {
		return err
	}
	h.sum()
	return nil
}

func (h *hybrid) speakers() (terms []term, err error) {
	names := make([]string, len(h.terms))
	for i := range h.terms {
		names[i] = speakerTerm(h.terms[i].name)
	}
	if err := h.fetch(names); err != nil {
		return nil, err
	}
	for _, name := range names {
		t, err := h.load(name, 1)
		if err != nil {
			return nil, err
		}
		if len(t.runs) > 0 {
			terms = append(terms, t)
		}
	}
	return terms, nil
}

// own computes what a candidate and its neighbours say.
func (h *hybrid) own(best float64, speakers []term) error {
	total := 0.0
	for i := range h.terms {
		if h.terms[i].df > 0 && i < maxCoverTerms {
			total += h.terms[i].idf
		}
	}
	newest := h.t.row(h.end - 1).created
	prefer, err := h.near()
	if err != nil {
		return err
	}
	for i := range h.pool {
		c := &h.pool[i]
		row := h.t.row(c.row)
		score := func(n Row) float64 {
			if n == noRow {
				return 0
			}
			return h.w.cells[n].score / best
		}
		mask := h.w.cells[c.row].mask
		for _, n := range c.beside[:2] {
			if n != noRow {
				mask |= h.w.cells[n].mask
			}
		}
		c.signals = [numSignals]float64{
			sigWords:   h.by.Words * score(c.row),
			sigBefore:  h.by.Before * c.near * score(c.beside[0]),
			sigAfter:   h.by.After * c.near * score(c.beside[1]),
			sigBeside:  h.by.Beside * c.near * (score(c.beside[2]) + score(c.beside[3])),
			sigDate:    h.date[c.row] / best,
			sigAsks:    h.by.Asks * asking(row.marks),
			sigRecent:  h.by.Recent * recent(newest, row.created),
			sigMeaning: h.weightMeaning() * h.meaning[c.row],
		}
		if total > 0 {
			c.signals[sigCoverage] = h.by.Coverage * h.weightOf(mask) / total
		}
		if slices.ContainsFunc(speakers, func(t term) bool { return t.tf(c.row) > 0 }) {
			c.signals[sigSpeaker] = h.by.Speaker
		}
		if h.p.kind&row.marks&markTime != 0 {
			c.signals[sigTime] = h.by.Time
		}
		if h.p.kind&row.marks&markNumber != 0 {
			c.signals[sigNumber] = h.by.Number
		}
		if slices.Contains(prefer, row.project) {
			c.signals[sigProject] = h.by.Project
		}
	}
	return nil
}

// near returns the numbers of the projects that are preferred.
func (h *hybrid) near() (projects []uint32, err error) {
	for _, name := range h.q.Near {
		n, ok, err := h.v.src.nameID(name)
		if err != nil {
			return nil, err
		}
		if ok && n != 0 {
			projects = append(projects, n)
		}
	}
	return projects, nil
}

// covers is Hit.Covers of a candidate.
func (h *hybrid) covers(c *candidate) float64 {
	mask, total := h.w.cells[c.row].mask, 0.0
	for _, n := range c.beside {
		if n != noRow {
			mask |= h.w.cells[n].mask
		}
	}
	for i := range h.terms[:min(len(h.terms), maxCoverTerms)] {
		total += h.terms[i].idf
	}
	if total == 0 {
		return 1
	}
	return h.weightOf(mask) / total
}

// weightOf sums the weights of the terms in a mask.
func (h *hybrid) weightOf(mask uint64) (sum float64) {
	for mask &^= looked; mask != 0; mask &= mask - 1 {
		sum += h.terms[bits.TrailingZeros64(mask)].idf
	}
	return sum
}

// asking is how much of a text is a question.
func asking(marks byte) float64 {
	a := 0.0
	if marks&markAsks != 0 {
		a = 0.6
	}
	if marks&markAsking1 != 0 {
		a += 0.2
	}
	if marks&markAsking2 != 0 {
		a += 0.2
	}
	return a
}

// recent is 1 for the newest memory and falls with age, by the clock of the facts.
func recent(newest, created int64) float64 {
	if created >= newest {
		return 1
	}
	return recentHalf / (recentHalf + float64(apart(newest, created)))
}

// sessions scores each candidate's session as if it were one text.
func (h *hybrid) sessions() {
	type session struct {
		length float64
		counts []float64 // by term: how many of its texts have it
		score  float64
	}
	known := map[uint32]*session{}
	var order []*session
	mean := 0.0
	for i := range h.pool {
		row := h.t.row(h.pool[i].row)
		if _, ok := known[row.session]; ok {
			continue
		}
		s := &session{counts: make([]float64, min(len(h.terms), maxCoverTerms))}
		known[row.session] = s
		docs := h.t.members(row.ord, maxSessionDocs)
		for _, o := range docs {
			n := h.t.at(o, h.s.seq)
			if n == noRow {
				continue
			}
			s.length += float64(h.t.length(n))
			for m := h.w.cells[n].mask &^ looked; m != 0; m &= m - 1 {
				s.counts[bits.TrailingZeros64(m)]++
			}
		}
		if len(docs) > 0 {
			order = append(order, s)
			mean += s.length
		}
	}
	if len(order) < 2 {
		return
	}
	mean /= float64(len(order))
	best := 0.0
	for _, s := range order {
		for i, n := range s.counts {
			if n > 0 {
				s.score += float64(h.terms[i].idf * h.b.saturated(n, s.length, mean))
			}
		}
		best = max(best, s.score)
	}
	if best == 0 {
		return
	}
	for i := range h.pool {
		s := known[h.t.row(h.pool[i].row).session]
		h.pool[i].signals[sigSession] = h.by.Session * s.score / best
	}
}

// members returns the documents of o's session in order, none where there are more than most.
func (t *table) members(o Ordinal, most int) []Ordinal {
	first := o
	for n := 0; ; n++ {
		if n > most {
			return nil
		}
		before := Ordinal(t.doc(first).before.Load() - 1)
		if before == noDoc {
			break
		}
		first = before
	}
	var all []Ordinal
	for o := first; o != noDoc; o = Ordinal(t.doc(o).after.Load() - 1) {
		if all = append(all, o); len(all) > most {
			return nil
		}
	}
	return all
}

// sum adds the signals up.
func (h *hybrid) sum() {
	for i := range h.pool {
		c := &h.pool[i]
		c.score = 0
		for _, s := range c.signals {
			c.score += s
		}
		if h.t.row(c.row).superseded() {
			c.score *= scaleSuperseded
		}
	}
}

// ordered returns the pool, best first.
func (h *hybrid) ordered() []*candidate {
	type ranked struct {
		found
		c *candidate
	}
	all := make([]ranked, len(h.pool))
	for i := range h.pool {
		all[i] = ranked{h.found(&h.pool[i]), &h.pool[i]}
	}
	b := &best{t: h.t}
	slices.SortFunc(all, func(x, y ranked) int { return b.compare(x.found, y.found) })
	out := make([]*candidate, len(all))
	for i := range all {
		out[i] = all[i].c
	}
	return out
}

func (h *hybrid) found(c *candidate) found {
	return found{c.score, listed{h.t.row(c.row).created, c.ord}, c.row}
}

// answer makes hits of the best. Texts of the same words as a better one come after all others.
func (h *hybrid) answer() ([]Hit, error) {
	seen := map[uint32]bool{}
	var distinct, copies []*candidate
	for _, c := range h.ordered() {
		if sig := h.t.row(c.row).sig; seen[sig] {
			copies = append(copies, c)
		} else {
			seen[sig] = true
			distinct = append(distinct, c)
		}
	}
	floor := 0.0
	if n := len(distinct); n > 0 {
		floor = min(distinct[n-1].score, 0)
	}
	for i := range copies { // below all others, and in order
		copies[i].score = floor - float64(i+1)
	}
	return h.windows(append(distinct, copies...))
}

func (h *hybrid) hit(r *rowReader, c *candidate) (Hit, error) {
	d, err := r.doc(c.row)
	if err != nil {
		return Hit{}, err
	}
	hit := Hit{Doc: d, Score: c.score, Covers: h.covers(c)}
	if h.q.Explain {
		for i, s := range c.signals {
			if s != 0 {
				hit.Parts = append(hit.Parts, Part{Name: signalNames[i], Score: s})
			}
		}
	}
	return hit, nil
}
