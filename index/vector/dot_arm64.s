#include "textflag.h"

// Instructions the assembler has no names for.
#define SXTL(n, d) WORD $(0x0F08A400 | (n)<<5 | (d))               // Vd.H8 = Vn.B8
#define SXTL2(n, d) WORD $(0x4F08A400 | (n)<<5 | (d))              // Vd.H8 = upper half of Vn.B16
#define SMLAL(m, n, d) WORD $(0x0E608000 | (m)<<16 | (n)<<5 | (d)) // Vd.S4 += Vn.H4 * Vm.H4
#define SMLAL2(m, n, d) WORD $(0x4E608000 | (m)<<16 | (n)<<5 | (d))

// func dotNEON(a *int16, b *byte, blocks int) int32
//
// Each block is 16 dimensions: the bytes are made words, products are added to two times four sums.
TEXT ·dotNEON(SB), NOSPLIT, $0-28
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	MOVD blocks+16(FP), R2
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16

block:
	VLD1.P 16(R1), [V2.B16]
	VLD1.P 32(R0), [V4.H8, V5.H8]
	SXTL(2, 6)
	SXTL2(2, 7)
	SMLAL(6, 4, 0)
	SMLAL2(6, 4, 1)
	SMLAL(7, 5, 0)
	SMLAL2(7, 5, 1)
	SUBS   $1, R2, R2
	BNE    block

	VADD  V1.S4, V0.S4, V0.S4
	VADDV V0.S4, V0
	VMOV  V0.S[0], R3
	MOVW  R3, ret+24(FP)
	RET
