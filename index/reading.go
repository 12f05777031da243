package index

import (
	"slices"
	"unique"
)

// Reading is what follows from a text and its date alone: the terms they are found by, and what
// ranking knows about them. Made ahead of PutImage, it may be made on another goroutine.
type Reading struct {
	words  analysis
	fields []lexeme // terms that are not words of the text
	marks  byte
	sig    uint32
}

// TextReader makes readings. It is for one goroutine; the zero value works.
type TextReader struct {
	analyzer analyzer
	day      int64 // of the text that was read last, since 1970
	dates    []lexeme
}

// Read reads a text of a memory that was created then, in microseconds since 1970.
func (r *TextReader) Read(text string, created int64) *Reading {
	return &Reading{
		words:  r.analyzer.analyze(text),
		fields: append(r.dateTerms(created), r.analyzer.speakerTerms(text)...),
		marks:  marksOf(text),
		sig:    signature(text),
	}
}

const dayMicros = 24 * 60 * 60 * 1e6

// dateTerms are dateTerms, which follow from the day, to be appended to.
func (r *TextReader) dateTerms(created int64) []lexeme {
	day := created / dayMicros
	if created%dayMicros < 0 {
		day--
	}
	if r.dates == nil || day != r.day {
		r.day, r.dates = day, nil
		for _, t := range dateTerms(created) {
			r.dates = append(r.dates, unique.Make(t))
		}
	}
	return slices.Clip(r.dates)
}
