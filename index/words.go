package index

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// term is a word of a query with its postings up to the view's moment.
type term struct {
	name   string
	weight float64 // how often the query says it, saturated
	runs   []run
	df     float64 // live texts that have it; an estimate where there are many
	idf    float64
}

// exactDF is up to how many postings the live ones are counted; beyond, their share is taken to be
// that of all rows.
const exactDF = 1024

// tf returns how often the row's text has the term.
func (t *term) tf(n Row) uint32 {
	for i := range t.runs {
		r := &t.runs[i]
		if n < r.base || n-r.base >= 1<<postingBlockShift {
			continue
		}
		if i := r.search(n); i < r.len() && r.row(i) == n {
			return r.tf(i)
		}
	}
	return 0
}

func (t *term) postings() (n int) {
	for _, r := range t.runs {
		n += r.len()
	}
	return n
}

// bound is the most that the term can add to a score.
func (t *term) bound(b bm25) float64 { return float64(t.weight*t.idf) * (b.k1 + 1) }

// ranker is one search under way.
type ranker struct {
	v     *View
	t     *table
	s     *sieve
	b     bm25
	end   Row // first row after the view's moment
	stats Stats
	w     *workspace
	docs  *rowReader
	it    *pebble.Iterator // over all postings; nil until one must be read
	lists map[string][]run // that are fetched, by term
	terms []term           // rarest first
	// skipped is how many of terms, at the end, were not read through: what they add to a row is
	// looked up.
	skipped int
	few     []Row // all rows that could pass the filter, where so few that only they were scored
}

func (v *View) ranker(t *table, s *sieve) (*ranker, error) {
	stats, err := v.Stats()
	if err != nil || stats.Live == 0 {
		return nil, err
	}
	r := &ranker{v: v, t: t, s: s, stats: stats, b: newBM25(stats), docs: v.rowReader(t)}
	r.end = Row(sort.Search(int(t.len()), func(i int) bool { return t.row(Row(i)).from > v.seq }))
	r.w = workspaces.Get().(*workspace)
	r.w.begin(int(t.len()), r.b)
	return r, nil
}

func (r *ranker) close() {
	closeIterator(r.it)
	r.docs.close()
	r.w.end()
	workspaces.Put(r.w)
}

// workspace is what a search needs for a moment, kept for the next one. What it has by row is all
// zero between searches.
type workspace struct {
	cells   []cell
	slots   []int32 // one more than the row's place among the candidates
	touched []Row   // rows with a score
	slotted []Row
	asked   []uint64 // rows of which it is known whether they pass the filter, a bit each
	passed  []uint64 // rows that do
	may     []uint64 // rows that do, or not
	top     lowest
	norms   [maxNorm]float64       // by length: what saturates a score
	classes [maxNorm]uint8         // by length
	least   [lengthClasses]float64 // by class of lengths: the norm of the shortest
	normsOf bm25
}

// cell is what the terms read so far give a row.
type cell struct {
	score float64
	mask  uint64 // which of the first maxCoverTerms terms the row's text has
}

// maxNorm is the length of texts from which norms are not kept.
const maxNorm = 1024

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func (w *workspace) begin(rows int, b bm25) {
	if n := rows/64 + 1; len(w.asked) < n {
		n += n / 8
		w.asked, w.passed, w.may = make([]uint64, n), make([]uint64, n), make([]uint64, n)
	}
	w.touched, w.slotted = w.touched[:0], w.slotted[:0]
	if w.normsOf != b {
		w.normsFor(b)
	}
}

// lengthClasses are the classes of lengths, each of a part of the mean length, the last one of all
// that are longer.
const (
	lengthClasses  = 16
	classesPerMean = 8
)

