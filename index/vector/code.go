package vector

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// factorBytes are the two factors before the bits of a stored code.
const factorBytes = 8

// CodeBytes is the length of a stored code: two factors and one bit a dimension.
func CodeBytes(dims int) int { return factorBytes + bitBytes(dims) }

func bitBytes(dims int) int { return (dims + 7) / 8 }

// Mean adds up encoded vectors to their mean.
type Mean struct {
	sum []float64
	n   int
}

// NewMean returns the mean of nothing yet.
func NewMean(dims int) *Mean { return &Mean{sum: make([]float64, dims)} }

// Add takes an encoded vector in. The order of vectors matters to the last bit.
func (m *Mean) Add(encoded []byte) error {
	if len(encoded) != HeadBytes+len(m.sum) {
		return fmt.Errorf("%w: %d bytes for %d dimensions", ErrVector, len(encoded), len(m.sum))
	}
	scale := math.Float32frombits(binary.LittleEndian.Uint32(encoded))
	for i, q := range encoded[HeadBytes:] {
		m.sum[i] += float64(float32(scale * float32(int8(q))))
	}
	m.n++
	return nil
}

// Floats returns the mean of what was added.
func (m *Mean) Floats() []float32 {
	out := make([]float32, len(m.sum))
	for i, s := range m.sum {
		out[i] = float32(s / float64(m.n))
	}
	return out
}

// AppendCode appends the code of an encoded vector around a mean: with r the vector less the mean,
// the factors |r|²/Σ|r| and r·mean as float32, little endian, then the bit of each dimension: 1
// where r is not negative, lowest bit first.
func AppendCode(dst, encoded []byte, mean []float32) []byte {
	scale := math.Float32frombits(binary.LittleEndian.Uint32(encoded))
	encoded = encoded[HeadBytes:]
	var l1, l2, toMean float64
	at := len(dst)
	dst = append(dst, make([]byte, CodeBytes(len(mean)))...)
	set := dst[at+factorBytes:]
	for i, c := range mean {
		r := float64(float32(scale*float32(int8(encoded[i])))) - float64(c)
		if r >= 0 {
			set[i>>3] |= 1 << (i & 7)
		}
		l1 += math.Abs(r)
		l2 += float64(r * r)
		toMean += float64(r * float64(c))
	}
	ratio := 0.0 // the vector is the mean: it has no direction from there
	if l1 > 0 {
		ratio = l2 / l1
	}
	binary.LittleEndian.PutUint32(dst[at:], math.Float32bits(float32(ratio)))
	binary.LittleEndian.PutUint32(dst[at+4:], math.Float32bits(float32(toMean)))
	return dst
}

// scanLanes is how many codes stand side by side in a group.
const scanLanes = 32

// fineDims bounds the dimensions for which a query has five bits each, so that a sum fits 16 bits;
// above it has four.
const fineDims = 2048

// probe is a query made ready for the codes around one mean.
type probe struct {
	table  []byte        // per byte of a code: 16 sums for its low and 16 for its high four bits
	wide   [][256]uint16 // the same for the whole byte, for the Go kernel; made when it is used
	base   float32       // what every estimate has
	step   float32       // of a sum
	ones   float32       // of each bit that is set
	offset float32
	doubt  float32 // standard deviation of an estimate, by the code's ratio
}

// The standard deviation of an estimate is |r||y-c|·√((1-t²)/t²)/√(d-1), where t is the cosine of r
// and its signs (Gao and Long, theorem 3.2). After a rotation t² is near 2/π, so that |r|²/Σ|r| is
// near |r|√(π/2d): then it is |y-c| times that times doubt.
var doubt = math.Sqrt(2/math.Pi) * math.Sqrt((1-2/math.Pi)/(2/math.Pi))

// newProbe estimates the inner product of a query y and a vector with mean c and residual r as
// c·y + r·c + r·(y-c), with r·(y-c) = |r|²/Σ|r| · Σ sign(r)(y-c).
func newProbe(y, mean []float32) *probe {
	var base, total, square float64
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for i, c := range mean {
		base += float64(float64(c) * float64(y[i]))
		r := y[i] - c
		total += float64(r)
		square += float64(float64(r) * float64(r))
		low, high = min(low, r), max(high, r)
	}
	levels := float32(31)
	if len(y) > fineDims {
		levels = 15
	}
	step := float32((high - low) / levels)
	p := &probe{base: float32(base), table: make([]byte, 32*bitBytes(len(y)))}
	p.step, p.ones, p.offset = 2*step, 2*low, float32(total)
	p.doubt = float32(doubt * math.Sqrt(square))
	for i := range len(p.table) / 4 {
		u := byte(0)
		if i < len(y) && step > 0 {
			r := y[i] - mean[i]
			u = byte(min(levels, float32(math.Floor(float64(float32(r-low)/step)+0.5))))
		}
		half, bit := p.table[(i>>2)*16:][:16], 1<<(i&3)
		for n := range bit { // sums of the dimensions before are there
			half[bit+n] = half[n] + u
		}
	}
	return p
}

// widen fills the table of whole bytes.
func (p *probe) widen() {
	p.wide = make([][256]uint16, len(p.table)/32)
	for i := range p.wide {
		low, high := p.table[i*32:][:16], p.table[i*32+16:][:16]
		for b := range p.wide[i] {
			p.wide[i][b] = uint16(low[b&15]) + uint16(high[b>>4])
		}
	}
}

// estimate is of a code with that sum, number of ones and factors.
func (p *probe) estimate(sum, ones uint16, ratio, toMean float32) float32 {
	signed := float32(p.step*float32(sum)) + float32(p.ones*float32(ones)) - p.offset
	return p.base + toMean + float32(ratio*signed)
}

// Estimate returns what a stored code says of the inner product with q: for tests and explaining.
func Estimate(q Query, code []byte, mean []float32) float32 {
	p := newProbe(q.floats(), mean)
	p.widen()
	var sum, ones uint16
	for i, b := range code[factorBytes:] {
		sum += p.wide[i][b]
		ones += uint16(bits.OnesCount8(b))
	}
	ratio, toMean := factors(code)
	return p.estimate(sum, ones, ratio, toMean)
}

func factors(code []byte) (ratio, toMean float32) {
	return math.Float32frombits(binary.LittleEndian.Uint32(code)),
		math.Float32frombits(binary.LittleEndian.Uint32(code[4:]))
}
