#include "textflag.h"

// Rows: sums in sixteen lanes, which are two registers, and what normalises a
// row. n is a positive multiple of 16.

// func vecSumAVX2(lanes *rowLanes, x *float32, n int)
TEXT ·vecSumAVX2(SB), NOSPLIT, $0-24
	MOVQ    lanes+0(FP), DI
	MOVQ    x+8(FP), SI
	MOVQ    n+16(FP), CX
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1

loop:
	VADDPS  (SI), Y0, Y0
	VADDPS  32(SI), Y1, Y1
	ADDQ    $64, SI
	SUBQ    $16, CX
	JNZ     loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET

// func vecMaxAVX2(lanes *rowLanes, x *float32, n int)
//
// VMAXPS m, x, m is x > m ? x : m, so NaN is ignored. An even number of
// sixteens goes through four registers.
TEXT ·vecMaxAVX2(SB), NOSPLIT, $0-24
	MOVQ    lanes+0(FP), DI
	MOVQ    x+8(FP), SI
	MOVQ    n+16(FP), CX
	VMOVUPS (DI), Y0
	VMOVAPS Y0, Y1
	VMOVAPS Y0, Y2
	VMOVAPS Y0, Y3
	TESTQ   $16, CX
	JZ      even
	VMOVUPS (SI), Y4
	VMOVUPS 32(SI), Y5
	VMAXPS  Y0, Y4, Y0
	VMAXPS  Y1, Y5, Y1
	ADDQ    $64, SI
	SUBQ    $16, CX
	JZ      done

even:
	VMOVUPS (SI), Y4
	VMOVUPS 32(SI), Y5
	VMOVUPS 64(SI), Y6
	VMOVUPS 96(SI), Y7
	VMAXPS  Y0, Y4, Y0
	VMAXPS  Y1, Y5, Y1
	VMAXPS  Y2, Y6, Y2
	VMAXPS  Y3, Y7, Y3
	ADDQ    $128, SI
	SUBQ    $32, CX
	JNZ     even

done:
	VMAXPS  Y2, Y0, Y0
	VMAXPS  Y3, Y1, Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET

// func vecSquaresAVX2(lanes *rowLanes, x *float32, n int, m float32)
TEXT ·vecSquaresAVX2(SB), NOSPLIT, $0-28
	MOVQ         lanes+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSS m+24(FP), Y15
	VMOVUPS      (DI), Y0
	VMOVUPS      32(DI), Y1

loop:
	VMOVUPS (SI), Y2
	VMOVUPS 32(SI), Y3
	VSUBPS  Y15, Y2, Y2
	VSUBPS  Y15, Y3, Y3
	VMULPS  Y2, Y2, Y2
	VMULPS  Y3, Y3, Y3
	VADDPS  Y2, Y0, Y0
	VADDPS  Y3, Y1, Y1
	ADDQ    $64, SI
	SUBQ    $16, CX
	JNZ     loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET

// func vecStandardizeAVX2(y, x, gamma, beta *float32, n int, m, d float32)
TEXT ·vecStandardizeAVX2(SB), NOSPLIT, $0-48
	MOVQ         y+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         gamma+16(FP), DX
	MOVQ         beta+24(FP), BX
	MOVQ         n+32(FP), CX
	VBROADCASTSS m+40(FP), Y15
	VBROADCASTSS d+44(FP), Y14
	XORQ         AX, AX

loop:
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS 32(SI)(AX*4), Y1
	VSUBPS  Y15, Y0, Y0
	VSUBPS  Y15, Y1, Y1
	VMULPS  Y14, Y0, Y0
	VMULPS  Y14, Y1, Y1
	VMULPS  (DX)(AX*4), Y0, Y0
	VMULPS  32(DX)(AX*4), Y1, Y1
	VADDPS  (BX)(AX*4), Y0, Y0
	VADDPS  32(BX)(AX*4), Y1, Y1
	VMOVUPS Y0, (DI)(AX*4)
	VMOVUPS Y1, 32(DI)(AX*4)
	ADDQ    $16, AX
	CMPQ    AX, CX
	JLT     loop
	VZEROUPPER
	RET

// func vecNormParamsAVX2(dgamma, dbeta, dy, x *float32, n int, row *normRow)
TEXT ·vecNormParamsAVX2(SB), NOSPLIT, $0-48
	MOVQ         dgamma+0(FP), DI
	MOVQ         dbeta+8(FP), BX
	MOVQ         dy+16(FP), DX
	MOVQ         x+24(FP), SI
	MOVQ         n+32(FP), CX
	MOVQ         row+40(FP), R8
	VBROADCASTSS (R8), Y15
	VBROADCASTSS 4(R8), Y14
	XORQ         AX, AX

loop:
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y1
	VSUBPS  Y15, Y0, Y0
	VMULPS  Y14, Y0, Y0
	VMULPS  Y1, Y0, Y0
	VADDPS  (DI)(AX*4), Y0, Y0
	VADDPS  (BX)(AX*4), Y1, Y1
	VMOVUPS Y0, (DI)(AX*4)
	VMOVUPS Y1, (BX)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     loop
	VZEROUPPER
	RET