func (w *workspace) normsFor(b bm25) {
	last := -1
	for i := range w.norms {
		w.norms[i] = b.norm(float64(i), b.mean)
		class := lengthClasses - 1
		if far := float64(i*classesPerMean) / b.mean; far < lengthClasses {
			class = int(far)
		}
		for ; last < class; last++ { // those of which no length is have the same as the next
			w.least[last+1] = w.norms[i]
		}
		w.classes[i] = uint8(class)
	}
	for ; last+1 < lengthClasses; last++ {
		w.least[last+1] = w.norms[maxNorm-1]
	}
	w.normsOf = b
}

// addUp makes room for what terms give rows.
func (w *workspace) addUp(rows int) {
	if len(w.cells) < rows {
		n := rows + rows/8
		w.cells, w.slots = make([]cell, n), make([]int32, n)
	}
}

func (w *workspace) end() {
	for _, n := range w.touched {
		w.cells[n] = cell{}
	}
	for _, n := range w.slotted {
		w.slots[n] = 0
	}
	clear(w.asked)
	clear(w.passed)
	clear(w.may)
}

// load returns a term with its postings up to the view's moment.
func (r *ranker) load(name string, weight float64) (term, error) {
	t := term{name: name, weight: weight}
	runs, err := r.postings(name)
	if err != nil {
		return t, err
	}
	t.runs = runs
	for i, one := range runs {
		if n := one.len(); n == 0 || one.row(n-1) < r.end {
			continue
		}
		t.runs = runs[:i:i]
		if one.base < r.end {
			t.runs = append(t.runs, one.until(r.end))
		}
		break
	}
	t.df = r.frequency(&t)
	t.idf = r.b.idf(t.df)
	return t, nil
}

func (r *ranker) frequency(t *term) float64 {
	n := t.postings()
	if n > exactDF {
		share := float64(r.stats.Live) / float64(max(r.stats.Images, 1))
		return min(float64(n)*min(share, 1), float64(r.stats.Live))
	}
	live := 0
	for k := range t.runs {
		one := &t.runs[k]
		for i := range one.len() {
			if r.t.holds(one.row(i), r.v.seq) {
				live++
			}
		}
	}
	return float64(live)
}

// loadAll reads the terms of a query, rarest first.
func (r *ranker) loadAll(p parsed) error {
	var names []string
	for _, w := range p.words {
		names = append(append(names, w.term), w.others...)
	}
	if err := r.fetch(names); err != nil {
		return err
	}
	for _, w := range p.words {
		t, err := r.loadWord(w)
		if err != nil {
			return err
		}
		r.terms = append(r.terms, t)
	}
	for _, prefix := range p.prefixes {
		t, err := r.loadPrefix(prefix)
		if err != nil {
			return err
		}
		r.terms = append(r.terms, t)
	}
	slices.SortStableFunc(r.terms, func(a, b term) int {
		switch {
		case a.idf > b.idf:
			return -1
		case a.idf < b.idf:
			return 1
		}
		return 0
	})
	return nil
}

// pruneFrom is how many postings a term has at least for it to be worth finding out whether it must
// be read through.
const pruneFrom = 2048

// gather adds up the scores of all rows that could be among the k best of those that pass. Terms
// are read through while a row that has only them could still be among these; the rest, which the
// most frequent are, is looked up for rows that have others (MaxScore: Turtle and Flood, Query
// Evaluation: Strategies and Optimizations, 1995, term at a time). Where few rows pass the filter,
// that does not happen, and they alone are scored.
func (r *ranker) gather(k int, pass func(Row) bool) {
	r.w.addUp(int(r.t.len()))
	rest, floor := 0.0, 0.0
	for i := range r.terms {
		rest += r.terms[i].bound(r.b)
	}
	asked := false // how many rows pass
	for i := range r.terms {
		t := &r.terms[i]
		if t.postings() >= pruneFrom {
			if i > 0 {
				floor = r.threshold(k, floor, pass)
			}
			if floor > rest {
				r.skipped = len(r.terms) - i
				break
			}
			if !asked && r.scoreFew(r.terms[i:]) {
				return
			}
			asked = true
		}
		r.accumulate(t, bit(i), 0)
		rest -= t.bound(r.b)
	}
	if r.skipped > 0 {
		r.complete(r.threshold(k, floor, pass) - rest)
	}
}

