package index

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"memlog/index/vector"
)

// Of a scan by codes, the best candidates are compared whole, some at a time: at least rerankFactor
// for each that is wanted, and then as many as may still be among the wanted by the doubt of their
// estimates, at most moreRerank times as many. Where no more than exactUpTo pass, all are compared.
const (
	exactUpTo    = 100
	rerankFactor = 3
	moreRerank   = 5
	rerankDoubts = 1.75 // standard deviations
	rerankStep   = 10   // how many are read in order of keys
)

// VectorQuery is a search by vector.
type VectorQuery struct {
	Space  Space
	Vector vector.Query // of the space's dimensions
	Filter Filter
	Limit  int
}

// PartitionedFrom is how many vectors a space has when a search without a filter looks only into
// the partitions nearest to it: to scan the codes of all takes longer than an answer may. With a
// filter all are scanned, since what passes may be anywhere.
const PartitionedFrom = 1 << 21

// Near is a row near a query.
type Near struct {
	Row   Row
	Score float32 // cosine
}

// Nearest returns the documents whose vectors are nearest, best first: by cosine, the later row of
// equals. A document without a vector in the space is not found. What may be found is decided by
// the filter before anything is cut: where no more than exactUpTo documents pass, the answer is
// exact, as it is in spaces below vector.FirstMean.
func (v *View) Nearest(q VectorQuery) ([]Hit, error) {
	if q.Limit <= 0 || q.Limit > MaxLimit {
		return nil, fmt.Errorf("find %d documents, 1 to %d: %w", q.Limit, MaxLimit, ErrLimit)
	}
	s, err := v.sieve(q.Filter, v.seq)
	if err != nil || s.nothing {
		return nil, err
	}
	near, err := v.nearest(q, s)
	if err != nil {
		return nil, err
	}
	v, end, err := v.seeking()
	if err != nil {
		return nil, err
	}
	defer end()
	rows := make([]found, len(near))
	for i, n := range near {
		ord, err := v.rowOrdinal(n.Row)
		if err != nil {
			return nil, err
		}
		rows[i] = found{score: float64(n.Score), listed: listed{ord: ord}, row: n.Row}
	}
	return v.hits(rows, s.seq)
}

// nearest returns the rows that pass and are nearest, at most as many as are wanted.
func (v *View) nearest(query VectorQuery, s *sieve) ([]Near, error) {
	want, q, limit := query.Space, query.Vector, query.Limit
	if len(q.Q) != want.Dims {
		return nil, fmt.Errorf("search %d dimensions with %d: %w", want.Dims, len(q.Q), ErrDims)
	}
	slab, sp, err := v.slab(want)
	if err != nil || slab == nil {
		return nil, err
	}
	pass, err := v.admit(s)
	if err != nil {
		return nil, err
	}
	v, end, err := v.seeking() // over a batch: only now that what it reads is written there
	if err != nil {
		return nil, err
	}
	defer end()
	prefix := slab.Prefix(v.seq)
	if prefix <= vector.FirstMean {
		all, err := v.compareWhole(sp, q, slab, slab.All(prefix, v.seq, pass))
		return nearestFirst(all, limit), err
	}
	atLeast := limit * rerankFactor
	candidates := slab.Scan(vector.Scan{
		Query: q, Prefix: prefix, Seq: v.seq, Pass: pass, Limit: max(exactUpTo, atLeast*moreRerank),
		Partitions: pass == nil && (v.d.o.Partitions || prefix >= PartitionedFrom),
	})
	if len(candidates) <= exactUpTo {
		atLeast = exactUpTo
	}
	var near []Near
	for n := likely(candidates, atLeast, limit); len(candidates) > 0; n = rerankStep {
		if len(near) >= atLeast && hopeless(candidates[0], near, limit) {
			break
		}
		n = min(n, len(candidates))
		step, err := v.compareWhole(sp, q, slab, candidates[:n])
		if err != nil {
			return nil, err
		}
		near, candidates = nearestFirst(append(near, step...), atLeast), candidates[n:]
	}
	return nearestFirst(near, limit), nil
}

// likely returns how many of the candidates will have to be read, as far as can be said before: at
// least so many, and those that may be better than the limit-th by estimate.
func likely(candidates []vector.Candidate, atLeast, limit int) int {
	n := min(atLeast, len(candidates))
	for ; n < len(candidates) && n >= limit; n++ {
		c := candidates[n]
		if c.Estimate+float32(rerankDoubts*c.Error) < candidates[limit-1].Estimate {
			break
		}
	}
	return n
}

// hopeless reports whether a candidate, and those behind it, will not be among the first limit of
// near, which are in order.
func hopeless(c vector.Candidate, near []Near, limit int) bool {
	return c.Estimate+float32(rerankDoubts*c.Error) < near[limit-1].Score
}

