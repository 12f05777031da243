package index

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
	"unique"

	"github.com/clipperhouse/uax29/v2/words"
	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/russian"
	"golang.org/x/text/unicode/norm"
)

// AnalyzerVersion names everything that decides which terms a text has: the code of this file,
// the segmentation and stemming libraries and the Unicode tables. An index made by another one is
// ErrOutdated.
const AnalyzerVersion = "4 uax29/2.7.0 snowball-english+russian/0.10.0 snowballstem/0.9.0" +
	" norm/" + norm.Version + " unicode/" + unicode.Version

// exactKeyVersion is the first byte of what ExactKey hashes.
const exactKeyVersion = 1

// ExactKey names what a memory says: equal for equal content after Unicode NFC, type and project.
// Letter case matters.
func ExactKey(content, typ, project string) [32]byte {
	b := make([]byte, 0, 1+2*(4+1)+len(typ)+len(project)+len(content))
	b = append(b, exactKeyVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(typ)))
	b = append(append(b, typ...), 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(project)))
	b = append(append(b, project...), 0)
	return sha256.Sum256(append(b, norm.NFC.String(content)...))
}

// lexeme is a term as one pointer: the same wherever the term stands, and fast as a map's key.
type lexeme = unique.Handle[string]

// analysis is a text as terms: which, in the order they came first, and how often.
type analysis struct {
	terms  []lexeme
	counts []uint32 // by place in terms
	length uint32   // terms that are no stop words
	tongue tongue
	each   func(term string) // called with each term as it comes, where it is set
}

// analyzer turns texts into terms. It keeps what it has seen; not for concurrent use.
type analyzer struct {
	lexicons [numTongues]lexicon
	in       *lexicon // of these, that of the text that is read
	tongue   tongue   // likewise
	terms    map[string]*seen
	text     uint64             // numbers the texts
	heard    [numTongues]uint16 // how many stop words of each tongue the text has
	distinct int                // how many terms it has
}

// lexicon is what words are in one tongue.
type lexicon struct {
	words map[string]counted // what a word of one part counts as
	short map[uint64]counted // the same of words that are a number, see packed
	often *[1 << oftenBits]packedWord
}

// counted is a term that a word counts as.
type counted struct {
	*seen
	stop    bool   // it is a stop word
	tongues uint16 // whose stop word it is, see tonguesOf; in the lexicon of English only
}

// packedWord is one of short, at a place that follows from its number: most words of a text are
// among a few, which are found here without the search of a map that has all.
type packedWord struct {
	word uint64 // 0: none
	counted
}

const oftenBits = 11

// seen is a term with its place in the text that had it last.
type seen struct {
	term lexeme
	text uint64
	at   int
}

// analyzers are for queries: with words of those before, which a sync.Pool would forget at each
// collection of garbage.
var analyzers = make(spareAnalyzers, 2)

type spareAnalyzers chan *analyzer

func (s spareAnalyzers) get() *analyzer {
	select {
	case z := <-s:
		return z
	default:
		return new(analyzer)
	}
}

func (s spareAnalyzers) put(z *analyzer) {
	select {
	case s <- z:
	default:
	}
}

// maxSeen bounds the words and the terms that are kept, but for those of one text.
const maxSeen = 1 << 16

// isStopWord reports whether the term is a stop word. Stop words are indexed, so that a query of
// nothing else still finds, and do not count towards a text's length.
func isStopWord(term string) bool {
	return english.IsStopWord(term) || isCyrillic(term) && russian.IsStopWord(term)
}

// see returns what is kept of a term.
func (z *analyzer) see(term string) *seen {
	if len(term) > MaxTermBytes {
		term = cut(term, MaxTermBytes)
	}
	t, ok := z.terms[term]
	if !ok {
		t = &seen{term: unique.Make(term)}
		z.terms[t.term.Value()] = t // not a piece of a text that would stay in memory
	}
	return t
}

