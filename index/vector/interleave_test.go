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
		one.Grow(1)
		all.Grow(n)
		for i := range n {
			one.AddCode(codes[i*CodeBytes(dims):][:CodeBytes(dims)])
		}
		for rest := codes; len(rest) > 0; {
			now := min(len(rest), (1+r.IntN(n))*CodeBytes(dims))
			all.SetCodes(uint32(n-len(rest)/CodeBytes(dims)), rest[:now])
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

func compareInterleaved(t *testing.T, seed uint64, bytes, gap int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 13))
	codes := make([]byte, scanLanes*(bytes+gap)-gap)
	for i := range codes {
		codes[i] = byte(r.Uint32())
	}
	got, want := make([]byte, scanLanes*bytes+1), make([]byte, scanLanes*bytes+1)
	interleave(got[:scanLanes*bytes], codes, bytes+gap)
	interleaveFrom(0, want[:scanLanes*bytes], codes, bytes+gap)
	if !slices.Equal(got, want) {
		t.Errorf("%d bytes of a code, %d between them: not as the reference", bytes, gap)
	}
	for n := range bytes {
		for l := range scanLanes {
			if want[n*scanLanes+l] != codes[l*(bytes+gap)+n] {
				t.Fatalf("%d bytes: byte %d of code %d is not in its place", bytes, n, l)
			}
		}
	}
}

func TestInterleavedAsByTheReference(t *testing.T) {
	for bytes := 1; bytes <= 200; bytes++ {
		compareInterleaved(t, uint64(bytes), bytes, factorBytes)
	}
	compareInterleaved(t, 1, MaxDims/8, 0)
}

func FuzzInterleave(f *testing.F) {
	f.Add(uint64(1), uint16(48), byte(8))
	f.Fuzz(func(t *testing.T, seed uint64, bytes uint16, gap byte) {
		compareInterleaved(t, seed, int(bytes%(MaxDims/8))+1, int(gap))
	})
}

func BenchmarkInterleave(b *testing.B) {
	const bytes = 384 / 8
	group, codes := make([]byte, scanLanes*bytes), make([]byte, scanLanes*CodeBytes(384))
	for b.Loop() {
		interleave(group, codes[factorBytes:], CodeBytes(384))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/scanLanes, "ns/vector")
}
