#include "go_asm.h"
#include "textflag.h"

// The micro-kernel of depthwise convolutions on 256-bit registers: up to 6
// outputs by 16 channels stay in Y0-Y11 while the taps run. Registers of
// channels are whole.
//
//	DI  the strip                    CX  counts rows of taps down
//	SI  counts taps down, or the step from output to output of y in bytes
//	R8  x of the first output under way
//	AX  runs through x along the taps, or through the outputs of y
//	R9  step from output to output of x in bytes
//	R10, R11  three and five of it
//	R12 step from tap to tap of x in bytes
//	DX  runs through w               R13 step from tap to tap of w in bytes

// EACHn does something to the registers of n outputs.
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

#define EACH5(DO) \
	EACH4(DO);  \
	DO(Y8, Y9)

#define EACH6(DO) \
	EACH5(DO);   \
	DO(Y10, Y11)

// What there is to do to the registers of an output.
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

// One tap of n outputs.
#define WWIDE \
	VMOVUPS (DX), Y12;   \
	VMOVUPS 32(DX), Y13

#define WNARROW \
	VMOVUPS (DX), Y12

// OUTWIDE and OUTNARROW take an index register apart, because the second
// register of channels lies 32 bytes on.
#define OUTWIDE(index, x, y) \
	VFMADD231PS (AX)(index), Y12, x;   \
	VFMADD231PS 32(AX)(index), Y13, y

#define OUTNARROW(index, x, y) \
	VFMADD231PS (AX)(index), Y12, x

#define FIRSTWIDE \
	VFMADD231PS (AX), Y12, Y0;   \
	VFMADD231PS 32(AX), Y13, Y1

#define FIRSTNARROW \
	VFMADD231PS (AX), Y12, Y0

#define TAP1(W, FIRST, OUT) \
	W;    \
	FIRST

#define TAP2(W, FIRST, OUT) \
	TAP1(W, FIRST, OUT);  \
	OUT(R9*1, Y2, Y3)

#define TAP3(W, FIRST, OUT) \
	TAP2(W, FIRST, OUT);  \
	OUT(R9*2, Y4, Y5)

#define TAP4(W, FIRST, OUT) \
	TAP3(W, FIRST, OUT);  \
	OUT(R10*1, Y6, Y7)

#define TAP5(W, FIRST, OUT) \
	TAP4(W, FIRST, OUT);  \
	OUT(R9*4, Y8, Y9)

#define TAP6(W, FIRST, OUT) \
	TAP5(W, FIRST, OUT);  \
	OUT(R11*1, Y10, Y11)

// YSTEP readies SI for walks through y.
#define YSTEP \
	MOVQ strip_ym(DI), SI; \
	SHLQ $2, SI

// CHUNKS computes n outputs, 16 channels at a time, or 8.
#define CHUNKS(n, channels, EACH, TAP, W, FIRST, OUT, ZERO, LOAD, BIASLOAD, BIAS, RESIDUAL, CLIP, STORE, next, chunk, load, begin, row, tap, taken, nobias, noresidual, noclip) \
	MOVQ         R8, xc-16(SP);            \
	MOVQ         strip_w(DI), AX;          \
	MOVQ         AX, wc-24(SP);            \
	MOVQ         y-32(SP), AX;             \
	MOVQ         AX, yc-40(SP);            \
	MOVQ         residual-48(SP), AX;      \
	MOVQ         AX, rc-56(SP);            \
	MOVQ         strip_bias(DI), AX;       \
	MOVQ         AX, bc-64(SP);            \
	MOVQ         strip_n(DI), AX;          \
	MOVQ         AX, left-72(SP);          \
chunk: \
	YSTEP;                                 \
	MOVQ         yc-40(SP), AX;            \
	CMPB         strip_add(DI), $0;        \
	JNE          load;                     \
	EACH(ZERO);                            \
	JMP          begin;                    \
load: \
	EACH(LOAD);                            \
begin: \
	MOVQ         xc-16(SP), AX;            \
	MOVQ         wc-24(SP), DX;            \
	MOVQ         strip_rows(DI), CX;       \
	TESTQ        CX, CX;                   \
	JZ           taken;                    \
