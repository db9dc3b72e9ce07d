#include "textflag.h"

// func interleaveAVX512(rows, cols int, src *float32, lds int, dst *float32, ldd int)
//
// Sixteen columns at a time go through Z0-Z15: rows of src come in, 4x4
// blocks of lanes are transposed, then the matrix of blocks, and columns go
// out as rows of dst. K1 holds the lanes of rows, K2 those of columns.
//
//	R12 rows                     SI  columns left, DI counts down either
//	R8  first row of src, AX     runs through the rows, R9 apart
//	DX  runs through dst, R11    apart

#define IN(x) \
	DECQ      DI;          \
	JLT       loaded;      \
	VMOVUPS.Z (AX), K2, x; \
	ADDQ      R9, AX

#define OUT(x) \
	DECQ    DI;          \
	JLT     stored;      \
	VMOVUPS x, K1, (DX); \
	ADDQ    R11, DX

// PAIRS turns rows a, b, c, d into the transposes of their 4x4 blocks, block
// by block of lanes, by way of Z16-Z19.
#define PAIRS(a, b, c, d) \
	VUNPCKLPS b, a, Z16;     \
	VUNPCKHPS b, a, Z17;     \
	VUNPCKLPS d, c, Z18;     \
	VUNPCKHPS d, c, Z19;     \
	VUNPCKLPD Z18, Z16, a;   \
	VUNPCKHPD Z18, Z16, b;   \
	VUNPCKLPD Z19, Z17, c;   \
	VUNPCKHPD Z19, Z17, d

// BLOCKS transposes the 4x4 matrix of blocks of four lanes in a, b, c, d.
#define BLOCKS(a, b, c, d) \
	VSHUFF32X4 $0x88, b, a, Z16;   \
	VSHUFF32X4 $0xdd, b, a, Z17;   \
	VSHUFF32X4 $0x88, d, c, Z18;   \
	VSHUFF32X4 $0xdd, d, c, Z19;   \
	VSHUFF32X4 $0x88, Z18, Z16, a; \
	VSHUFF32X4 $0x88, Z19, Z17, b; \
	VSHUFF32X4 $0xdd, Z18, Z16, c; \
	VSHUFF32X4 $0xdd, Z19, Z17, d

TEXT ·interleaveAVX512(SB), NOSPLIT, $0-48
	MOVQ  rows+0(FP), R12
	MOVQ  cols+8(FP), SI
	MOVQ  src+16(FP), R8
	MOVQ  lds+24(FP), R9
	SHLQ  $2, R9
	MOVQ  dst+32(FP), DX
	MOVQ  ldd+40(FP), R11
	SHLQ  $2, R11
	MOVQ  R12, CX
	MOVL  $1, AX
	SHLQ  CX, AX
	DECQ  AX
	KMOVW AX, K1
	MOVL  $0xffff, AX
	KMOVW AX, K2

columns:
	CMPQ  SI, $16
	JGE   whole
	MOVQ  SI, CX
	MOVL  $1, AX
	SHLQ  CX, AX
	DECQ  AX
	KMOVW AX, K2

whole:
	MOVQ R8, AX
	MOVQ R12, DI
	IN(Z0)
	IN(Z1)
	IN(Z2)
	IN(Z3)
	IN(Z4)
	IN(Z5)
	IN(Z6)
	IN(Z7)
	IN(Z8)
	IN(Z9)
	IN(Z10)
	IN(Z11)
	IN(Z12)
	IN(Z13)
	IN(Z14)
	IN(Z15)

loaded:
	PAIRS(Z0, Z1, Z2, Z3)
	PAIRS(Z4, Z5, Z6, Z7)
	PAIRS(Z8, Z9, Z10, Z11)
	PAIRS(Z12, Z13, Z14, Z15)
	BLOCKS(Z0, Z4, Z8, Z12)
	BLOCKS(Z1, Z5, Z9, Z13)
	BLOCKS(Z2, Z6, Z10, Z14)
	BLOCKS(Z3, Z7, Z11, Z15)
	MOVQ SI, DI
	OUT(Z0)
	OUT(Z1)
	OUT(Z2)
	OUT(Z3)
	OUT(Z4)
	OUT(Z5)
	OUT(Z6)
	OUT(Z7)
	OUT(Z8)
	OUT(Z9)
	OUT(Z10)
	OUT(Z11)
	OUT(Z12)
	OUT(Z13)
	OUT(Z14)
	OUT(Z15)
	ADDQ $64, R8
	SUBQ $16, SI
	JG   columns

stored:
	VZEROUPPER
	RET