// complete adds the skipped terms to the rows that have a score of at least low: by looking each of
// them up, or by reading the terms through where that is cheaper.
func (r *ranker) complete(low float64) {
	above, left := 0, 0
	for _, n := range r.w.touched {
		if r.w.cells[n].score >= low {
			above++
		}
	}
	first := len(r.terms) - r.skipped
	for i := first; i < len(r.terms); i++ {
		left += r.terms[i].postings()
	}
	if above*r.skipped*lookUpCost > left {
		for i := first; i < len(r.terms); i++ {
			r.accumulate(&r.terms[i], bit(i), low)
		}
		for _, n := range r.w.touched {
			if c := &r.w.cells[n]; c.score >= low {
				c.mask |= looked
			}
		}
		return
	}
	for _, n := range r.w.touched {
		if r.w.cells[n].score >= low {
			r.lookUp(n)
		}
	}
}

func bit(i int) uint64 {
	if i < maxCoverTerms {
		return 1 << i
	}
	return 0
}

// accumulate reads a term through and adds to rows that have at least low. It does not look at
// which rows hold at the moment: that is for those who choose among them.
func (r *ranker) accumulate(t *term, mask uint64, low float64) {
	w := r.w
	for _, one := range t.runs {
		var chunk *rowChunk
		in := Row(noRow) // the chunk's number
		for data := one.data; len(data) >= postingSize; data = data[postingSize:] {
			posting := binary.LittleEndian.Uint32(data)
			n, tf := one.base|Row(posting&0xFFFF), float64(posting>>16)
			if n/tableChunk != in {
				in, chunk = n/tableChunk, r.t.chunk(n)
			}
			c := &w.cells[n]
			if c.score < low {
				continue
			}
			if c.score == 0 {
				w.touched = append(w.touched, n)
			}
			c.score += float64(t.weight *
				float64(t.idf*r.b.saturatedBy(tf, w.norm(r.b, chunk.lengths[n%tableChunk]))))
			c.mask |= mask
		}
	}
}

func (w *workspace) norm(b bm25, length uint32) float64 {
	if length < maxNorm {
		return w.norms[length]
	}
	return b.norm(float64(length), b.mean)
}

func (w *workspace) class(length uint32) uint8 { return w.classes[min(length, maxNorm-1)] }

// looked marks, in masks, rows whose skipped terms were added.
const looked = 1 << 63

// lookUp adds what the skipped terms give a row, once.
func (r *ranker) lookUp(n Row) {
	w, c := r.w, &r.w.cells[n]
	if r.skipped == 0 || c.mask&looked != 0 {
		return
	}
	for i := len(r.terms) - r.skipped; i < len(r.terms); i++ {
		if tf := r.terms[i].tf(n); tf > 0 {
			if c.score == 0 {
				w.touched = append(w.touched, n)
			}
			t := &r.terms[i]
			c.score += float64(t.weight * r.b.score(t.idf, tf, r.t.length(n)))
			c.mask |= bit(i)
		}
	}
	if c.score != 0 {
		c.mask |= looked
	}
}

// threshold returns the k-th best score so far among the rows that pass, 0 where there are fewer.
// floor is what it is known to be at least.
func (r *ranker) threshold(k int, floor float64, pass func(Row) bool) float64 {
	top := r.w.top[:0]
	for _, n := range r.w.touched {
		s := r.w.cells[n].score
		if s >= floor && (len(top) < k || s > top[0]) && pass(n) {
			top.push(s, k)
		}
	}
	r.w.top = top
	if len(top) < k {
		return 0
	}
	return top[0]
}

// offer offers the rows that pass and have at least floor, with what their dates add. It begins
// with the newest, which of equals come first, so that the others are refused at once.
func (r *ranker) offer(top *best, floor float64, pass func(Row) bool, dates map[Row]float64) {
	for _, n := range slices.Backward(r.w.touched) {
		score := r.w.cells[n].score
		if score < floor || !pass(n) {
			continue
		}
		if len(dates) > 0 {
			score += dates[n]
		}
		row := r.t.row(n)
		top.offer(found{score, listed{row.created, row.ord}, n})
	}
}

