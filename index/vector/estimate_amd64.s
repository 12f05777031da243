#include "go_asm.h"
#include "textflag.h"

// The estimates of eight codes at a time, by the operations of probe.estimate in their order, so
// that every result is the same bit for bit: Y0 are the estimates, and mask gets their bits.
#define EIGHT(n, mask) \
	VPMOVZXWD (n*16)(SI), Y0 \
	VPMOVZXWD (n*16)(DX), Y1 \
	VCVTDQ2PS Y0, Y0 \
	VCVTDQ2PS Y1, Y1 \
	VMULPS    Y10, Y0, Y0 \
	VMULPS    Y11, Y1, Y1 \
	VADDPS    Y1, Y0, Y0 \
	VSUBPS    Y12, Y0, Y0 \
	VMULPS    (n*32)(R8), Y0, Y0 \
	VADDPS    (n*32)(R9), Y13, Y1 \
	VADDPS    Y0, Y1, Y0 \
	VMOVUPS   Y0, (n*32)(DI) \
	VCMPPS    $13, Y14, Y0, Y1 \
	VMOVMSKPS Y1, mask

// func estimateAVX2(e *estimation, groups int)
TEXT ·estimateAVX2(SB), NOSPLIT, $0-16
	MOVQ         e+0(FP), AX
	MOVQ         groups+8(FP), CX
	MOVQ         estimation_sums(AX), SI
	MOVQ         estimation_ones(AX), DX
	MOVQ         estimation_ratio(AX), R8
	MOVQ         estimation_toMean(AX), R9
	LEAQ         estimation_out(AX), DI
	LEAQ         estimation_above(AX), R10
	VBROADCASTSS estimation_step(AX), Y10
	VBROADCASTSS estimation_set(AX), Y11
	VBROADCASTSS estimation_offset(AX), Y12
	VBROADCASTSS estimation_base(AX), Y13
	VBROADCASTSS estimation_floor(AX), Y14

group:
	EIGHT(0, R11)
	EIGHT(1, R12)
	SHLL $8, R12
	ORL  R12, R11
	EIGHT(2, R12)
	SHLL $16, R12
	ORL  R12, R11
	EIGHT(3, R12)
	SHLL $24, R12
	ORL  R12, R11
	MOVL R11, (R10)
	ADDQ $64, SI
	ADDQ $64, DX
	ADDQ $128, R8
	ADDQ $128, R9
	ADDQ $128, DI
	ADDQ $4, R10
	DECQ CX
	JNZ  group

	VZEROUPPER
	RET
