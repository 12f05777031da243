package index

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// madeRanker is a search among made rows and postings of several blocks: some rows have ended, some
// blocks have none of a word, some words stand in nearly every text and some often in one.
func madeRanker(r *rand.Rand, rows int) *ranker {
	t := newTable()
	for n := range Row(rows) {
		from, ord := uint64(n+1), Ordinal(t.numID.Load())
		if n > 0 && r.IntN(3) == 0 {
			ord = t.row(Row(r.Uint32N(uint32(n)))).ord
			if old := t.at(ord, from); old != noRow {
				t.end(old, from)
			}
		} else {
			t.addID(numbered(int(n)))
		}
		t.addRow(func(i *rowInfo) {
			i.ord, i.from, i.created = ord, from, int64(r.IntN(20))
			i.terms, i.project = 1+r.Uint32N(200), r.Uint32N(3)
		})
		if r.IntN(30) == 0 {
			t.end(n, from+1+r.Uint64N(uint64(rows)))
		}
	}
	seq := uint64(1 + rows/2 + r.IntN(rows/2))
	k := &ranker{t: t, s: &sieve{seq: seq}, end: Row(seq), w: new(workspace),
		b: newBM25(Stats{Live: uint64(rows), Terms: uint64(rows) * 100})}
	k.w.begin(rows, k.b)
	for range 1 + r.IntN(5) {
		one := term{name: "made", weight: pick(r, 1, 1, 1.8)}
		share, often := pick(r, 0.8, 0.3, 0.03, 0.001), pick(r, 1, 3, 40)
		for base := Row(0); base < k.end; base += 1 << postingBlockShift {
			made := run{base: base}
			for n := base; n < min(k.end, base+1<<postingBlockShift); n++ {
				if r.Float64() < share {
					made = made.with(appendPosting(nil, n, 1+r.Uint32N(uint32(often))))
				}
			}
			if r.IntN(5) > 0 {
				one.runs = append(one.runs, made)
			}
		}
		if len(k.terms) > 0 && r.IntN(4) == 0 { // in the same texts
			one.runs = k.terms[len(k.terms)-1].runs
		}
		one.df = float64(one.postings())
		one.idf = k.b.idf(one.df)
		k.terms = append(k.terms, one)
	}
	slices.SortStableFunc(k.terms, func(a, b term) int { return int(a.df - b.df) })
	return k
}

// A sweep over blocks finds, with every filter, what scoring every row by itself finds, whatever it does not read.
func TestSweepFindsTheBest(t *testing.T) {
	saved, few, found := 0, 0, 0
	for round := range 80 {
		r := rand.New(rand.NewPCG(11, uint64(round)))
		tagged, rows := round%3 > 1, pick(r, 10, 5_000, 66_000, 140_000)
		if tagged {
			rows = 140_000
		}
		k := madeRanker(r, rows)
		if project := r.Uint32N(3); round%4 == 0 {
			k.s.project = &project
		}
		if tagged {
			k.s.tagged = &docSet{}
			for range pick(r, 1, 20, 200, 3000) {
				k.s.tagged.add(k.t.row(Row(r.IntN(int(k.end)))).ord)
			}
			if k.end < k.t.len() { // what comes next may be a version of what holds
				k.s.tagged.add(k.t.row(k.end).ord)
			}
		}
		limit := pick(r, 1, 10, 100)
		_, looked := k.fewRows(k.terms)
		s := k.sweep(limit, k.plain())
		var got []string
		for _, f := range s.top.sorted() {
			got = append(got, fmt.Sprintf("row %d score %g", f.row, f.score))
		}
		if diff := gocmp.Diff(k.everything(t, limit, k.plain()), got); diff != "" {
			t.Fatalf("round %d (-all +found):\n%s", round, diff)
		}
		found += len(got)
		if looked {
			few++
		} else if s.saved > 0 {
			saved++
		}
	}
	if saved < 10 || few < 5 || found < 300 {
		t.Fatalf("%d sweeps saved something, %d looked at few rows, %d rows: too few to mean anything",
			saved, few, found)
	}
}

// The last postings of a window are those from its first row on, wherever a search begins.
func TestSearchBack(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 1))
	for range 300 {
		made, rows := run{base: 1 << postingBlockShift}, []Row{}
		for n, step := made.base, 1+r.IntN(900); n < 2*made.base; n += Row(1 + r.IntN(step)) {
			made, rows = made.with(appendPosting(nil, n, 1)), append(rows, n)
		}
		for range 50 {
			n := made.base - 5 + Row(r.IntN(1<<postingBlockShift+10))
			want, _ := slices.BinarySearch(rows, n)
			to := want + r.IntN(len(rows)-want+1)
			if got := made.searchBack(to, n); got != want {
				t.Fatalf("row %d before place %d of %d: at %d, not %d", n, to, len(rows), got, want)
			}
		}
	}
}

// A document's newest row of a moment is not the one that comes next.
func TestLastRow(t *testing.T) {
	k := madeRanker(rand.New(rand.NewPCG(13, 1)), 400)
	for k.end = range k.t.len() + 1 {
		want := map[Ordinal]Row{}
		for n := range k.end {
			want[k.t.row(n).ord] = n
		}
		for o := range Ordinal(k.t.numID.Load()) {
			newest, ok := want[o]
			if !ok {
				newest = noRow
			}
			if got := k.lastRow(o); got != newest {
				t.Fatalf("before row %d the last of document %d is %d, not %d", k.end, o, got, newest)
			}
		}
	}
}

// What a run has of a window is what it has of its rows, however it came to be and wherever it is
// cut off; no text has the term more often than its stretch says, and one has it so often.
func TestWindowOfRun(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 1))
	for range 100 {
		made, step := run{base: 3 << postingBlockShift}, 1+r.IntN(20_000)
		for n := made.base; n < 4<<postingBlockShift; {
			var some []byte
			for range r.IntN(3000) {
				if n += Row(1 + r.IntN(step)); n < 4<<postingBlockShift {
					some = appendPosting(some, n, 1+r.Uint32N(9))
				}
			}
			made = made.with(some)
		}
		cut := made.until(made.base + Row(r.IntN(1<<postingBlockShift)))
		for _, one := range []run{made, cut} {
			for from := made.base; from < 4<<postingBlockShift; from += windowRows {
				data, most := one.window(from)
				want, often := one.data[one.search(from)*postingSize:one.search(from+windowRows)*postingSize],
					uint16(0)
				for i := range made.len() {
					if n := made.row(i); n >= from && n < from+windowRows {
						often = max(often, uint16(made.tf(i)))
					}
				}
				if !bytes.Equal(data, want) || most != often && len(want) > 0 {
					t.Fatalf("window %d: %d postings, at most %d times, not %d and %d", from, len(data)/postingSize,
						most, len(want)/postingSize, often)
				}
			}
		}
	}
}
