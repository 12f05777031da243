package bench

import (
	"slices"
	"time"
)

// Spread is how long single calls or runs took, in milliseconds.
type Spread struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"` // of few runs: the slowest
	N   int     `json:"n"`
}

// SpreadOf returns the quantiles of took, which it sorts.
func SpreadOf(took []time.Duration) Spread {
	slices.Sort(took)
	return Spread{P50: millis(quantile(took, 0.50)), P99: millis(quantile(took, 0.99)), N: len(took)}
}

// quantile returns the value that a part q of sorted is not above; zero where there is none.
func quantile[T any](sorted []T, q float64) T {
	var zero T
	if len(sorted) == 0 {
		return zero
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// median returns the middle value.
func median(values []float64) float64 {
	slices.Sort(values)
	return quantile(values, 0.5)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
