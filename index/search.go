package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/text/unicode/norm"
)

// The parameters of BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009),
// at the values that suit short texts.
const (
	bm25K1 = 0.9
	bm25B  = 0.4
)

// Mode is how a query finds.
type Mode int

// The modes.
const (
	// ModeLexical ranks by BM25 over stemmed words. Scores do not depend on the filter.
	ModeLexical Mode = iota
	// ModeExact finds texts that hold the query as it is written, after Unicode NFC: score 1
	// with the same letter case, 0.5 in another case. It reads every document that passes the
	// filter.
	ModeExact
)

// Query is a search.
type Query struct {
	Text    string
	Mode    Mode
	Filter  Filter
	Limit   int
	Explain bool // fill Hit.Parts
}

// Hit is a document that was found.
type Hit struct {
	Doc   Doc
	Score float64
	Parts []Part // with Query.Explain: the terms that made the score
}

// Part is one term's share of a score.
type Part struct {
	Term  string
	TF    int // how often it stands in the text
	DF    int // in how many live texts it stands
	IDF   float64
	Score float64
}

// Search returns the best hits, best first: by score, then created time, newest first, then id.
// Filters decide what may be found before anything is cut.
func (v *View) Search(q Query) ([]Hit, error) {
	if q.Limit <= 0 || q.Limit > MaxLimit {
		return nil, fmt.Errorf("find %d documents, 1 to %d: %w", q.Limit, MaxLimit, ErrLimit)
	}
	t, err := v.rows()
	if err != nil {
		return nil, err
	}
	s, err := v.sieve(q.Filter, v.seq)
	if err != nil {
		return nil, err
	}
	switch q.Mode {
	case ModeLexical:
		return v.searchWords(q, t, s)
	case ModeExact:
		return v.searchExact(q, t, s)
	default:
		return nil, fmt.Errorf("search mode %d: %w", q.Mode, ErrMode)
	}
}

// queryTerms returns the distinct terms to look for, in order. Stop words count only where there
// is nothing else.
func queryTerms(text string) ([]string, error) {
	var z analyzer
	all := z.analyze(text).terms
	if len(all) == 0 {
		return nil, fmt.Errorf("search for %.40q: %w", text, ErrNoTerms)
	}
	terms := slices.DeleteFunc(slices.Clone(all), isStopWord)
	if len(terms) == 0 {
		terms = all
	}
	if len(terms) > MaxQueryTerms {
		return nil, fmt.Errorf("%d words, at most %d: %w", len(terms), MaxQueryTerms, ErrQueryTooLong)
	}
	return terms, nil
}

// posting is a live row that holds a term.
type posting struct {
	row Row
	tf  uint32
}

// livePostings appends the term's postings whose rows hold at the view's moment.
func (v *View) livePostings(dst []posting, t *table, term string) ([]posting, error) {
	prefix := newKey(keyPosting).str(term)
	err := v.src.scan(prefix, func(k, val []byte) (bool, error) {
		f := fieldReader{b: k[len(prefix):]}
		base := f.u32() << postingBlockShift
		if err := f.done("posting key"); err != nil || len(val)%postingSize != 0 {
			return false, cmp.Or(err, errValue)
		}
		for ; len(val) > 0; val = val[postingSize:] {
			row := Row(base | uint32(binary.LittleEndian.Uint16(val)))
			if row >= t.len() {
				return false, errValue
			}
			if t.row(row).at(v.seq) {
				dst = append(dst, posting{row, uint32(binary.LittleEndian.Uint16(val[2:]))})
			}
		}
		return true, nil
	})
	return dst, err
}

func (v *View) searchWords(q Query, t *table, s *sieve) ([]Hit, error) {
	terms, err := queryTerms(q.Text)
	if err != nil {
		return nil, err
	}
	stats, err := v.Stats()
	if err != nil || stats.Live == 0 {
		return nil, err
	}
	b := bm25{docs: float64(stats.Live), avg: float64(stats.Terms) / float64(stats.Live)}
	w := workspaces.Get().(*workspace)
	defer workspaces.Put(w)
	scores, touched, list := w.begin(int(t.len()))
	defer func() { w.end(touched, list) }()
	for _, term := range terms {
		if list, err = v.livePostings(list[:0], t, term); err != nil {
			return nil, err
		}
		idf := b.idf(len(list))
		for _, p := range list {
			if scores[p.row] == 0 {
				touched = append(touched, p.row)
			}
			scores[p.row] += b.score(idf, p.tf, t.row(p.row).terms)
		}
	}
	top := &best{t: t, limit: q.Limit}
	for _, r := range touched {
		if row := t.row(r); s.match(row) {
			top.offer(found{scores[r], listed{row.created, row.ord}, r})
		}
	}
	hits, err := v.hits(top.sorted(), s.seq)
	if err == nil && q.Explain {
		err = v.explain(hits, terms, t, b)
	}
	return hits, err
}

