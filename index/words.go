package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// A run is one stored value of a term's postings: rows base+0 to base+65535, in order.
type run struct {
	base Row
	data []byte
}

func (r run) len() int          { return len(r.data) / postingSize }
func (r run) row(i int) Row     { return r.base | Row(r.u16(i*postingSize)) }
func (r run) tf(i int) uint32   { return uint32(r.u16(i*postingSize + 2)) }
func (r run) u16(at int) uint16 { return binary.LittleEndian.Uint16(r.data[at:]) }

// search returns the place of the first row from n on.
func (r run) search(n Row) int {
	return sort.Search(r.len(), func(i int) bool { return r.row(i) >= n })
}

func (r run) until(n Row) run { return run{r.base, r.data[:r.search(n)*postingSize]} }

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
	for _, r := range t.runs {
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
	it    *pebble.Iterator // over all postings: cheaper than one for each term
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
	r := &ranker{v: v, t: t, s: s, stats: stats, b: newBM25(stats)}
	r.end = Row(sort.Search(int(t.len()), func(i int) bool { return t.row(Row(i)).from > v.seq }))
	if r.it, err = v.src.iter(newKey(keyPosting), newKey(keyPosting).upper()); err != nil {
		return nil, err
	}
	r.w = workspaces.Get().(*workspace)
	r.w.begin(int(t.len()))
	return r, nil
}

func (r *ranker) close() {
	r.it.Close() // its errors were seen where it was read
	r.w.end()
	workspaces.Put(r.w)
}

