package main

import (
	"slices"
	"strings"
	"unicode"
)

// The shape of the questions of a trial.
const (
	questionsAsked = 3
	answersShown   = 5 // hits among which an answer must be
	questionWords  = 5 // words of a question made from a piece
)

// question is what a trial asks, and the words that an answer holds, one of them at least.
type question struct {
	text string
	want []string
}

// answered returns the first hit that answers q.
func (q question) answered(hits []tryMemory) (tryMemory, bool) {
	for _, h := range hits {
		if q.fits(h.Content) {
			return h, true
		}
	}
	return tryMemory{}, false
}

func (q question) fits(content string) bool {
	text := strings.ToLower(content)
	return slices.ContainsFunc(q.want, func(w string) bool { return strings.Contains(text, w) })
}

// ownQuestions are asked about memlog's own documents.
var ownQuestions = []question{
	{"how do I undo a deletion?", []string{"undo", "restore", "take back"}},
	{"what does repair do with damaged records?", []string{"repair", "quarantine", "damage"}},
	{"how do I replay the log until a date?", []string{"replay", "until", "as of"}},
}

// questionsFor returns the questions to ask: memlog's own where the pieces are about it, and else
// some made from rare words of the pieces.
func questionsFor(pieces []piece) []question {
	if aboutMemlog(pieces) {
		return ownQuestions
	}
	count := map[string]int{}
	for _, p := range pieces {
		for w := range wordSet(p.Content) {
			count[w]++
		}
	}
	var out []question
	for i := range questionsAsked {
		p := pieces[i*(len(pieces)-1)/max(questionsAsked-1, 1)]
		out = append(out, questionAbout(p, count))
	}
	return out
}

// aboutMemlog reports whether every question of ours can be answered from the pieces.
func aboutMemlog(pieces []piece) bool {
	named := slices.ContainsFunc(pieces, func(p piece) bool {
		return strings.Contains(strings.ToLower(p.Content), "memlog")
	})
	for _, q := range ownQuestions {
		if !slices.ContainsFunc(pieces, func(p piece) bool { return q.fits(p.Content) }) {
			return false
		}
	}
	return named
}

// questionAbout makes a question that p answers: its heading and its rarest words.
func questionAbout(p piece, count map[string]int) question {
	var words []string
	for w := range wordSet(p.Content) {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b string) int {
		if count[a] != count[b] {
			return count[a] - count[b]
		}
		return strings.Compare(a, b)
	})
	words = words[:min(questionWords, len(words))]
	text := strings.Join(words, " ")
	return question{text: text, want: []string{strings.ToLower(cutBytes(p.Content))}}
}

// cutBytes returns the beginning of a content that a shortened hit still shows.
func cutBytes(s string) string {
	const shown = 40
	if len(s) <= shown {
		return s
	}
	return strings.ToValidUTF8(s[:shown], "")
}

// wordSet returns the longer words of a text, in lower case.
func wordSet(s string) map[string]bool {
	out := map[string]bool{}
	split := func(r rune) bool { return !unicode.IsLetter(r) }
	for _, w := range strings.FieldsFunc(strings.ToLower(s), split) {
		if len(w) >= 4 {
			out[w] = true
		}
	}
	return out
}
