package index

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
	"github.com/kljensen/snowball/english"
	"github.com/kljensen/snowball/russian"
	"golang.org/x/text/unicode/norm"
)

// AnalyzerVersion names everything that decides which terms a text has: the code of this file,
// the segmentation and stemming libraries and the Unicode tables. An index made by another one is
// ErrOutdated.
const AnalyzerVersion = "3 uax29/2.7.0 snowball-english+russian/0.10.0 norm/" + norm.Version +
	" unicode/" + unicode.Version

// exactKeyVersion is the first byte of what ExactKey hashes.
const exactKeyVersion = 1

// ExactKey names what a memory says: equal for equal content after Unicode NFC, type and project.
// Letter case matters.
func ExactKey(content, typ, project string) [32]byte {
	h := sha256.New()
	b := []byte{exactKeyVersion}
	b = binary.BigEndian.AppendUint32(b, uint32(len(typ)))
	b = append(append(b, typ...), 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(project)))
	b = append(append(b, project...), 0)
	h.Write(b)
	h.Write([]byte(norm.NFC.String(content)))
	return [32]byte(h.Sum(nil))
}

// analysis is a text as terms: how often each stands in it, and in which order they came first.
type analysis struct {
	terms  []string
	tf     map[string]uint32
	length uint32            // terms that are no stop words
	each   func(term string) // called with each term as it comes, where it is set
}

// analyzer turns texts into terms. It keeps stems it has seen; not for concurrent use.
type analyzer struct {
	stems map[string]string // of plain lower-case words; "" marks a stop word
}

// analyzers are for queries: with stems of those before.
var analyzers = sync.Pool{New: func() any { return new(analyzer) }}

// maxStems bounds the stem cache.
const maxStems = 1 << 16

// isStopWord reports whether the term is a stop word. Stop words are indexed, so that a query of
// nothing else still finds, and do not count towards a text's length.
func isStopWord(term string) bool {
	return english.IsStopWord(term) || isCyrillic(term) && russian.IsStopWord(term)
}

func (a *analysis) add(term string, stop bool) {
	if len(term) > MaxTermBytes {
		term = cut(term, MaxTermBytes)
	}
	if a.each != nil {
		a.each(term)
	}
	n := a.tf[term]
	a.tf[term] = n + 1
	if n == 0 {
		a.terms = append(a.terms, term)
	}
	if !stop {
		a.length++
	}
}

func (z *analyzer) analyze(text string) analysis {
	a := analysis{tf: make(map[string]uint32, len(text)/8)}
	z.into(&a, text)
	return a
}

// into adds a text to an analysis.
func (z *analyzer) into(a *analysis, text string) {
	text = norm.NFC.String(strings.ToValidUTF8(text, " "))
	var lastCJK string // the character before, where it was an ideograph or kana
	for it := words.FromString(text); it.Next(); {
		w := it.Value()
		if !hasTerm(w) {
			lastCJK = ""
			continue
		}
		if r, _ := utf8.DecodeRuneInString(w); isCJK(r) {
			lastCJK = addCJK(a, w, lastCJK)
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
		z.addPlain(a, w)
		return
	}
	parts := identifierParts(w)
	lower := strings.ToLower(w)
	if len(parts) < 2 {
		z.addPlain(a, lower)
		return
	}
	a.add(lower, false)
	for _, p := range parts {
		z.addPlain(a, strings.ToLower(p))
	}
}

// addPlain adds a lower-case word, stemmed where its script says how: words of the letters a to z
// as English, those of Cyrillic ones as Russian. That is a function of the word alone, so that a
// query's words meet those of any text; other languages' find themselves as they stand.
func (z *analyzer) addPlain(a *analysis, w string) {
	plain := isPlain(w)
	if !plain && !isCyrillic(w) || len(w) > MaxTermBytes {
		a.add(w, isStopWord(w))
		return
	}
	stem, ok := z.stems[w]
	if !ok {
		switch {
		case isStopWord(w):
		case plain:
			w := cmp.Or(forms[w], w)
			stem = cmp.Or(english.Stem(w, false), w)
		default:
			w := strings.ReplaceAll(w, "ё", "е") // most write е for both
			stem = cmp.Or(russian.Stem(w, false), w)
		}
		if z.stems == nil || len(z.stems) >= maxStems {
			z.stems = map[string]string{}
		}
		z.stems[strings.Clone(w)] = stem // not a piece of a text that would stay in memory
	}
	if stem == "" {
		a.add(w, true)
		return
	}
	a.add(stem, isStopWord(stem))
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
func addCJK(a *analysis, w, last string) string {
	for _, r := range w {
		c := string(r)
		a.add(c, false)
		if last != "" {
			a.add(last+c, false)
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
