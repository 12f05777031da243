package projection

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"memlog/index"
	"memlog/wal"
	"memlog/wal/event"
)

// benchDocs memories of about benchChars characters, from a vocabulary with the skew of a natural
// language.
const (
	benchDocs  = 100_000
	benchChars = 300
	benchWords = 40_000
)

// benchLog makes its records as they are asked for, the same each time.
type benchLog int

func (n benchLog) Records(from, to wal.Seq) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		r := rand.New(rand.NewPCG(1, 2))
		z := rand.NewZipf(r, 1.2, 8, benchWords)
		for seq := 1; seq <= int(n); seq++ {
			m := event.Memory{
				ID: event.NewID(), Version: 1, Content: benchText(z), Type: "note", Project: "bench",
				Tags:      []string{fmt.Sprintf("t%d", r.IntN(50)), fmt.Sprintf("u%d", r.IntN(1000))},
				CreatedAt: epoch.Add(time.Duration(seq) * time.Second), UpdatedAt: epoch,
			}
			b, err := event.Encode(event.Envelope{Event: event.Stored{Memory: m}})
			if err != nil {
				yield(wal.Record{}, err)
				return
			}
			rec := newRecord(seq, b)
			rec.RequestID = fmt.Sprintf("request-%d", seq)
			if !yield(rec, nil) {
				return
			}
		}
	}
}

func benchText(z *rand.Zipf) string {
	var s strings.Builder
	for s.Len() < benchChars {
		n := z.Uint64()
		for { // a word from a number, in syllables
			s.WriteByte("bdfgklmnprstvz"[n%14])
			s.WriteByte("aeiou"[n/14%5])
			if n /= 70; n == 0 {
				break
			}
		}
		s.WriteByte(' ')
	}
	return s.String()
}

func benchIndex(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	db, err := index.NewGeneration(dir, index.Options{})
	if err != nil {
		b.Fatal(err)
	}
	p, err := New(db, Options{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := p.Catchup(context.Background(), benchLog(n), 0, nil); err != nil {
		b.Fatal(err)
	}
	if err := db.Promote(false); err != nil {
		b.Fatal(err)
	}
	closeAll(b, db)
	return dir
}

// BenchmarkRebuild folds the whole log into a new generation and makes it the one in use.
func BenchmarkRebuild(b *testing.B) {
	for b.Loop() {
		dir := benchIndex(b, benchDocs)
		b.ReportMetric(residentMB(), "MB-peak")
		db, err := index.Open(dir, index.Options{})
		if err != nil {
			b.Fatal(err)
		}
		n, err := db.Bytes()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n)/benchDocs, "B/memory")
		closeAll(b, db)
	}
	b.ReportMetric(float64(b.N*benchDocs)/b.Elapsed().Seconds(), "memories/s")
}

// residentMB is the process's highest resident memory so far, 0 where it cannot be read.
func residentMB() float64 {
	s, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(s), "VmHWM:")
	var kb float64
	fmt.Sscan(after, &kb)
	return kb / 1024
}

// BenchmarkServe measures an index of benchDocs memories: opening it, the first search (which
// reads the row table), searches and lists after that, and single commits.
func BenchmarkServe(b *testing.B) {
	dir := benchIndex(b, benchDocs)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			db, err := index.Open(dir, index.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			closeAll(b, db)
			b.StartTimer()
		}
	})
	db, err := index.Open(dir, index.Options{Text: Text})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	v := view(b, db)
	defer v.Close()
	first := time.Now()
	if _, err := v.List(index.Filter{}, "", 1); err != nil {
		b.Fatal(err)
	}
	b.Logf("first list, with the row table: %s", time.Since(first))
	for name, mode := range map[string]index.Mode{
		"lexical": index.ModeLexical, "hybrid": index.ModeHybrid,
	} {
		q := index.Query{Mode: mode, Limit: 10}
		b.Run(name, func(b *testing.B) { benchSearch(b, v, q) })
		q.Filter.Tags = []string{"u7"}
		b.Run(name+"-rare-tag", func(b *testing.B) { benchSearch(b, v, q) })
		q.Filter = index.Filter{Project: "bench"}
		b.Run(name+"-all-pass", func(b *testing.B) { benchSearch(b, v, q) })
		past, err := db.At(benchDocs / 2)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"-past", func(b *testing.B) { benchSearch(b, past, index.Query{Mode: mode, Limit: 10}) })
		closeAll(b, past)
	}
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.List(index.Filter{}, "", 20); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("commit", func(b *testing.B) { benchCommit(b, db) })
}

func benchSearch(b *testing.B, v *index.View, q index.Query) {
	z := rand.NewZipf(rand.New(rand.NewPCG(3, 4)), 1.2, 8, benchWords)
	var took []time.Duration
	for b.Loop() {
		text := benchText(z)
		text = strings.Join(strings.Fields(text)[:5], " ")
		t := time.Now()
		q.Text = text
		if _, err := v.Search(q); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(t))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*9/10].Microseconds()), "p90-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}

func benchCommit(b *testing.B, db *index.DB) {
	p, err := New(db, Options{})
	if err != nil {
		b.Fatal(err)
	}
	var recs []wal.Record
	for r, _ := range benchLog(10_000).Records(1, 0) {
		r.Seq += wal.Seq(db.Checkpoint().Seq)
		recs = append(recs, r)
	}
	i := 0
	for b.Loop() {
		r := recs[i%len(recs)]
		r.Seq = wal.Seq(db.Checkpoint().Seq) + 1
		i++
		if err := p.Stage(r); err != nil {
			b.Fatal(err)
		}
		if err := p.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}
