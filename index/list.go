package index

import (
	"bytes"
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Page is one page of a list.
type Page struct {
	Docs  []Doc
	Next  string // cursor of the next page, "" where this is the last
	Total int    // documents of the whole list
	Seq   uint64 // the moment of the list
}

// List returns documents by created time, newest first, then by id. The cursor of a page pins the
// moment of the first, so that pages fit together while writes go on; it is bound to the filter.
// limit 0 only counts.
func (v *View) List(f Filter, cursor string, limit int) (Page, error) {
	if limit < 0 || limit > MaxLimit {
		return Page{}, fmt.Errorf("list %d documents, at most %d: %w", limit, MaxLimit, ErrLimit)
	}
	t, err := v.rows()
	if err != nil {
		return Page{}, err
	}
	at := place{Seq: v.seq}
	if cursor != "" {
		if at, err = decodeCursor(cursor, f); err != nil {
			return Page{}, err
		}
		if at.Seq > v.seq {
			return Page{}, fmt.Errorf("%w: of a later moment than this view", ErrCursor)
		}
	}
	s, err := v.sieve(f, at.Seq)
	if err != nil {
		return Page{}, err
	}
	p := Page{Seq: min(at.Seq, v.Seq())}
	top := &newest{t: t, limit: limit + 1} // one more tells whether there is a next page
	for r := t.len(); r > 0; r-- {         // newest first: most of the rest is refused at once
		row := t.row(r - 1)
		if !s.match(row) {
			continue
		}
		p.Total++
		if cursor == "" || at.before(row.created, t.id(row.ord)) {
			top.offer(listed{row.created, row.ord})
		}
	}
	return v.fill(p, top.sorted(), at.Seq, limit, f)
}

// fill reads the documents of a page as of seq.
func (v *View) fill(p Page, rows []listed, seq uint64, limit int, f Filter) (Page, error) {
	then := *v
	then.seq = seq
	for i, r := range rows {
		if i == limit {
			if limit > 0 {
				last := p.Docs[limit-1]
				p.Next = encodeCursor(place{p.Seq, last.Created, last.ID}, f)
			}
			break
		}
		id, err := v.src.id(r.ord)
		if err != nil {
			return Page{}, err
		}
		d, ok, err := then.doc(id, r.ord)
		if err != nil {
			return Page{}, err
		}
		if !ok {
			return Page{}, v.src.fuse.check(fmt.Errorf("document %s in no image: %w", id, errValue))
		}
		p.Docs = append(p.Docs, d)
	}
	return p, nil
}

type listed struct {
	created int64
	ord     Ordinal
}

// newest keeps the first limit rows of a list's order, as a heap with the last of them on top.
type newest struct {
	t     *table
	limit int
	rows  []listed
}

func (n *newest) compare(a, b listed) int {
	if c := cmp.Compare(b.created, a.created); c != 0 {
		return c
	}
	x, y := n.t.id(a.ord), n.t.id(b.ord)
	return bytes.Compare(x[:], y[:])
}

func (n *newest) Len() int           { return len(n.rows) }
func (n *newest) Less(i, j int) bool { return n.compare(n.rows[i], n.rows[j]) > 0 }
func (n *newest) Swap(i, j int)      { n.rows[i], n.rows[j] = n.rows[j], n.rows[i] }
func (n *newest) Push(x any)         { n.rows = append(n.rows, x.(listed)) }
func (n *newest) Pop() any {
	last := n.rows[len(n.rows)-1]
	n.rows = n.rows[:len(n.rows)-1]
	return last
}

func (n *newest) offer(r listed) {
	switch {
	case len(n.rows) < n.limit:
		heap.Push(n, r)
	case n.compare(r, n.rows[0]) < 0:
		n.rows[0] = r
		heap.Fix(n, 0)
	}
}

func (n *newest) sorted() []listed {
	slices.SortFunc(n.rows, n.compare)
	return n.rows
}

// place is where a list goes on: behind (Created, ID), as of Seq.
type place struct {
	Seq     uint64
	Created int64
	ID      ID
}

// before reports whether a document comes behind the place in the list's order.
func (p place) before(created int64, id ID) bool {
	if created != p.Created {
		return created < p.Created
	}
	return bytes.Compare(id[:], p.ID[:]) > 0
}

const cursorSum = 8 // bytes of checksum, over the place and the filter

func (p place) encode() []byte { return key(nil).u64(p.Seq).time(p.Created).id(p.ID) }

func cursorChecksum(b []byte, f Filter) []byte {
	filter, _ := json.Marshal(f) // strings, numbers and booleans: cannot fail
	h := sha256.Sum256(slices.Concat(b, filter))
	return h[:cursorSum]
}

func encodeCursor(p place, f Filter) string {
	b := p.encode()
	return base64.RawURLEncoding.EncodeToString(append(b, cursorChecksum(b, f)...))
}

func decodeCursor(s string, f Filter) (place, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < cursorSum {
		return place{}, fmt.Errorf("%w: not one that a list returned", ErrCursor)
	}
	b, sum := b[:len(b)-cursorSum], b[len(b)-cursorSum:]
	if !bytes.Equal(sum, cursorChecksum(b, f)) {
		return place{}, fmt.Errorf("%w: not one of a list with these filters", ErrCursor)
	}
	r := fieldReader{b: b}
	p := place{Seq: r.u64(), Created: r.time(), ID: r.id()}
	if err := r.done("cursor"); err != nil {
		return place{}, fmt.Errorf("%w: %w", ErrCursor, err)
	}
	return p, nil
}

// Tags counts the live documents that pass the filter by tag: most first, then by name.
func (v *View) Tags(f Filter) ([]Count, error) {
	docs, err := v.passing(f)
	if err != nil {
		return nil, err
	}
	var counts []Count
	err = v.src.scan(newKey(keyTagDoc), func(k, val []byte) (bool, error) {
		g, h := fieldReader{b: k[1:]}, fieldReader{b: val}
		tag, ord, from, to := g.str(), g.ord(), g.u64(), h.u64()
		if at(from, to, v.seq) && docs.has(ord) {
			if n := len(counts); n == 0 || counts[n-1].Name != tag {
				counts = append(counts, Count{Name: tag})
			}
			counts[len(counts)-1].Docs++
		}
		return true, errors.Join(g.done("tag key"), h.done("tag"))
	})
	return byCount(counts), err
}

// Types counts the documents that pass the filter by type: most first, then by name.
func (v *View) Types(f Filter) ([]Count, error) {
	return v.countNames(f, func(r *rowInfo) uint32 { return r.typ })
}

// Projects counts the documents that pass the filter by project: most first, then by name.
func (v *View) Projects(f Filter) ([]Count, error) {
	return v.countNames(f, func(r *rowInfo) uint32 { return r.project })
}

func (v *View) countNames(f Filter, name func(*rowInfo) uint32) ([]Count, error) {
	numbers := map[uint32]int{}
	if err := v.eachRow(f, func(r *rowInfo) { numbers[name(r)]++ }); err != nil {
		return nil, err
	}
	var counts []Count
	for number, n := range numbers {
		if number == 0 {
			continue
		}
		b, _, err := v.src.get(newKey(keyName).u32(number))
		if err != nil {
			return nil, err
		}
		counts = append(counts, Count{string(b), n})
	}
	return byCount(counts), nil
}

func byCount(c []Count) []Count {
	slices.SortFunc(c, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Docs, a.Docs), cmp.Compare(a.Name, b.Name))
	})
	return c
}

// passing returns the documents that pass the filter.
func (v *View) passing(f Filter) (docSet, error) {
	set := docSet{}
	err := v.eachRow(f, func(r *rowInfo) { set.add(r.ord) })
	return set, err
}

func (v *View) eachRow(f Filter, fn func(*rowInfo)) error {
	t, err := v.rows()
	if err != nil {
		return err
	}
	s, err := v.sieve(f, v.seq)
	if err != nil {
		return err
	}
	for r := range t.len() {
		if row := t.row(r); s.match(row) {
			fn(row)
		}
	}
	return nil
}
