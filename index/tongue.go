package index

import (
	"cmp"
	_ "embed"
	"strings"
	"sync"
	"unicode"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/kljensen/snowball/english"
)

// tongue is the language whose rules a text's words are brought to terms by. It follows from the
// text alone: it is the one most of whose stop words the text has, each counted once, where these
// are three or more, at least two more than those of English, and a tenth of all its terms, or 16
// of a long text's; else English. So very short texts and code are read as English. Of 7,500
// English notes, questions and abstracts none is taken for another tongue.
//
// A query is too short for that. Its words are looked up in the form of each tongue that the store
// holds, which is what any text that has them in that form has them as.
type tongue uint8

// inEnglish is the tongue of all texts that are of no other; Russian words are known by their
// letters and need none.
const inEnglish tongue = 0

// numTongues counts all tongues. Their order is part of the index.
const numTongues = 12

// What a text has at least to be in a tongue: so many of its stop words, so many more than of
// English, and of its terms one in so many, but no more than that: no text has more and more of
// what is always the same.
const (
	clearWords = 3
	clearAhead = 2
	clearShare = 10
	clearMost  = 16
)

// tongues are the codes and the stemmers, by tongue.
var tongues = [numTongues]struct {
	code  string
	stem  func(*snowballstem.Env) bool
	elide bool // l'homme is homme
}{
	{code: "en"},
	{code: "da", stem: danish.Stem},
	{code: "de", stem: german.Stem},
	{code: "es", stem: spanish.Stem},
	{code: "fi", stem: finnish.Stem},
	{code: "fr", stem: french.Stem, elide: true},
	{code: "hu", stem: hungarian.Stem},
	{code: "it", stem: italian.Stem, elide: true},
	{code: "nl", stem: dutch.Stem},
	{code: "no", stem: norwegian.Stem},
	{code: "pt", stem: portuguese.Stem},
	{code: "sv", stem: swedish.Stem},
}

// stopWordLists are the lists of the Snowball project (snowballstem.org, BSD licence): "code:",
// then its words.
//
//go:embed stopwords.txt
var stopWordLists string

// tonguesOf returns the tongues that a word speaks for, a bit each: those that it is a stop word
// of. Single letters speak for English alone: code has them as names.
func tonguesOf(word string) (mask uint16) {
	if len(word) > 1 {
		mask = foreignStopWords()[word]
	}
	if english.IsStopWord(word) {
		mask |= 1 << inEnglish
	}
	return mask
}

// foreignStopWords has all words of the lists with their tongues. It is made when the first text is
// read.
var foreignStopWords = sync.OnceValue(func() map[string]uint16 {
	codes := map[string]tongue{}
	for t := range tongues {
		codes[tongues[t].code+":"] = tongue(t)
	}
	m := make(map[string]uint16, len(stopWordLists)/6)
	var of tongue
	for w := range strings.FieldsSeq(stopWordLists) {
		if t, ok := codes[w]; ok {
			of = t
			continue
		}
		m[w] |= 1 << of
	}
	return m
})

// clearest returns the tongue of the text that was read last, as English.
func (z *analyzer) clearest() tongue {
	least := uint16(min(max(clearWords, z.distinct/clearShare), clearMost))
	best := inEnglish
	for t, n := range z.heard {
		if n >= max(least, z.heard[inEnglish]+clearAhead) && n > z.heard[best] {
			best = tongue(t)
		}
	}
	return best
}

// term is a lower-case word as a term of a text in that tongue. Words of other letters, and what
// has digits or marks in it, are the same in all of them.
func (t tongue) term(w string) (term string, stop bool) {
	if t == inEnglish || len(w) > MaxTermBytes || !isLatin(w) {
		return plainTerm(w)
	}
	if i := strings.IndexAny(w, "'’"); i >= 0 && tongues[t].elide && t.isStopWord(w[:i]) {
		w = cmp.Or(strings.TrimLeft(w[i:], "'’"), w)
	}
	if foreignStopWords()[w]&(1<<t) != 0 {
		return w, true
	}
	env := snowballstem.NewEnv(w)
	tongues[t].stem(env)
	return cmp.Or(env.Current(), w), false
}

// isStopWord reports whether a word is a stop word of texts in that tongue.
func (t tongue) isStopWord(w string) bool {
	return isStopWord(w) || t != inEnglish && foreignStopWords()[w]&(1<<t) != 0
}

// isLatin reports words of Latin letters and apostrophes alone.
func isLatin(w string) bool {
	for _, r := range w {
		if (r < 'a' || r > 'z') && r != '\'' && r != '’' && !unicode.Is(unicode.Latin, r) {
			return false
		}
	}
	return w != ""
}

// held are the tongues that texts are in, beside English, by the record of the first.
type held [numTongues]uint64

// at returns them as of a moment.
func (h *held) at(seq uint64) (ts []tongue) {
	for t, first := range h {
		if first != 0 && first <= seq {
			ts = append(ts, tongue(t))
		}
	}
	return ts
}
