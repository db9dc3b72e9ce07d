#include "go_asm.h"
#include "textflag.h"

// BYTES makes bytes of the sixteen numbers in x and y and stores them.
// Saturation on the way agrees with the limits, which are bytes in lo and hi.
#define BYTES(x, y, lo, hi) \
	VPACKSSDW y, x, x;     \
	VPERMQ    $0xD8, x, x; \
	VPACKUSWB x, x, x;     \
	VPERMQ    $0xD8, x, x; \
	VPMAXUB   lo, x, x;    \
	VPMINUB   hi, x, x

#define ADVANCE \
	ADDQ $16, SI; \
	ADDQ $16, DX; \
	ADDQ $16, DI; \
	SUBQ $16, CX

// func sumAVX2(t *Sum, y, a, b *uint8, n int)
//
// n is a positive multiple of 16.
TEXT ·sumAVX2(SB), NOSPLIT, $0-40
	MOVQ t+0(FP), AX
	MOVQ y+8(FP), DI
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), DX
	MOVQ n+32(FP), CX
	VPBROADCASTD Sum_ma(AX), Y8
	VPBROADCASTD Sum_mb(AX), Y9
	VPBROADCASTD Sum_k(AX), Y10
	MOVBLZX Sum_shift(AX), BX
	VMOVD   BX, X11
	VPBROADCASTB Sum_lo(AX), Y12
	VPBROADCASTB Sum_hi(AX), Y13

sum:
	VPMOVZXBD (SI), Y0
	VPMOVZXBD 8(SI), Y1
	VPMOVZXBD (DX), Y2
	VPMOVZXBD 8(DX), Y3
	VPMULLD Y8, Y0, Y0
	VPMULLD Y8, Y1, Y1
	VPMULLD Y9, Y2, Y2
	VPMULLD Y9, Y3, Y3
	VPADDD  Y10, Y0, Y0
	VPADDD  Y10, Y1, Y1
	VPADDD  Y2, Y0, Y0
	VPADDD  Y3, Y1, Y1
	VPSRAD  X11, Y0, Y0
	VPSRAD  X11, Y1, Y1
	BYTES(Y0, Y1, Y12, Y13)
	VMOVDQU X0, (DI)
	ADVANCE
	JNZ  sum
	VZEROUPPER
	RET

// func timesAVX2(t *Times, y, a, b *uint8, n int)
//
// n is a positive multiple of 16.
TEXT ·timesAVX2(SB), NOSPLIT, $0-40
	MOVQ t+0(FP), AX
	MOVQ y+8(FP), DI
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), DX
	MOVQ n+32(FP), CX
	VPBROADCASTD Times_za(AX), Y8
	VPBROADCASTD Times_zb(AX), Y9
	VPBROADCASTD Times_m(AX), Y10
	VPBROADCASTD Times_k(AX), Y14
	MOVBLZX Times_shift(AX), BX
	VMOVD   BX, X11
	VPBROADCASTB Times_lo(AX), Y12
	VPBROADCASTB Times_hi(AX), Y13

times:
	VPMOVZXBD (SI), Y0
	VPMOVZXBD 8(SI), Y1
	VPMOVZXBD (DX), Y2
	VPMOVZXBD 8(DX), Y3
	VPSUBD  Y8, Y0, Y0
	VPSUBD  Y8, Y1, Y1
	VPSUBD  Y9, Y2, Y2
	VPSUBD  Y9, Y3, Y3
	VPMULLD Y2, Y0, Y0
	VPMULLD Y3, Y1, Y1
	VPMULLD Y10, Y0, Y0
	VPMULLD Y10, Y1, Y1
	VPADDD  Y14, Y0, Y0
	VPADDD  Y14, Y1, Y1
	VPSRAD  X11, Y0, Y0
	VPSRAD  X11, Y1, Y1
	BYTES(Y0, Y1, Y12, Y13)
	VMOVDQU X0, (DI)
	ADVANCE
	JNZ  times
	VZEROUPPER
	RET

// func maxBytesAVX2(dst, x *uint8, n int)
TEXT ·maxBytesAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX

largest:
	VMOVDQU (SI), Y0
	VPMAXUB (DI), Y0, Y0
	VMOVDQU Y0, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $32, CX
	JNZ  largest
	VZEROUPPER
	RET

// func quantizeAVX2(dst *uint8, x *float32, n int, inverse float32, zero int)
//
// Numbers are clipped before they become integers, which has the same result
// and keeps them in range; what is not a number becomes 0 before that.
TEXT ·quantizeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS inverse+24(FP), Y8
	MOVQ zero+32(FP), AX
	VMOVD AX, X9
	VPBROADCASTD X9, Y9
	MOVQ $255, BX
	SUBQ AX, BX
	NEGQ AX
	VMOVD AX, X10
	VPBROADCASTD X10, Y10
	VCVTDQ2PS Y10, Y10
	VMOVD BX, X11
	VPBROADCASTD X11, Y11
	VCVTDQ2PS Y11, Y11
	VPXOR Y12, Y12, Y12
	VPCMPEQD Y13, Y13, Y13

quantize:
	VMULPS (SI), Y8, Y0
	VMULPS 32(SI), Y8, Y1
	VCMPPS $7, Y0, Y0, Y2
	VCMPPS $7, Y1, Y1, Y3
	VANDPS Y2, Y0, Y0
	VANDPS Y3, Y1, Y1
	VMAXPS Y10, Y0, Y0
	VMAXPS Y10, Y1, Y1
	VMINPS Y11, Y0, Y0
	VMINPS Y11, Y1, Y1
	VCVTPS2DQ Y0, Y0
	VCVTPS2DQ Y1, Y1
	VPADDD Y9, Y0, Y0
	VPADDD Y9, Y1, Y1
	BYTES(Y0, Y1, Y12, Y13)
	VMOVDQU X0, (DI)
	ADDQ $64, SI
	ADDQ $16, DI
	SUBQ $16, CX
	JNZ  quantize
	VZEROUPPER
	RET

// func dequantizeAVX2(dst *float32, q *uint8, n int, scale float32, zero int)
TEXT ·dequantizeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ q+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS scale+24(FP), Y8
	VPBROADCASTD zero+32(FP), Y9

dequantize:
	VPMOVZXBD (SI), Y0
	VPSUBD    Y9, Y0, Y0
	VCVTDQ2PS Y0, Y0
	VMULPS    Y8, Y0, Y0
	VMOVUPS   Y0, (DI)
	ADDQ $8, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ  dequantize
	VZEROUPPER
	RET
