package vector

import (
	"fmt"
	"math"
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

func compareDots(t *testing.T, seed uint64, dims int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 8))
	q, b := make([]int16, dims), make([]byte, dims)
	for i := range q {
		q[i], b[i] = int16(r.IntN(2*queryTop+1)-queryTop), byte(r.IntN(255)-127)
		if seed%4 == 0 { // the largest sum there is
			q[i], b[i] = queryTop, 127
		}
	}
	if got, want := dot(q, b), dotGo(q, b); got != want {
		t.Errorf("%d dimensions: %d, by the reference %d", dims, got, want)
	}
}

func TestDotsAreEqual(t *testing.T) {
	for dims := range 200 {
		compareDots(t, uint64(dims), dims)
	}
	for seed := range uint64(4) {
		compareDots(t, seed, MaxDims)
	}
}

func FuzzDots(f *testing.F) {
	f.Add(uint64(1), uint16(384))
	f.Fuzz(func(t *testing.T, seed uint64, dims uint16) {
		compareDots(t, seed, int(dims%(MaxDims+1)))
	})
}

// Estimates are the same to the last bit, and so is what is above the floor.
func TestEstimatesAreEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, groups := range []int{1, 2, 5, chunkSlots / scanLanes} {
		c, sums := new(codes), make([]uint16, chunkSlots)
		for i := range sums {
			sums[i], c.ones[i] = uint16(r.Uint32()), uint16(r.IntN(MaxDims+1))
			c.ratio[i], c.toMean[i] = r.Float32(), r.Float32()-0.5
		}
		p := &probe{step: r.Float32() / 100, ones: -r.Float32() / 100, offset: r.Float32(),
			base: r.Float32()}
		var want estimation
		want.ready(c, 0, sums, p, 0)
		estimateGo(&want, groups)
		want.floor = want.out[3] // equals are above, too
		estimateGo(&want, groups)
		for _, k := range kernels() {
			var got estimation
			got.ready(c, 0, sums, p, want.floor)
			k.estimate(&got, groups)
			if got.out != want.out || got.above != want.above {
				t.Errorf("%s: %d groups: other estimates than the reference", k.name, groups)
			}
		}
	}
}

// What is kept is what sorting all would keep.
func TestTopKeepsTheBest(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 300 {
		n, limit := 1+r.IntN(400), 1+r.IntN(60)
		kept, all := newTop(limit), make([]Candidate, n)
		for i := range all {
			all[i] = Candidate{Slot: uint32(i), Estimate: float32(r.IntN(1 + n/4))}
		}
		r.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, c := range all {
			if c.Estimate >= kept.floor {
				kept.offer(c)
			}
		}
		slices.SortFunc(all, Candidate.compare)
		if got := kept.sorted(); !slices.Equal(got, all[:min(n, limit)]) {
			t.Fatalf("of %d the best %d: %v, not %v", n, limit, got, all[:min(n, limit)])
		}
	}
}

// What a table has of four bits is what it has of each of them.
func TestTablesAreSums(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	for _, dims := range []int{1, 7, 8, 100, 384} {
		y, mean := random(r, dims), random(r, dims)
		p := newProbe(y, mean)
		for at := 0; at < len(p.table); at += 16 {
			for n, sum := range p.table[at:][:16] {
				want := byte(0)
				for bit := range 4 {
					if n>>bit&1 == 1 {
						want += p.table[at+1<<bit]
					}
				}
				if sum != want {
					t.Fatalf("%d dimensions: %d for the bits %04b at %d, not %d", dims, sum, n, at, want)
				}
			}
		}
		low, high := y[0]-mean[0], y[0]-mean[0]
		for i := range y {
			low, high = min(low, y[i]-mean[i]), max(high, y[i]-mean[i])
		}
		for i := range y {
			u := float64(p.table[i/4*16+1<<(i%4)])
			step := float64(high-low) / 31
			if off := float64(y[i]-mean[i]-low) - u*step; dims > 1 && math.Abs(off) > 0.501*step {
				t.Fatalf("%d dimensions: dimension %d is %v off", dims, i, off/step)
			}
		}
	}
}

func BenchmarkProbe(b *testing.B) {
	r := rand.New(rand.NewPCG(2, 10))
	y, mean := random(r, 384), random(r, 384)
	for b.Loop() {
		newProbe(y, mean)
	}
}
