package vector

import (
	"math"
	"math/bits"
)

// rotationSeed begins the numbers a rotation is made from; ENCODING.md specifies them. It is part
// of encoding 1 and can never change.
const rotationSeed = 0x6D656D6C6F672031 // "memlog 1"

// rounds of flip, permute and transform.
const rounds = 2

// maxBlock is the longest Hadamard transform.
const maxBlock = 128

// Rotation turns vectors of one number of dimensions. It is made once and then only read.
type Rotation struct {
	dims  int
	signs [rounds][]float32 // 1 or -1
	from  [rounds][]int32   // where dimension i of the permuted vector comes from
}

// NewRotation returns the rotation of encoding 1 for that many dimensions, 1 to [MaxDims].
func NewRotation(dims int) (*Rotation, error) {
	if err := checkDims(dims); err != nil {
		return nil, err
	}
	r := &Rotation{dims: dims}
	random := splitMix(rotationSeed ^ uint64(dims))
	for k := range rounds {
		r.signs[k] = make([]float32, dims)
		for i := range r.signs[k] {
			r.signs[k][i] = 1 - 2*float32(random.next()>>63)
		}
		from := make([]int32, dims)
		for i := range from {
			from[i] = int32(i)
		}
		for i := dims - 1; i > 0; i-- {
			j, _ := bits.Mul64(random.next(), uint64(i)+1)
			from[i], from[j] = from[j], from[i]
		}
		r.from[k] = from
	}
	return r, nil
}

// Dims returns the number of dimensions.
func (r *Rotation) Dims() int { return r.dims }

// splitMix is SplitMix64 (Steele, Lea and Flood, 2014).
type splitMix uint64

func (s *splitMix) next() uint64 {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// turn returns x rotated, in dst or scratch, whichever it ends in.
func (r *Rotation) turn(x []float32) []float32 {
	out, in := make([]float32, r.dims), append([]float32(nil), x...)
	for k := range rounds {
		for i, from := range r.from[k] {
			out[i] = in[from] * r.signs[k][from]
		}
		transform(out)
		out, in = in, out
	}
	return in
}

// back takes turn back: a Hadamard transform is its own inverse.
func (r *Rotation) back(y []float32) []float32 {
	out, in := make([]float32, r.dims), append([]float32(nil), y...)
	for k := rounds - 1; k >= 0; k-- {
		transform(in)
		for i, from := range r.from[k] {
			out[from] = in[i] * r.signs[k][from]
		}
		out, in = in, out
	}
	return in
}

// transform applies an orthonormal Hadamard transform to each block: as many of maxBlock as there
// are, then the powers of two that make up the rest, largest first.
func transform(x []float32) {
	for len(x) > 0 {
		n := maxBlock
		if len(x) < n {
			n = 1 << (bits.Len(uint(len(x))) - 1)
		}
		hadamard(x[:n])
		x = x[n:]
	}
}

func hadamard(x []float32) {
	for h := 1; h < len(x); h *= 2 {
		for i := 0; i < len(x); i += 2 * h {
			lo, hi := x[i:i+h], x[i+h:i+2*h]
			for j := range lo {
				a, b := lo[j], hi[j]
				lo[j], hi[j] = a+b, a-b
			}
		}
	}
	scale := float32(1 / math.Sqrt(float64(len(x))))
	for i := range x {
		x[i] = float32(x[i] * scale)
	}
}
