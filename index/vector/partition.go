package vector

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

// FirstPartition is how many vectors a space has when its first partitions are made, for all of
// them. Others are made at each doubling, for those that come after: a vector stays in the
// partition it was put in, as its code stays around its mean.
const FirstPartition = 1 << 18

// How partitions are made, and how many of them a search looks into.
const (
	sampleEach  = 32 // vectors for each centroid
	trainRounds = 6
	probeShare  = 6 // of this many partitions, one
)

// EpochOf returns which partitions a slot belongs to.
func EpochOf(slot uint32) int {
	if slot < 2*FirstPartition {
		return 0
	}
	return bits.Len32(slot/FirstPartition) - 1
}

// PartitionDue reports whether partitions are made when a space has count vectors, and which.
func PartitionDue(count uint32) (epoch int, due bool) {
	if count < FirstPartition || count&(count-1) != 0 {
		return 0, false
	}
	return bits.Len32(count/FirstPartition) - 1, true
}

// PartitionSample returns how many partitions are made of count vectors, about the root of their
// number, and that of every step-th vector they are made.
func PartitionSample(count uint32) (partitions int, step uint32) {
	partitions = 1 << ((bits.Len32(count) - 1) / 2)
	return partitions, max(1, count/uint32(partitions*sampleEach))
}

// Centroids are the middles of partitions, as directions.
type Centroids []Query

// Train makes centroids of a sample of encoded vectors, at least as many as centroids: k-means by
// cosine (Dhillon and Modha, Concept Decompositions for Large Sparse Text Data, 2001). Which vector
// is nearest to which is decided by integers, and sums run in the order of the sample, so that the
// result is the same on every machine.
func Train(sample [][]byte, partitions int) Centroids {
	c := make(Centroids, partitions)
	for i := range c {
		b := sample[i*len(sample)/partitions]
		c[i] = coarse(b)
	}
	dims := len(sample[0]) - HeadBytes
	for range trainRounds {
		of := c.NearestAll(sample)
		sums := make([]float64, partitions*dims)
		for i, b := range sample {
			scale := math.Float32frombits(binary.LittleEndian.Uint32(b))
			sum := sums[int(of[i])*dims:][:dims]
			for d, q := range b[HeadBytes:] {
				sum[d] += float64(float32(scale * float32(int8(q))))
			}
		}
		for i := range c {
			if q, ok := direction(sums[i*dims:][:dims]); ok {
				c[i] = q
			}
		}
	}
	return c
}

// coarse is a query of an encoded vector.
func coarse(encoded []byte) Query {
	q := Query{math.Float32frombits(binary.LittleEndian.Uint32(encoded)),
		make([]int16, len(encoded)-HeadBytes)}
	for i, c := range encoded[HeadBytes:] {
		q.Q[i] = int16(int8(c))
	}
	return q
}

// direction is the query of a sum at length 1; ok is false where it has no direction.
func direction(sum []float64) (q Query, ok bool) {
	square := 0.0
	for _, s := range sum {
		square += float64(s * s)
	}
	if square == 0 {
		return Query{}, false
	}
	y, norm := make([]float32, len(sum)), math.Sqrt(square)
	for i, s := range sum {
		y[i] = float32(s / norm)
	}
	q = Query{scaleOf(y, queryTop), make([]int16, len(y))}
	for i, v := range y {
		q.Q[i] = int16(steps(v, q.Scale, queryTop))
	}
	return q, true
}

// Nearest returns the partition of an encoded vector: that of the most similar centroid, the first
// of equals.
func (c Centroids) Nearest(encoded []byte) uint16 {
	best, at := float32(math.Inf(-1)), 0
	for i, q := range c {
		// The vector's own scale is the same for all.
		if s := float32(q.Scale * float32(dot(q.Q, encoded[HeadBytes:]))); s > best {
			best, at = s, i
		}
	}
	return uint16(at)
}

// NearestAll is Nearest of each, by all processors.
func (c Centroids) NearestAll(encoded [][]byte) []uint16 {
	out := make([]uint16, len(encoded))
	workers := min(runtime.GOMAXPROCS(0), 1+len(encoded)/1000)
	var wg sync.WaitGroup
	for w := range workers {
		from, to := len(encoded)*w/workers, len(encoded)*(w+1)/workers
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := from; i < to; i++ {
				out[i] = c.Nearest(encoded[i])
			}
		}()
	}
	wg.Wait()
	return out
}

// probe returns the partitions whose centroids are most similar to a query, in order of numbers.
func (c Centroids) probe(q Query) []uint16 {
	all, b := make([]Candidate, len(c)), q.bytes()
	for i, p := range c {
		all[i] = Candidate{Slot: uint32(i), Estimate: float32(p.Scale * float32(dot(p.Q, b)))}
	}
	out := make([]uint16, max(1, len(c)/probeShare))
	selectBest(all, len(out))
	for i := range out {
		out[i] = uint16(all[i].Slot)
	}
	slices.Sort(out)
	return out
}

// Append appends the centroids as Parse reads them.
func (c Centroids) Append(b []byte) []byte {
	for _, q := range c {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(q.Scale))
		for _, v := range q.Q {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
	}
	return b
}

// ParseCentroids reads what Append wrote.
func ParseCentroids(b []byte, dims int) (Centroids, error) {
	size := HeadBytes + 2*dims
	if len(b) == 0 || len(b)%size != 0 || len(b)/size > math.MaxUint16 {
		return nil, fmt.Errorf("%w: %d bytes of centroids of %d dimensions", ErrVector, len(b), dims)
	}
	var c Centroids
	for ; len(b) > 0; b = b[size:] {
		q := Query{math.Float32frombits(binary.LittleEndian.Uint32(b)), make([]int16, dims)}
		for i := range q.Q {
			q.Q[i] = int16(binary.LittleEndian.Uint16(b[HeadBytes+2*i:]))
		}
		c = append(c, q)
	}
	return c, nil
}
