package vector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainSums is what a kernel computes, in the plainest way.
func plainSums(codes []byte, p *probe, groups int) []uint16 {
	out := make([]uint16, scanLanes*groups)
	bytes := len(p.table) / 32
	for g := range groups {
		for i := range bytes {
			for l := range scanLanes {
				b := codes[(g*bytes+i)*scanLanes+l]
				out[g*scanLanes+l] += uint16(p.table[i*32+int(b&15)])
				out[g*scanLanes+l] += uint16(p.table[i*32+16+int(b>>4)])
			}
		}
	}
	return out
}

func compareKernels(t *testing.T, seed uint64, bytes, groups int, most byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	p := &probe{table: make([]byte, 32*bytes)}
	for i := range p.table {
		p.table[i] = byte(r.UintN(uint(most) + 1))
	}
	p.widen()
	codes := make([]byte, bytes*scanLanes*groups)
	for i := range codes {
		codes[i] = byte(r.Uint32())
	}
	want := plainSums(codes, p, groups)
	for _, k := range kernels() {
		got := make([]uint16, scanLanes*groups+1)
		got[scanLanes*groups] = 0xBEEF
		k.sums(got, codes, p, groups)
		if !slices.Equal(got[:scanLanes*groups], want) {
			t.Errorf("%s: %d bytes, %d groups: other sums than the reference", k.name, bytes, groups)
		}
		if got[scanLanes*groups] != 0xBEEF {
			t.Errorf("%s: wrote past the end", k.name)
		}
	}
}

func TestKernelsAreEqual(t *testing.T) {
	for _, bytes := range []int{1, 2, 3, 5, 13, 48, 96, 192, 512} {
		for _, groups := range []int{1, 2, 7, 128} {
			compareKernels(t, uint64(bytes*groups), bytes, groups, 124)
		}
	}
	compareKernels(t, 1, MaxDims/8, 2, 60) // four bits a dimension
}

func FuzzKernels(f *testing.F) {
	f.Add(uint64(1), uint16(48), byte(3), byte(124))
	f.Add(uint64(2), uint16(511), byte(1), byte(60))
	f.Fuzz(func(t *testing.T, seed uint64, bytes uint16, groups, most byte) {
		compareKernels(t, seed, int(bytes%512)+1, int(groups%16)+1, most%125)
	})
}

func BenchmarkSums(b *testing.B) {
	for _, dims := range []int{384, 768} {
		p := &probe{table: make([]byte, 32*dims/8)}
		p.widen()
		codes := make([]byte, dims/8*chunkSlots)
		out := make([]uint16, chunkSlots)
		for _, k := range kernels() {
			b.Run(fmt.Sprint(k.name, "/", dims), func(b *testing.B) {
				for b.Loop() {
					k.sums(out, codes, p, chunkSlots/scanLanes)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunkSlots, "ns/vector")
			})
		}
	}
}