// add counts a term of the text that is read.
func (z *analyzer) add(a *analysis, t counted) {
	if a.each != nil {
		a.each(t.term.Value())
	}
	if t.text != z.text {
		t.text, t.seen.at = z.text, len(a.terms)
		z.distinct++
		a.terms, a.counts = append(a.terms, t.term), append(a.counts, 0)
		for m := t.tongues; m != 0; m &= m - 1 {
			z.heard[bits.TrailingZeros16(m)]++
		}
	}
	a.counts[t.at]++
	if !t.stop {
		a.length++
	}
}

// analyze takes a text to terms, in the tongue that it is in.
func (z *analyzer) analyze(text string) analysis {
	a := z.as(inEnglish, text)
	if t := z.clearest(); t != inEnglish {
		a = z.as(t, text)
	}
	return a
}

// as is analyze of a text whose tongue is given.
func (z *analyzer) as(t tongue, text string) analysis {
	n := len(text)/6 + 4
	a := analysis{terms: make([]lexeme, 0, n), counts: make([]uint32, 0, n), tongue: t}
	z.into(&a, text)
	return a
}

// into adds a text to an empty analysis.
func (z *analyzer) into(a *analysis, text string) {
	z.tongue, z.in = a.tongue, &z.lexicons[a.tongue]
	if z.terms == nil || max(len(z.in.words)+len(z.in.short), len(z.terms)) > maxSeen {
		clear(z.lexicons[:])
		z.terms = map[string]*seen{}
	}
	z.text++
	z.heard, z.distinct = [numTongues]uint16{}, 0
	text = norm.NFC.String(strings.ToValidUTF8(text, " "))
	var lastCJK string // the character before, where it was an ideograph or kana
	for it := words.FromString(text); it.Next(); {
		w := it.Value()
		if !hasTerm(w) {
			lastCJK = ""
			continue
		}
		if t, ok := z.in.known(w); ok {
			lastCJK = ""
			z.add(a, t)
			continue
		}
		if r, _ := utf8.DecodeRuneInString(w); isCJK(r) {
			lastCJK = z.addCJK(a, w, lastCJK)
			continue
		}
		lastCJK = ""
		z.addWord(a, w)
	}
}

// addWord adds one word as it is written, in lower case, and its parts where it is an identifier
// (getUserName, max_len, pkg.Func). A plain word is stemmed instead.
func (z *analyzer) addWord(a *analysis, w string) {
	if isLowerASCII(w) {
		z.add(a, z.plain(z.tongue, w, w))
		return
	}
	parts := identifierParts(w)
	lower := strings.ToLower(w)
	if len(parts) < 2 {
		z.add(a, z.plain(z.tongue, w, lower))
		return
	}
	z.add(a, counted{seen: z.see(lower)})
	for _, p := range parts { // the same in texts of all tongues, and say nothing about theirs
		if lower := strings.ToLower(p); isLowerASCII(lower) {
			t := z.plain(inEnglish, lower, lower)
			z.add(a, counted{seen: t.seen, stop: t.stop})
		} else { // as a word of a text it may have parts itself
			term, stop := plainTerm(lower)
			z.add(a, counted{seen: z.see(term), stop: stop})
		}
	}
}

// plain returns what a word that is no identifier counts as in a tongue. It is given also in lower
// case.
func (z *analyzer) plain(in tongue, w, lower string) counted {
	v := &z.lexicons[in]
	t, ok := v.known(w)
	if !ok {
		term, stop := in.term(lower)
		t = counted{seen: z.see(term), stop: stop}
		if in == inEnglish {
			t.tongues = tonguesOf(lower)
		}
		v.keep(w, t)
	}
	return t
}

func (v *lexicon) keep(w string, t counted) {
	if v.words == nil {
		v.words, v.short = map[string]counted{}, map[uint64]counted{}
		v.often = new([1 << oftenBits]packedWord)
	}
	if n, ok := packed(w); ok {
		v.short[n] = t
	} else if len(w) <= MaxTermBytes {
		v.words[strings.Clone(w)] = t // not a piece of a text that would stay in memory
	}
}

