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

// wordsOfMany are so few that their postings are long: the first stand in nearly every text, the
// last in a few.
var wordsOfMany = strings.Fields("alder birch cedar elm fir hazel larch maple pine rowan")

// manyText is a text of a store of many: some are copies of each other, some say one word over and
// over, so that a frequent word alone comes near to the most that it can bring.
func manyText(r *rand.Rand) string {
	if r.IntN(4) == 0 {
		return "alder birch " + wordsOfMany[r.IntN(4)]
	}
	var words []string
	for i, w := range wordsOfMany {
		if r.IntN(i+2) > 0 && i > 1 || r.IntN(4) == 0 {
			continue
		}
		times := 1
		if r.IntN(8) == 0 {
			times = 1 + r.IntN(60)
		}
		words = append(words, slices.Repeat([]string{w}, times)...)
	}
	r.Shuffle(len(words), func(i, k int) { words[i], words[k] = words[k], words[i] })
	return strings.Join(words, " ")
}

// many opens an index of n texts, one record each; some take the place of earlier ones, some of
// these are taken away.
func many(t testing.TB, n int, seed uint64) *DB {
	t.Helper()
	d := open(t, MemFS())
	t.Cleanup(func() { d.Close() })
	addMany(t, d, n, seed)
	return d
}

func addMany(t testing.TB, d *DB, n int, seed uint64) {
	t.Helper()
	b, err := d.NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	for seq := d.Checkpoint().Seq + 1; seq <= uint64(n); seq++ {
		r := rand.New(rand.NewPCG(seed, seq))
		id := numbered(int(seq))
		if seq > 20 && r.IntN(8) == 0 {
			id = numbered(r.IntN(int(seq)))
		}
		i := NewImage{ID: id, Seq: seq, Version: seq, Created: int64(r.IntN(50)), Text: manyText(r),
			Deleted: r.IntN(30) == 0, Type: pick(r, "", "", "note"),
			Stream: fmt.Sprint(seq / 40)}
		i.Payload = []byte(i.Text)
		if r.IntN(200) == 0 {
			i.Project = "rare"
		}
		var tags []string
		if r.IntN(300) == 0 {
			tags = append(tags, "rare")
		}
		if r.IntN(2) == 0 {
			tags = append(tags, "half")
		}
		_, _, tagErr := b.SetTags(id, seq, tags)
		err := errors.Join(b.PutImage(i), tagErr, b.SetCheckpoint(madeCheckpoint(seq)))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

// manyFilters are of all selectivities.
func manyFilters(seq uint64) []Filter {
	from, to := int64(7), int64(8)
	return []Filter{{}, {Tags: []string{"rare"}}, {Tags: []string{"half"}}, {Project: "rare"},
		{Type: "note"}, {Tags: []string{"rare", "half"}, All: true}, {Tags: []string{"none"}},
		{CreatedFrom: &from, CreatedTo: &to}, {RecordedFrom: seq - seq/100}}
}

// everything is the search for words the long way: each row that passes is scored by itself.
func (r *ranker) everything(t testing.TB, k int, pass func(Row) bool) []string {
	t.Helper()
	top := &best{t: r.t, limit: k}
	for n := range r.t.len() {
		if !pass(n) {
			continue
		}
		row, score := r.t.row(n), 0.0
		for i := range r.terms {
			if tf := r.terms[i].tf(n); tf > 0 {
				one := &r.terms[i]
				score += float64(one.weight * r.b.score(one.idf, tf, row.terms))
			}
		}
		if score > 0 {
			top.offer(found{score, listed{row.created, row.ord}, n})
		}
	}
	var out []string
	for _, f := range top.sorted() {
		out = append(out, fmt.Sprintf("row %d score %g", f.row, f.score))
	}
	return out
}

// Whatever is not read through changes nothing: the best are those that scoring every text gives,
// for long lists, equal scores, every filter, now and then.
func TestBestAreThoseOfAll(t *testing.T) {
	const texts = 6000
	d := many(t, texts, 1)
	r := rand.New(rand.NewPCG(2, 3))
	skipped, few, hits := 0, 0, 0
	for round := range 300 {
		seq := uint64(texts)
		if round%3 == 0 {
			seq = texts/2 + r.Uint64N(texts/2)
		}
		v, err := d.At(seq)
		if err != nil {
			t.Fatal(err)
		}
		words := make([]string, 1+r.IntN(4))
		for i := range words {
			words[i] = wordsOfMany[r.IntN(len(wordsOfMany))]
		}
		filters := manyFilters(seq)
		q := Query{Text: strings.Join(words, " "), Limit: pick(r, 1, 3, 10, 40),
			Filter: filters[r.IntN(len(filters))]}
		got, err := v.Search(q)
		if err != nil {
			t.Fatal(err)
		}
		rank, pass := rankerOf(t, v, q)
		var list []string
		for _, h := range got {
			list = append(list, fmt.Sprintf("row %d score %g", h.Doc.Row, h.Score))
		}
		if diff := gocmp.Diff(rank.everything(t, q.Limit, pass), list); diff != "" {
			t.Fatalf("as of %d, %+v (-all +found):\n%s", seq, q, diff)
		}
		rank.gather(q.Limit, pass)
		floor := rank.threshold(q.Limit, 0, pass)
		if rank.skipped > 0 && floor > 0 {
			skipped++
		}
		if rank.few != nil {
			few++
		}
		top := &best{t: rank.t, limit: q.Limit}
		rank.offer(top, floor, pass, nil)
		var gathered []string
		for _, f := range top.sorted() {
			gathered = append(gathered, fmt.Sprintf("row %d score %g", f.row, f.score))
		}
		if diff := gocmp.Diff(list, gathered); diff != "" {
			t.Fatalf("as of %d, %+v (-swept +gathered):\n%s", seq, q, diff)
		}
		hits += len(got)
		rank.close()
		done(t, v)
	}
	if skipped < 40 || few < 40 || hits < 1000 {
		t.Fatalf("%d searches skipped, %d looked at few rows, %d hits: too few to mean anything",
			skipped, few, hits)
	}
}

// No text gets more from a word than the bound says, and some get nearly as much.
func TestBound(t *testing.T) {
	d := many(t, 3000, 4)
	v := view(t, d)
	defer done(t, v)
	r, _ := rankerOf(t, v, Query{Text: strings.Join(append(wordsOfMany, "alder", "alder"), " ")})
	defer r.close()
	for i := range r.terms {
		one, most := &r.terms[i], 0.0
		for n := range r.t.len() {
			if tf := one.tf(n); tf > 0 {
				score := one.weight * r.b.score(one.idf, tf, r.t.row(n).terms)
				most = max(most, score/one.bound(r.b))
			}
		}
		if most > 1 || most < 0.93 {
			t.Errorf("%s: the best text has %.3f of the bound", one.name, most)
		}
	}
}

func rankerOf(t testing.TB, v *View, q Query) (*ranker, func(Row) bool) {
	t.Helper()
	table, err := v.rows()
	if err != nil {
		t.Fatal(err)
	}
	s, err := v.sieve(q.Filter, v.seq)
	if err != nil {
		t.Fatal(err)
	}
	p, err := parse(q.Text, v.tongues())
	if err != nil {
		t.Fatal(err)
	}
	r, err := v.ranker(table, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.loadAll(p); err != nil {
		t.Fatal(err)
	}
	pass, err := r.pass(p)
	if err != nil {
		t.Fatal(err)
	}
	return r, pass
}

// What came later is in no posting of an earlier moment: not in how frequent a word is either.
func TestManyAsOf(t *testing.T) {
	const then, now = 2600, 5200
	early, late := many(t, then, 5), many(t, then, 5)
	addMany(t, late, now, 5)
	before := view(t, early)
	defer done(t, before)
	after, err := late.At(then)
	if err != nil {
		t.Fatal(err)
	}
	defer done(t, after)
	for _, mode := range []Mode{ModeLexical, ModeHybrid} {
		for _, text := range []string{"alder", "birch rowan", "cedar elm pine"} {
			for _, f := range manyFilters(then) {
				q := Query{Text: text, Mode: mode, Filter: f, Limit: 20}
				if want, got := scored(t, before, q), scored(t, after, q); want != got {
					t.Fatalf("%+v: %s then, %s as of then", q, want, got)
				}
			}
		}
	}
}

func scored(t testing.TB, v *View, q Query) string {
	t.Helper()
	hits, err := v.Search(q)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range hits {
		out = append(out, fmt.Sprintf("%d:%g", number(h.Doc.ID), h.Score))
	}
	return strings.Join(out, " ")
}

// Which words more than half of the texts have is known of one moment only: what is found later, or
// as of earlier, is what an index finds that was not asked before.
func TestUsualWordsOfTheirMoment(t *testing.T) {
	fs := MemFS()
	d := open(t, fs)
	add := func(from, to uint64, words string) {
		b, err := d.NewBatch()
		if err != nil {
			t.Fatal(err)
		}
		for seq := from; seq <= to; seq++ {
			i := NewImage{ID: numbered(int(seq)), Seq: seq, Version: 1, Created: int64(seq),
				Text: fmt.Sprintf("%s number%d", words, seq%7)}
			i.Payload = []byte(i.Text)
			if err := errors.Join(b.PutImage(i), b.SetCheckpoint(madeCheckpoint(seq))); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	q := Query{Text: "elm", Mode: ModeHybrid, Limit: 20, Explain: true}
	all := func() string {
		var out []string
		for i, seq := range []uint64{30, d.Checkpoint().Seq, 30} {
			v, err := d.At(seq)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				hits, err := v.Search(q)
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range hits {
					out = append(out, fmt.Sprintf("%d:%g%v", number(h.Doc.ID), h.Score, h.Parts))
				}
			}
			done(t, v)
			if n := len(out) / (i + 1); i == 2 && !slices.Equal(out[:n], out[2*n:]) {
				t.Fatalf("as of 30: %v, and after another moment: %v", out[:n], out[2*n:])
			}
		}
		return strings.Join(out, "\n")
	}
	add(1, 20, "elm alder birch larch larch")
	add(21, 30, "elm alder birch fir")
	all()
	if len(d.usuals.names) < 2 {
		t.Fatalf("usual are %v, not all words of all texts", d.usuals.names)
	}
	add(31, 100, "cedar fir")
	got := all()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, fs)
	defer d.Close()
	if diff := gocmp.Diff(all(), got); diff != "" {
		t.Fatalf("an index not asked before, and asked (-fresh +asked):\n%s", diff)
	}
	if !strings.Contains(got, "feedback") {
		t.Fatal("feedback ranked nothing")
	}
}