row: \
	MOVQ         strip_cols(DI), SI;       \
tap: \
	TAP(W, FIRST, OUT);                    \
	ADDQ         R12, AX;                  \
	ADDQ         R13, DX;                  \
	DECQ         SI;                       \
	JNZ          tap;                      \
	ADDQ         xjump-80(SP), AX;         \
	ADDQ         wjump-88(SP), DX;         \
	DECQ         CX;                       \
	JNZ          row;                      \
taken: \
	YSTEP;                                 \
	MOVQ         bc-64(SP), AX;            \
	TESTQ        AX, AX;                   \
	JZ           nobias;                   \
	BIASLOAD;                              \
	EACH(BIAS);                            \
	ADDQ         $(4*channels), bc-64(SP); \
nobias: \
	MOVQ         rc-56(SP), AX;            \
	TESTQ        AX, AX;                   \
	JZ           noresidual;               \
	EACH(RESIDUAL);                        \
	ADDQ         $(4*channels), rc-56(SP); \
noresidual: \
	CMPB         strip_clip(DI), $0;       \
	JEQ          noclip;                   \
	VBROADCASTSS strip_lo(DI), Y14;        \
	VBROADCASTSS strip_hi(DI), Y15;        \
	EACH(CLIP);                            \
noclip: \
	MOVQ         yc-40(SP), AX;            \
	EACH(STORE);                           \
	ADDQ         $(4*channels), xc-16(SP); \
	ADDQ         $(4*channels), wc-24(SP); \
	ADDQ         $(4*channels), yc-40(SP); \
	SUBQ         $channels, left-72(SP);   \
	JG           chunk;                    \
	MOVQ         $n, AX;                   \
	JMP          next

#define CHUNKSWIDE(n, EACH, TAP, chunk, load, begin, row, tap, taken, nobias, noresidual, noclip) \
	CHUNKS(n, 16, EACH, TAP, WWIDE, FIRSTWIDE, OUTWIDE, ZEROWIDE, LOADWIDE, BIASLOADWIDE, BIASWIDE, RESIDUALWIDE, CLIPWIDE, STOREWIDE, wide, chunk, load, begin, row, tap, taken, nobias, noresidual, noclip)

#define CHUNKSNARROW(n, EACH, TAP, chunk, load, begin, row, tap, taken, nobias, noresidual, noclip) \
	CHUNKS(n, 8, EACH, TAP, WNARROW, FIRSTNARROW, OUTNARROW, ZERONARROW, LOADNARROW, BIASLOADNARROW, BIASNARROW, RESIDUALNARROW, CLIPNARROW, STORENARROW, narrow, chunk, load, begin, row, tap, taken, nobias, noresidual, noclip)

// CHOOSE goes on by AX outputs and chooses how many come next: a core does two
// products per cycle, and one or two outputs alone are chains too few to keep
// it busy.
#define CHOOSE(six, five, four, three, two, one, stay) \
	SUBQ  AX, outputs-8(SP);    \
	YSTEP;                      \
	IMULQ AX, SI;               \
	ADDQ  SI, y-32(SP);         \
	IMULQ R9, AX;               \
	ADDQ  AX, R8;               \
	CMPQ  residual-48(SP), $0;  \
	JEQ   stay;                 \
	ADDQ  SI, residual-48(SP);  \
stay: \
	MOVQ  outputs-8(SP), AX;    \
	CMPQ  AX, $8;               \
	JEQ   four;                 \
	CMPQ  AX, $7;               \
	JEQ   four;                 \
	CMPQ  AX, $6;               \
	JGE   six;                  \
	CMPQ  AX, $5;               \
	JEQ   five;                 \
	CMPQ  AX, $4;               \
	JEQ   four;                 \
	CMPQ  AX, $3;               \
	JEQ   three;                \
	CMPQ  AX, $2;               \
	JEQ   two;                  \
	CMPQ  AX, $1;               \
	JEQ   one;                  \
	JMP   done

