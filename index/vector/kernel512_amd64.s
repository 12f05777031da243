#include "textflag.h"

DATA low4<>+0(SB)/8, $0x0F0F0F0F0F0F0F0F
GLOBL low4<>(SB), RODATA|NOPTR, $8

// What two bytes of 32 codes (Z2) add by their tables (Z4): those of the first byte stand in the
// lower halves of the sums, those of the second in the upper ones.
#define PAIR \
	VPSRLW     $4, Z2, Z3 \
	VPANDQ     Z15, Z2, Z2 \
	VPANDQ     Z15, Z3, Z3 \
	VSHUFI64X2 $0xA0, Z4, Z4, Z5 \
	VSHUFI64X2 $0xF5, Z4, Z4, Z4 \
	VPSHUFB    Z2, Z5, Z5 \
	VPSHUFB    Z3, Z4, Z4 \
	VPADDB     Z5, Z4, Z4 \
	VPADDW     Z4, Z0, Z0 \
	VPSRLW     $8, Z4, Z4 \
	VPADDW     Z4, Z1, Z1

// func sumsAVX512(out *uint16, codes, table *byte, bytes, groups int)
//
// As sumsAVX2, two bytes at a time.
TEXT ·sumsAVX512(SB), NOSPLIT, $0-40
	MOVQ         out+0(FP), DI
	MOVQ         codes+8(FP), SI
	MOVQ         table+16(FP), DX
	MOVQ         bytes+24(FP), CX
	MOVQ         groups+32(FP), R8
	VPBROADCASTQ low4<>(SB), Z15

group:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	MOVQ  DX, R9
	MOVQ  CX, R10
	SUBQ  $2, R10
	JLT   last

pair:
	VMOVDQU64  (SI), Z2
	VMOVDQU64  (R9), Z4
	PREFETCHT0 2048(SI)
	PAIR
	ADDQ       $64, SI
	ADDQ       $64, R9
	SUBQ       $2, R10
	JGE        pair

last:
	CMPQ    R10, $-2
	JEQ     fold
	VMOVDQU (SI), Y2 // the upper halves are zero
	VMOVDQU (R9), Y4
	PAIR
	ADDQ    $32, SI

fold:
	VEXTRACTI64X4 $1, Z0, Y2
	VEXTRACTI64X4 $1, Z1, Y3
	VPADDW        Y2, Y0, Y0
	VPADDW        Y3, Y1, Y1
	VPSLLW        $8, Y1, Y2
	VPSUBW        Y2, Y0, Y0
	VPUNPCKLWD    Y1, Y0, Y2
	VPUNPCKHWD    Y1, Y0, Y3
	VPERM2I128    $0x20, Y3, Y2, Y4
	VPERM2I128    $0x31, Y3, Y2, Y5
	VMOVDQU       Y4, (DI)
	VMOVDQU       Y5, 32(DI)
	ADDQ          $64, DI
	DECQ          R8
	JNZ           group

	VZEROUPPER
	RET
