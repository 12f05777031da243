package bench

import (
	"math"
	"slices"
	"testing"
)

// TestClustersAreAsHardAsRealVectors measures the local intrinsic dimensionality (Levina and
// Bickel's maximum likelihood estimate from 100 neighbours) of the vectors that searches are
// measured with.
func TestClustersAreAsHardAsRealVectors(t *testing.T) {
	const n, queries, neighbours = 30_000, 40, 100
	c := NewClusters()
	all := make([][]float32, n)
	for i := range all {
		all[i] = unit(c.Vector(i))
	}
	sum := 0.0
	for i := range queries {
		q := unit(c.Query(i))
		far := make([]float64, n)
		for j, x := range all {
			far[j] = math.Sqrt(max(1e-9, 2-2*float64(dotFloats(q, x))))
		}
		slices.Sort(far)
		logs := 0.0
		for _, d := range far[:neighbours-1] {
			logs += math.Log(d / far[neighbours-1])
		}
		sum += -(neighbours - 1) / logs
	}
	if mean := sum / queries; mean < 13 || mean > 26 {
		t.Errorf("local intrinsic dimensionality %.1f, that of real vectors is 13 to 26", mean)
	} else {
		t.Logf("local intrinsic dimensionality %.1f", mean)
	}
}
