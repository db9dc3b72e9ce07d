#include "go_asm.h"
#include "textflag.h"

// The micro-kernel of matrix products on 256-bit registers: up to 6 rows by
// two registers of C stay in Y0-Y11 while the steps run. Rows of A are evenly
// spaced and registers of C whole.
//
//	DI  the tile                     CX  counts segments down
//	SI  counts steps down, or the row stride of C in bytes
//	R8  first row of A of the rows under way
//	AX  runs through A, or through the rows of C
//	R9  row stride of A in bytes     R10, R11 three and five of it
//	R12 step stride of A in bytes
//	DX  runs through B               R13 step stride of B in bytes

// EACHn does something to the registers of n rows.
#define EACH1(DO) \
	DO(Y0, Y1)

#define EACH2(DO) \
	EACH1(DO);  \
	DO(Y2, Y3)

#define EACH3(DO) \
	EACH2(DO);  \
	DO(Y4, Y5)

#define EACH4(DO) \
	EACH3(DO);  \
	DO(Y6, Y7)

#define EACH6(DO) \
	EACH4(DO);   \
	DO(Y8, Y9);  \
	DO(Y10, Y11)

// What there is to do to a row of one or two registers.
#define ZEROWIDE(x, y) \
	VXORPS x, x, x; \
	VXORPS y, y, y

#define ZERONARROW(x, y) \
	VXORPS x, x, x

#define LOADWIDE(x, y) \
	VMOVUPS (AX), x;   \
	VMOVUPS 32(AX), y; \
	ADDQ    SI, AX

#define LOADNARROW(x, y) \
	VMOVUPS (AX), x; \
	ADDQ    SI, AX

#define BIASLOADWIDE \
	VMOVUPS (AX), Y12;   \
	VMOVUPS 32(AX), Y13

#define BIASLOADNARROW \
	VMOVUPS (AX), Y12

#define BIASWIDE(x, y) \
	VADDPS Y12, x, x; \
	VADDPS Y13, y, y

#define BIASNARROW(x, y) \
	VADDPS Y12, x, x

#define RESIDUALWIDE(x, y) \
	VADDPS (AX), x, x;   \
	VADDPS 32(AX), y, y; \
	ADDQ   SI, AX

#define RESIDUALNARROW(x, y) \
	VADDPS (AX), x, x; \
	ADDQ   SI, AX

// The order of the operands lets NaN through.
#define CLIPWIDE(x, y) \
	VMAXPS x, Y14, x; \
	VMAXPS y, Y14, y; \
	VMINPS x, Y15, x; \
	VMINPS y, Y15, y

#define CLIPNARROW(x, y) \
	VMAXPS x, Y14, x; \
	VMINPS x, Y15, x

#define STOREWIDE(x, y) \
	VMOVUPS x, (AX);   \
	VMOVUPS y, 32(AX); \
	ADDQ    SI, AX

#define STORENARROW(x, y) \
	VMOVUPS x, (AX); \
	ADDQ    SI, AX

// One step of n rows.
#define WIDE(element, x, y) \
	VBROADCASTSS element, Y14; \
	VFMADD231PS  Y12, Y14, x;  \
	VFMADD231PS  Y13, Y14, y

#define NARROW(element, x, y) \
	VBROADCASTSS element, Y14; \
	VFMADD231PS  Y12, Y14, x

#define BWIDE \
	VMOVUPS (DX), Y12;   \
	VMOVUPS 32(DX), Y13

#define BNARROW \
	VMOVUPS (DX), Y12

#define STEP1(B, ROW) \
	B;                 \
	ROW((AX), Y0, Y1)

#define STEP2(B, ROW) \
	STEP1(B, ROW);          \
	ROW((AX)(R9*1), Y2, Y3)

#define STEP3(B, ROW) \
	STEP2(B, ROW);          \
	ROW((AX)(R9*2), Y4, Y5)

#define STEP4(B, ROW) \
	STEP3(B, ROW);           \
	ROW((AX)(R10*1), Y6, Y7)

#define STEP6(B, ROW) \
	STEP4(B, ROW);             \
	ROW((AX)(R9*4), Y8, Y9);   \
	ROW((AX)(R11*1), Y10, Y11)

// CSTRIDE readies SI for walks through C.
#define CSTRIDE \
	MOVQ tile_ldc(DI), SI; \
	SHLQ $2, SI

// TILE computes n rows and goes on to the next ones.
#define TILE(n, EACH, STEP, B, ROW, ZERO, LOAD, BIASLOAD, BIAS, RESIDUAL, CLIP, STORE, next, load, begin, segment, step, nobias, noresidual, noclip) \
	CSTRIDE;                          \
	MOVQ         c-16(SP), AX;        \
	CMPB         tile_add(DI), $0;    \
	JNE          load;                \
	EACH(ZERO);                       \
	JMP          begin;               \
load: \
	EACH(LOAD);                       \
begin: \
	MOVQ         R8, AX;              \
	MOVQ         tile_b(DI), DX;      \
	MOVQ         tile_segs(DI), CX;   \
segment: \
	MOVQ         tile_k(DI), SI;      \
step: \
	STEP(B, ROW);                     \
	ADDQ         R12, AX;             \
	ADDQ         R13, DX;             \
	DECQ         SI;                  \
	JNZ          step;                \
	ADDQ         ajump-32(SP), AX;    \
	ADDQ         bjump-40(SP), DX;    \
	DECQ         CX;                  \
	JNZ          segment;             \
	CSTRIDE;                          \
	MOVQ         tile_bias(DI), AX;   \
	TESTQ        AX, AX;              \
	JZ           nobias;              \
	BIASLOAD;                         \
	EACH(BIAS);                       \