// lowest is a heap of scores, the lowest on top.
type lowest []float64

// push adds a score, and drops the lowest where there are more than k.
func (h *lowest) push(s float64, k int) {
	a := *h
	if len(a) < k {
		a = append(a, s)
		for i := len(a) - 1; i > 0 && a[i] < a[(i-1)/2]; i = (i - 1) / 2 {
			a[i], a[(i-1)/2] = a[(i-1)/2], a[i]
		}
		*h = a
		return
	}
	a[0] = s
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(a) {
			return
		}
		if c+1 < len(a) && a[c+1] < a[c] {
			c++
		}
		if a[i] <= a[c] {
			return
		}
		a[i], a[c] = a[c], a[i]
		i = c
	}
}

// bm25 scores. Products are converted explicitly, so that no compiler fuses them with an addition
// and every machine gets the same bits.
type bm25 struct {
	docs, mean, k1, b float64
}

func newBM25(s Stats) bm25 {
	mean := float64(s.Terms) / float64(s.Live)
	long := longness(mean)
	return bm25{docs: float64(s.Live), mean: mean, k1: bm25K1 + float64(bm25K1Long*long),
		b: bm25B + float64(bm25BLong*long)}
}

func (b bm25) idf(df float64) float64 {
	return math.Log(1 + (b.docs-df+0.5)/(df+0.5))
}

func (b bm25) score(idf float64, tf, length uint32) float64 {
	return float64(idf * b.saturated(float64(tf), float64(length), b.mean))
}

// saturated is the part of a score that grows with tf, from 0 to k1+1.
func (b bm25) saturated(tf, length, mean float64) float64 {
	return b.saturatedBy(tf, b.norm(length, mean))
}

func (b bm25) saturatedBy(tf, norm float64) float64 {
	return float64(tf*(b.k1+1)) / (tf + norm)
}

// norm is what a text of that length has to saturate.
func (b bm25) norm(length, mean float64) float64 {
	norm := 1.0
	if mean > 0 {
		norm = (1 - b.b) + float64(b.b*(length/mean))
	}
	return float64(b.k1 * norm)
}

// searchWords is ModeLexical: the k best by BM25, exactly.
func (v *View) searchWords(q Query, t *table, s *sieve) ([]Hit, error) {
	p, err := parse(q.Text, v.tongues())
	if err != nil {
		return nil, err
	}
	r, err := v.ranker(t, s)
	if r == nil || err != nil {
		return nil, err
	}
	defer r.close()
	if err := r.loadAll(p); err != nil {
		return nil, err
	}
	pass, err := r.pass(p)
	if err != nil {
		return nil, err
	}
	hits, err := r.docs.hits(r.sweep(q.Limit, pass).top.sorted())
	for i := range hits {
		hits[i].Covers = r.covers(hits[i].Doc.Row)
		if q.Explain {
			hits[i].Parts = r.explain(hits[i].Doc.Row)
		}
	}
	return hits, err
}

// covers is Hit.Covers of a row by itself.
func (r *ranker) covers(n Row) float64 {
	has, total := 0.0, 0.0
	for i := range r.terms {
		t := &r.terms[i]
		total += t.idf
		if t.tf(n) > 0 {
			has += t.idf
		}
	}
	if total == 0 {
		return 1
	}
	return has / total
}

// explain takes a score by words apart.
func (r *ranker) explain(n Row) (parts []Part) {
	for i := range r.terms {
		t := &r.terms[i]
		if tf := t.tf(n); tf > 0 {
			score := float64(t.weight * r.b.score(t.idf, tf, r.t.length(n)))
			parts = append(parts, Part{Name: fmt.Sprintf("word:%s", t.name), Score: score})
		}
	}
	return parts
}
