package mcpserver

import (
	"fmt"
	"unicode/utf8"
)

// The budget of an answer. Clients show a model the text or the structured content, so each is
// kept within it on its own.
const (
	bytesPerToken    = 4      // what a token is taken for
	DefaultMaxTokens = 4_000  // of an answer, where max_tokens is not given
	MinMaxTokens     = 500    // least max_tokens: one entry always fits
	MaxMaxTokens     = 25_000 // most max_tokens: beyond it clients cut by themselves
	headingBytes     = 700    // kept free for the heading and the closing note
	minEntryBytes    = 120    // no entry is smaller, so more than budget/minEntryBytes never fit
)

// limits bound the parts of one entry, in bytes as they stand in JSON; lists counts their items.
type limits struct{ content, metadata, tags, lists int }

// whole shows all there is.
var whole = limits{content: 1 << 30, metadata: 1 << 30, tags: 1 << 30, lists: 1 << 30}

// levels are tried in turn until all entries fit; with the last, the rest is left out.
var levels = []limits{
	whole,
	{content: 2000, metadata: 1000, tags: 600, lists: 20},
	{content: 700, metadata: 300, tags: 300, lists: 5},
	{content: 240, metadata: 0, tags: 160, lists: 0},
}

// page is the part of a result that fits the budget.
type page struct {
	texts   []string
	entries []rawJSON
	shown   int  // entries in it
	cut     bool // entries are missing, or parts of entries
}

// rawJSON is encoded already.
type rawJSON []byte

// MarshalJSON returns r itself.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// fit renders as many items as the budget allows, with as much of each as allows all of them.
// At least one is shown.
func fit[T any](items []T, budget int, render func(T, limits) (string, any)) (page, error) {
	for i, l := range levels {
		p, all, err := fill(items, budget-headingBytes, l, render)
		if err != nil {
			return page{}, err
		}
		if all || i == len(levels)-1 {
			p.cut = !all || i > 0
			return p, nil
		}
	}
	return page{}, nil
}

// fill renders items at one level until the room is full, and reports whether all of them fit.
func fill[T any](items []T, room int, l limits, render func(T, limits) (string, any)) (
	p page, all bool, err error,
) {
	p.entries = []rawJSON{}
	texts, entries := 0, 0
	for _, item := range items {
		text, v := render(item, l)
		b, err := marshal(v)
		if err != nil {
			return page{}, false, fmt.Errorf("encode an entry: %w", err)
		}
		texts += len(text) + 1
		entries += len(b) + 1
		full := max(texts, entries) > room
		if full && p.shown > 0 {
			return p, false, nil
		}
		p.texts = append(p.texts, text)
		p.entries = append(p.entries, b)
		p.shown++
		if full {
			return p, false, nil
		}
	}
	return p, true, nil
}

// window returns the part of s from byte offset from that costs at most n bytes in JSON, and the
// offset at which the rest begins; next is len(s) where nothing is left.
func window(s string, from, n int) (part string, next int) {
	cost := 0
	for i := from; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if cost += jsonCost(r, size); cost > n {
			return s[from:i], i
		}
		i += size
	}
	return s[from:], len(s)
}

// jsonCost is how many bytes a character takes in a JSON string.
func jsonCost(r rune, size int) int {
	switch {
	case r == '"' || r == '\\' || r == '\n' || r == '\t' || r == '\r':
		return 2
	case r < ' ' || r == '\u2028' || r == '\u2029':
		return 6
	}
	return size
}
