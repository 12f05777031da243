package index

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

func closeIterator(it *pebble.Iterator) {
	if it != nil {
		it.Close() // its errors were seen where it was read
	}
}

// rowReader reads documents by their rows, for which the table knows all but payload and facts. It
// has one iterator for all of them: making one costs more than using it.
type rowReader struct {
	v      *View
	t      *table
	it     *pebble.Iterator // over images and facts; nil until some are read
	images map[Row]Image    // that are read already
}

func (v *View) rowReader(t *table) *rowReader { return &rowReader{v: v, t: t} }

func (r *rowReader) close() { closeIterator(r.it) }

// hits reads the documents that were found, in the order in which they lie in the index.
func (r *rowReader) hits(rows []found) ([]Hit, error) {
	hits, order := make([]Hit, len(rows)), make([]int, len(rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(rows[a].ord, rows[b].ord) })
	for _, i := range order {
		d, err := r.imaged(rows[i].row)
		if err != nil {
			return nil, err
		}
		hits[i] = Hit{Doc: d, Score: rows[i].score, Covers: 1}
	}
	for _, i := range order {
		if err := r.facts(&hits[i].Doc); err != nil {
			return nil, err
		}
	}
	return hits, nil
}

// doc reads the document of a row that holds at the view's moment, without its LastVersion.
func (r *rowReader) doc(n Row) (Doc, error) {
	d, err := r.imaged(n)
	if err != nil {
		return Doc{}, err
	}
	return d, r.facts(&d)
}

// imaged is doc without facts.
func (r *rowReader) imaged(n Row) (Doc, error) {
	row := r.t.row(n)
	i, err := r.image(n)
	if err != nil {
		return Doc{}, err
	}
	d := Doc{ID: r.t.id(row.ord), Ordinal: row.ord, Image: i}
	d.To = r.v.known(row.to.Load())
	return d, nil
}

// facts adds the facts about a document, of which a tombstone shows none.
func (r *rowReader) facts(d *Doc) error {
	if d.Deleted {
		return nil
	}
	v := r.v
	names := func(f fact, dst *[]string) error {
		return r.each(newKey(f.byDoc).ord(d.Ordinal), func(k, val []byte) (bool, error) {
			name, from, to, err := f.decode(k, val)
			if err == nil && at(from, to, v.seq) {
				*dst = append(*dst, name)
			}
			return true, err
		})
	}
	if err := names(tagFact, &d.Tags); err != nil {
		return err
	}
	if r.t.aliases.Load() {
		if err := names(aliasFact, &d.Aliases); err != nil {
			return err
		}
	}
	if !r.t.occurrences.Load() {
		return nil
	}
	err := r.each(newKey(keyOccurrence).ord(d.Ordinal), func(k, val []byte) (bool, error) {
		return true, v.addOccurrence(&d.Occurrences, k, val)
	})
	sortOccurrences(d.Occurrences)
	return err
}

// keep has a row's image read once, however often it is asked for.
func (r *rowReader) keep(n Row) error {
	i, err := r.image(n)
	if r.images == nil {
		r.images = map[Row]Image{}
	}
	r.images[n] = i
	return err
}

// image reads what the row's document was, unless it is in images.
func (r *rowReader) image(n Row) (Image, error) {
	if i, ok := r.images[n]; ok {
		return i, nil
	}
	it, err := r.iter()
	if err != nil {
		return Image{}, err
	}
	row := r.t.row(n)
	k := imageKey(row.ord, row.from, n)
	if !it.SeekPrefixGE(k) { // which asks the bloom filters
		if err := r.v.src.finish(it); err != nil {
			return Image{}, err
		}
		return Image{}, r.v.src.fuse.check(fmt.Errorf("no image %q: %w", k, errValue))
	}
	val, err := it.ValueAndErr()
	if err != nil {
		return Image{}, r.v.src.fuse.check(fmt.Errorf("read index: %w", err))
	}
	i, err := decodeImage(k, val)
	return i, r.v.src.fuse.check(err)
}

func (r *rowReader) iter() (_ *pebble.Iterator, err error) {
	if r.it == nil {
		r.it, err = r.v.src.iter(newKey(keyDocAlias), newKey(keyDocTag).upper())
	}
	return r.it, err
}

// text is the text of a row.
func (r *rowReader) text(n Row) (string, error) {
	if r.v.d.o.Text == nil {
		return "", fmt.Errorf("read texts: %w", ErrMode)
	}
	i, err := r.image(n)
	if err != nil {
		return "", err
	}
	return r.v.d.o.Text(i.Payload), nil
}

// each calls fn with each key that begins with prefix, in order, until fn says stop.
func (r *rowReader) each(prefix key, fn func(k, val []byte) (more bool, err error)) error {
	it, err := r.iter()
	if err != nil {
		return err
	}
	for ok := it.SeekGE(prefix); ok && bytes.HasPrefix(it.Key(), prefix); ok = it.Next() {
		val, err := it.ValueAndErr()
		more := false
		if err == nil {
			more, err = fn(it.Key(), val)
		}
		if err != nil {
			return r.v.src.fuse.check(fmt.Errorf("read index: %w", err))
		}
		if !more {
			return nil
		}
	}
	return r.v.src.finish(it)
}
