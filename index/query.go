package index

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/text/unicode/norm"
)

// parsed is a query taken apart.
type parsed struct {
	words    []word
	prefixes []string   // conf*
	phrases  []phrase   // "as it stands"
	dates    [][]string // date terms; each group is one condition, any of its terms meets it
	spans    []span     // stretches of time that it names by how far they are from now
	kind     byte       // the mark that an answer to this question is likely to have
}

// word is a word of a query: as a term of texts in English, and as what else texts of the tongues
// that the store holds have it as.
type word struct {
	term   string
	others []string
	weight float64
}

// phrase is the terms that must follow each other in a text, by its tongue.
type phrase map[tongue][]string

// minPrefix is how many bytes stand before the star at least; maxPrefixTerms how many terms it
// may stand for.
const (
	minPrefix      = 2
	maxPrefixTerms = 256
)

// querySaturation is the k3 of BM25: a word that the query says twice counts nearly twice.
const querySaturation = 8.0

// parse takes a query of a store that holds texts in tongues apart. Stop words count only where
// there is nothing else.
func parse(text string, tongues []tongue) (parsed, error) {
	z := analyzers.get()
	defer analyzers.put(z)
	var p parsed
	plain := p.quoted(z, text, tongues)
	plain = p.starred(plain)
	a := z.as(inEnglish, plain)
	others := z.others(plain, tongues)
	for i, t := range a.terms {
		if !isStopWord(t.Value()) {
			p.words = append(p.words, word{t.Value(), others[t.Value()], saturate(a.counts[i])})
		}
	}
	if len(p.words)+len(p.prefixes) == 0 {
		for _, t := range a.terms {
			p.words = append(p.words, word{t.Value(), others[t.Value()], 1})
		}
	}
	switch n := len(p.words) + len(p.prefixes); {
	case n == 0:
		return p, fmt.Errorf("search for %.40q: %w", text, ErrNoTerms)
	case n > MaxQueryTerms:
		return p, fmt.Errorf("%d words, at most %d: %w", n, MaxQueryTerms, ErrQueryTooLong)
	}
	p.dates = queryDates(plain)
	p.kind = answerKind(plain)
	return p, nil
}

// others returns, by the terms that a text has as one in English, what these would be in tongues,
// where that is something else. A text comes to as many terms in each of them, in the same order.
func (z *analyzer) others(text string, tongues []tongue) map[string][]string {
	if len(tongues) == 0 {
		return nil
	}
	m := map[string][]string{}
	plain := z.sequence(inEnglish, text)
	for _, t := range tongues {
		for i, other := range z.sequence(t, text) {
			if term := plain[i]; other != term && !slices.Contains(m[term], other) {
				m[term] = append(m[term], other)
			}
		}
	}
	return m
}

func saturate(n uint32) float64 {
	f := float64(n)
	return float64(f*(querySaturation+1)) / (f + querySaturation)
}

// quoted takes the phrases of a query, which stay in the text as words.
func (p *parsed) quoted(z *analyzer, text string, tongues []tongue) string {
	parts := strings.Split(strings.NewReplacer("“", `"`, "”", `"`).Replace(text), `"`)
	for i := 1; i+1 < len(parts); i += 2 { // an odd quote at the end opens nothing
		if terms := z.sequence(inEnglish, parts[i]); len(terms) > 1 {
			said := phrase{inEnglish: terms}
			for _, t := range tongues {
				said[t] = z.sequence(t, parts[i])
			}
			p.phrases = append(p.phrases, said)
		}
	}
	return strings.Join(parts, " ")
}

// starred takes the prefixes off a query.
func (p *parsed) starred(text string) string {
	if !strings.Contains(text, "*") {
		return text
	}
	fields := strings.Fields(text)
	return strings.Join(slices.DeleteFunc(fields, func(f string) bool {
		stem, ok := strings.CutSuffix(f, "*")
		if !ok || len(stem) < minPrefix || strings.ContainsFunc(stem, func(r rune) bool {
			return !inWord(r) && r != '_' && r != '.' && r != '-'
		}) {
			return false
		}
		if stem = strings.ToLower(norm.NFC.String(stem)); len(stem) > MaxTermBytes {
			stem = cut(stem, MaxTermBytes)
		}
		p.prefixes = append(p.prefixes, stem)
		return true
	}), " ")
}

// sequence returns the terms of a text in its order, each as often as it stands there.
func (z *analyzer) sequence(t tongue, text string) []string {
	var seq []string
	a := analysis{tongue: t, each: func(t string) { seq = append(seq, t) }}
	z.into(&a, text)
	return seq
}

// loadWord loads a word of a query: the postings of all terms that texts have it as.
func (r *ranker) loadWord(w word) (term, error) {
	all, err := r.load(w.term, w.weight)
	for _, name := range w.others {
		if err != nil {
			return all, err
		}
		var t term
		t, err = r.load(name, w.weight)
		all.runs = joined(all.runs, t.runs)
	}
	if len(w.others) > 0 {
		all.df = r.frequency(&all)
		all.idf = r.b.idf(all.df)
	}
	return all, err
}

