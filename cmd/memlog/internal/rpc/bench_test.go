package rpc

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// trivial is a service that answers one call with nothing, so that what is measured is the wire.
type trivial struct{ memory.Service }

func (trivial) Health(context.Context) (memory.HealthResult, error) {
	return memory.HealthResult{OK: true, Store: "/store", Problems: []memory.Problem{}}, nil
}

// median runs f and reports the median and the 99th percentile beside the mean.
func median(b *testing.B, f func() error) {
	took := make([]time.Duration, 0, b.N)
	for b.Loop() {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
}

// BenchmarkRoundTrip is what the socket adds to a call.
func BenchmarkRoundTrip(b *testing.B) {
	c := pair(b, trivial{}, ServerOptions{})
	median(b, func() error {
		_, err := c.Health(context.Background())
		return err
	})
}

// BenchmarkStore stores memories of 300 bytes one by one, directly and through the socket.
func BenchmarkStore(b *testing.B) {
	run := func(b *testing.B, svc memory.Service) {
		n := 0
		median(b, func() error {
			n++
			_, err := svc.Store(context.Background(), memory.StoreRequest{
				Memories: []memory.NewMemory{{Content: fmt.Sprintf("%0300d", n)}}})
			return err
		})
	}
	b.Run("direct", func(b *testing.B) { run(b, openStore(b)) })
	b.Run("socket", func(b *testing.B) { run(b, pair(b, openStore(b), ServerOptions{})) })
}

// BenchmarkCodec writes and reads a page of a hundred memories.
func BenchmarkCodec(b *testing.B) {
	page := memory.ListResult{Memories: make([]memory.Memory, 100)}
	for i := range page.Memories {
		page.Memories[i] = memory.Memory{ID: filled[memory.ID](), Tags: []string{"a", "b"},
			Content: fmt.Sprintf("%0300d", i), CreatedAt: time.Now(), Version: 1}
	}
	text := appendJSON(nil, page)
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			text = appendJSON(text[:0], page)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var got memory.ListResult
			if err := decode(text, &got, true); err != nil {
				b.Fatal(err)
			}
		}
	})
}
