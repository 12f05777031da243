package index

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// reference is BM25 the slow way, over the live documents of a view.
func reference(docs []Doc, query string, pass func(Doc) bool) map[ID]float64 {
	var z analyzer
	terms := slices.DeleteFunc(z.analyze(query).names(), isStopWord)
	if len(terms) == 0 {
		terms = z.analyze(query).names()
	}
	texts := map[ID]analysis{}
	total := 0.0
	for _, d := range docs {
		if !d.Deleted {
			a := z.analyze(string(d.Payload))
			texts[d.ID] = a
			total += float64(a.length)
		}
	}
	n := float64(len(texts))
	mean := total / max(n, 1)
	long := mean * mean / (mean*mean + 60*60) // how much of a store of documents this is
	k1, b := 0.9+0.8*long, 0.4+0.4*long
	scores := map[ID]float64{}
	for _, term := range terms {
		df := 0.0
		for _, a := range texts {
			if a.tf(term) > 0 {
				df++
			}
		}
		for _, d := range docs {
			tf := float64(texts[d.ID].tf(term))
			if tf == 0 || !pass(d) {
				continue
			}
			norm := 1.0
			if total > 0 {
				norm = 1 - b + b*float64(texts[d.ID].length)/mean
			}
			idf := math.Log(1 + (n-df+0.5)/(df+0.5))
			scores[d.ID] += idf * tf * (k1 + 1) / (tf + k1*norm)
		}
	}
	return scores
}

func allDocs(t testing.TB, v *View) []Doc {
	t.Helper()
	var docs []Doc
	for d, err := range v.Docs() {
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, d)
	}
	return docs
}

// passes is Filter in its plainest form.
func passes(f Filter, d Doc) bool {
	if d.Deleted && !f.IncludeDeleted {
		return false
	}
	if f.Type != "" && d.Type != f.Type || f.Project != "" && d.Project != f.Project {
		return false
	}
	hit := 0
	for _, tag := range f.Tags {
		if slices.Contains(d.Tags, tag) {
			hit++
		}
	}
	if f.All && hit < len(f.Tags) || len(f.Tags) > 0 && hit == 0 {
		return false
	}
	within := func(created int64, from uint64) bool {
		return (f.CreatedFrom == nil || created >= *f.CreatedFrom) &&
			(f.CreatedTo == nil || created <= *f.CreatedTo) &&
			from >= f.RecordedFrom && (f.RecordedTo == 0 || from <= f.RecordedTo)
	}
	return within(d.Created, d.From) || slices.ContainsFunc(d.Occurrences, func(o Occurrence) bool {
		return within(o.Created, o.From)
	})
}

func madeFilter(r *rand.Rand, seq uint64) Filter {
	f := Filter{
		Type: pick(r, "", "", "note", "none"), Project: pick(r, "", "", "p"),
		All: r.IntN(2) == 0, IncludeDeleted: r.IntN(3) == 0,
	}
	for range max(0, r.IntN(5)-2) {
		f.Tags = append(f.Tags, pick(r, "a", "b", "c", "d\x00e"))
	}
	from, to := int64(r.IntN(10)), int64(r.IntN(15))
	if r.IntN(3) == 0 {
		f.CreatedFrom = &from
	}
	if r.IntN(3) == 0 {
		f.CreatedTo = &to
	}
	if r.IntN(4) == 0 {
		f.RecordedFrom = r.Uint64N(seq + 1)
	}
	if r.IntN(4) == 0 {
		f.RecordedTo = r.Uint64N(seq + 1)
	}
	return f
}

