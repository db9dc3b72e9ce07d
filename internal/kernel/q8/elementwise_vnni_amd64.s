#include "go_asm.h"
#include "textflag.h"

// func sumVNNI(t *Sum, y, a, b *uint8, n int)
//
// n is a positive multiple of 16.
TEXT ·sumVNNI(SB), NOSPLIT, $0-40
	MOVQ t+0(FP), AX
	MOVQ y+8(FP), DI
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), DX
	MOVQ n+32(FP), CX
	VPBROADCASTD Sum_ma(AX), Z16
	VPBROADCASTD Sum_mb(AX), Z17
	VPBROADCASTD Sum_k(AX), Z18
	MOVBLZX Sum_shift(AX), BX
	VMOVD BX, X19
	MOVBLZX Sum_lo(AX), BX
	VPBROADCASTD BX, Z20
	MOVBLZX Sum_hi(AX), BX
	VPBROADCASTD BX, Z21

loop:
	VPMOVZXBD (SI), Z0
	VPMOVZXBD (DX), Z1
	VPMULLD Z16, Z0, Z0
	VPMULLD Z17, Z1, Z1
	VPADDD Z18, Z0, Z0
	VPADDD Z1, Z0, Z0
	VPSRAD X19, Z0, Z0
	VPMAXSD Z20, Z0, Z0
	VPMINSD Z21, Z0, Z0
	VPMOVDB Z0, (DI)
	ADDQ $16, SI
	ADDQ $16, DX
	ADDQ $16, DI
	SUBQ $16, CX
	JNZ  loop
	VZEROUPPER
	RET

// func timesVNNI(t *Times, y, a, b *uint8, n int)
//
// n is a positive multiple of 16.
TEXT ·timesVNNI(SB), NOSPLIT, $0-40
	MOVQ t+0(FP), AX
	MOVQ y+8(FP), DI
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), DX
	MOVQ n+32(FP), CX
	VPBROADCASTD Times_za(AX), Z16
	VPBROADCASTD Times_zb(AX), Z17
	VPBROADCASTD Times_m(AX), Z18
	VPBROADCASTD Times_k(AX), Z22
	MOVBLZX Times_shift(AX), BX
	VMOVD BX, X19
	MOVBLZX Times_lo(AX), BX
	VPBROADCASTD BX, Z20
	MOVBLZX Times_hi(AX), BX
	VPBROADCASTD BX, Z21

loop:
	VPMOVZXBD (SI), Z0
	VPMOVZXBD (DX), Z1
	VPSUBD Z16, Z0, Z0
	VPSUBD Z17, Z1, Z1
	VPMULLD Z1, Z0, Z0
	VPMULLD Z18, Z0, Z0
	VPADDD Z22, Z0, Z0
	VPSRAD X19, Z0, Z0
	VPMAXSD Z20, Z0, Z0
	VPMINSD Z21, Z0, Z0
	VPMOVDB Z0, (DI)
	ADDQ $16, SI
	ADDQ $16, DX
	ADDQ $16, DI
	SUBQ $16, CX
	JNZ  loop
	VZEROUPPER
	RET

// func maxBytesVNNI(dst, x *uint8, n int)
//
// n is positive; the last bytes are taken under a mask.
TEXT ·maxBytesVNNI(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	SUBQ $64, CX
	JL   rest

loop:
	VMOVDQU64 (SI), Z0
	VPMAXUB   (DI), Z0, Z0
	VMOVDQU64 Z0, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JGE  loop

rest:
	ADDQ $64, CX
	JZ   done
	MOVQ $-1, AX
	BZHIQ CX, AX, AX
	KMOVQ AX, K1
	VMOVDQU8.Z (SI), K1, Z0
	VMOVDQU8.Z (DI), K1, Z1
	VPMAXUB  Z1, Z0, Z0
	VMOVDQU8 Z0, K1, (DI)

done:
	VZEROUPPER
	RET