// workspace is what a search needs for a moment, kept for the next one.
type workspace struct {
	scores  []float64 // by row; all zero between searches
	touched []Row
	list    []posting
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

func (w *workspace) begin(rows int) ([]float64, []Row, []posting) {
	if len(w.scores) < rows {
		w.scores = make([]float64, rows+rows/8)
	}
	return w.scores, w.touched[:0], w.list[:0]
}

func (w *workspace) end(touched []Row, list []posting) {
	for _, r := range touched {
		w.scores[r] = 0
	}
	w.touched, w.list = touched, list
}

// bm25 scores. Products are converted explicitly, so that no compiler fuses them with an addition
// and every machine gets the same bits.
type bm25 struct {
	docs, avg float64
}

func (b bm25) idf(df int) float64 {
	n := float64(df)
	return math.Log(1 + (b.docs-n+0.5)/(n+0.5))
}

func (b bm25) score(idf float64, tf, length uint32) float64 {
	f := float64(tf)
	norm := 1.0
	if b.avg > 0 {
		norm = (1 - bm25B) + float64(bm25B*(float64(length)/b.avg))
	}
	return float64(idf*float64(f*(bm25K1+1))) / (f + float64(bm25K1*norm))
}

// hits reads the documents that were found.
func (v *View) hits(rows []found, seq uint64) ([]Hit, error) {
	hits := make([]Hit, 0, len(rows))
	for _, r := range rows {
		id, err := v.src.id(r.ord)
		if err != nil {
			return nil, err
		}
		d, ok, err := v.doc(id, r.ord)
		if err != nil {
			return nil, err
		}
		if !ok {
			err = fmt.Errorf("document %s in no image at %d: %w", id, seq, errValue)
			return nil, v.src.fuse.check(err)
		}
		hits = append(hits, Hit{Doc: d, Score: r.score})
	}
	return hits, nil
}

// explain reads the postings a second time, for the hits alone.
func (v *View) explain(hits []Hit, terms []string, t *table, b bm25) error {
	byRow := map[Row]*Hit{}
	for i := range hits {
		byRow[hits[i].Doc.Row] = &hits[i]
	}
	for _, term := range terms {
		list, err := v.livePostings(nil, t, term)
		if err != nil {
			return err
		}
		idf := b.idf(len(list))
		for _, p := range list {
			if h := byRow[p.row]; h != nil {
				h.Parts = append(h.Parts, Part{
					Term: term, TF: int(p.tf), DF: len(list), IDF: idf,
					Score: b.score(idf, p.tf, t.row(p.row).terms),
				})
			}
		}
	}
	return nil
}

const (
	exactScore     = 1.0
	otherCaseScore = 0.5
)

func (v *View) searchExact(q Query, t *table, s *sieve) ([]Hit, error) {
	if v.d.o.Text == nil {
		return nil, fmt.Errorf("search for exact text: %w", ErrMode)
	}
	want := norm.NFC.String(q.Text)
	if want == "" {
		return nil, fmt.Errorf("search for exact text: %w", ErrNoTerms)
	}
	it, err := v.src.iter(newKey(keyImage), newKey(keyImage).upper())
	if err != nil {
		return nil, err
	}
	defer it.Close()
	lower := strings.ToLower(want)
	top := &best{t: t, limit: q.Limit}
	for r := range t.len() {
		row := t.row(r)
		if row.deleted() || !s.match(row) {
			continue
		}
		payload, err := v.payload(it, imageKey(row.ord, row.from, r))
		if err != nil {
			return nil, err
		}
		f := found{listed: listed{row.created, row.ord}, row: r}
		switch text := norm.NFC.String(v.d.o.Text(payload)); {
		case strings.Contains(text, want):
			f.score = exactScore
		case strings.Contains(strings.ToLower(text), lower):
			f.score = otherCaseScore
		default:
			continue
		}
		top.offer(f)
	}
	return v.hits(top.sorted(), s.seq)
}

// payload reads an image's payload through an iterator: rows are in nearly the order of their
// images, so that the next one is most often where the iterator stands.
func (v *View) payload(it *pebble.Iterator, k key) ([]byte, error) {
	if !it.SeekGE(k) || !bytes.Equal(it.Key(), k) {
		if err := v.src.finish(it); err != nil {
			return nil, err
		}
		return nil, v.src.fuse.check(fmt.Errorf("no image %q: %w", k, errValue))
	}
	val, err := it.ValueAndErr()
	if err != nil {
		return nil, v.src.fuse.check(fmt.Errorf("read index: %w", err))
	}
	i, err := decodeImage(k, val)
	return i.Payload, v.src.fuse.check(err)
}

// found is a row with its score.
type found struct {
	score float64
	listed
	row Row
}

// best keeps the first limit rows of a search's order.
type best struct {
	t     *table
	limit int
	rows  []found
	worst found // of rows, once they are full
}

func (b *best) compare(x, y found) int {
	if c := cmp.Compare(y.score, x.score); c != 0 {
		return c
	}
	if c := cmp.Compare(y.created, x.created); c != 0 {
		return c
	}
	i, j := b.t.id(x.ord), b.t.id(y.ord)
	return bytes.Compare(i[:], j[:])
}

// offer collects up to twice the limit and cuts, which is cheaper than a heap here.
func (b *best) offer(f found) {
	if len(b.rows) >= b.limit && b.worst.score > f.score {
		return
	}
	b.rows = append(b.rows, f)
	if len(b.rows) >= 2*b.limit {
		b.rows = b.sorted()
		b.worst = b.rows[len(b.rows)-1]
	}
}

func (b *best) sorted() []found {
	slices.SortFunc(b.rows, b.compare)
	return b.rows[:min(len(b.rows), b.limit)]
}
