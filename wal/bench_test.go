package wal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkAppend measures durable appends of 512-byte events. Beside each slice of
// appends it runs one of raw append and fdatasync of as many bytes by as many callers that
// share a sync in the same way; "ratio" is the median of the paired rates.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) { benchAppend(b, writers) })
	}
}

const benchSlice = 200 * time.Millisecond

func benchAppend(b *testing.B, writers int) {
	l := mustOpen(b, b.TempDir(), Options{})
	raw, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	event := make([]byte, 512)
	var left atomic.Int64
	left.Store(int64(b.N))
	var ratios, rates []float64
	b.ResetTimer()
	for left.Load() > 0 {
		ours := benchRate(writers, func() bool {
			_, err := l.Append(context.Background(), func() (Entry, error) {
				return Entry{Events: [][]byte{event}}, nil
			})
			return err == nil && left.Add(-1) > 0
		})
		b.StopTimer()
		g := &rawGroup{f: raw, frame: make([]byte, 512+140), queue: make(chan chan bool, 1024)}
		go g.run()
		theirs := benchRate(writers, g.append)
		close(g.queue)
		b.StartTimer()
		ratios, rates = append(ratios, ours/theirs), append(rates, ours)
	}
	slices.Sort(ratios)
	slices.Sort(rates)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(rates[len(rates)/2], "appends/s")
}

// benchRate calls do from several goroutines for a slice of time, or until it says no.
func benchRate(writers int, do func() bool) float64 {
	var n atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range writers {
		wg.Go(func() {
			for time.Since(start) < benchSlice {
				n.Add(1)
				if !do() {
					return
				}
			}
		})
	}
	wg.Wait()
	return float64(n.Load()) / time.Since(start).Seconds()
}

// rawGroup is the least that a group commit can be.
type rawGroup struct {
	f     *os.File
	frame []byte
	queue chan chan bool
}

func (g *rawGroup) append() bool {
	done := make(chan bool, 1)
	g.queue <- done
	return <-done
}

func (g *rawGroup) run() {
	for first := range g.queue {
		all, buf := []chan bool{first}, append([]byte(nil), g.frame...)
		for more := true; more && len(all) < MaxBatch; {
			select {
			case d, ok := <-g.queue:
				if more = ok; ok {
					all, buf = append(all, d), append(buf, g.frame...)
				}
			default:
				more = false
			}
		}
		_, err := g.f.Write(buf)
		if err == nil {
			err = syncFile(g.f)
		}
		for _, d := range all {
			d <- err == nil
		}
	}
}

func BenchmarkReplay(b *testing.B) {
	l := mustOpen(b, quickDir(b), Options{disk: quickDisk()})
	event := make([]byte, 300)
	const n = 20000
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range n / 50 {
				_, _ = l.Append(context.Background(), func() (Entry, error) {
					return Entry{Events: [][]byte{event}}, nil
				})
			}
		})
	}
	wg.Wait()
	b.ResetTimer()
	for range b.N {
		for _, err := range l.Records(1, 0) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
}
