package index

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"slices"
	"sort"
)

// Filter says which documents a list or a search is about. It is applied inside, never after a
// top-k cut. The zero Filter is every live document. All conditions must hold.
type Filter struct {
	Tags    []string // any of them, or all of them with All
	All     bool
	Type    string
	Project string
	// Session is that of commands which opened an image of the document, not necessarily its present
	// one, or recorded an occurrence.
	Session string
	// CreatedFrom and CreatedTo bound the created time, both inclusive, in microseconds since
	// 1970; nil is open. A document also matches by one of its occurrences.
	CreatedFrom *int64
	CreatedTo   *int64
	// RecordedFrom and RecordedTo bound the sequence number that opened the present image, or
	// recorded an occurrence, both inclusive; 0 is open.
	RecordedFrom uint64
	RecordedTo   uint64
	// IncludeDeleted lets tombstones in. They have no tags and no words.
	IncludeDeleted bool
}

// docSet is a set of documents.
type docSet []uint64

func (s docSet) has(o Ordinal) bool {
	i := int(o >> 6)
	return i < len(s) && s[i]&(1<<(o&63)) != 0
}

func (s *docSet) add(o Ordinal) {
	for int(o>>6) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[o>>6] |= 1 << (o & 63)
}

func (s docSet) intersect(other docSet) docSet {
	n := min(len(s), len(other))
	for i := range n {
		s[i] &= other[i]
	}
	return s[:n]
}

// sieve is a filter made ready for one view: what is left to ask about a row is in memory.
type sieve struct {
	seq      uint64
	deleted  bool
	tagged   *docSet // has the tags, and was said in the session; nil: any
	occurred *docSet // has an occurrence in both ranges; nil: ranges are open
	typ      *uint32 // nil: any
	project  *uint32
	created  [2]int64
	recorded [2]uint64
	nothing  bool // no document can match
}

// mayMatch is false for most rows that match does not let pass, and costs less.
func (s *sieve) mayMatch(k *rowKind) bool {
	return (s.typ == nil || k.typ == *s.typ) && (s.project == nil || k.project == *s.project) &&
		(s.tagged == nil || s.tagged.has(k.ord))
}

// match reports whether the row holds at the moment and passes.
func (s *sieve) match(r *rowInfo) bool {
	if s.nothing || !r.at(s.seq) || r.deleted() && !s.deleted {
		return false
	}
	if s.typ != nil && r.typ != *s.typ || s.project != nil && r.project != *s.project {
		return false
	}
	if s.tagged != nil && !s.tagged.has(r.ord) {
		return false
	}
	if s.occurred == nil {
		return true
	}
	if r.created >= s.created[0] && r.created <= s.created[1] &&
		r.from >= s.recorded[0] && r.from <= s.recorded[1] {
		return true
	}
	return !r.deleted() && s.occurred.has(r.ord)
}

// sieve reads what the filter needs at seq, which must not be after the view's moment.
func (v *View) sieve(f Filter, seq uint64) (*sieve, error) {
	s := &sieve{seq: seq, deleted: f.IncludeDeleted}
	s.created = [2]int64{math.MinInt64, math.MaxInt64}
	s.recorded = [2]uint64{f.RecordedFrom, math.MaxUint64}
	ranged := f.RecordedFrom > 0 || f.RecordedTo > 0
	if f.RecordedTo > 0 {
		s.recorded[1] = f.RecordedTo
	}
	if f.CreatedFrom != nil {
		s.created[0], ranged = *f.CreatedFrom, true
	}
	if f.CreatedTo != nil {
		s.created[1], ranged = *f.CreatedTo, true
	}
	var err error
	if s.typ, err = v.nameFilter(f.Type, s); err != nil {
		return nil, err
	}
	if s.project, err = v.nameFilter(f.Project, s); err != nil {
		return nil, err
	}
	if s.tagged, err = v.tagged(f, seq); err != nil {
		return nil, err
	}
	if f.Session != "" {
		said, err := v.saidIn(f.Session, seq)
		if err != nil {
			return nil, err
		}
		if s.tagged != nil {
			said = said.intersect(*s.tagged)
		}
		s.tagged = &said
	}
	if ranged {
		s.occurred, err = v.occurred(s)
	}
	return s, err
}

func (v *View) nameFilter(name string, s *sieve) (*uint32, error) {
	if name == "" {
		return nil, nil
	}
	n, ok, err := v.src.nameID(name)
	if !ok {
		s.nothing = true
	}
	return &n, err
}

// tagged returns the documents that have any or all of the tags at seq, nil without tags.
func (v *View) tagged(f Filter, seq uint64) (*docSet, error) {
	if len(f.Tags) == 0 {
		return nil, nil
	}
	var all docSet
	for i, tag := range f.Tags {
		one := docSet{}
		if !f.All && i > 0 {
			one = all
		}
		taggings, err := v.taggings(tag)
		if err != nil {
			return nil, err
		}
		for _, t := range taggings {
			if at(t.from, t.to, seq) {
				one.add(t.ord)
			}
		}
		if f.All && i > 0 {
			one = all.intersect(one)
		}
		all = one
	}
	return &all, nil
}

// occurred returns the documents with an occurrence that was created and recorded in the ranges.
func (v *View) occurred(s *sieve) (*docSet, error) {
	set := docSet{}
	lower := newKey(keyOccTime).time(s.created[0])
	upper := newKey(keyOccTime).upper()
	if s.created[1] < math.MaxInt64 {
		upper = newKey(keyOccTime).time(s.created[1] + 1)
	}
	if bytes.Compare(lower, upper) >= 0 {
		return &set, nil
	}
	err := v.src.scanRange(lower, upper, func(k, val []byte) (bool, error) {
		f, g := fieldReader{b: k[1:]}, fieldReader{b: val}
		f.time()
		ord := f.ord()
		f.id()
		from, to := f.u64(), g.u64()
		if at(from, to, s.seq) && from >= s.recorded[0] && from <= s.recorded[1] {
			set.add(ord)
		}
		return true, errors.Join(f.done("occurrence time"), g.done("occurrence end"))
	})
	return &set, err
}

// saidIn returns the documents that the commands of a session up to seq stored, changed or said
// again.
func (v *View) saidIn(session string, seq uint64) (docSet, error) {
	set, seqs := docSet{}, []uint64{} // newest first
	t, err := v.rows()
	if err != nil {
		return nil, err
	}
	for c, err := range v.Commands(session, 0) {
		if err != nil {
			return nil, err
		}
		if c.Seq > seq {
			continue
		}
		seqs = append(seqs, c.Seq)
		n := Row(sort.Search(int(t.len()), func(i int) bool { return t.row(Row(i)).from >= c.Seq }))
		for ; n < t.len() && t.row(n).from == c.Seq; n++ { // rows are in the order of the log
			set.add(t.row(n).ord)
		}
	}
	if len(seqs) == 0 {
		return set, nil
	}
	err = v.src.scan(newKey(keyOccTime), func(k, val []byte) (bool, error) {
		f, g := fieldReader{b: k[1:]}, fieldReader{b: val}
		f.time()
		ord := f.ord()
		f.id()
		from, to := f.u64(), g.u64()
		_, here := slices.BinarySearchFunc(seqs, from, func(a, b uint64) int { return cmp.Compare(b, a) })
		if here && at(from, to, seq) {
			set.add(ord)
		}
		return true, errors.Join(f.done("occurrence time"), g.done("occurrence end"))
	})
	return set, err
}
