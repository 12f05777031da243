package metrics

import (
	"time"

	"memlog/cmd/memlog/internal/memory"
)

// bounds are the upper bounds of the buckets, ascending; one more bucket takes what is beyond.
var bounds = [...]time.Duration{
	10 * time.Microsecond, 20 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second,
	10 * time.Second, 20 * time.Second, 50 * time.Second,
	100 * time.Second,
}

// Bounds returns the upper bounds of the buckets in seconds.
func Bounds() []float64 {
	out := make([]float64, len(bounds))
	for i, b := range bounds {
		out[i] = b.Seconds()
	}
	return out
}

// histogram counts durations.
type histogram struct {
	count   uint64
	total   time.Duration
	max     time.Duration
	buckets [len(bounds) + 1]uint64
}

// add counts a duration; one that is negative, as after a step of the clock, counts as none.
func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.count++
	h.total += d
	h.max = max(h.max, d)
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.buckets[i]++
}

// merge adds what another histogram counted.
func (h *histogram) merge(o *histogram) {
	h.count += o.count
	h.total += o.total
	h.max = max(h.max, o.max)
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
}

// quantile returns the duration that a share q of all does not exceed: within its bucket all are
// taken to be spread evenly, and the last bucket ends at the longest.
func (h *histogram) quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	rank := q * float64(h.count)
	var below float64
	for i, n := range h.buckets {
		if n == 0 || below+float64(n) < rank {
			below += float64(n)
			continue
		}
		var lo time.Duration
		if i > 0 {
			lo = bounds[i-1]
		}
		hi := h.max
		if i < len(bounds) {
			hi = min(hi, bounds[i])
		}
		part := (rank - below) / float64(n)
		return lo + time.Duration(part*float64(max(hi-lo, 0)))
	}
	return h.max
}

// latency is the histogram as callers see it.
func (h *histogram) latency() memory.Latency {
	out := memory.Latency{
		Count: h.count, Total: h.total.Seconds(), Max: h.max.Seconds(),
		P50: h.quantile(0.50).Seconds(), P95: h.quantile(0.95).Seconds(),
		P99: h.quantile(0.99).Seconds(), Buckets: append([]uint64{}, h.buckets[:]...),
	}
	if h.count > 0 {
		out.Average = out.Total / float64(h.count)
	}
	return out
}
