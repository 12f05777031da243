#include "go_asm.h"
#include "textflag.h"

// As EIGHT of estimateAVX2, for sixteen codes.
#define SIXTEEN(n, mask) \
	VPMOVZXWD (n*32)(SI), Z0 \
	VPMOVZXWD (n*32)(DX), Z1 \
	VCVTDQ2PS Z0, Z0 \
	VCVTDQ2PS Z1, Z1 \
	VMULPS    Z10, Z0, Z0 \
	VMULPS    Z11, Z1, Z1 \
	VADDPS    Z1, Z0, Z0 \
	VSUBPS    Z12, Z0, Z0 \
	VMULPS    (n*64)(R8), Z0, Z0 \
	VADDPS    (n*64)(R9), Z13, Z1 \
	VADDPS    Z0, Z1, Z0 \
	VMOVUPS   Z0, (n*64)(DI) \
	VCMPPS    $13, Z14, Z0, K1 \
	KMOVW     K1, mask

// func estimateAVX512(e *estimation, groups int)
TEXT ·estimateAVX512(SB), NOSPLIT, $0-16
	MOVQ         e+0(FP), AX
	MOVQ         groups+8(FP), CX
	MOVQ         estimation_sums(AX), SI
	MOVQ         estimation_ones(AX), DX
	MOVQ         estimation_ratio(AX), R8
	MOVQ         estimation_toMean(AX), R9
	LEAQ         estimation_out(AX), DI
	LEAQ         estimation_above(AX), R10
	VBROADCASTSS estimation_step(AX), Z10
	VBROADCASTSS estimation_set(AX), Z11
	VBROADCASTSS estimation_offset(AX), Z12
	VBROADCASTSS estimation_base(AX), Z13
	VBROADCASTSS estimation_floor(AX), Z14

group:
	SIXTEEN(0, R11)
	SIXTEEN(1, R12)
	SHLL $16, R12
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
