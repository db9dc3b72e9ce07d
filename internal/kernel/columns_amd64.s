#include "textflag.h"

// func keysAVX2(dst *int32, src *float32, n int)
TEXT ·keysAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VPSRAD  $31, Y0, Y2
	VPSRAD  $31, Y1, Y3
	VPSRLD  $1, Y2, Y2
	VPSRLD  $1, Y3, Y3
	VPXOR   Y2, Y0, Y0
	VPXOR   Y3, Y1, Y1
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JNZ     loop
	VZEROUPPER
	RET

#define EXCHANGE(at) \
	VMOVDQU at(AX), Y0     \
	VMOVDQU at(BX), Y1     \
	VPMINSD Y1, Y0, Y2     \
	VPMAXSD Y1, Y0, Y3     \
	VMOVDQU Y2, at(AX)     \
	VMOVDQU Y3, at(BX)

// func exchangeAVX2(rows *int32, network *[2]int32, n int)
TEXT ·exchangeAVX2(SB), NOSPLIT, $0-24
	MOVQ rows+0(FP), DI
	MOVQ network+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	MOVLQSX (SI), AX
	MOVLQSX 4(SI), BX
	SHLQ    $8, AX
	SHLQ    $8, BX
	ADDQ    DI, AX
	ADDQ    DI, BX
	EXCHANGE(0)
	EXCHANGE(32)
	EXCHANGE(64)
	EXCHANGE(96)
	EXCHANGE(128)
	EXCHANGE(160)
	EXCHANGE(192)
	EXCHANGE(224)
	ADDQ $8, SI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
