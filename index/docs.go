package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
)

// Docs iterates over every document of the view, tombstones included, in order of first
// appearance. It reads the index once from front to back, with memory that does not grow with the
// number of documents.
func (v *View) Docs() iter.Seq2[Doc, error] {
	return func(yield func(Doc, error) bool) {
		w, err := v.walk()
		if err == nil {
			defer w.close()
			err = v.src.scan(newKey(keyIDs), func(k, val []byte) (bool, error) {
				f := fieldReader{b: k[1:]}
				ord := Ordinal(f.u32() << idBlockShift)
				ids := fieldReader{b: val}
				for ; len(ids.b) > 0 && ids.err == nil; ord++ {
					d, ok, err := w.doc(ids.id(), ord)
					if err != nil {
						return false, err
					}
					if ok && !yield(d, nil) {
						return false, errStop
					}
				}
				return true, ids.err
			})
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(Doc{}, err)
		}
	}
}

// errStop ends a scan whose consumer has enough.
var errStop = errors.New("stop")

// walker joins the keys of documents, which are all in order of ordinals.
type walker struct {
	v                                         *View
	heads, images, tags, aliases, occurrences strand
}

// strand is one kind of a document's keys: the byte, the ordinal, and more.
type strand struct {
	it *pebble.Iterator
	s  source
	ok bool
}

func (v *View) walk() (*walker, error) {
	w := &walker{v: v}
	for prefix, s := range map[byte]*strand{
		keyHead: &w.heads, keyImage: &w.images, tagFact.byDoc: &w.tags,
		aliasFact.byDoc: &w.aliases, keyOccurrence: &w.occurrences,
	} {
		it, err := v.src.iter(newKey(prefix), newKey(prefix).upper())
		if err != nil {
			w.close()
			return nil, err
		}
		*s = strand{it: it, s: v.src, ok: it.First()}
	}
	return w, nil
}

func (w *walker) close() {
	for _, s := range []*strand{&w.heads, &w.images, &w.tags, &w.aliases, &w.occurrences} {
		if s.it != nil {
			s.it.Close() // its errors were seen where it was read
		}
	}
}

// each calls fn with the keys of a document. Documents must be asked for in order.
func (s *strand) each(ord Ordinal, fn func(k, v []byte) error) error {
	for ; s.ok; s.ok = s.it.Next() {
		k := s.it.Key()
		if len(k) < 5 {
			return s.s.fuse.check(fmt.Errorf("read key %q: %w", k, errValue))
		}
		switch have := Ordinal(binary.BigEndian.Uint32(k[1:])); {
		case have < ord:
			continue
		case have > ord:
			return nil
		}
		v, err := s.it.ValueAndErr()
		if err == nil {
			err = fn(k, v)
		}
		if err != nil {
			return s.s.fuse.check(fmt.Errorf("read index: %w", err))
		}
	}
	return s.s.finish(s.it)
}

func (w *walker) doc(id ID, ord Ordinal) (Doc, bool, error) {
	v := w.v
	d := Doc{ID: id, Ordinal: ord}
	found := false
	err := errors.Join(
		w.heads.each(ord, func(_, val []byte) error {
			h, err := decodeHead(val)
			d.LastVersion = h.maxVersion
			return err
		}),
		w.images.each(ord, func(k, val []byte) error {
			f := fieldReader{b: k[5:]}
			if f.u64() > v.seq {
				return nil
			}
			var err error
			d.Image, err = decodeImage(k, val)
			found = true
			return err
		}))
	if err != nil || !found {
		return Doc{}, false, err
	}
	to, _, err := v.src.getU64(newKey(keyClosed).row(d.Row))
	if err != nil || !at(d.From, to, v.seq) {
		return Doc{}, false, err
	}
	d.To = v.known(to)
	if d.Deleted {
		return d, true, nil
	}
	return d, true, w.facts(&d)
}

func (w *walker) facts(d *Doc) error {
	seq := w.v.seq
	names := func(f fact, dst *[]string) func(k, v []byte) error {
		return func(k, v []byte) error {
			name, from, to, err := f.decode(k, v)
			if err == nil && at(from, to, seq) {
				*dst = append(*dst, name)
			}
			return err
		}
	}
	err := errors.Join(
		w.tags.each(d.Ordinal, names(tagFact, &d.Tags)),
		w.aliases.each(d.Ordinal, names(aliasFact, &d.Aliases)),
		w.occurrences.each(d.Ordinal, func(k, v []byte) error {
			o, err := decodeOccurrence(k, v)
			if err == nil && at(o.From, o.To, seq) {
				o.To = w.v.known(o.To)
				d.Occurrences = append(d.Occurrences, o)
			}
			return err
		}))
	sortOccurrences(d.Occurrences)
	return err
}
