package index

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Mode is how a query finds.
type Mode int

// The modes.
const (
	// ModeLexical ranks by BM25 over stemmed words. Scores do not depend on the filter.
	ModeLexical Mode = iota
	// ModeExact finds texts that hold the query as it is written, after Unicode NFC: score 1
	// with the same letter case, 0.5 in another case. It reads the documents that pass the filter
	// and have the words of the query that have space before and behind; else, all that pass.
	ModeExact
	// ModeHybrid finds by words and ranks by all there is: see weights.go.
	ModeHybrid
)

// Query is a search.
type Query struct {
	Text    string
	Mode    Mode
	Filter  Filter
	Limit   int
	Explain bool // fill Hit.Parts
	// Of ModeHybrid: how many neighbours of its session each hit brings on each side, at most
	// MaxContext, and the names of the project the caller is in, which is mildly preferred.
	Context int
	Near    []string
	// Also of ModeHybrid: when it is asked, and where, for dates such as "last week". This package
	// reads no clock: where it is zero, these words are words and nothing else.
	Now     time.Time
	Meaning *Meaning // also of ModeHybrid: what the query means to a model; nil: words alone
	Weights *Weights // also of ModeHybrid: how signals count; nil: DefaultWeights
}

// Hit is a document that was found.
type Hit struct {
	Doc   Doc // LastVersion is not said
	Score float64
	// Covers is the share of the query's words, by weight, that the text and, in ModeHybrid, its
	// neighbours have; words that no text has weigh most. 1 in other modes.
	Covers float64
	Parts  []Part // with Query.Explain: what made the score
	// With Query.Context: its neighbours, in order, but those that a better hit brings.
	Before, After []Doc
}

// Part is one signal's share of a score: word:TERM in ModeLexical, else a signal of weights.go.
type Part struct {
	Name  string
	Score float64
}

// Search returns the best hits, best first: by score, then created time, newest first, then id.
// Filters decide what may be found before anything is cut.
func (v *View) Search(q Query) ([]Hit, error) {
	if q.Limit <= 0 || q.Limit > MaxLimit {
		return nil, fmt.Errorf("find %d documents, 1 to %d: %w", q.Limit, MaxLimit, ErrLimit)
	}
	if q.Context < 0 || q.Context > MaxContext {
		return nil, fmt.Errorf("%d neighbours, at most %d: %w", q.Context, MaxContext, ErrLimit)
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
	case ModeHybrid:
		return v.searchHybrid(q, t, s)
	default:
		return nil, fmt.Errorf("search mode %d: %w", q.Mode, ErrMode)
	}
}

// hits reads the documents that were found, without the table.
func (v *View) hits(rows []found, seq uint64) ([]Hit, error) {
	hits := make([]Hit, 0, len(rows))
	v, end, err := v.seeking()
	if err != nil {
		return nil, err
	}
	defer end()
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
		hits = append(hits, Hit{Doc: d, Score: r.score, Covers: 1})
	}
	return hits, nil
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
	worst found // of rows, once they were cut
	full  bool
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
	if b.full && b.compare(f, b.worst) > 0 {
		return
	}
	b.rows = append(b.rows, f)
	if len(b.rows) >= 2*b.limit {
		b.rows = b.sorted()
		b.worst, b.full = b.rows[len(b.rows)-1], true
	}
}

func (b *best) sorted() []found {
	slices.SortFunc(b.rows, b.compare)
	return b.rows[:min(len(b.rows), b.limit)]
}
