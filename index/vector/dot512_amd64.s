#include "textflag.h"

// func dotAVX512(a *int16, b *byte, blocks int) int32
//
// As dotAVX2 with blocks of 64 dimensions.
TEXT ·dotAVX512(SB), NOSPLIT, $0-28
	MOVQ  a+0(FP), SI
	MOVQ  b+8(FP), DX
	MOVQ  blocks+16(FP), CX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1

block:
	VPMOVSXBW (DX), Z2
	VPMOVSXBW 32(DX), Z3
	VPMADDWD  (SI), Z2, Z2
	VPMADDWD  64(SI), Z3, Z3
	VPADDD    Z2, Z0, Z0
	VPADDD    Z3, Z1, Z1
	ADDQ      $128, SI
	ADDQ      $64, DX
	DECQ      CX
	JNZ       block

	VPADDD        Z1, Z0, Z0
	VEXTRACTI64X4 $1, Z0, Y1
	VPADDD        Y1, Y0, Y0
	VEXTRACTI128  $1, Y0, X1
	VPADDD        X1, X0, X0
	VPSHUFD       $0x4E, X0, X1
	VPADDD        X1, X0, X0
	VPSHUFD       $0xB1, X0, X1
	VPADDD        X1, X0, X0
	VMOVD         X0, AX
	VZEROUPPER
	MOVL          AX, ret+24(FP)
	RET
