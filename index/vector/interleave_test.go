package vector

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Codes added together stand as those added one by one.
func TestCodesTogetherAreCodesOneByOne(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, dims := range []int{1, 8, 63, 64, 100, 384} {
		const n = 2*scanLanes + 7
		codes := make([]byte, n*CodeBytes(dims))
		for i := range codes {
			codes[i] = byte(r.Uint32())
		}
		one, all := NewSlab(dims), NewSlab(dims)
		for _, s := range []*Slab{one, all} {
			s.Grow(n)
		}
		for i := range n {
			one.AddCode(codes[i*CodeBytes(dims):][:CodeBytes(dims)])
		}
		for rest := codes; len(rest) > 0; {
			now := min(len(rest), (1+r.IntN(n))*CodeBytes(dims))
			all.AddCodes(rest[:now])
			rest = rest[now:]
		}
		a, b := one.codesOf(0), all.codesOf(0)
		if !slices.Equal(a.bits, b.bits) || a.ones != b.ones {
			t.Errorf("%d dimensions: other codes", dims)
		}
		for i := range n {
			if bitsOf(a, i) != bitsOf(b, i) {
				t.Errorf("%d dimensions: other factors of code %d", dims, i)
			}
		}
	}
}

func bitsOf(c *codes, i int) [2]float32 {
	if c.ratio[i] != c.ratio[i] || c.toMean[i] != c.toMean[i] { // not a number
		return [2]float32{}
	}
	return [2]float32{c.ratio[i], c.toMean[i]}
}
