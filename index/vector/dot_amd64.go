package vector

import "golang.org/x/sys/cpu"

//go:noescape
func dotAVX2(a *int16, b *byte, blocks int) int32

//go:noescape
func dotAVX512(a *int16, b *byte, blocks int) int32

// How many dimensions the routines take at once.
const (
	dotBlock    = 32
	dotBlock512 = 64
)

// has512 is whether the processor has what the routines for 512 bits use. Those of before VBMI slow
// down for a while where registers of that width are used.
var has512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI

// dot is the inner product of a with as many signed bytes.
func dot(a []int16, b []byte) (sum int32) {
	b = b[:len(a)]
	if n := len(a) / dotBlock512; has512 && n > 0 {
		sum = dotAVX512(&a[0], &b[0], n)
		a, b = a[n*dotBlock512:], b[n*dotBlock512:]
	}
	if n := len(a) / dotBlock; cpu.X86.HasAVX2 && n > 0 {
		sum += dotAVX2(&a[0], &b[0], n)
		a, b = a[n*dotBlock:], b[n*dotBlock:]
	}
	return sum + dotGo(a, b)
}
