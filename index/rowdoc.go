package index

import (
	"bytes"
	"fmt"

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
	it     *pebble.Iterator // over facts; nil until some are read
	images map[Row]Image    // that are read already
}

func (v *View) rowReader(t *table) *rowReader {
	return &rowReader{v: v, t: t, images: map[Row]Image{}}
}

func (r *rowReader) close() { closeIterator(r.it) }

// rowHits reads the documents that were found.
func (r *rowReader) hits(rows []found) ([]Hit, error) {
	hits := make([]Hit, 0, len(rows))
	for _, f := range rows {
		d, err := r.doc(f.row)
		if err != nil {
			return nil, err
		}
		hits = append(hits, Hit{Doc: d, Score: f.score, Covers: 1})
	}
	return hits, nil
}

// doc reads the document of a row that holds at the view's moment, without its LastVersion.
func (r *rowReader) doc(n Row) (Doc, error) {
	v, row := r.v, r.t.row(n)
	d := Doc{ID: r.t.id(row.ord), Ordinal: row.ord}
	i, err := r.image(n)
	if err != nil {
		return Doc{}, err
	}
	d.Image = i
	d.To = v.known(row.to.Load())
	if d.Deleted {
		return d, nil
	}
	names := func(f fact, dst *[]string) error {
		return r.each(newKey(f.byDoc).ord(row.ord), func(k, val []byte) (bool, error) {
			name, from, to, err := f.decode(k, val)
			if err == nil && at(from, to, v.seq) {
				*dst = append(*dst, name)
			}
			return true, err
		})
	}
	if err := names(tagFact, &d.Tags); err != nil {
		return Doc{}, err
	}
	if r.t.aliases.Load() {
		if err := names(aliasFact, &d.Aliases); err != nil {
			return Doc{}, err
		}
	}
	if !r.t.occurrences.Load() {
		return d, nil
	}
	err = r.each(newKey(keyOccurrence).ord(row.ord), func(k, val []byte) (bool, error) {
		o, err := decodeOccurrence(k, val)
		if err == nil && at(o.From, o.To, v.seq) {
			o.To = v.known(o.To)
			d.Occurrences = append(d.Occurrences, o)
		}
		return true, err
	})
	sortOccurrences(d.Occurrences)
	return d, err
}

// image reads what the row's document was, unless it is in images.
func (r *rowReader) image(n Row) (Image, error) {
	if i, ok := r.images[n]; ok {
		return i, nil
	}
	row := r.t.row(n)
	k := imageKey(row.ord, row.from, n)
	var i Image
	ok, err := r.v.src.peek(k, func(val []byte) (err error) {
		i, err = decodeImage(k, val)
		return err
	})
	if err == nil && !ok {
		err = fmt.Errorf("no image %q: %w", k, errValue)
	}
	if err != nil {
		return Image{}, r.v.src.fuse.check(err)
	}
	return i, nil
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
func (r *rowReader) each(prefix key, fn func(k, val []byte) (more bool, err error)) (err error) {
	if r.it == nil {
		if r.it, err = r.v.src.iter(newKey(keyDocAlias), newKey(keyDocTag).upper()); err != nil {
			return err
		}
	}
	for ok := r.it.SeekGE(prefix); ok && bytes.HasPrefix(r.it.Key(), prefix); ok = r.it.Next() {
		val, err := r.it.ValueAndErr()
		more := false
		if err == nil {
			more, err = fn(r.it.Key(), val)
		}
		if err != nil {
			return r.v.src.fuse.check(fmt.Errorf("read index: %w", err))
		}
		if !more {
			return nil
		}
	}
	return r.v.src.finish(r.it)
}
