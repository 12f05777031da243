#include "textflag.h"

DATA nibbles<>+0(SB)/8, $0x0F0F0F0F0F0F0F0F
GLOBL nibbles<>(SB), RODATA|NOPTR, $8

// func sumsAVX2(out *uint16, codes, table *byte, bytes, groups int)
//
// For each byte of 32 codes: look its low four bits up in 16 entries of the table and its high
// four in the next 16, and add both to the code's sum. A pair is at most 248, so it fits a byte.
// Y0 adds pairs of codes as words (even + 256 odd), Y1 the odd ones alone.
TEXT ·sumsAVX2(SB), NOSPLIT, $0-40
	MOVQ out+0(FP), DI
	MOVQ codes+8(FP), SI
	MOVQ table+16(FP), DX
	MOVQ bytes+24(FP), CX
	MOVQ groups+32(FP), R8
	VPBROADCASTQ nibbles<>(SB), Y15

group:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	MOVQ  DX, R9
	MOVQ  CX, R10

byte:
	VMOVDQU        (SI), Y2
	PREFETCHT0     2048(SI)
	VPSRLW         $4, Y2, Y3
	VPAND          Y15, Y2, Y2
	VPAND          Y15, Y3, Y3
	VBROADCASTI128 (R9), Y4
	VBROADCASTI128 16(R9), Y5
	VPSHUFB        Y2, Y4, Y4
	VPSHUFB        Y3, Y5, Y5
	VPADDB         Y5, Y4, Y4
	VPADDW         Y4, Y0, Y0
	VPSRLW         $8, Y4, Y4
	VPADDW         Y4, Y1, Y1
	ADDQ           $32, SI
	ADDQ           $32, R9
	DECQ           R10
	JNZ            byte

	// Even sums are what is left without the odd ones; then both in order of codes.
	VPSLLW     $8, Y1, Y2
	VPSUBW     Y2, Y0, Y0
	VPUNPCKLWD Y1, Y0, Y2
	VPUNPCKHWD Y1, Y0, Y3
	VPERM2I128 $0x20, Y3, Y2, Y4
	VPERM2I128 $0x31, Y3, Y2, Y5
	VMOVDQU    Y4, (DI)
	VMOVDQU    Y5, 32(DI)
	ADDQ       $64, DI
	DECQ       R8
	JNZ        group

	VZEROUPPER
	RET
