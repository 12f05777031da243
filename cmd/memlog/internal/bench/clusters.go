package bench

import (
	"math"
	"math/rand/v2"
)

// The vectors of the measure lie around topics, which lie around a common mean, as those of models
// do, and queries come from the same topics. In every direction the variance is one over its rank,
// as it is about so in what brains and networks represent (Stringer et al., High-dimensional
// geometry of population responses, Nature 2019): vectors that vary alike in all directions are
// equally far from each other, and no real ones are. A test measures what makes a search hard, the
// local intrinsic dimensionality, which is 13 to 26 of well-known sets of real vectors (Aumüller
// and Ceccarello, The Role of Local Intrinsic Dimensionality in Benchmarking Nearest Neighbor
// Search, 2021).
const (
	vectorTopics = 2000
	topicSpread  = 0.9 // of a vector around its topic, to that of the topics around their mean
	commonMean   = 0.6
)

// Clusters gives vectors by number, the same at every run and in any order.
type Clusters struct {
	axes   []float64 // standard deviation of each dimension
	topics [][]float32
}

// NewClusters returns them.
func NewClusters() Clusters {
	c := Clusters{make([]float64, vectorDims), make([][]float32, vectorTopics)}
	for i := range c.axes {
		c.axes[i] = 1 / math.Sqrt(float64(i+1))
	}
	r := rand.New(rand.NewPCG(corpusSeed, 0))
	mean := c.around(r, commonMean, make([]float32, vectorDims))
	for i := range c.topics {
		c.topics[i] = c.around(r, 1, mean)
	}
	return c
}

func (c Clusters) around(r *rand.Rand, size float64, center []float32) []float32 {
	x := make([]float32, vectorDims)
	for i := range x {
		x[i] = center[i] + float32(size*c.axes[i]*r.NormFloat64())
	}
	return x
}

// Vector returns vector n.
func (c Clusters) Vector(n int) []float32 {
	r := rand.New(rand.NewPCG(corpusSeed, uint64(n)+1))
	return c.around(r, topicSpread, c.topics[r.IntN(len(c.topics))])
}

// Query returns a vector that is not in the index.
func (c Clusters) Query(n int) []float32 { return c.Vector(1<<40 + n) }
