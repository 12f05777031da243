package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// exactPieces are words and what stands between them, with what Unicode joins across a sign, letters
// that only lower case makes ASCII, and marks that belong to the sign before.
var exactPieces = []string{"running", "Running", "RUN", "the", "getUserName", "max_len", "HTTPServer",
	"don't", "3.14", "1,000", "pkg.Func", "İx", "Kelvin", "straße", "日本", "ー", "e\u0301t", "é",
	"\u0301", "\u200d", "\u202f", "_", "-", "(", ")", "'", ".", ",", ":", "\n", "\t", "\xff",
	strings.Repeat("long", 20)}

func exactText(r *rand.Rand, most int) string {
	var b strings.Builder
	for range 1 + r.IntN(most) {
		b.WriteString(exactPieces[r.IntN(len(exactPieces))])
		if r.IntN(3) > 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// TestExactFindsAll: reading only texts that have the words of a query loses none of those that
// hold it.
func TestExactFindsAll(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	d := open(t, MemFS())
	defer done(t, d)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, 150)
	for i := range texts {
		texts[i] = exactText(r, 20)
		err := b.PutImage(NewImage{ID: numbered(i), Seq: 1, Text: texts[i], Payload: []byte(texts[i])})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.SetCheckpoint(madeCheckpoint(1)), b.Commit()); err != nil {
		t.Fatal(err)
	}
	v := view(t, d)
	defer done(t, v)
	narrowed := 0
	for range 1200 {
		query := exactText(r, 3)
		if r.IntN(4) > 0 { // of a text
			text := []rune(texts[r.IntN(len(texts))])
			from := r.IntN(len(text))
			query = string(text[from : from+1+r.IntN(len(text)-from)])
		}
		switch r.IntN(3) {
		case 0:
			query = strings.ToUpper(query)
		case 1:
			query = strings.ToLower(query)
		}
		if query == "" {
			continue
		}
		if len(wholeWords(strings.ToLower(norm.NFC.String(query)))) > 0 {
			narrowed++
		}
		hits, err := v.Search(Query{Text: query, Mode: ModeExact, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, h := range hits {
			got[fmt.Sprint(number(h.Doc.ID))] = h.Score
		}
		want := exactly(texts, query)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %v, want %v", query, got, want)
		}
	}
	if narrowed < 150 {
		t.Errorf("only %d queries had whole words", narrowed)
	}
}

// exactly is ModeExact the long way.
func exactly(texts []string, query string) map[string]float64 {
	found := map[string]float64{}
	query = norm.NFC.String(query)
	for i, text := range texts {
		text = norm.NFC.String(text)
		if strings.Contains(text, query) {
			found[fmt.Sprint(i)] = 1
		} else if strings.Contains(strings.ToLower(text), strings.ToLower(query)) {
			found[fmt.Sprint(i)] = 0.5
		}
	}
	return found
}

func TestWholeWords(t *testing.T) {
	for query, want := range map[string][]string{
		"one": nil, "one two": nil, " one ": {"one"}, "a one\ttwo\nb": {"one", "two"},
		"a (one) max_len x.y don't ünd b":                      {"one", "max_len"},
		"a __ " + strings.Repeat("x", MaxTermBytes+1) + " 2 b": {"2"},
	} {
		if got := wholeWords(query); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}
