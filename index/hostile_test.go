package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// same is n memories of one text, each with a tag of its own, and a long one of 100 kB in between.
func same(t testing.TB, n int) *DB {
	t.Helper()
	d := open(t, MemFS())
	t.Cleanup(func() { d.Close() })
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		seq, text := uint64(i+1), "the build of the harbour crane failed"
		if i == n/2 {
			text = longText()
		}
		_, _, tagErr := b.SetTags(numbered(i), seq, []string{fmt.Sprint("tag-", i)})
		err := errors.Join(tagErr, b.PutImage(NewImage{ID: numbered(i), Seq: seq, Version: 1,
			Created: int64(i), Stream: fmt.Sprint(i), Text: text, Payload: []byte(text)}),
			b.SetCheckpoint(madeCheckpoint(seq)))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	return d
}

// longText has about 100 kB of few thousand words, and one thing to be found in its middle.
func longText() string {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 16_000)
	for i := range words {
		words[i] = fmt.Sprintf("w%04d", r.IntN(4000))
	}
	words[len(words)/2] = "walrus tusk ivory the of"
	return strings.Join(words, " ")
}

// Memories of one text, which all have the same score, are found newest first, each by its tag, and
// hide no other.
func TestManyOfOneText(t *testing.T) {
	const n = 5000
	v := view(t, same(t, n))
	defer done(t, v)
	for _, mode := range []Mode{ModeLexical, ModeHybrid} {
		want := fmt.Sprint(n-1, " ", n-2, " ", n-3)
		if got := ask(t, v, Query{Text: "harbour crane", Mode: mode, Limit: 3}); got != want {
			t.Errorf("mode %d: found %s, want %s", mode, got, want)
		}
		for _, i := range []int{0, 1234, n - 1} {
			q := Query{Text: "harbour crane", Mode: mode,
				Filter: Filter{Tags: []string{fmt.Sprint("tag-", i)}}}
			if got := ask(t, v, q); got != fmt.Sprint(i) {
				t.Errorf("mode %d: by tag-%d found %q", mode, i, got)
			}
		}
		if got := ask(t, v, Query{Text: `"walrus tusk" ivory`, Mode: mode}); got != fmt.Sprint(n/2) {
			t.Errorf("mode %d: of the long text %q is found, want %d", mode, got, n/2)
		}
		q := Query{Text: "harbour walrus", Mode: mode, Limit: 2}
		if got := ask(t, v, q); !strings.HasPrefix(got, fmt.Sprint(n/2, " ")) {
			t.Errorf("mode %d: found %s, want %d before all", mode, got, n/2)
		}
	}
}

// A query of one megabyte is answered as its words are, or refused.
func TestQueryOfOneMegabyte(t *testing.T) {
	v := view(t, same(t, 50))
	defer done(t, v)
	for _, mode := range []Mode{ModeLexical, ModeHybrid} {
		again := strings.Repeat("crane harbour ", 1<<20/14)
		want := ask(t, v, Query{Text: "crane harbour", Mode: mode})
		if got := ask(t, v, Query{Text: again, Mode: mode}); got != want {
			t.Errorf("mode %d: found %s, want %s", mode, got, want)
		}
		var words strings.Builder
		for i := 0; words.Len() < 1<<20; i++ {
			fmt.Fprintf(&words, "word%d ", i)
		}
		_, err := v.Search(Query{Text: words.String(), Mode: mode, Limit: 10})
		if !errors.Is(err, ErrQueryTooLong) {
			t.Errorf("mode %d: %v", mode, err)
		}
	}
}

// A query of stop words alone finds what has them, of texts in which they are everywhere.
func TestStopWordsAlone(t *testing.T) {
	const n = 3000
	v := view(t, same(t, n))
	defer done(t, v)
	for _, mode := range []Mode{ModeLexical, ModeHybrid} {
		hits, err := v.Search(Query{Text: "of the", Mode: mode, Limit: 5})
		if err != nil {
			t.Fatal(err)
		}
		var all []int
		for _, h := range hits {
			all = append(all, number(h.Doc.ID))
		}
		if want := []int{n - 1, n - 2, n - 3, n - 4, n - 5}; !slices.Equal(all, want) {
			t.Errorf("mode %d: found %v, want %v", mode, all, want)
		}
	}
}

// BenchmarkHostile is what the tests above find, at full size.
func BenchmarkHostile(b *testing.B) {
	v := view(b, same(b, 50_000))
	defer done(b, v)
	for _, c := range []struct {
		name string
		q    Query
	}{
		{"OneText/words", Query{Text: "harbour crane"}},
		{"OneText/hybrid", Query{Text: "harbour crane", Mode: ModeHybrid}},
		{"OneText/tag", Query{Text: "harbour crane", Mode: ModeHybrid,
			Filter: Filter{Tags: []string{"tag-777"}}}},
		{"LongText/phrase", Query{Text: `"walrus tusk"`, Mode: ModeHybrid}},
		{"LongText/hybrid", Query{Text: "walrus harbour", Mode: ModeHybrid}},
		{"StopWords/hybrid", Query{Text: "of the", Mode: ModeHybrid}},
		{"Megabyte/hybrid", Query{Text: strings.Repeat("crane harbour ", 1<<20/14), Mode: ModeHybrid}},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.q.Limit = 10
			for b.Loop() {
				if _, err := v.Search(c.q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
