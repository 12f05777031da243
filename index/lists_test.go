package index

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unique"

	gocmp "github.com/google/go-cmp/cmp"
)

// What searches leave in memory changes no answer: an index that was searched all the while, as
// others wrote, answers as one that keeps nothing does, now and then.
func TestKeptListsAnswerAsStoredOnes(t *testing.T) {
	const step, steps = 150, 12
	kept, none := open(t, MemFS()), open(t, MemFS())
	t.Cleanup(func() { kept.Close(); none.Close() })
	none.o.ListBytes = 1
	r := rand.New(rand.NewPCG(5, 6))
	found := 0
	for n := step; n <= step*steps; n += step {
		addMany(t, kept, n, 7)
		addMany(t, none, n, 7)
		for range 40 {
			seq := r.Uint64N(uint64(n)) + 1
			if r.IntN(2) == 0 {
				seq = uint64(n)
			}
			filters := manyFilters(seq)
			q := Query{Text: wordsOfMany[r.IntN(10)] + " " + wordsOfMany[r.IntN(10)] + " al*",
				Mode: pick(r, ModeLexical, ModeHybrid), Limit: 20,
				Filter: filters[r.IntN(len(filters))]}
			var got [2]string
			for i, d := range []*DB{kept, none} {
				v, err := d.At(seq)
				if err != nil {
					t.Fatal(err)
				}
				got[i] = scored(t, v, q)
				done(t, v)
			}
			if got[0] != got[1] {
				t.Fatalf("at %d of %d, %+v: kept %s, stored %s", seq, n, q, got[0], got[1])
			}
			found += len(strings.Fields(got[0]))
		}
	}
	if len(kept.postings.entries) < 10 || len(none.postings.entries) > 1 || found < 2000 {
		t.Fatalf("%d lists kept, %d where none should be, %d hits: too few to mean anything",
			len(kept.postings.entries), len(none.postings.entries), found)
	}
}

// A view from before a commit must not leave its postings behind for those after it.
func TestOldViewKeepsNoList(t *testing.T) {
	d := many(t, 300, 8)
	old := view(t, d)
	defer done(t, old)
	addMany(t, d, 600, 8)
	if _, err := old.Search(Query{Text: "alder", Limit: 10}); err != nil {
		t.Fatal(err)
	}
	if n := d.postings.len(); n != 0 {
		t.Fatalf("%d lists of an old view are kept", n)
	}
	now := view(t, d)
	defer done(t, now)
	r, _ := rankerOf(t, now, Query{Text: "alder"})
	defer r.close()
	if last := r.terms[0].runs[0]; last.row(last.len()-1) < 500 {
		t.Errorf("the last row that has the word is %d of 600", last.row(last.len()-1))
	}
}

func TestListsStayWithinBytes(t *testing.T) {
	const most = 40_000
	s := newKept(sizeOfRuns)
	for i := range 400 {
		s.put(fmt.Appendf(nil, "term %d", i), []run{{data: make([]byte, 4*(i%97))}}, most)
		if i%3 == 0 {
			s.get([]byte("term 0"))
		}
		if s.bytes > most {
			t.Fatalf("%d bytes after %d lists", s.bytes, i+1)
		}
	}
	sum := 0
	for name, e := range s.entries {
		sum += s.sizeOf(name, e.value)
	}
	if sum != s.bytes || s.len() < 50 {
		t.Errorf("%d lists of %d bytes, counted as %d", s.len(), sum, s.bytes)
	}
	if _, ok := s.get([]byte("term 0")); !ok {
		t.Error("what was asked for again and again was dropped")
	}
	if _, ok := s.get([]byte("term 1")); ok {
		t.Error("what nobody asked for is still there")
	}
}