// Lists, counts and searches, as of random moments and under random filters, are what the plain
// forms above give.
func TestListAndSearchAgreeWithPlainForms(t *testing.T) {
	const records = 200
	d := open(t, MemFS())
	defer done(t, d)
	fill(t, d, records, 9)
	queries := []string{
		"alpha", "the of", "running fox", "getUserName beta gamma", "user 記憶", "Func",
	}
	found, filtered := 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 8))
		seq := r.Uint64N(records + 1)
		v, err := d.At(seq)
		if err != nil {
			t.Fatal(err)
		}
		docs := allDocs(t, v)
		f := madeFilter(r, seq)
		compareList(t, v, docs, f)
		n, m := compareSearch(t, v, docs, f, queries[r.IntN(len(queries))])
		found, filtered = found+n, filtered+m
		done(t, v)
	}
	if found < 500 || filtered < 500 {
		t.Fatalf("%d hits and %d filtered out: too few to mean anything", found, filtered)
	}
}

func compareList(t *testing.T, v *View, docs []Doc, f Filter) {
	t.Helper()
	want := slices.DeleteFunc(slices.Clone(docs), func(d Doc) bool { return !passes(f, d) })
	slices.SortFunc(want, func(a, b Doc) int {
		return cmp.Or(cmp.Compare(b.Created, a.Created), bytes.Compare(a.ID[:], b.ID[:]))
	})
	var got []Doc
	for cursor := ""; ; {
		p, err := v.List(f, cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		if p.Total != len(want) {
			t.Fatalf("as of %d, %+v: total %d, want %d", v.seq, f, p.Total, len(want))
		}
		got = append(got, p.Docs...)
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if len(want) == 0 {
		want = nil
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("as of %d, %+v (-want +got):\n%s", v.seq, f, diff)
	}
	tags := map[string]int{}
	types := map[string]int{}
	for _, d := range want {
		for _, tag := range d.Tags {
			tags[tag]++
		}
		if d.Type != "" {
			types[d.Type]++
		}
	}
	compareCounts(t, tags, v.Tags, f)
	compareCounts(t, types, v.Types, f)
}

func compareCounts(t *testing.T, want map[string]int, count func(Filter) ([]Count, error),
	f Filter) {
	t.Helper()
	counts, err := count(f)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for i, c := range counts {
		got[c.Name] = c.Docs
		if i > 0 && c.Docs > counts[i-1].Docs {
			t.Fatalf("counts out of order: %+v", counts)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Fatalf("%+v (-want +got):\n%s", f, diff)
	}
}

func compareSearch(t *testing.T, v *View, docs []Doc, f Filter, query string) (found,
	filtered int) {
	t.Helper()
	want := reference(docs, query, func(d Doc) bool { return passes(f, d) })
	all := reference(docs, query, func(Doc) bool { return true })
	hits, err := v.Search(Query{Text: query, Filter: f, Limit: 1000, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(hits) != len(want) {
		t.Fatalf("as of %d, %q: %d hits, want %d", v.seq, query, len(hits), len(want))
	}
	for i, h := range hits {
		if math.Abs(h.Score-want[h.Doc.ID]) > 1e-9 {
			t.Fatalf("as of %d, %q: score %g of %s, want %g", v.seq, query, h.Score, h.Doc.ID,
				want[h.Doc.ID])
		}
		if i > 0 && (&best{t: v.d.table}).compare(asFound(hits[i-1]), asFound(h)) >= 0 {
			t.Fatalf("as of %d, %q: hits %d and %d out of order", v.seq, query, i-1, i)
		}
		sum := 0.0
		for _, p := range h.Parts {
			sum += p.Score
		}
		if math.Abs(sum-h.Score) > 1e-9 {
			t.Fatalf("parts of %s sum to %g, score is %g", h.Doc.ID, sum, h.Score)
		}
	}
	top, err := v.Search(Query{Text: query, Filter: f, Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range top {
		if h.Doc.ID != hits[i].Doc.ID {
			t.Fatalf("as of %d, %q: hit %d of 2 is not hit %d of all", v.seq, query, i, i)
		}
	}
	return len(want), len(all) - len(want)
}

func asFound(h Hit) found {
	return found{h.Score, listed{h.Doc.Created, h.Doc.Ordinal}, h.Doc.Row}
}

// Pages fit together while writes go on: nothing twice, nothing left out.
func TestCursorPinsTheMoment(t *testing.T) {
	d := open(t, MemFS())
	defer done(t, d)
	fill(t, d, 60, 10)
	v := view(t, d)
	want, err := v.List(Filter{}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	done(t, v)
	var got []Doc
	for cursor := ""; ; {
		v := view(t, d)
		p, err := v.List(Filter{}, cursor, 4)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.Docs...)
		if p.Total != want.Total || p.Seq != 60 {
			t.Fatalf("total %d at %d, want %d at 60", p.Total, p.Seq, want.Total)
		}
		done(t, v)
		fill(t, d, d.Checkpoint().Seq+5, 5)
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	ids := func(docs []Doc) (ids []string) {
		for _, d := range docs {
			ids = append(ids, fmt.Sprint(d.ID, d.Row, d.Tags))
		}
		return ids
	}
	if diff := gocmp.Diff(ids(want.Docs), ids(got)); diff != "" {
		t.Fatalf("pages (-whole list +pages):\n%s", diff)
	}
}

func TestBadArgumentsAreErrors(t *testing.T) {
	d := open(t, MemFS())
	defer done(t, d)
	fill(t, d, 60, 10)
	v := view(t, d)
	defer done(t, v)
	p, err := v.List(Filter{}, "", 2)
	if err != nil || p.Next == "" {
		t.Fatal(p, err)
	}
	early, err := d.At(3)
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, early)
	long := ""
	for i := range MaxQueryTerms + 1 {
		long += fmt.Sprintf(" w%d", i)
	}
	search := func(q Query) error { _, err := v.Search(q); return err }
	list := func(v *View, f Filter, cursor string, limit int) error {
		_, err := v.List(f, cursor, limit)
		return err
	}
	_, ahead := d.At(61)
	for name, c := range map[string]struct{ got, want error }{
		"garbled cursor":      {list(v, Filter{}, p.Next[:9]+"A"+p.Next[10:], 2), ErrCursor},
		"no cursor at all":    {list(v, Filter{}, "!", 2), ErrCursor},
		"other filter":        {list(v, Filter{Type: "note"}, p.Next, 2), ErrCursor},
		"cursor from later":   {list(early, Filter{}, p.Next, 2), ErrCursor},
		"negative limit":      {list(v, Filter{}, "", -1), ErrLimit},
		"huge limit":          {list(v, Filter{}, "", MaxLimit+1), ErrLimit},
		"search without":      {search(Query{Text: "alpha"}), ErrLimit},
		"only punctuation":    {search(Query{Text: " ?! ", Limit: 1}), ErrNoTerms},
		"empty exact":         {search(Query{Mode: ModeExact, Limit: 1}), ErrNoTerms},
		"too long":            {search(Query{Text: long, Limit: 1}), ErrQueryTooLong},
		"unknown mode":        {search(Query{Text: "alpha", Mode: 9, Limit: 1}), ErrMode},
		"view beyond the end": {ahead, ErrAhead},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: error %v, want %v", name, c.got, c.want)
		}
	}
}

func TestExactSearch(t *testing.T) {
	d := open(t, MemFS())
	defer done(t, d)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"call ErrBroken, then", "errbroken in lower case", "Err Broken",
		"caf\u0065\u0301"} {
		err := b.PutImage(NewImage{ID: ID{byte(i)}, Seq: 1, Text: text, Payload: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.SetCheckpoint(madeCheckpoint(1)), b.Commit()); err != nil {
		t.Fatal(err)
	}
	v := view(t, d)
	defer done(t, v)
	for query, want := range map[string]string{
		"rrBrok": "0:1 1:0.5", "Err Broken": "2:1", "caf\u00e9": "3:1", "nothing": "",
	} {
		hits, err := v.Search(Query{Text: query, Mode: ModeExact, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range hits {
			got = append(got, fmt.Sprintf("%d:%g", h.Doc.ID[0], h.Score))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("exact %q: %s, want %s", query, s, want)
		}
	}
}
