package index

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
	"unique"
)

// A text's marks are what ranking knows about its kind, beside its words.
const (
	markAsks    = 1 << iota // its last sentence is a question
	markAsking1             // a third of it or more is questions
	markAsking2             // two thirds or more
	markTime                // it has words of time: yesterday, March, ago
	markNumber              // it has a number, as digits or as a word
)

// fieldPrefix begins the terms that are not words of the text. No word begins with it.
const fieldPrefix = "\x01"

// maxSpeaker bounds the name before the colon that says who speaks, in bytes.
const maxSpeaker = 40

// markedWords are the words that mark a text, each with its mark.
var markedWords = func() map[string]byte {
	m := map[string]byte{}
	for w := range wordSet(timeWords) {
		m[w] |= markTime
	}
	for w := range wordSet(numberWords) {
		m[w] |= markNumber
	}
	return m
}()

// markedBegins has how markedWords begin: what begins otherwise need not be looked for.
var markedBegins = func() (m [1 << 10]bool) {
	for w := range markedWords {
		m[beginOf(w)] = true
	}
	return m
}()

// beginOf numbers the first two letters of a word of such as ASCII has, whatever their case.
func beginOf(w string) int { return int(w[0]&31)<<5 | int(w[1]&31) }

const timeWords = `yesterday today tonight tomorrow ago last next week weekend month year
	morning evening night recently since monday tuesday wednesday thursday friday saturday sunday
	january february march april june july august september october november december`

const numberWords = `one two three four five six seven eight nine ten eleven twelve dozen
	hundred thousand once twice couple several few`

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// marksOf reads a text once.
func marksOf(text string) byte {
	var m byte
	total, asking, sentence, word := 0, 0, 0, -1
	end := func(i int) {
		if word >= 0 {
			m |= wordMarks(text[word:i])
			word = -1
		}
	}
	for i, r := range text {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			if word < 0 {
				word = i
			}
			sentence++
			continue
		}
		end(i)
		switch r {
		case '?', '？', '؟':
			asking += sentence
			total, sentence = total+sentence, 0
		case '.', '!', ':', '\n', '。', '！':
			total, sentence = total+sentence, 0
		}
	}
	end(len(text))
	total += sentence
	if asking*3 >= total && asking > 0 {
		m |= markAsking1
	}
	if asking*3 >= total*2 && asking > 0 {
		m |= markAsking2
	}
	last := strings.TrimRightFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '?' && r != '？' && r != '؟' &&
			r != '.' && r != '!'
	})
	if strings.HasSuffix(last, "?") || strings.HasSuffix(last, "？") || strings.HasSuffix(last, "؟") {
		m |= markAsks
	}
	return m
}

func wordMarks(w string) byte {
	if w[0] >= '0' && w[0] <= '9' {
		return markNumber
	}
	if len(w) > len("wednesday") || len(w) < 2 {
		return 0
	}
	if w[0] < utf8.RuneSelf && w[1] < utf8.RuneSelf && !markedBegins[beginOf(w)] {
		return 0
	}
	return markedWords[strings.ToLower(w)]
}

// speakerTerms returns terms for who says a text that begins with a name and a colon, as lines of a
// conversation do.
func (z *analyzer) speakerTerms(text string) (terms []lexeme) {
	head, _, ok := strings.Cut(text[:min(len(text), maxSpeaker)], ":")
	if !ok || head == "" || strings.ContainsAny(head, "\n/.,;([{\"'`=<>") ||
		strings.Count(head, " ") > 2 || strings.Contains(text[:min(len(text), maxSpeaker)], "://") {
		return nil
	}
	for _, t := range z.as(inEnglish, head).terms {
		terms = append(terms, unique.Make(speakerTerm(t.Value())))
	}
	return terms
}

func speakerTerm(term string) string { return fieldPrefix + "s" + term }

// dateTerms are the memory's created time as terms: year, month, weekday and day of the month, all
// in UTC.
func dateTerms(created int64) []string {
	t := time.UnixMicro(created).UTC()
	return []string{yearTerm(t.Year()), monthTerm(t.Month()), weekdayTerm(t.Weekday()),
		dayTerm(t.Day())}
}

func yearTerm(y int) string             { return fmt.Sprintf(fieldPrefix+"y%04d", y) }
func monthTerm(m time.Month) string     { return fmt.Sprintf(fieldPrefix+"m%02d", int(m)) }
func weekdayTerm(d time.Weekday) string { return fmt.Sprintf(fieldPrefix+"w%d", int(d)) }
func dayTerm(d int) string              { return fmt.Sprintf(fieldPrefix+"d%02d", d) }

// signature is equal for texts of the same words in the same order, whatever their case, spacing
// and punctuation: FNV-1a of four bytes for each letter and number, the lowest first.
func signature(text string) uint32 {
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for _, r := range text {
		if r < utf8.RuneSelf { // as below
			if 'A' <= r && r <= 'Z' {
				r |= 0x20
			}
			if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
				h = (h ^ uint32(r)) * prime * prime * prime * prime
			}
			continue
		}
		if r = unicode.ToLower(r); unicode.IsLetter(r) || unicode.IsNumber(r) {
			h = (h ^ uint32(byte(r))) * prime
			h = (h ^ uint32(byte(r>>8))) * prime
			h = (h ^ uint32(byte(r>>16))) * prime * prime // the fourth byte is zero
		}
	}
	return h
}
