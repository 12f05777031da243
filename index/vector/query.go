package vector

import (
	"encoding/binary"
	"math"
)

// queryTop is the largest number in a query. A stored vector has one of 127 steps; a query, of
// which there is one, is kept finer, so that only one side of a product is rounded. An inner
// product of MaxDims still fits an int32.
const queryTop = 4095

// Query is a unit vector to search with, rotated: dimension i is Scale * Q[i].
type Query struct {
	Scale float32
	Q     []int16 // -queryTop to queryTop
}

// Query keeps the direction of x, as Encode does, but finer. Errors are those of Check.
func (r *Rotation) Query(x []float32) (Query, error) {
	y, err := r.unit(x)
	if err != nil {
		return Query{}, err
	}
	q := Query{Scale: scaleOf(y, queryTop), Q: make([]int16, len(y))}
	for i, c := range y {
		q.Q[i] = int16(steps(c, q.Scale, queryTop))
	}
	return q, nil
}

// Query searches with a stored vector.
func (v Vector) Query() Query {
	q := Query{Scale: v.Scale, Q: make([]int16, len(v.Q))}
	for i, c := range v.Q {
		q.Q[i] = int16(c)
	}
	return q
}

// bytes are the query's dimensions as coarse as those of stored vectors.
func (q Query) bytes() []byte {
	most := int16(1)
	for _, c := range q.Q {
		most = max(most, c, -c)
	}
	b := make([]byte, len(q.Q))
	for i, c := range q.Q {
		b[i] = byte(int8(math.Round(float64(c) * 127 / float64(most))))
	}
	return b
}

func (q Query) floats() []float32 {
	y := make([]float32, len(q.Q))
	for i, c := range q.Q {
		y[i] = float32(q.Scale * float32(c))
	}
	return y
}

// Similarity returns the inner product with an encoded vector of the same dimensions, that
// Validate would accept: the cosine of the angle between them. It is the same on every machine.
func (q Query) Similarity(encoded []byte) float32 {
	scale := math.Float32frombits(binary.LittleEndian.Uint32(encoded))
	return scaled(q.Scale, scale, dot(q.Q, encoded[HeadBytes:]))
}

func scaled(a, b float32, product int32) float32 {
	return float32(float32(a*b) * float32(product))
}

// dotGo is the reference of dot: the inner product with as many signed bytes.
func dotGo(a []int16, b []byte) int32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 int32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += int32(a[i]) * int32(int8(b[i]))
		s1 += int32(a[i+1]) * int32(int8(b[i+1]))
		s2 += int32(a[i+2]) * int32(int8(b[i+2]))
		s3 += int32(a[i+3]) * int32(int8(b[i+3]))
	}
	for ; i < len(a); i++ {
		s0 += int32(a[i]) * int32(int8(b[i]))
	}
	return s0 + s1 + s2 + s3
}
