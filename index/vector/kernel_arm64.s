#include "textflag.h"

// func sumsNEON(out *uint16, codes, table *byte, bytes, groups int)
//
// As sumsAVX2, with two registers of 16 codes: V0 and V2 add pairs of codes as words
// (even + 256 odd), V1 and V3 the odd ones alone.
TEXT ·sumsNEON(SB), NOSPLIT, $0-40
	MOVD  out+0(FP), R0
	MOVD  codes+8(FP), R1
	MOVD  table+16(FP), R2
	MOVD  bytes+24(FP), R3
	MOVD  groups+32(FP), R4
	VMOVI $15, V31.B16

group:
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	MOVD R2, R5
	MOVD R3, R6

byte:
	VLD1.P 32(R1), [V4.B16, V5.B16]
	VLD1.P 32(R5), [V6.B16, V7.B16]
	VUSHR  $4, V4.B16, V8.B16
	VUSHR  $4, V5.B16, V9.B16
	VAND   V31.B16, V4.B16, V4.B16
	VAND   V31.B16, V5.B16, V5.B16
	VTBL   V4.B16, [V6.B16], V10.B16
	VTBL   V8.B16, [V7.B16], V11.B16
	VTBL   V5.B16, [V6.B16], V12.B16
	VTBL   V9.B16, [V7.B16], V13.B16
	VADD   V11.B16, V10.B16, V10.B16
	VADD   V13.B16, V12.B16, V12.B16
	VADD   V10.H8, V0.H8, V0.H8
	VADD   V12.H8, V2.H8, V2.H8
	VUSHR  $8, V10.H8, V10.H8
	VUSHR  $8, V12.H8, V12.H8
	VADD   V10.H8, V1.H8, V1.H8
	VADD   V12.H8, V3.H8, V3.H8
	SUBS   $1, R6, R6
	BNE    byte

	// Even sums are what is left without the odd ones; then both in order of codes.
	VSHL   $8, V1.H8, V4.H8
	VSHL   $8, V3.H8, V5.H8
	VSUB   V4.H8, V0.H8, V0.H8
	VSUB   V5.H8, V2.H8, V2.H8
	VZIP1  V1.H8, V0.H8, V4.H8
	VZIP2  V1.H8, V0.H8, V5.H8
	VZIP1  V3.H8, V2.H8, V6.H8
	VZIP2  V3.H8, V2.H8, V7.H8
	VST1.P [V4.H8, V5.H8, V6.H8, V7.H8], 64(R0)
	SUBS   $1, R4, R4
	BNE    group
	RET
