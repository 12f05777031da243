package store

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// benchOpen opens a copy of the store of benchMemories.
func benchOpen(b *testing.B, base string) *Store {
	b.Helper()
	s, err := Open(context.Background(), cloneStore(b, base), Options{Holder: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// benchSearch searches for three words, as frequent as in the texts, without and with
// filters, as of a moment, and for a piece of text.
func benchSearch(b *testing.B, base string) {
	s := benchOpen(b, base)
	past := memory.Moment{Seq: benchMemories / 2}
	for _, c := range []struct {
		name string
		r    memory.SearchRequest
	}{
		{"words", memory.SearchRequest{}},
		{"tag", memory.SearchRequest{Filter: memory.Filter{Tags: []string{"area-7"}}}},
		{"project", memory.SearchRequest{Filter: memory.Filter{Project: "project-3"}}},
		{"as-of", memory.SearchRequest{AsOf: past}},
		{"lexical", memory.SearchRequest{Mode: memory.ModeLexical}},
		{"lexical-tag", memory.SearchRequest{Mode: memory.ModeLexical,
			Filter: memory.Filter{Tags: []string{"task-7"}}}},
		{"exact", memory.SearchRequest{Mode: memory.ModeExact}},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := newCorpus(3)
			latencies(b, func() error {
				c.r.Query = text.query(3)
				_, err := s.Search(context.Background(), c.r)
				return err
			})
		})
	}
}

// latencies runs f and reports the median and the 99th percentile of its times.
func latencies(b *testing.B, f func() error) {
	b.Helper()
	if err := f(); err != nil { // what the first one alone has to read
		b.Fatal(err)
	}
	var took []float64
	for b.Loop() {
		begun := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		took = append(took, float64(time.Since(begun).Nanoseconds())/1000)
	}
	b.ReportMetric(quantile(took, 0.5), "p50-us")
	b.ReportMetric(quantile(took, 0.99), "p99-us")
}

// benchRead reads as the commands of the same names do.
func benchRead(b *testing.B, base string) {
	s := benchOpen(b, base)
	ctx := context.Background()
	page, err := s.List(ctx, memory.ListRequest{Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, c := range []struct {
		name string
		f    func() error
	}{
		{"get", func() error {
			n++
			_, err := s.Get(ctx, memory.GetRequest{ID: page.Memories[n%1000].ID.String()})
			return err
		}},
		{"list", func() error { _, err := s.List(ctx, memory.ListRequest{}); return err }},
		{"list-tag", func() error {
			f := memory.Filter{Tags: []string{"task-7"}}
			_, err := s.List(ctx, memory.ListRequest{Filter: f})
			return err
		}},
		{"tags", func() error { _, err := s.Tags(ctx, memory.TagsRequest{}); return err }},
		{"stats", func() error { _, err := s.Stats(ctx); return err }},
		{"health", func() error { _, err := s.Health(ctx); return err }},
	} {
		b.Run(c.name, func(b *testing.B) { latencies(b, c.f) })
	}
}

// Slices of time in which the store and the raw file take turns.
const (
	storeSlice  = 300 * time.Millisecond
	storeSlices = 9
)

// BenchmarkStore stores memories through the service, each durable when it is acknowledged, by one
// and by several writers at the same time. The reference is a plain file in the same directory
// that gets as many bytes as the log did for each, with one fdatasync for all who wait at that
// time; the two take turns, and the ratio is the median over the pairs.
func BenchmarkStore(b *testing.B) {
	single := 0.0
	for _, writers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(writers), func(b *testing.B) {
			for b.Loop() {
				rate := storePairs(b, writers)
				if writers == 1 {
					single = rate
				}
				if single > 0 {
					b.ReportMetric(rate/single, "times-1-writer")
				}
			}
		})
	}
}

func storePairs(b *testing.B, writers int) float64 {
	dir := filepath.Join(b.TempDir(), "store")
	s, err := Open(context.Background(), dir, Options{Holder: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	texts := make([]*corpus, writers)
	for w := range texts {
		texts[w] = newCorpus(uint64(100 + w))
	}
	store := func(w int) error {
		r := memory.StoreRequest{Memories: []memory.NewMemory{texts[w].memory()}, Origin: benchOrigin}
		_, err := s.Store(context.Background(), r)
		return err
	}
	perSecond(b, writers, store) // warm
	before := treeBytes(filepath.Join(dir, "log"))
	n := s.engine.Log.Head().Seq
	perSecond(b, writers, store)
	size := (treeBytes(filepath.Join(dir, "log")) - before) / max(1, int64(s.engine.Log.Head().Seq-n))
	raw := newRawLog(b, filepath.Join(b.TempDir(), "raw"), int(size))
	defer raw.close()
	var ours, theirs, ratios []float64
	for range storeSlices {
		r := perSecond(b, writers, func(int) error { return raw.append() })
		many := perSecond(b, writers, store)
		ours, theirs, ratios = append(ours, many), append(theirs, r), append(ratios, many/r)
	}
	b.ReportMetric(quantile(ours, 0.5), "memories/s")
	b.ReportMetric(quantile(theirs, 0.5), "raw/s")
	b.ReportMetric(quantile(ratios, 0.5), "ratio-to-raw")
	b.ReportMetric(float64(size), "log-B/memory")
	return quantile(ours, 0.5)
}

// perSecond lets writers call f for a slice of time and returns how often a second they did.
func perSecond(b *testing.B, writers int, f func(writer int) error) float64 {
	var n atomic.Int64
	var wg sync.WaitGroup
	begun := time.Now()
	for w := range writers {
		wg.Go(func() {
			for time.Since(begun) < storeSlice {
				if err := f(w); err != nil {
					b.Error(err)
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(begun).Seconds()
}

// rawLog is the least that a durable append takes: one goroutine that writes what waits and syncs.
type rawLog struct {
	f     *os.File
	entry []byte
	queue chan chan error
	done  chan struct{}
}

func newRawLog(b *testing.B, path string, size int) *rawLog {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	r := &rawLog{f, bytes.Repeat([]byte("x"), size), make(chan chan error, 1024), make(chan struct{})}
	go r.run()
	return r
}

func (r *rawLog) append() error {
	ack := make(chan error, 1)
	r.queue <- ack
	return <-ack
}

func (r *rawLog) run() {
	defer close(r.done)
	for first := range r.queue {
		waiting := []chan error{first}
		for more := true; more; {
			select {
			case a, ok := <-r.queue:
				if more = ok; ok {
					waiting = append(waiting, a)
				}
			default:
				more = false
			}
		}
		_, err := r.f.Write(bytes.Repeat(r.entry, len(waiting)))
		if err == nil {
			err = dataSync(r.f)
		}
		for _, a := range waiting {
			a <- err
		}
	}
}

func (r *rawLog) close() {
	close(r.queue)
	<-r.done
	r.f.Close()
}
