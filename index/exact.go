package index

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/clipperhouse/uax29/v2/words"
	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/text/unicode/norm"
)

const (
	exactScore     = 1.0
	otherCaseScore = 0.5
)

// searchExact is ModeExact.
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
	look := func(r Row) error {
		row := t.row(r)
		if row.deleted() || !s.match(row) {
			return nil
		}
		payload, err := v.payload(it, imageKey(row.ord, row.from, r))
		if err != nil {
			return err
		}
		f := found{listed: listed{row.created, row.ord}, row: r}
		switch text := norm.NFC.String(v.d.o.Text(payload)); {
		case strings.Contains(text, want):
			f.score = exactScore
		case strings.Contains(strings.ToLower(text), lower):
			f.score = otherCaseScore
		default:
			return nil
		}
		top.offer(f)
		return nil
	}
	if err := v.eachHolding(lower, t, look); err != nil {
		return nil, err
	}
	docs := v.rowReader(t)
	defer docs.close()
	return docs.hits(top.sorted())
}

// eachHolding calls look with each row whose text may hold what is lower in lower case, in order.
func (v *View) eachHolding(lower string, t *table, look func(Row) error) error {
	r := &ranker{v: v, t: t}
	defer func() { closeIterator(r.it) }()
	var all []term // one for each word; of each of these a text must have one
	for _, w := range wholeWords(lower) {
		one := term{name: w}
		names := []string{w}
		for _, in := range append(v.tongues(), inEnglish) {
			if name, _ := in.term(w); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		for _, name := range names {
			runs, err := r.postings(name)
			if err != nil {
				return err
			}
			one.runs = append(one.runs, runs...)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		for n := range t.len() {
			if err := look(n); err != nil {
				return err
			}
		}
		return nil
	}
	slices.SortStableFunc(all, func(a, b term) int { return a.postings() - b.postings() })
	for _, n := range all[0].rows() {
		if slices.ContainsFunc(all[1:], func(w term) bool { return w.tf(n) == 0 }) {
			continue
		}
		if err := look(n); err != nil {
			return err
		}
	}
	return nil
}

// rows returns the rows of all runs in order, each once.
func (t *term) rows() []Row {
	rows := make([]Row, 0, t.postings())
	for _, one := range t.runs {
		for i := range one.len() {
			rows = append(rows, one.row(i))
		}
	}
	slices.Sort(rows)
	return slices.Compact(rows)
}

// wholeWords returns those words of a query in lower case that a text which holds it, in whatever
// case, surely has as words: made of the letters a to z, digits and underscores alone, and of a
// stretch with a space before and behind, which end words whatever is beyond them. An analyzer
// finds such a word in the text as it is or, where it takes it for no identifier of several parts,
// as its term in the tongue of the text.
func wholeWords(lower string) (whole []string) {
	stretches := strings.FieldsFunc("."+lower+".", func(r rune) bool {
		return r == ' ' || r == '\t' || r == '\n' || r == '\r'
	})
	if len(stretches) < 3 {
		return nil
	}
	for _, stretch := range stretches[1 : len(stretches)-1] {
		for it := words.FromString(stretch); it.Next(); {
			w := it.Value()
			plain := isLowerASCII(strings.ReplaceAll(w, "_", ""))
			if plain && hasTerm(w) && len(w) <= MaxTermBytes {
				whole = append(whole, w)
			}
		}
	}
	return whole
}

// payload reads an image's payload through an iterator, where it is valid until that moves. Rows
// are in nearly the order of their images, so that the next one is most often where it stands.
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
	payload, err := payloadOf(val)
	return payload, v.src.fuse.check(err)
}
