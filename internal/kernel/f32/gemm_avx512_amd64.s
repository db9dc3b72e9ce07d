#include "go_asm.h"
#include "textflag.h"

// The micro-kernel of matrix products on 512-bit registers: up to 14 rows by
// two registers of C stay in Z0-Z27 while the steps run.
//
//	DI  the tile                     CX  counts segments down
//	SI  counts steps down, or the row stride of C in bytes
//	R8  first row of A of the rows under way
//	AX  runs through rows 0 to 6 of A, BX through rows 7 to 13; AX also
//	    through the rows of C
//	R9  row stride of A in bytes     R10, R11 three and five of it
//	R12 step stride of A in bytes
//	DX  runs through B               R13 step stride of B in bytes
//	K1, K2  columns of the first and of the second register of a row
//
// Masked loads do not touch the memory of lanes that are off.

// EACHn does something to the registers of n rows.
#define EACH1(DO) \
	DO(Z0, Z1)

#define EACH2(DO) \
	EACH1(DO);  \
	DO(Z2, Z3)

#define EACH4(DO) \
	EACH2(DO);  \
	DO(Z4, Z5); \
	DO(Z6, Z7)

#define EACH7(DO) \
	EACH4(DO);    \
	DO(Z8, Z9);   \
	DO(Z10, Z11); \
	DO(Z12, Z13)

#define EACH14(DO) \
	EACH7(DO);    \
	DO(Z14, Z15); \
	DO(Z16, Z17); \
	DO(Z18, Z19); \
	DO(Z20, Z21); \
	DO(Z22, Z23); \
	DO(Z24, Z25); \
	DO(Z26, Z27)

// What there is to do to a row of one or two registers.
#define ZEROWIDE(x, y) \
	VPXORD x, x, x; \
	VPXORD y, y, y

#define ZERONARROW(x, y) \
	VPXORD x, x, x

#define LOADWIDE(x, y) \
	VMOVUPS.Z (AX), K1, x;   \
	VMOVUPS.Z 64(AX), K2, y; \
	ADDQ      SI, AX

#define LOADNARROW(x, y) \
	VMOVUPS.Z (AX), K1, x; \
	ADDQ      SI, AX

#define BIASWIDE(x, y) \
	VADDPS Z28, x, x; \
	VADDPS Z29, y, y

#define BIASNARROW(x, y) \
	VADDPS Z28, x, x

#define RESIDUALWIDE(x, y) \
	VADDPS (AX), x, K1, x;   \
	VADDPS 64(AX), y, K2, y; \
	ADDQ   SI, AX

#define RESIDUALNARROW(x, y) \
	VADDPS (AX), x, K1, x; \
	ADDQ   SI, AX

// The order of the operands lets NaN through.
#define CLIPWIDE(x, y) \
	VMAXPS x, Z30, x; \
	VMAXPS y, Z30, y; \
	VMINPS x, Z31, x; \
	VMINPS y, Z31, y

#define CLIPNARROW(x, y) \
	VMAXPS x, Z30, x; \
	VMINPS x, Z31, x

#define STOREWIDE(x, y) \
	VMOVUPS x, K1, (AX);   \
	VMOVUPS y, K2, 64(AX); \
	ADDQ    SI, AX

#define STORENARROW(x, y) \
	VMOVUPS x, K1, (AX); \
	ADDQ    SI, AX

// One step of n rows.
#define WIDE(element, x, y) \
	VBROADCASTSS element, Z30; \
	VFMADD231PS  Z28, Z30, x;  \
	VFMADD231PS  Z29, Z30, y

#define NARROW(element, x, y) \
	VFMADD231PS.BCST element, Z28, x

#define BWIDE \
	VMOVUPS (DX), Z28;  \
	VMOVUPS 64(DX), Z29

#define BNARROW \
	VMOVUPS (DX), Z28

#define STEP1(B, ROW) \
	B;                 \
	ROW((AX), Z0, Z1)

#define STEP2(B, ROW) \
	STEP1(B, ROW);           \
	ROW((AX)(R9*1), Z2, Z3)

#define STEP4(B, ROW) \
	STEP2(B, ROW);            \
	ROW((AX)(R9*2), Z4, Z5);  \
	ROW((AX)(R10*1), Z6, Z7)

#define STEP7(B, ROW) \
	STEP4(B, ROW);              \
	ROW((AX)(R9*4), Z8, Z9);    \
	ROW((AX)(R11*1), Z10, Z11); \
	ROW((AX)(R10*2), Z12, Z13)

#define STEP14(B, ROW) \
	STEP7(B, ROW);              \
	ROW((BX), Z14, Z15);        \
	ROW((BX)(R9*1), Z16, Z17);  \
	ROW((BX)(R9*2), Z18, Z19);  \
	ROW((BX)(R10*1), Z20, Z21); \
	ROW((BX)(R9*4), Z22, Z23);  \
	ROW((BX)(R11*1), Z24, Z25); \
	ROW((BX)(R10*2), Z26, Z27)

// CSTRIDE readies SI for walks through C.
#define CSTRIDE \
	MOVQ tile_ldc(DI), SI; \
	SHLQ $2, SI

// TILE computes n rows if there are so many left, else goes to next.
#define TILE(n, EACH, STEP, B, ROW, ZERO, LOAD, BIASLOAD, BIAS, RESIDUAL, CLIP, STORE, next, load, begin, segment, step, nobias, noresidual, noclip) \
	CMPQ         rows-8(SP), $n;    \
	JLT          next;              \
	SUBQ         $n, rows-8(SP);    \
	CSTRIDE;                        \
	MOVQ         c-16(SP), AX;      \
	CMPB         tile_add(DI), $0;  \
	JNE          load;              \
	EACH(ZERO);                     \
	JMP          begin;             \