// workspace is what a search needs for a moment, kept for the next one. Its arrays are by row and
// all zero between searches.
type workspace struct {
	scores  []float64
	masks   []uint64 // which of the first maxCoverTerms terms the row's text has
	slots   []int32  // one more than the row's place among the candidates
	touched []Row    // rows with a score
	slotted []Row
	bytes   []byte
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func (w *workspace) begin(rows int) {
	if len(w.scores) < rows {
		n := rows + rows/8
		w.scores, w.masks, w.slots = make([]float64, n), make([]uint64, n), make([]int32, n)
	}
	w.touched, w.slotted, w.bytes = w.touched[:0], w.slotted[:0], w.bytes[:0]
}

func (w *workspace) end() {
	for _, n := range w.touched {
		w.scores[n], w.masks[n] = 0, 0
	}
	for _, n := range w.slotted {
		w.slots[n] = 0
	}
}

// maxWorkspaceBytes bounds the postings of one query that are kept in one piece of memory.
const maxWorkspaceBytes = 64 << 20

// load reads a term's postings up to the view's moment.
func (r *ranker) load(name string, weight float64) (term, error) {
	t := term{name: name, weight: weight}
	prefix := newKey(keyPosting).str(name)
	ok := r.it.SeekGE(prefix)
	for ; ok && bytes.HasPrefix(r.it.Key(), prefix); ok = r.it.Next() {
		val, err := r.it.ValueAndErr()
		if err != nil {
			return t, r.v.src.fuse.check(fmt.Errorf("read index: %w", err))
		}
		one, err := r.keep(r.it.Key()[len(prefix):], val)
		if err != nil {
			return t, r.v.src.fuse.check(fmt.Errorf("read postings of %q: %w", name, err))
		}
		if one.base >= r.end {
			break
		}
		t.runs = append(t.runs, one.until(r.end))
	}
	if err := r.v.src.finish(r.it); err != nil {
		return t, err
	}
	t.df = r.frequency(&t)
	t.idf = r.b.idf(t.df)
	return t, nil
}

// keep copies one stored value, which the iterator overwrites.
func (r *ranker) keep(block, val []byte) (run, error) {
	f := fieldReader{b: block}
	base := Row(f.u32() << postingBlockShift)
	if f.done("posting key") != nil || len(val)%postingSize != 0 {
		return run{}, errValue
	}
	if len(r.w.bytes)+len(val) > maxWorkspaceBytes {
		r.w.bytes = nil
	}
	at := len(r.w.bytes)
	r.w.bytes = append(r.w.bytes, val...)
	one := run{base, r.w.bytes[at:len(r.w.bytes):len(r.w.bytes)]}
	if n := one.len(); n > 0 && one.row(n-1) >= r.t.len() {
		return run{}, errValue
	}
	return one, nil
}

func (r *ranker) frequency(t *term) float64 {
	n := t.postings()
	if n > exactDF {
		share := float64(r.stats.Live) / float64(max(r.stats.Images, 1))
		return min(float64(n)*min(share, 1), float64(r.stats.Live))
	}
	live := 0
	for _, one := range t.runs {
		for i := range one.len() {
			if r.t.row(one.row(i)).at(r.v.seq) {
				live++
			}
		}
	}
	return float64(live)
}

// loadAll reads the terms of a query, rarest first.
func (r *ranker) loadAll(p parsed) error {
	for _, w := range p.words {
		t, err := r.load(w.term, w.weight)
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
	rest := 0.0
	for i := range r.terms {
		rest += r.terms[i].bound(r.b)
	}
	asked := false // how many rows pass
	for i := range r.terms {
		t := &r.terms[i]
		if t.postings() >= pruneFrom {
			if i > 0 && r.threshold(k, pass) > rest {
				r.skipped = len(r.terms) - i
				break
			}
			if !asked && r.scoreFew(r.terms[i:]) {
				return
			}
			asked = true
		}
		r.accumulate(t, bit(i))
		rest -= t.bound(r.b)
	}
	if r.skipped == 0 {
		return
	}
	low := r.threshold(k, pass) - rest
	for _, n := range r.w.touched {
		if r.w.scores[n] >= low {
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

func (r *ranker) accumulate(t *term, mask uint64) {
	w := r.w
	for _, one := range t.runs {
		for i := range one.len() {
			n := one.row(i)
			row := r.t.row(n)
			if !row.at(r.v.seq) {
				continue
			}
			if w.scores[n] == 0 {
				w.touched = append(w.touched, n)
			}
			w.scores[n] += float64(t.weight * r.b.score(t.idf, one.tf(i), row.terms))
			w.masks[n] |= mask
		}
	}
}

// looked marks, in masks, rows whose skipped terms were added.
const looked = 1 << 63

// lookUp adds what the skipped terms give a row, once.
func (r *ranker) lookUp(n Row) {
	w := r.w
	if r.skipped == 0 || w.masks[n]&looked != 0 {
		return
	}
	for i := len(r.terms) - r.skipped; i < len(r.terms); i++ {
		if tf := r.terms[i].tf(n); tf > 0 {
			if w.scores[n] == 0 {
				w.touched = append(w.touched, n)
			}
			t := &r.terms[i]
			w.scores[n] += float64(t.weight * r.b.score(t.idf, tf, r.t.row(n).terms))
			w.masks[n] |= bit(i)
		}
	}
	if w.scores[n] != 0 {
		w.masks[n] |= looked
	}
}

// threshold returns the k-th best score so far among the rows that pass, 0 where there are fewer.
func (r *ranker) threshold(k int, pass func(Row) bool) float64 {
	var top lowest
	for _, n := range r.w.touched {
		s := r.w.scores[n]
		if (len(top) < k || s > top[0]) && pass(n) {
			top.push(s, k)
		}
	}
	if len(top) < k {
		return 0
	}
	return top[0]
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
	norm := 1.0
	if mean > 0 {
		norm = (1 - b.b) + float64(b.b*(length/mean))
	}
	return float64(tf*(b.k1+1)) / (tf + float64(b.k1*norm))
}

// searchWords is ModeLexical: the k best by BM25, exactly.
func (v *View) searchWords(q Query, t *table, s *sieve) ([]Hit, error) {
	p, err := parse(q.Text)
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
	r.gather(q.Limit, pass)
	top := &best{t: t, limit: q.Limit}
	for _, n := range r.w.touched {
		if row := t.row(n); top.wants(r.w.scores[n]) && pass(n) {
			top.offer(found{r.w.scores[n], listed{row.created, row.ord}, n})
		}
	}
	hits, err := v.hits(top.sorted(), s.seq)
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
			score := float64(t.weight * r.b.score(t.idf, tf, r.t.row(n).terms))
			parts = append(parts, Part{Name: fmt.Sprintf("word:%s", t.name), Score: score})
		}
	}
	return parts
}
