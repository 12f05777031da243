#include "textflag.h"

// What two codes, eight of a group apart, have of 16 bytes, in the lower half of a register; and
// in the upper half the same of the codes 16 further on. Y14 and Y15 are lost.
#define CODES(unpack, to) \
	VMOVDQU     (AX), X14 \
	VINSERTI128 $1, (AX)(R12*1), Y14, Y14 \
	VMOVDQU     (AX)(R13*1), X15 \
	VINSERTI128 $1, (BX)(R12*1), Y15, Y15 \
	unpack      Y15, Y14, to \
	ADDQ        R11, AX \
	ADDQ        R11, BX

#define EIGHT(unpack) \
	MOVQ SI, AX \
	LEAQ (SI)(R13*1), BX \
	CODES(unpack, Y0) \
	CODES(unpack, Y1) \
	CODES(unpack, Y2) \
	CODES(unpack, Y3) \
	CODES(unpack, Y4) \
	CODES(unpack, Y5) \
	CODES(unpack, Y6) \
	CODES(unpack, Y7) \
	VPUNPCKLBW Y4, Y0, Y8 \
	VPUNPCKHBW Y4, Y0, Y9 \
	VPUNPCKLBW Y5, Y1, Y10 \
	VPUNPCKHBW Y5, Y1, Y11 \
	VPUNPCKLBW Y6, Y2, Y12 \
	VPUNPCKHBW Y6, Y2, Y13 \
	VPUNPCKLBW Y7, Y3, Y14 \
	VPUNPCKHBW Y7, Y3, Y15 \
	VPUNPCKLBW Y12, Y8, Y0 \
	VPUNPCKHBW Y12, Y8, Y1 \
	VPUNPCKLBW Y13, Y9, Y2 \
	VPUNPCKHBW Y13, Y9, Y3 \
	VPUNPCKLBW Y14, Y10, Y4 \
	VPUNPCKHBW Y14, Y10, Y5 \
	VPUNPCKLBW Y15, Y11, Y6 \
	VPUNPCKHBW Y15, Y11, Y7 \
	VPUNPCKLBW Y4, Y0, Y8 \
	VPUNPCKHBW Y4, Y0, Y9 \
	VPUNPCKLBW Y5, Y1, Y10 \
	VPUNPCKHBW Y5, Y1, Y11 \
	VPUNPCKLBW Y6, Y2, Y12 \
	VPUNPCKHBW Y6, Y2, Y13 \
	VPUNPCKLBW Y7, Y3, Y14 \
	VPUNPCKHBW Y7, Y3, Y15 \
	VMOVDQU    Y8, (DI) \
	VMOVDQU    Y9, 32(DI) \
	VMOVDQU    Y10, 64(DI) \
	VMOVDQU    Y11, 96(DI) \
	VMOVDQU    Y12, 128(DI) \
	VMOVDQU    Y13, 160(DI) \
	VMOVDQU    Y14, 192(DI) \
	VMOVDQU    Y15, 224(DI) \
	ADDQ       $256, DI

// func interleaveAVX2(group, codes *byte, stride, blocks int)
//
// Each block is 16 bytes of 32 codes: eight of them at a time, in four steps of putting bytes of
// two registers next to each other, as in the transposition of a matrix.
TEXT ·interleaveAVX2(SB), NOSPLIT, $0-32
	MOVQ group+0(FP), DI
	MOVQ codes+8(FP), SI
	MOVQ stride+16(FP), R11
	MOVQ blocks+24(FP), CX
	MOVQ R11, R12
	SHLQ $4, R12            // to the code 16 further on
	MOVQ R11, R13
	SHLQ $3, R13            // 8 further on

block:
	EIGHT(VPUNPCKLBW)
	EIGHT(VPUNPCKHBW)
	ADDQ $16, SI
	DECQ CX
	JNZ  block

	VZEROUPPER
	RET