// A commit may add to several blocks of a term; a search that holds a list sees none
// of it.
func TestExtendLists(t *testing.T) {
	rows := func(runs []run) (all []Row) {
		for _, r := range runs {
			for i := range r.len() {
				all = append(all, r.row(i))
			}
		}
		return all
	}
	name, of := newKey(keyPosting).str("term"), unique.Make("term")
	put := func(row Row, tf uint32) *[]byte {
		b := appendPosting(nil, row, tf)
		return &b
	}
	two := appendPosting(appendPosting(nil, 1<<16, 1), 2<<16-1, 1)
	for range 20 { // orders of the map
		d := &DB{postings: newKept(sizeOfRuns), taggings: newKept(sizeOfTaggings)}
		s := d.postings
		s.put(name, []run{run{}.with(appendPosting(nil, 7, 1))}, 1<<20)
		held, _ := s.get(name)
		b := &Batch{d: d}
		b.merged = []postings{
			{0, map[lexeme]*[]byte{of: put(9, 2), unique.Make("other"): {}}},
			{1, map[lexeme]*[]byte{of: &two}},
			{2, map[lexeme]*[]byte{of: put(2<<16+3, 1)}},
			{2, map[lexeme]*[]byte{unique.Make("other"): {}, of: put(2<<16+4, 1)}},
		}
		b.extendLists()
		runs, _ := s.get(name)
		want := []Row{7, 9, 1 << 16, 2<<16 - 1, 2<<16 + 3, 2<<16 + 4}
		if diff := gocmp.Diff(want, rows(runs)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff([]Row{7}, rows(held)); diff != "" {
			t.Fatalf("a held list changed (-want +got):\n%s", diff)
		}
	}
}

// Which documents have a tag is kept, too, and followed: what is given it, what it is taken from,
// also in the moments before.
func TestKeptTagsFollow(t *testing.T) {
	d := many(t, 40, 9)
	r := rand.New(rand.NewPCG(3, 4))
	tagged := func(v *View) (all []int) {
		p, err := v.List(Filter{Tags: []string{"new"}}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range p.Docs {
			all = append(all, number(doc.ID))
		}
		slices.Sort(all)
		return all
	}
	want := map[uint64][]int{}
	have := map[int]bool{}
	for seq := uint64(41); seq <= 160; seq++ {
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		n := 1 + r.IntN(12)
		if have[n] = !have[n]; have[n] {
			_, err = b.OpenTag(numbered(n), seq, "new")
		} else {
			_, err = b.CloseTag(numbered(n), seq, "new")
		}
		if err := errors.Join(err, b.SetCheckpoint(madeCheckpoint(seq)), b.Commit()); err != nil {
			t.Fatal(err)
		}
		v := view(t, d)
		want[seq] = tagged(v)
		done(t, v)
		alive := view(t, d)
		docs := 0
		for _, doc := range allDocs(t, alive) {
			if slices.Contains(doc.Tags, "new") {
				docs++
			}
		}
		done(t, alive)
		if docs != len(want[seq]) {
			t.Fatalf("at %d: %d documents have the tag, %d are found by it", seq, docs, len(want[seq]))
		}
		then := 41 + r.Uint64N(seq-40)
		past, err := d.At(then)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want[then], tagged(past)); diff != "" {
			t.Fatalf("at %d as of %d (-then +now):\n%s", seq, then, diff)
		}
		done(t, past)
	}
	if d.taggings.len() == 0 {
		t.Fatal("nothing was kept")
	}
}

func TestSearchRun(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		one := run{base: Row(r.IntN(2)) << 16}
		for n := range 1 << 16 {
			if r.IntN(1+r.IntN(3000)) == 0 {
				one.data = appendPosting(one.data, one.base+Row(n), 1)
			}
		}
		for range 100 {
			n := Row(r.IntN(1 << 18))
			want := 0
			for want < one.len() && one.row(want) < n {
				want++
			}
			if got := one.search(n); got != want {
				t.Fatalf("search %d: %d, want %d", n, got, want)
			}
			if from := r.IntN(want + 1); one.searchFrom(from, n) != want {
				t.Fatalf("search %d from %d: %d, want %d", n, from, one.searchFrom(from, n), want)
			}
		}
	}
}

