#include "textflag.h"

// func interleaveAVX2(cols int, src *float32, lds int, dst *float32, ldd int, masks *[16]int32)
//
// Eight rows, eight columns at a time: rows of src come in, 4x4 blocks of lanes
// are transposed, then the matrix of blocks, and columns go out as rows of dst.
// Y15 holds the lanes of columns; masked loads do not touch the memory of the
// others.
//
//	SI  columns left, DI counts them down
//	R8  first row of src, AX     runs through the rows, R9 apart
//	DX  runs through dst, R11    apart

#define IN(x) \
	VMASKMOVPS (AX), Y15, x; \
	ADDQ       R9, AX

#define OUT(x) \
	DECQ    DI;      \
	JLT     stored;  \
	VMOVUPS x, (DX); \
	ADDQ    R11, DX

// PAIRS turns rows a, b, c, d into the transposes of their 4x4 blocks.
#define PAIRS(a, b, c, d) \
	VUNPCKLPS b, a, Y8;   \
	VUNPCKHPS b, a, Y9;   \
	VUNPCKLPS d, c, Y10;  \
	VUNPCKHPS d, c, Y11;  \
	VUNPCKLPD Y10, Y8, a; \
	VUNPCKHPD Y10, Y8, b; \
	VUNPCKLPD Y11, Y9, c; \
	VUNPCKHPD Y11, Y9, d

// BLOCKS transposes the 2x2 matrix of blocks of four lanes in a, b.
#define BLOCKS(a, b) \
	VPERM2F128 $0x20, b, a, Y8; \
	VPERM2F128 $0x31, b, a, b;  \
	VMOVAPS    Y8, a

TEXT ·interleaveAVX2(SB), NOSPLIT, $0-48
	MOVQ    cols+0(FP), SI
	MOVQ    src+8(FP), R8
	MOVQ    lds+16(FP), R9
	SHLQ    $2, R9
	MOVQ    dst+24(FP), DX
	MOVQ    ldd+32(FP), R11
	SHLQ    $2, R11
	MOVQ    masks+40(FP), BX
	VMOVUPS (BX), Y15

columns:
	CMPQ    SI, $8
	JGE     whole

	// The mask of r lanes begins 8-r lanes into the table.
	SHLQ    $2, SI
	SUBQ    SI, BX
	VMOVUPS 32(BX), Y15
	SHRQ    $2, SI

whole:
	MOVQ R8, AX
	IN(Y0)
	IN(Y1)
	IN(Y2)
	IN(Y3)
	IN(Y4)
	IN(Y5)
	IN(Y6)
	IN(Y7)
	PAIRS(Y0, Y1, Y2, Y3)
	PAIRS(Y4, Y5, Y6, Y7)
	BLOCKS(Y0, Y4)
	BLOCKS(Y1, Y5)
	BLOCKS(Y2, Y6)
	BLOCKS(Y3, Y7)
	MOVQ SI, DI
	OUT(Y0)
	OUT(Y1)
	OUT(Y2)
	OUT(Y3)
	OUT(Y4)
	OUT(Y5)
	OUT(Y6)
	OUT(Y7)
	ADDQ $32, R8
	SUBQ $8, SI
	JG   columns

stored:
	VZEROUPPER
	RET
