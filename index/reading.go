package index

// Reading is what follows from a text and its date alone: the terms they are found by, and what
// ranking knows about them. Made ahead of PutImage, it may be made on another goroutine.
type Reading struct {
	words  analysis
	fields []string // terms that are not words of the text
	marks  byte
	sig    uint32
}

// TextReader makes readings. It is for one goroutine; the zero value works.
type TextReader struct{ analyzer analyzer }

// Read reads a text of a memory that was created then, in microseconds since 1970.
func (r *TextReader) Read(text string, created int64) *Reading {
	return &Reading{
		words:  r.analyzer.analyze(text),
		fields: append(dateTerms(created), r.analyzer.speakerTerms(text)...),
		marks:  marksOf(text),
		sig:    signature(text),
	}
}