// func stripAVX2(s *strip)
TEXT ·stripAVX2(SB), NOSPLIT, $88-8
	MOVQ  s+0(FP), DI
	MOVQ  strip_m(DI), AX
	MOVQ  AX, outputs-8(SP)
	MOVQ  strip_y(DI), AX
	MOVQ  AX, y-32(SP)
	MOVQ  strip_residual(DI), AX
	MOVQ  AX, residual-48(SP)
	MOVQ  strip_x(DI), R8
	MOVQ  strip_x0(DI), AX
	LEAQ  (R8)(AX*4), R8
	MOVQ  strip_xm(DI), R9
	SHLQ  $2, R9
	LEAQ  (R9)(R9*2), R10
	LEAQ  (R9)(R9*4), R11
	MOVQ  strip_xcol(DI), R12
	MOVQ  strip_wcol(DI), R13
	MOVQ  strip_cols(DI), AX
	MOVQ  strip_xrow(DI), CX
	MOVQ  AX, DX
	IMULQ R12, DX
	SUBQ  DX, CX
	SHLQ  $2, CX
	MOVQ  CX, xjump-80(SP)
	MOVQ  strip_wrow(DI), CX
	IMULQ R13, AX
	SUBQ  AX, CX
	SHLQ  $2, CX
	MOVQ  CX, wjump-88(SP)
	SHLQ  $2, R12
	SHLQ  $2, R13
	XORL  AX, AX
	CMPQ  strip_n(DI), $8
	JEQ   narrow

wide:
	CHOOSE(wide6, wide5, wide4, wide3, wide2, wide1, widestay)

wide6:
	CHUNKSWIDE(6, EACH6, TAP6, w6chunk, w6load, w6begin, w6row, w6tap, w6taken, w6nobias, w6noresidual, w6noclip)

wide5:
	CHUNKSWIDE(5, EACH5, TAP5, w5chunk, w5load, w5begin, w5row, w5tap, w5taken, w5nobias, w5noresidual, w5noclip)

wide4:
	CHUNKSWIDE(4, EACH4, TAP4, w4chunk, w4load, w4begin, w4row, w4tap, w4taken, w4nobias, w4noresidual, w4noclip)

wide3:
	CHUNKSWIDE(3, EACH3, TAP3, w3chunk, w3load, w3begin, w3row, w3tap, w3taken, w3nobias, w3noresidual, w3noclip)

wide2:
	CHUNKSWIDE(2, EACH2, TAP2, w2chunk, w2load, w2begin, w2row, w2tap, w2taken, w2nobias, w2noresidual, w2noclip)

wide1:
	CHUNKSWIDE(1, EACH1, TAP1, w1chunk, w1load, w1begin, w1row, w1tap, w1taken, w1nobias, w1noresidual, w1noclip)

narrow:
	CHOOSE(narrow6, narrow5, narrow4, narrow3, narrow2, narrow1, narrowstay)

narrow6:
	CHUNKSNARROW(6, EACH6, TAP6, n6chunk, n6load, n6begin, n6row, n6tap, n6taken, n6nobias, n6noresidual, n6noclip)

narrow5:
	CHUNKSNARROW(5, EACH5, TAP5, n5chunk, n5load, n5begin, n5row, n5tap, n5taken, n5nobias, n5noresidual, n5noclip)

narrow4:
	CHUNKSNARROW(4, EACH4, TAP4, n4chunk, n4load, n4begin, n4row, n4tap, n4taken, n4nobias, n4noresidual, n4noclip)

narrow3:
	CHUNKSNARROW(3, EACH3, TAP3, n3chunk, n3load, n3begin, n3row, n3tap, n3taken, n3nobias, n3noresidual, n3noclip)

narrow2:
	CHUNKSNARROW(2, EACH2, TAP2, n2chunk, n2load, n2begin, n2row, n2tap, n2taken, n2nobias, n2noresidual, n2noclip)

narrow1:
	CHUNKSNARROW(1, EACH1, TAP1, n1chunk, n1load, n1begin, n1row, n1tap, n1taken, n1nobias, n1noresidual, n1noclip)

done:
	VZEROUPPER
	RET