load: \
	EACH(LOAD);                     \
begin: \
	MOVQ         R8, AX;            \
	MOVQ         a7-48(SP), BX;     \
	ADDQ         R8, BX;            \
	MOVQ         tile_b(DI), DX;    \
	MOVQ         tile_segs(DI), CX; \
segment: \
	MOVQ         tile_k(DI), SI;    \
step: \
	STEP(B, ROW);                   \
	ADDQ         R12, AX;           \
	ADDQ         R12, BX;           \
	ADDQ         R13, DX;           \
	DECQ         SI;                \
	JNZ          step;              \
	ADDQ         ajump-32(SP), AX;  \
	ADDQ         ajump-32(SP), BX;  \
	ADDQ         bjump-40(SP), DX;  \
	DECQ         CX;                \
	JNZ          segment;           \
	CSTRIDE;                        \
	MOVQ         tile_bias(DI), AX; \
	TESTQ        AX, AX;            \
	JZ           nobias;            \
	BIASLOAD;                       \
	EACH(BIAS);                     \
nobias: \
	MOVQ         residual-24(SP), AX; \
	TESTQ        AX, AX;            \
	JZ           noresidual;        \
	EACH(RESIDUAL);                 \
	MOVQ         AX, residual-24(SP); \
noresidual: \
	CMPB         tile_clip(DI), $0; \
	JEQ          noclip;            \
	VBROADCASTSS tile_lo(DI), Z30;  \
	VBROADCASTSS tile_hi(DI), Z31;  \
	EACH(CLIP);                     \
noclip: \
	MOVQ         c-16(SP), AX;      \
	EACH(STORE);                    \
	MOVQ         AX, c-16(SP)

#define BIASLOADWIDE \
	VMOVUPS.Z (AX), K1, Z28;  \
	VMOVUPS.Z 64(AX), K2, Z29

#define BIASLOADNARROW \
	VMOVUPS.Z (AX), K1, Z28

#define TILEWIDE(n, EACH, STEP, next, load, begin, segment, step, nobias, noresidual, noclip) \
	TILE(n, EACH, STEP, BWIDE, WIDE, ZEROWIDE, LOADWIDE, BIASLOADWIDE, BIASWIDE, RESIDUALWIDE, CLIPWIDE, STOREWIDE, next, load, begin, segment, step, nobias, noresidual, noclip)

#define TILENARROW(n, EACH, STEP, next, load, begin, segment, step, nobias, noresidual, noclip) \
	TILE(n, EACH, STEP, BNARROW, NARROW, ZERONARROW, LOADNARROW, BIASLOADNARROW, BIASNARROW, RESIDUALNARROW, CLIPNARROW, STORENARROW, next, load, begin, segment, step, nobias, noresidual, noclip)

// func tileAVX512(t *tile)
TEXT ·tileAVX512(SB), NOSPLIT, $48-8
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
	MOVQ  tile_a7(DI), AX
	SHLQ  $2, AX
	MOVQ  AX, a7-48(SP)
	MOVQ  tile_n(DI), CX
	MOVL  $1, AX
	SHLQ  CX, AX
	DECQ  AX
	KMOVW AX, K1
	SHRQ  $16, AX
	KMOVW AX, K2
	CMPQ  CX, $16
	JLE   narrow14

wide14:
	TILEWIDE(14, EACH14, STEP14, wide7, w14load, w14begin, w14segment, w14step, w14nobias, w14noresidual, w14noclip)
	MOVQ tile_a14(DI), AX
	LEAQ (R8)(AX*4), R8
	JMP  wide14

wide7:
	TILEWIDE(7, EACH7, STEP7, wide4, w7load, w7begin, w7segment, w7step, w7nobias, w7noresidual, w7noclip)
	ADDQ a7-48(SP), R8

wide4:
	TILEWIDE(4, EACH4, STEP4, wide2, w4load, w4begin, w4segment, w4step, w4nobias, w4noresidual, w4noclip)
	LEAQ (R8)(R9*4), R8

wide2:
	TILEWIDE(2, EACH2, STEP2, wide1, w2load, w2begin, w2segment, w2step, w2nobias, w2noresidual, w2noclip)
	LEAQ (R8)(R9*2), R8

wide1:
	TILEWIDE(1, EACH1, STEP1, done, w1load, w1begin, w1segment, w1step, w1nobias, w1noresidual, w1noclip)
	JMP done

narrow14:
	TILENARROW(14, EACH14, STEP14, narrow7, n14load, n14begin, n14segment, n14step, n14nobias, n14noresidual, n14noclip)
	MOVQ tile_a14(DI), AX
	LEAQ (R8)(AX*4), R8
	JMP  narrow14

narrow7:
	TILENARROW(7, EACH7, STEP7, narrow4, n7load, n7begin, n7segment, n7step, n7nobias, n7noresidual, n7noclip)
	ADDQ a7-48(SP), R8

narrow4:
	TILENARROW(4, EACH4, STEP4, narrow2, n4load, n4begin, n4segment, n4step, n4nobias, n4noresidual, n4noclip)
	LEAQ (R8)(R9*4), R8

narrow2:
	TILENARROW(2, EACH2, STEP2, narrow1, n2load, n2begin, n2segment, n2step, n2nobias, n2noresidual, n2noclip)
	LEAQ (R8)(R9*2), R8

narrow1:
	TILENARROW(1, EACH1, STEP1, done, n1load, n1begin, n1segment, n1step, n1nobias, n1noresidual, n1noclip)

done:
	VZEROUPPER
	RET