// func vecNormSumsAVX2(sum, dot *rowLanes, dy, x, gamma *float32, n int, row *normRow)
TEXT ·vecNormSumsAVX2(SB), NOSPLIT, $0-56
	MOVQ         sum+0(FP), DI
	MOVQ         dot+8(FP), R9
	MOVQ         dy+16(FP), DX
	MOVQ         x+24(FP), SI
	MOVQ         gamma+32(FP), BX
	MOVQ         n+40(FP), CX
	MOVQ         row+48(FP), R8
	VBROADCASTSS (R8), Y15
	VBROADCASTSS 4(R8), Y14
	VMOVUPS      (DI), Y0
	VMOVUPS      32(DI), Y1
	VMOVUPS      (R9), Y2
	VMOVUPS      32(R9), Y3
	XORQ         AX, AX

loop:
	VMOVUPS (DX)(AX*4), Y4
	VMOVUPS 32(DX)(AX*4), Y5
	VMULPS  (BX)(AX*4), Y4, Y4
	VMULPS  32(BX)(AX*4), Y5, Y5
	VMOVUPS (SI)(AX*4), Y6
	VMOVUPS 32(SI)(AX*4), Y7
	VSUBPS  Y15, Y6, Y6
	VSUBPS  Y15, Y7, Y7
	VMULPS  Y14, Y6, Y6
	VMULPS  Y14, Y7, Y7
	VADDPS  Y4, Y0, Y0
	VADDPS  Y5, Y1, Y1
	VMULPS  Y4, Y6, Y6
	VMULPS  Y5, Y7, Y7
	VADDPS  Y6, Y2, Y2
	VADDPS  Y7, Y3, Y3
	ADDQ    $16, AX
	CMPQ    AX, CX
	JLT     loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, (R9)
	VMOVUPS Y3, 32(R9)
	VZEROUPPER
	RET

// func vecNormInputAVX2(dx, dy, x, gamma *float32, n int, row *normRow)
TEXT ·vecNormInputAVX2(SB), NOSPLIT, $0-48
	MOVQ         dx+0(FP), DI
	MOVQ         dy+8(FP), DX
	MOVQ         x+16(FP), SI
	MOVQ         gamma+24(FP), BX
	MOVQ         n+32(FP), CX
	MOVQ         row+40(FP), R8
	VBROADCASTSS (R8), Y15
	VBROADCASTSS 4(R8), Y14
	VBROADCASTSS 8(R8), Y13
	VBROADCASTSS 12(R8), Y12
	XORQ         AX, AX

loop:
	VMOVUPS (SI)(AX*4), Y0
	VMOVUPS (DX)(AX*4), Y1
	VSUBPS  Y15, Y0, Y0
	VMULPS  Y14, Y0, Y0
	VMULPS  (BX)(AX*4), Y1, Y1
	VMULPS  Y12, Y0, Y0
	VSUBPS  Y13, Y1, Y1
	VSUBPS  Y0, Y1, Y1
	VMULPS  Y14, Y1, Y1
	VMOVUPS Y1, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     loop
	VZEROUPPER
	RET

// func vecSGDAVX2(w, grad, v *float32, n int, rate, momentum, decay float32)
TEXT ·vecSGDAVX2(SB), NOSPLIT, $0-44
	MOVQ         w+0(FP), DI
	MOVQ         grad+8(FP), SI
	MOVQ         v+16(FP), DX
	MOVQ         n+24(FP), CX
	VBROADCASTSS rate+32(FP), Y15
	VBROADCASTSS momentum+36(FP), Y14
	VBROADCASTSS decay+40(FP), Y13
	XORQ         AX, AX

loop:
	VMOVUPS (DI)(AX*4), Y0
	VMULPS  Y13, Y0, Y1
	VADDPS  (SI)(AX*4), Y1, Y1
	VMULPS  (DX)(AX*4), Y14, Y2
	VADDPS  Y1, Y2, Y2
	VMOVUPS Y2, (DX)(AX*4)
	VMULPS  Y15, Y2, Y2
	VSUBPS  Y2, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     loop
	VZEROUPPER
	RET

// func vecNesterovAVX2(w, grad, v *float32, n int, rate, momentum, decay float32)
TEXT ·vecNesterovAVX2(SB), NOSPLIT, $0-44
	MOVQ         w+0(FP), DI
	MOVQ         grad+8(FP), SI
	MOVQ         v+16(FP), DX
	MOVQ         n+24(FP), CX
	VBROADCASTSS rate+32(FP), Y15
	VBROADCASTSS momentum+36(FP), Y14
	VBROADCASTSS decay+40(FP), Y13
	XORQ         AX, AX

loop:
	VMOVUPS (DI)(AX*4), Y0
	VMULPS  Y13, Y0, Y1
	VADDPS  (SI)(AX*4), Y1, Y1
	VMULPS  (DX)(AX*4), Y14, Y2
	VADDPS  Y1, Y2, Y2
	VMOVUPS Y2, (DX)(AX*4)
	VMULPS  Y14, Y2, Y2
	VADDPS  Y1, Y2, Y2
	VMULPS  Y15, Y2, Y2
	VSUBPS  Y2, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     loop
	VZEROUPPER
	RET
