package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// said is a document of a test: its number is its place.
type said struct {
	text   string
	at     int64 // minutes
	stream string
	by     ID // superseded by
}

// tell opens an index in which these were said, one record each.
func tell(t *testing.T, docs ...said) *DB {
	t.Helper()
	d := open(t, MemFS())
	t.Cleanup(func() { d.Close() })
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range docs {
		err := b.PutImage(NewImage{ID: numbered(i), Seq: uint64(i + 1), Created: s.at * 60e6,
			Stream: s.stream, Text: s.text, Payload: []byte(s.text), SupersededBy: s.by})
		if err := errors.Join(err, b.SetCheckpoint(madeCheckpoint(uint64(i+1)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	return d
}

func numbered(i int) ID { return ID{byte(i >> 8), byte(i), 1} }
func number(id ID) int  { return int(id[0])<<8 | int(id[1]) }

// ask returns the numbers of what a search finds, best first, neighbours in brackets.
func ask(t *testing.T, v *View, q Query) string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	hits, err := v.Search(q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	list := func(docs []Doc) {
		for _, d := range docs {
			out = append(out, fmt.Sprintf("[%d]", number(d.ID)))
		}
	}
	for _, h := range hits {
		list(h.Before)
		out = append(out, fmt.Sprint(number(h.Doc.ID)))
		list(h.After)
	}
	return strings.Join(out, " ")
}

// A hybrid search as of a moment is what one of the present would have been then.
func TestHybridAsOf(t *testing.T) {
	const records = 120
	whole := open(t, MemFS())
	defer done(t, whole)
	fill(t, whole, records, 7)
	growing := open(t, MemFS())
	defer done(t, growing)
	r := rand.New(rand.NewPCG(5, 6))
	found := 0
	for seq := uint64(1); seq <= records; seq += 1 + r.Uint64N(6) {
		fill(t, growing, seq, 3)
		now := view(t, growing)
		then, err := whole.At(seq)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			q := Query{Text: madeText(r) + " fox", Mode: ModeHybrid, Limit: 1 + r.IntN(20),
				Filter: madeFilter(r, seq), Context: r.IntN(3), Explain: true}
			want, err := now.Search(q)
			if err != nil {
				t.Fatal(err)
			}
			got, err := then.Search(q)
			if err != nil {
				t.Fatal(err)
			}
			for _, hits := range [][]Hit{want, got} {
				for i := range hits { // of the end, whatever the view's moment
					hits[i].Doc.LastVersion = 0
					for _, docs := range [][]Doc{hits[i].Before, hits[i].After} {
						for k := range docs {
							docs[k].LastVersion = 0
						}
					}
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("as of %d, %+v (-then +now):\n%s", seq, q, diff)
			}
			found += len(got)
		}
		done(t, now, then)
	}
	if found < 100 {
		t.Fatalf("only %d hits were compared", found)
	}
}

// All that pass the filter and have a word of the query are found, and nothing else; the signals
// of each make its score.
func TestHybridFindsByWords(t *testing.T) {
	d := open(t, MemFS())
	defer done(t, d)
	fill(t, d, 200, 9)
	v := view(t, d)
	defer done(t, v)
	docs := allDocs(t, v)
	r := rand.New(rand.NewPCG(7, 8))
	for range 60 {
		f, query := madeFilter(r, 200), pick(r, "fox", "running alpha", "記憶 max_len", "the of")
		var want, got []string
		for id := range reference(docs, query, func(d Doc) bool { return passes(f, d) }) {
			want = append(want, id.String())
		}
		hits, err := v.Search(Query{Text: query, Mode: ModeHybrid, Filter: f, Limit: 1000, Explain: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			got = append(got, h.Doc.ID.String())
			sum := 0.0
			for _, p := range h.Parts {
				sum += p.Score
			}
			if diff := sum - h.Score; h.Score > 0.1 && (diff > 1e-9 || diff < -1e-9) {
				t.Fatalf("parts of %+v sum to %g", h, sum)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%q, %+v (-want +got):\n%s", query, f, diff)
		}
	}
}

// The best few are those of the whole ranking, also where frequent words were not read through.
func TestSkippingChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var docs []said
	for range 3 * pruneFrom {
		text := "common "
		for range r.IntN(12) {
			text += fmt.Sprintf("w%d ", int(r.ExpFloat64()*60))
		}
		if r.IntN(3) > 0 {
			text += "frequent"
		}
		docs = append(docs, said{text: text})
	}
	d := tell(t, docs...)
	v := view(t, d)
	defer done(t, v)
	rows, err := v.rows()
	if err != nil {
		t.Fatal(err)
	}
	skipped := 0
	for range 30 {
		text := fmt.Sprintf("common frequent w%d w%d", r.IntN(400), r.IntN(100))
		some, err := v.Search(Query{Text: text, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		all, err := v.Search(Query{Text: text, Limit: len(docs)})
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range some {
			if a := all[i]; a.Doc.ID != h.Doc.ID || a.Score-h.Score > 1e-9 || h.Score-a.Score > 1e-9 {
				t.Fatalf("%q: hit %d is %d with %g, of all it is %d with %g", text, i,
					number(h.Doc.ID), h.Score, number(a.Doc.ID), a.Score)
			}
		}
		p, err := parse(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		k, err := v.ranker(rows, &sieve{seq: v.seq})
		if err := errors.Join(err, k.loadAll(p)); err != nil {
			t.Fatal(err)
		}
		k.gather(10, func(Row) bool { return true })
		skipped += k.skipped
		k.close()
	}
	if skipped == 0 {
		t.Fatal("no term was ever skipped")
	}
}

func TestContext(t *testing.T) {
	d := tell(t,
		said{text: "one", stream: "a", at: 0}, said{text: "aside", stream: "b", at: 0},
		said{text: "two", stream: "a", at: 1}, said{text: "three needle", stream: "a", at: 2},
		said{text: "four", stream: "a", at: 3}, said{text: "five needle five", stream: "a", at: 4},
		said{text: "six", stream: "a", at: 5}, said{text: "another day", stream: "a", at: 5000})
	v := view(t, d)
	defer done(t, v)
	for n, want := range map[int]string{
		0: "3 5", 1: "[2] 3 [4] 5 [6]", 3: "[0] [2] 3 [4] [5] [6]", 20: "[0] [2] 3 [4] [5] [6]",
	} {
		got := ask(t, v, Query{Text: "needle", Mode: ModeHybrid, Context: n})
		if got != want {
			t.Errorf("context %d: %s, want %s", n, got, want)
		}
	}
	early, err := d.At(4)
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, early)
	if got := ask(t, early, Query{Text: "needle", Mode: ModeHybrid, Context: 2}); got != "[0] [2] 3" {
		t.Errorf("as of 4: %s", got)
	}
	if got := ask(t, v, Query{Text: "day", Mode: ModeHybrid, Context: 2}); got != "7" {
		t.Errorf("beyond the gap: %s", got)
	}
	_, err = v.Search(Query{Text: "needle", Mode: ModeHybrid, Limit: 1, Context: MaxContext + 1})
	if !errors.Is(err, ErrLimit) {
		t.Errorf("too much context: %v", err)
	}
}

// What is no answer stands behind what is: questions, copies, what another stands in for; and the
// signals that tell answers apart do.
func TestSignals(t *testing.T) {
	const day = 24 * 60
	for name, c := range map[string]struct {
		docs  []said
		query string
		want  string
	}{
		"a question answers nothing": {[]said{{text: "Where is the red key?", stream: "a"},
			{text: "It is on the hook, the red key I mean", stream: "b"}}, "where is the red key", "1 0"},
		"copies come last": {[]said{{text: "The red key", stream: "a"}, {text: "the RED key!", stream: "b"},
			{text: "a red key among many other things that lie about", stream: "c"}}, "red key", "0 2 1"},
		"superseded": {[]said{{text: "the red key hangs left", stream: "a", by: ID{9}},
			{text: "the red key hangs right, that is where it is now", stream: "b"}}, "red key hangs", "1 0"},
		"month": {[]said{{text: "paid the rent", at: 40 * day, stream: "a"},
			{text: "paid the rent", at: 130 * day, stream: "b"}}, "rent paid in May", "1 0"},
		"season": {[]said{{text: "paid the big rent", at: 100 * day, stream: "a"},
			{text: "paid rent here", at: 340 * day, stream: "b"}}, "rent paid last spring", "0 1"},
		"speaker": {[]said{{text: "Ben: Ann, swimming is great", stream: "a"},
			{text: "Ann: I like swimming, Ben", stream: "b"}}, "what does Ann like about swimming", "1 0"},
		"when": {[]said{{text: "the pool opened with a party", stream: "a"},
			{text: "the pool opened on a Tuesday", stream: "b"}}, "when was the pool opened", "1 0"},
		"how many": {[]said{{text: "she owns cars of different kinds", stream: "a"},
			{text: "she owns three cars in all", stream: "b"}}, "how many cars she owns", "1 0"},
		"neighbours": {[]said{{text: "the trip was nice", stream: "b", at: 0},
			{text: "talking of Norway now", stream: "a", at: 100}, {text: "the trip was nice too", stream: "a",
				at: 101}}, "trip nice Norway", "2 1 0"},
		"past tense":  {[]said{{text: "she went there", stream: "a"}}, "did she go", "0"},
		"identifier":  {[]said{{text: "call getUserName(x)"}}, "user name", "0"},
		"version":     {[]said{{text: "fixed in v1.2.3"}, {text: "fixed in v1.2.4"}}, `"v1.2.3"`, "0"},
		"error code":  {[]said{{text: "fails with E0382 in main"}}, "e0382", "0"},
		"path":        {[]said{{text: "see cmd/memlog/bench.go"}}, "bench.go", "0"},
		"phrase":      {[]said{{text: "red big key"}, {text: "a big red key"}}, `"red key"`, "1"},
		"odd quote":   {[]said{{text: "red big key"}}, `"red key`, "0"},
		"prefix":      {[]said{{text: "configuration"}, {text: "confetti"}, {text: "con"}}, "conf*", "1 0"},
		"only stops":  {[]said{{text: "to be or not to be"}, {text: "red"}}, "to be", "0"},
		"emoji":       {[]said{{text: "done 🎉"}, {text: "done"}}, "🎉", "0"},
		"Chinese":     {[]said{{text: "我喜欢在公园里跑步"}, {text: "今天下雨"}}, "公园跑步", "0"},
		"Arabic":      {[]said{{text: "مفتاح الباب تحت الحجر"}, {text: "القطة نائمة"}}, "مفتاح الباب", "0"},
		"Thai":        {[]said{{text: "กุญแจอยู่ใต้ก้อนหิน"}, {text: "ฝนตก"}}, "กุญแจ", "0 1"},
		"nothing":     {[]said{{text: "red"}}, "blue", ""},
		"empty store": {nil, "red", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := view(t, tell(t, c.docs...))
			defer done(t, v)
			if got := ask(t, v, Query{Text: c.query, Mode: ModeHybrid}); got != c.want {
				t.Errorf("%q finds %q, want %q", c.query, got, c.want)
			}
		})
	}
}

func TestWeak(t *testing.T) {
	d := tell(t, said{text: "the deploy key hangs on the hook in the hall"},
		said{text: "lunch is at noon"}, said{text: "walks"}, said{text: "the cat sleeps"})
	v := view(t, d)
	defer done(t, v)
	for query, want := range map[string]bool{
		"where is the deploy key": false, "deploy": false,
		"which hall did the astronomer visit with his grandmother in Prague": true,
	} {
		for _, mode := range []Mode{ModeHybrid, ModeLexical} {
			hits, err := v.Search(Query{Text: query, Mode: mode, Limit: 3})
			if err != nil || len(hits) == 0 || Weak(hits) != want {
				t.Errorf("%q, mode %d: %d hits, weak %v, %v", query, mode, len(hits), Weak(hits), err)
			}
		}
	}
}

func TestQueryDates(t *testing.T) {
	for query, want := range map[string]string{
		"in May": "m05", "what may happen": "", "May 8th, 2023": "m05 d08 y2023", "8 May": "m05 d08",
		"march of progress": "", "last March": "m03", "in July 2023": "m07 y2023",
		"on Friday": "w5", "last winter": "m12,m01,m02", "spring cleaning": "", "1500 users": "",
		"in 2019 and 2021": "y2019 y2021",
	} {
		var got []string
		for _, g := range queryDates(query) {
			got = append(got, strings.ReplaceAll(strings.Join(g, ","), fieldPrefix, ""))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: %q, want %q", query, s, want)
		}
	}
}

func TestMarks(t *testing.T) {
	for text, want := range map[string]byte{
		"": 0, "plain": 0, "really?": markAsks | markAsking1 | markAsking2,
		"I do. Do you?": markAsks | markAsking1, "Do you? I do, and gladly so.": 0,
		"seen yesterday": markTime, "three of 4": markNumber, "走吗？": markAsks | markAsking1 | markAsking2,
		"It took a very long while to get here. And you?": markAsks,
	} {
		if got := marksOf(text); got != want {
			t.Errorf("%q: %05b, want %05b", text, got, want)
		}
	}
}

// The caller's project decides between equals, and nothing more.
func TestNear(t *testing.T) {
	d := open(t, MemFS())
	defer done(t, d)
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range []string{"here", "there", ""} {
		text := fmt.Sprint("the deploy key is in vault number ", wordsOfMany[i])
		err := b.PutImage(NewImage{ID: numbered(i), Seq: 1, Created: int64(i), Project: p,
			Stream: p, Text: text, Payload: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.SetCheckpoint(madeCheckpoint(1)), b.Commit()); err != nil {
		t.Fatal(err)
	}
	v := view(t, d)
	defer done(t, v)
	for _, c := range []struct {
		query string
		near  []string
		want  string
	}{
		{"deploy key", nil, "2 1 0"},
		{"deploy key", []string{"/src/here", "here"}, "0 2 1"},
		{"deploy key", []string{"there"}, "1 2 0"},
		{"deploy key", []string{"", "nowhere"}, "2 1 0"},
		{"deploy key cedar", []string{"here"}, "2 0 1"},
	} {
		if got := ask(t, v, Query{Text: c.query, Mode: ModeHybrid, Near: c.near}); got != c.want {
			t.Errorf("%q near %q: %s, want %s", c.query, c.near, got, c.want)
		}
	}
}

// A memory of the date that a query names is found by it though a thousand others have more of the
// query's words, and also where it has none of them.
func TestDateAmongMany(t *testing.T) {
	const march = 31 + 29 + 10 // days of 1972 before one in March
	docs := make([]said, 1000)
	for i := range docs {
		docs[i] = said{text: strings.Repeat("harbour pilot ", 3), at: (2*365+march)*24*60 + int64(i)}
	}
	few := strings.Repeat("about nothing of this kind at all ", 20)
	may := int64(2*365+31+29+31+30+4) * 24 * 60
	docs[400] = said{text: "harbour " + few, at: may}
	docs[500] = said{text: few, at: may}
	v := view(t, tell(t, docs...))
	defer done(t, v)
	q := Query{Text: "the harbour pilot on 5 May", Mode: ModeHybrid, Limit: 2}
	if got := ask(t, v, q); got != "400 500" {
		t.Errorf("found %s, want 400 500", got)
	}
}
