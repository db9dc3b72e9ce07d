#include "textflag.h"

// Matrices and rows: 8 columns a turn, then one by one. rows and cols are at
// least 1; stride is the distance of two rows in elements.

// OVERROWS runs WIDE on 8 columns at a time and NARROW on those left, for all
// rows of dst (DI) and x (SI); AX counts columns.
#define OVERROWS(WIDE, NARROW) \
	MOVQ dst+0(FP), DI \
	MOVQ x+8(FP), SI \
	MOVQ scale+16(FP), DX \
	MOVQ shift+24(FP), R9 \
	MOVQ rows+32(FP), R10 \
	MOVQ cols+40(FP), CX \
	MOVQ stride+48(FP), R11 \
	SHLQ $2, R11 \
	MOVQ CX, BX \
	ANDQ $-8, BX \
row: \
	XORQ AX, AX \
	TESTQ BX, BX \
	JZ narrow \
wide: \
	VMOVUPS (SI)(AX*4), Y0 \
	WIDE \
	VMOVUPS Y0, (DI)(AX*4) \
	ADDQ $8, AX \
	CMPQ AX, BX \
	JLT wide \
narrow: \
	CMPQ AX, CX \
	JGE next \
	VMOVSS (SI)(AX*4), X0 \
	NARROW \
	VMOVSS X0, (DI)(AX*4) \
	INCQ AX \
	JMP narrow \
next: \
	ADDQ R11, SI \
	ADDQ R11, DI \
	DECQ R10 \
	JNZ row \
	VZEROUPPER \
	RET

#define MULWIDE VMULPS (DX)(AX*4), Y0, Y0
#define MULNARROW VMULSS (DX)(AX*4), X0, X0
#define ADDWIDE VADDPS (R9)(AX*4), Y0, Y0
#define ADDNARROW VADDSS (R9)(AX*4), X0, X0
#define AFFINEWIDE \
	MULWIDE \
	ADDWIDE
#define AFFINENARROW \
	MULNARROW \
	ADDNARROW

// func vecMulRowsAVX2(dst, x, scale, shift *float32, rows, cols, stride int)
TEXT ·vecMulRowsAVX2(SB), NOSPLIT, $0-56
	OVERROWS(MULWIDE, MULNARROW)

// func vecAddRowsAVX2(dst, x, scale, shift *float32, rows, cols, stride int)
TEXT ·vecAddRowsAVX2(SB), NOSPLIT, $0-56
	OVERROWS(ADDWIDE, ADDNARROW)

// func vecAffineRowsAVX2(dst, x, scale, shift *float32, rows, cols, stride int)
TEXT ·vecAffineRowsAVX2(SB), NOSPLIT, $0-56
	OVERROWS(AFFINEWIDE, AFFINENARROW)

// COLUMNSUMS adds the rows to dst: 32 columns in four registers while the rows
// run, then 8, then one. TERM loads a term; SI and DX are the two matrices.
#define COLUMNSUMS(TERM, ONE) \
	SHLQ $2, R11 \
	SUBQ $32, CX \
	JLT eights \
columns32: \
	VMOVUPS (DI), Y0 \
	VMOVUPS 32(DI), Y1 \
	VMOVUPS 64(DI), Y2 \
	VMOVUPS 96(DI), Y3 \
	MOVQ R10, BX \
	MOVQ SI, R8 \
	MOVQ DX, R9 \
rows32: \
	TERM(0, Y4) \
	TERM(32, Y5) \
	TERM(64, Y6) \
	TERM(96, Y7) \
	VADDPS Y4, Y0, Y0 \
	VADDPS Y5, Y1, Y1 \
	VADDPS Y6, Y2, Y2 \
	VADDPS Y7, Y3, Y3 \
	ADDQ R11, R8 \
	ADDQ R11, R9 \
	DECQ BX \
	JNZ rows32 \
	VMOVUPS Y0, (DI) \
	VMOVUPS Y1, 32(DI) \
	VMOVUPS Y2, 64(DI) \
	VMOVUPS Y3, 96(DI) \
	ADDQ $128, DI \
	ADDQ $128, SI \
	ADDQ $128, DX \
	SUBQ $32, CX \
	JGE columns32 \
eights: \
	ADDQ $24, CX \
	JLT ones \
columns8: \
	VMOVUPS (DI), Y0 \
	MOVQ R10, BX \
	MOVQ SI, R8 \
	MOVQ DX, R9 \
rows8: \
	TERM(0, Y4) \
	VADDPS Y4, Y0, Y0 \
	ADDQ R11, R8 \
	ADDQ R11, R9 \
	DECQ BX \
	JNZ rows8 \
	VMOVUPS Y0, (DI) \
	ADDQ $32, DI \
	ADDQ $32, SI \
	ADDQ $32, DX \
	SUBQ $8, CX \
	JGE columns8 \
ones: \
	ADDQ $8, CX \
	JZ done \
columns1: \
	VMOVSS (DI), X0 \
	MOVQ R10, BX \
	MOVQ SI, R8 \
	MOVQ DX, R9 \
rows1: \
	ONE \
	VADDSS X4, X0, X0 \
	ADDQ R11, R8 \
	ADDQ R11, R9 \
	DECQ BX \
	JNZ rows1 \
	VMOVSS X0, (DI) \
	ADDQ $4, DI \
	ADDQ $4, SI \
	ADDQ $4, DX \
	DECQ CX \
	JNZ columns1 \
done: \
	VZEROUPPER \
	RET

#define LOADTERM(at, y) VMOVUPS at(R8), y
#define LOADONE VMOVSS (R8), X4
#define DOTTERM(at, y) \
	VMOVUPS at(R8), y \
	VMULPS at(R9), y, y
#define DOTONE \
	VMOVSS (R8), X4 \
	VMULSS (R9), X4, X4

// func vecColumnSumsAVX2(dst, x *float32, rows, cols, stride int)
TEXT ·vecColumnSumsAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ SI, DX
	MOVQ rows+16(FP), R10
	MOVQ cols+24(FP), CX
	MOVQ stride+32(FP), R11
	COLUMNSUMS(LOADTERM, LOADONE)

// func vecColumnDotsAVX2(dst, x, y *float32, rows, cols, stride int)
TEXT ·vecColumnDotsAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ rows+24(FP), R10
	MOVQ cols+32(FP), CX
	MOVQ stride+40(FP), R11
	COLUMNSUMS(DOTTERM, DOTONE)