// The first alias and the first occurrence of an index are seen by searches that came before.
func TestFirstFactsAreSeen(t *testing.T) {
	d := many(t, 30, 3)
	hit := func() Doc {
		v := view(t, d)
		defer done(t, v)
		hits, err := v.Search(Query{Text: "alder", Limit: 1})
		if err != nil || len(hits) != 1 {
			t.Fatalf("%d hits, %v", len(hits), err)
		}
		return hits[0].Doc
	}
	before := hit()
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	_, _, aliasErr := b.SetAliases(before.ID, 31, []string{"other"})
	_, occErr := b.PutOccurrence(before.ID, Occurrence{ID: ID{9}, From: 31, Created: 5})
	err = errors.Join(aliasErr, occErr, b.SetCheckpoint(madeCheckpoint(31)), b.Commit())
	if err != nil {
		t.Fatal(err)
	}
	after := hit()
	if len(before.Aliases)+len(before.Occurrences) != 0 || !slices.Equal(after.Aliases,
		[]string{"other"}) || len(after.Occurrences) != 1 {
		t.Errorf("aliases %q, occurrences %v", after.Aliases, after.Occurrences)
	}
}

// Postings that several goroutines read are those that one reads, whatever of them is in memory.
func TestFetchedPostings(t *testing.T) {
	d := many(t, 3000, 8)
	v := view(t, d)
	defer done(t, v)
	names := append([]string{"none", "alder", "none"}, wordsOfMany...)
	for round, search := range []string{"", "birch cedar", "rowan alder none"} {
		if search != "" {
			scored(t, v, Query{Text: search, Limit: 5})
		}
		r, _ := rankerOf(t, v, Query{Text: "alder"})
		if err := r.fetchAll(names[:3+round*3]); err != nil {
			t.Fatal(err)
		}
		if err := r.fetchAll(names); err != nil {
			t.Fatal(err)
		}
		it, err := v.src.iter(newKey(keyPosting), newKey(keyPosting).upper())
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, name := range names {
			want, err := r.read(it, name, newKey(keyPosting).str(name))
			if err != nil {
				t.Fatal(err)
			}
			got, ok := r.lists[name]
			kept, _ := d.postings.get(newKey(keyPosting).str(name))
			diff := gocmp.Diff(want, got, gocmp.AllowUnexported(run{}, stretch{}))
			if diff += gocmp.Diff(want, kept, gocmp.AllowUnexported(run{}, stretch{})); diff != "" || !ok {
				t.Fatalf("%s, round %d: %v, (-read +fetched or kept):\n%s", name, round, ok, diff)
			}
			found += len(got)
		}
		if found < 8 {
			t.Fatalf("%d words have postings", found)
		}
		it.Close()
		r.close()
	}
}

// What cannot be read fails a search, whoever reads it.
func TestFetchFails(t *testing.T) {
	d := many(t, 300, 9)
	v := view(t, d)
	defer done(t, v)
	r, _ := rankerOf(t, v, Query{Text: "alder"})
	defer r.close()
	r.t = newTable() // of which every posting is beyond the end
	if err := r.fetchAll([]string{"none", "birch", "cedar", "elm"}); !errors.Is(err, errValue) {
		t.Fatalf("postings beyond the table: %v", err)
	}
	if len(r.lists) != 1 {
		t.Fatalf("%d lists, only one could be read", len(r.lists))
	}
}

// What is kept grows with the rows, unless it is said how much is.
func TestListBytes(t *testing.T) {
	d := &DB{}
	if got := d.listBytesLocked(); got != DefaultListBytes {
		t.Errorf("no table: %d bytes", got)
	}
	d.table = newTable()
	for rows, want := range map[uint32]int{0: DefaultListBytes, 1000: DefaultListBytes,
		1 << 20: 64 << 20} {
		if d.table.numRow.Store(rows); d.listBytesLocked() != want {
			t.Errorf("%d rows: %d bytes, not %d", rows, d.listBytesLocked(), want)
		}
	}
	if d.o.ListBytes = 5; d.listBytesLocked() != 5 {
		t.Errorf("%d bytes, not the 5 that are said", d.listBytesLocked())
	}
}
