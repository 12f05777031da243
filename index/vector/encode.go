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
	y, err := r.unit(x)
	if err != nil {
		return Vector{}, err
	}
	v := Vector{Scale: scaleOf(y, 127), Q: make([]int8, r.dims)}
	for i, c := range y {
		v.Q[i] = int8(steps(c, v.Scale, 127))
	}
	return v, nil
}

// unit returns x at length 1, rotated.
func (r *Rotation) unit(x []float32) ([]float32, error) {
	if err := Check(x, r.dims); err != nil {
		return nil, err
	}
	unit := make([]float32, r.dims)
	norm := length(x)
	for i, v := range x {
		unit[i] = float32(float64(v) / norm)
	}
	return r.turn(unit), nil
}

// scaleOf returns the step of which the largest of y is top.
func scaleOf(y []float32, top float32) float32 {
	var most float32
	for _, v := range y {
		most = max(most, max(v, -v))
	}
	return float32(most / top)
}

// steps returns how many of scale c is, rounded half away from zero.
func steps(c, scale float32, top float64) float64 {
	return max(-top, min(top, math.Round(float64(c)/float64(scale))))
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
	return r.back(v.Query().floats()), nil
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
