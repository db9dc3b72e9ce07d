#include "textflag.h"

// Vector routines on 256-bit registers. The sixteen lanes of dot products and
// distances are two registers, and nothing may be unrolled into more of them.
// No VFMADD: every product is rounded before it is added.

// func transpose8AVX(cols int, src *float32, lds int, dst *float32, ldd int)
//
// Four columns a turn. The rows 0-3 are in the lower halves of the registers
// and the rows 4-7 in the upper ones, so that a 4 x 4 transposition of each
// half leaves whole rows of the result.
TEXT ·transpose8AVX(SB), NOSPLIT, $0-40
	MOVQ cols+0(FP), CX
	MOVQ src+8(FP), SI
	MOVQ lds+16(FP), R8
	MOVQ dst+24(FP), DI
	MOVQ ldd+32(FP), R10
	SHLQ $2, R8
	SHLQ $2, R10
	LEAQ (R8)(R8*2), R9
	LEAQ (R10)(R10*2), R11
	LEAQ (SI)(R8*4), DX

columns4:
	VMOVUPS     (SI), X0
	VMOVUPS     (SI)(R8*1), X1
	VMOVUPS     (SI)(R8*2), X2
	VMOVUPS     (SI)(R9*1), X3
	VINSERTF128 $1, (DX), Y0, Y0
	VINSERTF128 $1, (DX)(R8*1), Y1, Y1
	VINSERTF128 $1, (DX)(R8*2), Y2, Y2
	VINSERTF128 $1, (DX)(R9*1), Y3, Y3
	VUNPCKLPS   Y1, Y0, Y4
	VUNPCKHPS   Y1, Y0, Y5
	VUNPCKLPS   Y3, Y2, Y6
	VUNPCKHPS   Y3, Y2, Y7
	VUNPCKLPD   Y6, Y4, Y0
	VUNPCKHPD   Y6, Y4, Y1
	VUNPCKLPD   Y7, Y5, Y2
	VUNPCKHPD   Y7, Y5, Y3
	VMOVUPS     Y0, (DI)
	VMOVUPS     Y1, (DI)(R10*1)
	VMOVUPS     Y2, (DI)(R10*2)
	VMOVUPS     Y3, (DI)(R11*1)
	ADDQ        $16, SI
	ADDQ        $16, DX
	LEAQ        (DI)(R10*4), DI
	SUBQ        $4, CX
	JNZ         columns4
	VZEROUPPER
	RET

// func dotAVX2(acc *[16]float32, a, b *float32, n int)
TEXT ·dotAVX2(SB), NOSPLIT, $0-32
	MOVQ    acc+0(FP), DI
	MOVQ    a+8(FP), SI
	MOVQ    b+16(FP), DX
	MOVQ    n+24(FP), CX
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1

loop:
	VMOVUPS (SI), Y2
	VMOVUPS 32(SI), Y3
	VMULPS  (DX), Y2, Y2
	VMULPS  32(DX), Y3, Y3
	VADDPS  Y2, Y0, Y0
	VADDPS  Y3, Y1, Y1
	ADDQ    $64, SI
	ADDQ    $64, DX
	SUBQ    $16, CX
	JNZ     loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET

// func squaredDistanceAVX2(acc *[16]float32, a, b *float32, n int)
TEXT ·squaredDistanceAVX2(SB), NOSPLIT, $0-32
	MOVQ    acc+0(FP), DI
	MOVQ    a+8(FP), SI
	MOVQ    b+16(FP), DX
	MOVQ    n+24(FP), CX
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1

loop:
	VMOVUPS (SI), Y2
	VMOVUPS 32(SI), Y3
	VSUBPS  (DX), Y2, Y2
	VSUBPS  32(DX), Y3, Y3
	VMULPS  Y2, Y2, Y2
	VMULPS  Y3, Y3, Y3
	VADDPS  Y2, Y0, Y0
	VADDPS  Y3, Y1, Y1
	ADDQ    $64, SI
	ADDQ    $64, DX
	SUBQ    $16, CX
	JNZ     loop
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VZEROUPPER
	RET

// func axpyAVX2(alpha float32, x, y *float32, n int)
TEXT ·axpyAVX2(SB), NOSPLIT, $0-32
	VBROADCASTSS alpha+0(FP), Y0
	MOVQ         x+8(FP), SI
	MOVQ         y+16(FP), DI
	MOVQ         n+24(FP), CX

loop:
	VMULPS  (SI), Y0, Y1
	VMULPS  32(SI), Y0, Y2
	VADDPS  (DI), Y1, Y1
	VADDPS  32(DI), Y2, Y2
	VMOVUPS Y1, (DI)
	VMOVUPS Y2, 32(DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JNZ     loop
	VZEROUPPER
	RET

// func adamAVX2(w, grad, m, v *float32, n int, s *adamConstants)
TEXT ·adamAVX2(SB), NOSPLIT, $0-48
	MOVQ w+0(FP), DI
	MOVQ grad+8(FP), SI
	MOVQ m+16(FP), BX
	MOVQ v+24(FP), DX
	MOVQ n+32(FP), CX
	MOVQ s+40(FP), AX
	VBROADCASTSS (AX), Y7      // l2
	VBROADCASTSS 4(AX), Y8     // beta1
	VBROADCASTSS 8(AX), Y9     // rest1
	VBROADCASTSS 12(AX), Y10   // beta2
	VBROADCASTSS 16(AX), Y11   // rest2
	VBROADCASTSS 20(AX), Y12   // rate
	VBROADCASTSS 24(AX), Y13   // epsilon
	VBROADCASTSS 28(AX), Y14   // correction1
	VBROADCASTSS 32(AX), Y15   // correction2
	XORQ AX, AX

loop:
	VMOVUPS (DI)(AX*4), Y0 // w
	VMOVUPS (DX)(AX*4), Y5
	VMULPS  Y0, Y7, Y1
	VADDPS  (SI)(AX*4), Y1, Y1 // g'
	VMULPS  (BX)(AX*4), Y8, Y2
	VMULPS  Y1, Y9, Y3
	VADDPS  Y3, Y2, Y2
	VMULPS  Y5, Y10, Y3
	VMULPS  Y1, Y11, Y4
	VMULPS  Y1, Y4, Y4
	VADDPS  Y4, Y3, Y3
	VMOVUPS Y2, (BX)(AX*4) // m
	VMOVUPS Y3, (DX)(AX*4) // v
	VDIVPS  Y14, Y2, Y2
	VMULPS  Y2, Y12, Y2
	VDIVPS  Y15, Y3, Y3
	VSQRTPS Y3, Y3
	VADDPS  Y13, Y3, Y3
	VDIVPS  Y3, Y2, Y2
	VSUBPS  Y2, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ    $8, AX
	CMPQ    AX, CX
	JLT     loop
	VZEROUPPER
	RET