// joined merges the postings of two terms. A row that has both has them as often as both together.
func joined(a, b []run) (out []run) {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].base < b[0].base:
			out, a = append(out, a[0]), a[1:]
		case a[0].base > b[0].base:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, a[0].and(b[0]))
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// and merges two runs of the same block.
func (r run) and(o run) run {
	data := make([]byte, 0, len(r.data)+len(o.data))
	i, j := 0, 0
	for i < r.len() || j < o.len() {
		switch {
		case j == o.len() || i < r.len() && r.row(i) < o.row(j):
			data = appendPosting(data, r.row(i), r.tf(i))
			i++
		case i == r.len() || o.row(j) < r.row(i):
			data = appendPosting(data, o.row(j), o.tf(j))
			j++
		default:
			data = appendPosting(data, r.row(i), r.tf(i)+o.tf(j))
			i, j = i+1, j+1
		}
	}
	return run{base: r.base}.with(data)
}

// loadPrefix joins the postings of all terms that begin with prefix.
func (r *ranker) loadPrefix(prefix string) (term, error) {
	all := term{name: prefix + "*", weight: 1}
	names, err := r.v.termsWith(prefix)
	if err != nil {
		return all, err
	}
	tfs := map[Row]uint32{}
	for _, name := range names {
		t, err := r.load(name, 1)
		if err != nil {
			return all, err
		}
		for _, one := range t.runs {
			for i := range one.len() {
				tfs[one.row(i)] += one.tf(i)
			}
		}
	}
	for _, n := range sortedRows(tfs) {
		base := n >> postingBlockShift << postingBlockShift
		if k := len(all.runs); k == 0 || all.runs[k-1].base != base {
			all.runs = append(all.runs, run{base: base})
		}
		last := &all.runs[len(all.runs)-1]
		last.data = appendPosting(last.data, n, tfs[n])
	}
	for i, one := range all.runs {
		all.runs[i] = run{base: one.base}.with(one.data)
	}
	all.df = r.frequency(&all)
	all.idf = r.b.idf(all.df)
	return all, nil
}

func sortedRows[V any](m map[Row]V) []Row {
	rows := make([]Row, 0, len(m))
	for n := range m {
		rows = append(rows, n)
	}
	slices.Sort(rows)
	return rows
}

// termsWith returns the first maxPrefixTerms terms that begin with prefix.
func (v *View) termsWith(prefix string) ([]string, error) {
	from := newKey(keyPosting).raw(prefix)
	it, err := v.src.iter(from, from.upper())
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var names []string
	for ok := it.First(); ok && len(names) < maxPrefixTerms; ok = next(it, names) {
		f := fieldReader{b: it.Key()[1:]}
		name := f.str()
		if f.err != nil {
			return nil, v.src.fuse.check(fmt.Errorf("read posting key: %w", f.err))
		}
		names = append(names, name)
	}
	return names, v.src.finish(it)
}

// next moves behind all keys of the last term.
func next(it *pebble.Iterator, names []string) bool {
	return it.SeekGE(newKey(keyPosting).str(names[len(names)-1]).upper())
}

// maxPhraseTexts bounds how many texts are read to see whether they have a query's phrases.
const maxPhraseTexts = 10_000

// pass returns which rows may be found: those that the filter lets through, and that have the
// query's phrases. It reads texts where there are phrases, and memory else.
func (r *ranker) pass(p parsed) (func(Row) bool, error) {
	plain := r.plain()
	if len(p.phrases) == 0 {
		return plain, nil
	}
	have := map[Row]bool{}
	terms, err := r.phraseTerms(p.phrases)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(terms, func(a, b term) int { return a.postings() - b.postings() })
	read := 0
	for _, one := range terms[0].runs {
		for i := range one.len() {
			n := one.row(i)
			if !plain(n) || slices.ContainsFunc(terms, func(t term) bool { return t.tf(n) == 0 }) {
				continue
			}
			if read++; read > maxPhraseTexts {
				return nil, fmt.Errorf("phrase in more than %d texts: %w", maxPhraseTexts, ErrPhrase)
			}
			ok, err := r.hasPhrases(n, p.phrases)
			if err != nil {
				return nil, err
			}
			have[n] = ok
		}
	}
	return func(n Row) bool { return have[n] }, nil
}

// phraseTerms loads one term for each word of the phrases, which a text that has them has, too.
func (r *ranker) phraseTerms(phrases []phrase) (terms []term, err error) {
	known := map[string]bool{}
	for _, p := range phrases {
		for i, name := range p[inEnglish] {
			w := word{term: name, weight: 1}
			for _, said := range p {
				w.others = append(w.others, said[i])
			}
			slices.Sort(w.others)
			w.others = slices.DeleteFunc(slices.Compact(w.others),
				func(o string) bool { return o == name })
			key := fmt.Sprintf("%q %q", w.term, w.others)
			if known[key] {
				continue
			}
			known[key] = true
			t, err := r.loadWord(w)
			if err != nil {
				return nil, err
			}
			terms = append(terms, t)
		}
	}
	return terms, nil
}

// hasPhrases reads a text to see whether it has all the phrases.
func (r *ranker) hasPhrases(n Row, phrases []phrase) (bool, error) {
	seq, in, err := r.sequence(n)
	if err != nil {
		return false, err
	}
	for _, p := range phrases {
		if said := p[in]; said == nil || !contains(seq, said) {
			return false, nil
		}
	}
	return true, nil
}

func contains(seq, part []string) bool {
	for i := 0; i+len(part) <= len(seq); i++ {
		if slices.Equal(seq[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

// sequence returns the terms of a row's text in order, and its tongue.
func (r *ranker) sequence(n Row) ([]string, tongue, error) {
	text, err := r.docs.text(n)
	z := analyzers.get()
	defer analyzers.put(z)
	seq := z.sequence(inEnglish, text)
	in := z.clearest()
	if in != inEnglish {
		seq = z.sequence(in, text)
	}
	return seq, in, err
}