// admit returns what the filter asks of a row, nil where it asks nothing: then the table of rows
// is not needed.
func (v *View) admit(s *sieve) (func(row uint32) bool, error) {
	if s.open() {
		return nil, nil
	}
	t, err := v.rows()
	if err != nil {
		return nil, err
	}
	return func(row uint32) bool {
		return s.mayMatch(t.kind(Row(row))) && s.match(t.row(Row(row)))
	}, nil
}

// open reports whether every live document passes.
func (s *sieve) open() bool {
	return s.typ == nil && s.project == nil && s.tagged == nil && s.occurred == nil && !s.nothing
}

// compareWhole reads the candidates' vectors, in order of keys.
func (v *View) compareWhole(sp space, q vector.Query, slab *vector.Slab,
	candidates []vector.Candidate) ([]Near, error) {
	slices.SortFunc(candidates, func(a, b vector.Candidate) int { return cmp.Compare(a.Slot, b.Slot) })
	near := make([]Near, len(candidates))
	for i, c := range candidates {
		near[i].Row = Row(c.Row)
		if encoded, ok := slab.Whole(c.Slot); ok {
			near[i].Score = q.Similarity(encoded)
			continue
		}
		var err error
		if near[i].Score, err = v.similarity(sp, q, c.Slot); err != nil {
			return nil, err
		}
	}
	return near, nil
}

// similarity reads the vector of a slot and compares it.
func (v *View) similarity(sp space, q vector.Query, slot uint32) (score float32, err error) {
	ok, err := v.src.peek(vectorKey(sp.num, slot), func(encoded []byte) error {
		if len(encoded) != sp.Dims+vector.HeadBytes {
			return errValue
		}
		score = q.Similarity(encoded)
		return nil
	})
	if err == nil && !ok {
		err = fmt.Errorf("no vector %d in space %d: %w", slot, sp.num, errValue)
	}
	return score, v.src.fuse.check(err)
}

func nearestFirst(near []Near, limit int) []Near {
	slices.SortFunc(near, func(a, b Near) int {
		if c := cmp.Compare(b.Score, a.Score); c != 0 {
			return c
		}
		return cmp.Compare(b.Row, a.Row)
	})
	return near[:min(len(near), limit)]
}

// rowOrdinal returns whose image a row is, without the table.
func (v *View) rowOrdinal(row Row) (Ordinal, error) {
	var info rowInfo
	at := int(row&(1<<rowBlockShift-1)) * rowRecordSize
	ok, err := v.src.peek(newKey(keyRows).row(row>>rowBlockShift), func(val []byte) error {
		if len(val) < at+rowRecordSize {
			return errValue
		}
		info.decode(val[at:])
		return nil
	})
	if err == nil && !ok {
		err = errValue
	}
	return info.ord, v.src.fuse.check(err)
}

// SpaceInfo is a space and how many vectors it has been given.
type SpaceInfo struct {
	Space
	Vectors int
}

// Spaces returns all spaces up to the end of the index, in order of appearance.
func (v *View) Spaces() ([]SpaceInfo, error) {
	spaces, err := v.src.spaces()
	out := make([]SpaceInfo, 0, len(spaces))
	for _, s := range spaces {
		out = append(out, SpaceInfo{s.Space, int(s.count)})
	}
	return out, err
}

// Without returns up to limit live documents that have no vector in the space, in order of rows
// from the row from on, and the row to go on from; that is math.MaxUint32 where there are no more.
func (v *View) Without(want Space, from Row, limit int) (docs []Doc, next Row, err error) {
	t, err := v.rows()
	if err != nil {
		return nil, 0, err
	}
	slab, _, err := v.slab(want)
	if err != nil {
		return nil, 0, err
	}
	for r := from; r < t.len(); r++ {
		if !v.lacks(slab, t.row(r), r) {
			continue
		}
		if len(docs) == limit {
			return docs, r, nil
		}
		d, ok, err := v.doc(t.id(t.row(r).ord), t.row(r).ord)
		if err != nil {
			return nil, 0, err
		}
		if ok {
			docs = append(docs, d)
		}
	}
	return docs, math.MaxUint32, nil
}

// Lacking counts the live documents that have no vector in the space.
func (v *View) Lacking(want Space) (int, error) {
	t, err := v.rows()
	if err != nil {
		return 0, err
	}
	slab, _, err := v.slab(want)
	n := 0
	for r := range t.len() {
		if err == nil && v.lacks(slab, t.row(r), r) {
			n++
		}
	}
	return n, err
}

func (v *View) lacks(slab *vector.Slab, info *rowInfo, row Row) bool {
	if info.deleted() || !info.at(v.seq) {
		return false
	}
	if slab == nil {
		return true
	}
	slot, ok := slab.Slot(uint32(row))
	return !ok || slot >= slab.Prefix(v.seq)
}