nobias: \
	MOVQ         residual-24(SP), AX; \
	TESTQ        AX, AX;              \
	JZ           noresidual;          \
	EACH(RESIDUAL);                   \
	MOVQ         AX, residual-24(SP); \
noresidual: \
	CMPB         tile_clip(DI), $0;   \
	JEQ          noclip;              \
	VBROADCASTSS tile_lo(DI), Y14;    \
	VBROADCASTSS tile_hi(DI), Y15;    \
	EACH(CLIP);                       \
noclip: \
	MOVQ         c-16(SP), AX;        \
	EACH(STORE);                      \
	MOVQ         AX, c-16(SP);        \
	MOVQ         $n, AX;              \
	JMP          next

#define TILEWIDE(n, EACH, STEP, load, begin, segment, step, nobias, noresidual, noclip) \
	TILE(n, EACH, STEP, BWIDE, WIDE, ZEROWIDE, LOADWIDE, BIASLOADWIDE, BIASWIDE, RESIDUALWIDE, CLIPWIDE, STOREWIDE, wide, load, begin, segment, step, nobias, noresidual, noclip)

#define TILENARROW(n, EACH, STEP, load, begin, segment, step, nobias, noresidual, noclip) \
	TILE(n, EACH, STEP, BNARROW, NARROW, ZERONARROW, LOADNARROW, BIASLOADNARROW, BIASNARROW, RESIDUALNARROW, CLIPNARROW, STORENARROW, narrow, load, begin, segment, step, nobias, noresidual, noclip)

// CHOOSE goes on by AX rows and chooses how many come next: 7 are better done
// as 4 and 3, and 5 as 3 and 2, than with one row alone, whose sums are chains
// too few to keep the core busy.
#define CHOOSE(six, four, three, two, one) \
	SUBQ  AX, rows-8(SP);   \
	IMULQ R9, AX;           \
	ADDQ  AX, R8;           \
	MOVQ  rows-8(SP), AX;   \
	CMPQ  AX, $7;           \
	JEQ   four;             \
	CMPQ  AX, $6;           \
	JGE   six;              \
	CMPQ  AX, $4;           \
	JEQ   four;             \
	CMPQ  AX, $3;           \
	JGE   three;            \
	CMPQ  AX, $2;           \
	JEQ   two;              \
	CMPQ  AX, $1;           \
	JEQ   one;              \
	JMP   done

// func tileAVX2(t *tile)
TEXT ·tileAVX2(SB), NOSPLIT, $40-8
	MOVQ  t+0(FP), DI
	MOVQ  tile_m(DI), AX
	MOVQ  AX, rows-8(SP)
	MOVQ  tile_c(DI), AX
	MOVQ  AX, c-16(SP)
	MOVQ  tile_residual(DI), AX
	MOVQ  AX, residual-24(SP)
	MOVQ  tile_a(DI), R8
	MOVQ  tile_ars(DI), R9
	SHLQ  $2, R9
	LEAQ  (R9)(R9*2), R10
	LEAQ  (R9)(R9*4), R11
	MOVQ  tile_acs(DI), R12
	MOVQ  tile_ldb(DI), R13
	MOVQ  tile_k(DI), AX
	MOVQ  tile_aseg(DI), BX
	MOVQ  AX, DX
	IMULQ R12, DX
	SUBQ  DX, BX
	SHLQ  $2, BX
	MOVQ  BX, ajump-32(SP)
	MOVQ  tile_bseg(DI), BX
	IMULQ R13, AX
	SUBQ  AX, BX
	SHLQ  $2, BX
	MOVQ  BX, bjump-40(SP)
	SHLQ  $2, R12
	SHLQ  $2, R13
	XORL  AX, AX
	CMPQ  tile_n(DI), $8
	JLE   narrow

wide:
	CHOOSE(wide6, wide4, wide3, wide2, wide1)

wide6:
	TILEWIDE(6, EACH6, STEP6, w6load, w6begin, w6segment, w6step, w6nobias, w6noresidual, w6noclip)

wide4:
	TILEWIDE(4, EACH4, STEP4, w4load, w4begin, w4segment, w4step, w4nobias, w4noresidual, w4noclip)

wide3:
	TILEWIDE(3, EACH3, STEP3, w3load, w3begin, w3segment, w3step, w3nobias, w3noresidual, w3noclip)

wide2:
	TILEWIDE(2, EACH2, STEP2, w2load, w2begin, w2segment, w2step, w2nobias, w2noresidual, w2noclip)

wide1:
	TILEWIDE(1, EACH1, STEP1, w1load, w1begin, w1segment, w1step, w1nobias, w1noresidual, w1noclip)

narrow:
	CHOOSE(narrow6, narrow4, narrow3, narrow2, narrow1)

narrow6:
	TILENARROW(6, EACH6, STEP6, n6load, n6begin, n6segment, n6step, n6nobias, n6noresidual, n6noclip)

narrow4:
	TILENARROW(4, EACH4, STEP4, n4load, n4begin, n4segment, n4step, n4nobias, n4noresidual, n4noclip)

narrow3:
	TILENARROW(3, EACH3, STEP3, n3load, n3begin, n3segment, n3step, n3nobias, n3noresidual, n3noclip)

narrow2:
	TILENARROW(2, EACH2, STEP2, n2load, n2begin, n2segment, n2step, n2nobias, n2noresidual, n2noclip)

narrow1:
	TILENARROW(1, EACH1, STEP1, n1load, n1begin, n1segment, n1step, n1nobias, n1noresidual, n1noclip)

done:
	VZEROUPPER
	RET
