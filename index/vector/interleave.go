package vector

import (
	"encoding/binary"
	"math/bits"
)

func countOnes(b []byte) (n uint16) {
	for ; len(b) >= 8; b = b[8:] {
		n += uint16(bits.OnesCount64(binary.LittleEndian.Uint64(b)))
	}
	for _, x := range b {
		n += uint16(bits.OnesCount8(x))
	}
	return n
}

// interleave writes the bits of a group side by side: the first byte of each code, then the next
// byte. The codes' bits begin stride bytes apart.
func interleave(group, codes []byte, stride int) {
	interleaveFrom(interleaveBlocks(group, codes, stride), group, codes, stride)
}

// interleaveFrom is the reference, from byte n of the codes on.
func interleaveFrom(n int, group, codes []byte, stride int) {
	bytes := len(group) / scanLanes
	for ; n+8 <= bytes; n += 8 {
		for l := 0; l < scanLanes; l += 8 {
			var x [8]uint64
			for i := range x {
				x[i] = binary.LittleEndian.Uint64(codes[(l+i)*stride+n:])
			}
			transpose(&x)
			for i := range x {
				binary.LittleEndian.PutUint64(group[(n+i)*scanLanes+l:], x[i])
			}
		}
	}
	for ; n < bytes; n++ {
		for l := range scanLanes {
			group[n*scanLanes+l] = codes[l*stride+n]
		}
	}
}

// transpose makes byte i of number j byte j of number i: it swaps quarters, then those of quarters
// (Warren, Hacker's Delight, 7-3).
func transpose(x *[8]uint64) {
	for i := range 4 {
		a, b := x[i], x[i+4]
		x[i], x[i+4] = a&0xFFFFFFFF|b<<32, a>>32|b&^0xFFFFFFFF
	}
	const m16 = 0x0000FFFF0000FFFF
	for _, i := range [4]int{0, 1, 4, 5} {
		a, b := x[i], x[i+2]
		x[i], x[i+2] = a&m16|b&m16<<16, a>>16&m16|b&^m16
	}
	const m8 = 0x00FF00FF00FF00FF
	for i := 0; i < 8; i += 2 {
		a, b := x[i], x[i+1]
		x[i], x[i+1] = a&m8|b&m8<<8, a>>8&m8|b&^m8
	}
}
