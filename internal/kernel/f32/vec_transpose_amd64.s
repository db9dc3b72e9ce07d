#include "textflag.h"

// func vecTransposeAVX2(dst *float32, ldd int, src *float32, lds, cols int)
//
// Turns 8 rows of src into 8 columns of dst, 4 columns of src a turn; cols is
// a positive multiple of 4, and strides count elements. Rows 0-3 are in the
// lower halves of the registers and rows 4-7 in the upper ones, so that a
// transposition of 4 x 4 in each half leaves whole rows of the result.
TEXT ·vecTransposeAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ ldd+8(FP), R10
	MOVQ src+16(FP), SI
	MOVQ lds+24(FP), R8
	MOVQ cols+32(FP), CX
	SHLQ $2, R8
	SHLQ $2, R10
	LEAQ (R8)(R8*2), R9
	LEAQ (R10)(R10*2), R11
	LEAQ (SI)(R8*4), DX

loop:
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
	JNZ         loop
	VZEROUPPER
	RET
