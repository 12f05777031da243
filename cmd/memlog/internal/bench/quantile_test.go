package bench

import (
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	var took []time.Duration
	for i := 200; i > 0; i-- {
		took = append(took, time.Duration(i)*time.Millisecond)
	}
	if got, want := SpreadOf(took), (Spread{P50: 101, P99: 199, N: 200}); got != want {
		t.Errorf("spread is %+v, want %+v", got, want)
	}
	if got, want := SpreadOf(nil), (Spread{}); got != want {
		t.Errorf("spread of nothing is %+v", got)
	}
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median is %v", got)
	}
}
