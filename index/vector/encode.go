package vector

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Encoding1 names the encoding of this package in an event: ENCODING.md.
const Encoding1 = 1

// MaxDims bounds the dimensions of a vector.
const MaxDims = 4096

// HeadBytes is the length of the scale before the dimensions of an encoded vector.
const HeadBytes = 4

// ErrVector is wrapped by every error about a vector that cannot be used.
var ErrVector = errors.New("bad vector")

// Vector is a unit vector, rotated: dimension i is Scale * Q[i].
type Vector struct {
	Scale float32
	Q     []int8 // -127 to 127
}

func checkDims(dims int) error {
	if dims < 1 || dims > MaxDims {
		return fmt.Errorf("%w: %d dimensions, 1 to %d are possible", ErrVector, dims, MaxDims)
	}
	return nil
}

// Check says why x cannot be encoded: its number of dimensions is not dims, one of them is not a
// number or infinite, or all are zero, which has no direction.
func Check(x []float32, dims int) error {
	if err := checkDims(dims); err != nil {
		return err
	}
	if len(x) != dims {
		return fmt.Errorf("%w: %d dimensions, not %d", ErrVector, len(x), dims)
	}
	any := false
	for i, v := range x {
		switch {
		case math.IsNaN(float64(v)):
			return fmt.Errorf("%w: dimension %d is not a number (NaN)", ErrVector, i)
		case math.IsInf(float64(v), 0):
			return fmt.Errorf("%w: dimension %d is infinite", ErrVector, i)
		}
		any = any || v != 0
	}
	if !any {
		return fmt.Errorf("%w: all dimensions are zero", ErrVector)
	}
	return nil
}

// Encode keeps the direction of x; its length is not kept. Errors are those of Check.
func (r *Rotation) Encode(x []float32) (Vector, error) {
	if err := Check(x, r.dims); err != nil {
		return Vector{}, err
	}
	unit := make([]float32, r.dims)
	norm := length(x)
	for i, v := range x {
		unit[i] = float32(float64(v) / norm)
	}
	y := r.turn(unit)
	var top float32
	for _, v := range y {
		top = max(top, max(v, -v))
	}
	v := Vector{Scale: float32(top / 127), Q: make([]int8, r.dims)}
	for i := range y {
		q := math.Round(float64(y[i]) / float64(v.Scale))
		v.Q[i] = int8(max(-127, min(127, q)))
	}
	return v, nil
}

// length is the Euclidean length; in float64 it cannot overflow.
func length(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	return math.Sqrt(sum)
}

// Decode returns the unit vector in the model's own dimensions, as nearly as int8 keeps it.
func (r *Rotation) Decode(v Vector) ([]float32, error) {
	if len(v.Q) != r.dims {
		return nil, fmt.Errorf("%w: %d dimensions, not %d", ErrVector, len(v.Q), r.dims)
	}
	return r.back(v.floats()), nil
}

func (v Vector) floats() []float32 {
	y := make([]float32, len(v.Q))
	for i, q := range v.Q {
		y[i] = float32(v.Scale * float32(q))
	}
	return y
}

// Append appends the encoded vector: the scale, little endian, and one byte a dimension.
func (v Vector) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v.Scale))
	for _, q := range v.Q {
		b = append(b, byte(q))
	}
	return b
}

// Parse reads what Append wrote. The result shares no memory with b.
func Parse(b []byte) (Vector, error) {
	if err := Validate(b); err != nil {
		return Vector{}, err
	}
	v := Vector{Q: make([]int8, len(b)-HeadBytes)}
	v.Scale = math.Float32frombits(binary.LittleEndian.Uint32(b))
	for i, q := range b[HeadBytes:] {
		v.Q[i] = int8(q)
	}
	return v, nil
}

// Validate reports whether b is an encoded vector, without making one.
func Validate(b []byte) error {
	if len(b) < HeadBytes {
		return fmt.Errorf("%w: %d bytes", ErrVector, len(b))
	}
	if err := checkDims(len(b) - HeadBytes); err != nil {
		return err
	}
	scale := math.Float32frombits(binary.LittleEndian.Uint32(b))
	if !(scale > 0 && scale <= 1) {
		return fmt.Errorf("%w: scale %v", ErrVector, scale)
	}
	any := byte(0)
	for _, q := range b[HeadBytes:] {
		if q == 0x80 {
			return fmt.Errorf("%w: -128", ErrVector)
		}
		any |= q
	}
	if any == 0 {
		return fmt.Errorf("%w: all dimensions are zero", ErrVector)
	}
	return nil
}

// Similarity returns the inner product of two vectors of the same dimensions, which is the cosine
// of the angle between them.
func Similarity(a, b Vector) float32 {
	return scaled(a.Scale, b.Scale, dot(a.Q, b.Q))
}

// EncodedSimilarity is Similarity with an encoded vector that Validate would accept.
func EncodedSimilarity(a Vector, b []byte) float32 {
	scale := math.Float32frombits(binary.LittleEndian.Uint32(b))
	return scaled(a.Scale, scale, dotBytes(a.Q, b[HeadBytes:]))
}

func scaled(a, b float32, product int32) float32 {
	return float32(float32(a*b) * float32(product))
}

// dot cannot overflow: MaxDims * 127 * 127 is less than 1<<27.
func dot(a, b []int8) int32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 int32
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += int32(a[i]) * int32(b[i])
		s1 += int32(a[i+1]) * int32(b[i+1])
		s2 += int32(a[i+2]) * int32(b[i+2])
		s3 += int32(a[i+3]) * int32(b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += int32(a[i]) * int32(b[i])
	}
	return s0 + s1 + s2 + s3
}

func dotBytes(a []int8, b []byte) int32 {
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