// known returns what a word of one part counts as, where it came before.
func (v *lexicon) known(w string) (t counted, ok bool) {
	n, short := packed(w)
	if !short || v.often == nil {
		t, ok = v.words[w]
		return t, ok
	}
	o := &v.often[n*mixing>>(64-oftenBits)]
	if o.word == n {
		return o.counted, true
	}
	if t, ok = v.short[n]; ok {
		*o = packedWord{n, t}
	}
	return t, ok
}

// packed returns a word of up to eight bytes as a number, which is found sooner than a string.
func packed(w string) (n uint64, ok bool) {
	if len(w) > 8 || w == "" || w[0] == 0 {
		return 0, false
	}
	for i := 0; i < len(w); i++ {
		n = n<<8 | uint64(w[i])
	}
	return n, true
}

// plainTerm is a lower-case word as a term of a text in English, stemmed where its script says how:
// words of the letters a to z as English, those of Cyrillic ones as Russian.
func plainTerm(w string) (term string, stop bool) {
	plain := isPlain(w)
	if !plain && !isCyrillic(w) || len(w) > MaxTermBytes || isStopWord(w) {
		return w, isStopWord(w)
	}
	if plain {
		w = cmp.Or(forms[w], w)
		term = cmp.Or(english.Stem(w, false), w)
	} else {
		w = strings.ReplaceAll(w, "ё", "е") // most write е for both
		term = cmp.Or(russian.Stem(w, false), w)
	}
	return term, isStopWord(term)
}

// isLowerASCII reports words that are no identifier of several parts at first sight: of the letters
// a to z and digits alone.
func isLowerASCII(w string) bool {
	for i := 0; i < len(w); i++ {
		if c := w[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isPlain reports words of the letters a to z alone.
func isPlain(w string) bool {
	for i := 0; i < len(w); i++ {
		if w[i] < 'a' || w[i] > 'z' {
			return false
		}
	}
	return true
}

// isCyrillic reports words of the Russian letters alone.
func isCyrillic(w string) bool {
	for _, r := range w {
		if (r < 'а' || r > 'я') && r != 'ё' {
			return false
		}
	}
	return w != ""
}

// addCJK adds each character and each pair of neighbours, and returns the last character.
func (z *analyzer) addCJK(a *analysis, w, last string) string {
	for _, r := range w {
		c := string(r)
		z.add(a, counted{seen: z.see(c)})
		if last != "" {
			z.add(a, counted{seen: z.see(last + c)})
		}
		last = c
	}
	return last
}

// isCJK reports characters of scripts that are written without spaces between words.
func isCJK(r rune) bool {
	if r < 0x0E00 {
		return false
	}
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai,
		unicode.Lao, unicode.Khmer, unicode.Myanmar) || r == 'ー'
}

// hasTerm reports whether a segment holds something one could look for: a letter, a number, or a
// symbol such as an emoji. White space and punctuation are none.
func hasTerm(w string) bool {
	for _, r := range w {
		if r < utf8.RuneSelf {
			if r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' {
				return true
			}
			continue
		}
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.So, r) {
			return true
		}
	}
	return false
}

// identifierParts splits at underscores, dots and other marks inside a word, where lower case turns
// into upper case (user|Name), and before the last capital of a run that a word follows
// (HTTP|Server). An apostrophe does not split.
func identifierParts(w string) []string {
	var parts []string
	start, before := 0, 0 // of the part, of the character before
	var prev, prev2 rune
	end := func(i, next int) {
		if hasTerm(w[start:i]) {
			parts = append(parts, w[start:i])
		}
		start = next
	}
	for i, r := range w {
		switch {
		case !inWord(r):
			end(i, i+utf8.RuneLen(r))
		case unicode.IsUpper(r) && unicode.IsLower(prev):
			end(i, i)
		case unicode.IsLower(r) && unicode.IsUpper(prev) && unicode.IsUpper(prev2) &&
			len(w)-i > 1:
			end(before, before)
		}
		before, prev2, prev = i, prev, r
	}
	end(len(w), len(w))
	return parts
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || r == '\'' ||
		r == '’' || unicode.Is(unicode.So, r)
}

// cut shortens s to at most n bytes without cutting a character.
func cut(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
