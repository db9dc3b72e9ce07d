#include "go_asm.h"
#include "textflag.h"

// The micro-kernel of depthwise convolutions on 512-bit registers: up to 8
// outputs by 32 channels stay in Z0-Z15 while the taps run.
//
//	DI  the strip                    CX  counts rows of taps down
//	SI  counts taps down, or the step from output to output of y in bytes
//	R8  x of the first output under way
//	AX  runs through x along the taps, or through the outputs of y
//	R9  step from output to output of x in bytes
//	R10, R11, BX  three, five and seven of it
//	R12 step from tap to tap of x in bytes
//	DX  runs through w               R13 step from tap to tap of w in bytes
//	K1, K2  channels of the first and of the second register
//
// Masked loads do not touch the memory of lanes that are off.

// EACHn does something to the registers of n outputs.
#define EACH1(DO) \
	DO(Z0, Z1)

#define EACH2(DO) \
	EACH1(DO);  \
	DO(Z2, Z3)

#define EACH3(DO) \
	EACH2(DO);  \
	DO(Z4, Z5)

#define EACH4(DO) \
	EACH3(DO);  \
	DO(Z6, Z7)

#define EACH5(DO) \
	EACH4(DO);  \
	DO(Z8, Z9)

#define EACH8(DO) \
	EACH5(DO);    \
	DO(Z10, Z11); \
	DO(Z12, Z13); \
	DO(Z14, Z15)

// What there is to do to the registers of an output.
#define ZERO(x, y) \
	VPXORD x, x, x; \
	VPXORD y, y, y

#define LOAD(x, y) \
	VMOVUPS.Z (AX), K1, x;   \
	VMOVUPS.Z 64(AX), K2, y; \
	ADDQ      SI, AX

#define BIAS(x, y) \
	VADDPS Z28, x, x; \
	VADDPS Z29, y, y

#define RESIDUAL(x, y) \
	VADDPS (AX), x, K1, x;   \
	VADDPS 64(AX), y, K2, y; \
	ADDQ   SI, AX

// The order of the operands lets NaN through.
#define CLIP(x, y) \
	VMAXPS x, Z30, x; \
	VMAXPS y, Z30, y; \
	VMINPS x, Z31, x; \
	VMINPS y, Z31, y

#define STORE(x, y) \
	VMOVUPS x, K1, (AX);   \
	VMOVUPS y, K2, 64(AX); \
	ADDQ    SI, AX

// One tap of n outputs.
#define W \
	VMOVUPS.Z (DX), K1, Z28;  \
	VMOVUPS.Z 64(DX), K2, Z29

#define TAP1 \
	W;                               \
	VFMADD231PS (AX), Z28, K1, Z0;   \
	VFMADD231PS 64(AX), Z29, K2, Z1

#define TAP2 \
	TAP1;                                    \
	VFMADD231PS (AX)(R9*1), Z28, K1, Z2;     \
	VFMADD231PS 64(AX)(R9*1), Z29, K2, Z3

#define TAP3 \
	TAP2;                                    \
	VFMADD231PS (AX)(R9*2), Z28, K1, Z4;     \
	VFMADD231PS 64(AX)(R9*2), Z29, K2, Z5

#define TAP4 \
	TAP3;                                    \
	VFMADD231PS (AX)(R10*1), Z28, K1, Z6;    \
	VFMADD231PS 64(AX)(R10*1), Z29, K2, Z7

#define TAP5 \
	TAP4;                                    \
	VFMADD231PS (AX)(R9*4), Z28, K1, Z8;     \
	VFMADD231PS 64(AX)(R9*4), Z29, K2, Z9

#define TAP8 \
	TAP5;                                    \
	VFMADD231PS (AX)(R11*1), Z28, K1, Z10;   \
	VFMADD231PS 64(AX)(R11*1), Z29, K2, Z11; \
	VFMADD231PS (AX)(R10*2), Z28, K1, Z12;   \
	VFMADD231PS 64(AX)(R10*2), Z29, K2, Z13; \
	VFMADD231PS (AX)(BX*1), Z28, K1, Z14;    \
	VFMADD231PS 64(AX)(BX*1), Z29, K2, Z15

// YSTEP readies SI for walks through y.
#define YSTEP \
	MOVQ strip_ym(DI), SI; \
	SHLQ $2, SI

// CHUNKS computes n outputs, 32 channels at a time.
#define CHUNKS(n, EACH, TAP, chunk, some, load, begin, row, tap, taken, nobias, noresidual, noclip) \
	MOVQ         R8, xc-16(SP);       \
	MOVQ         strip_w(DI), AX;     \
	MOVQ         AX, wc-24(SP);       \
	MOVQ         y-32(SP), AX;        \
	MOVQ         AX, yc-40(SP);       \
	MOVQ         residual-48(SP), AX; \
	MOVQ         AX, rc-56(SP);       \
	MOVQ         strip_bias(DI), AX;  \
	MOVQ         AX, bc-64(SP);       \
	MOVQ         strip_n(DI), AX;     \
	MOVQ         AX, left-72(SP);     \
chunk: \
	MOVL         $-1, AX;             \
	MOVQ         left-72(SP), CX;     \
	CMPQ         CX, $32;             \
	JGE          some;                \
	MOVL         $1, AX;              \
	SHLQ         CX, AX;              \
	DECQ         AX;                  \
some: \
	KMOVW        AX, K1;              \
	SHRL         $16, AX;             \
	KMOVW        AX, K2;              \
	YSTEP;                            \
	MOVQ         yc-40(SP), AX;       \
	CMPB         strip_add(DI), $0;   \
	JNE          load;                \
	EACH(ZERO);                       \
	JMP          begin;               \
load: \
	EACH(LOAD);                       \
begin: \
	MOVQ         xc-16(SP), AX;       \
	MOVQ         wc-24(SP), DX;       \
	MOVQ         strip_rows(DI), CX;  \
	TESTQ        CX, CX;              \
	JZ           taken;               \
row: \
	MOVQ         strip_cols(DI), SI;  \
tap: \
	TAP;                              \
	ADDQ         R12, AX;             \
	ADDQ         R13, DX;             \
	DECQ         SI;                  \
	JNZ          tap;                 \
	ADDQ         xjump-80(SP), AX;    \
	ADDQ         wjump-88(SP), DX;    \
	DECQ         CX;                  \
	JNZ          row;                 \
taken: \
	YSTEP;                            \
	MOVQ         bc-64(SP), AX;       \
	TESTQ        AX, AX;              \
	JZ           nobias;              \
	VMOVUPS.Z    (AX), K1, Z28;       \
	VMOVUPS.Z    64(AX), K2, Z29;     \
	EACH(BIAS);                       \
	ADDQ         $128, bc-64(SP);     \
nobias: \
	MOVQ         rc-56(SP), AX;       \
	TESTQ        AX, AX;              \
	JZ           noresidual;          \
	EACH(RESIDUAL);                   \
	ADDQ         $128, rc-56(SP);     \
noresidual: \
	CMPB         strip_clip(DI), $0;  \
	JEQ          noclip;              \
	VBROADCASTSS strip_lo(DI), Z30;   \
	VBROADCASTSS strip_hi(DI), Z31;   \
	EACH(CLIP);                       \
noclip: \
	MOVQ         yc-40(SP), AX;       \
	EACH(STORE);                      \
	ADDQ         $128, xc-16(SP);     \
	ADDQ         $128, wc-24(SP);     \
	ADDQ         $128, yc-40(SP);     \
	SUBQ         $32, left-72(SP);    \
	JG           chunk;               \
	MOVQ         $n, AX;              \
	JMP          next

// func stripAVX512(s *strip)
TEXT ·stripAVX512(SB), NOSPLIT, $88-8
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
	LEAQ  (R10)(R9*4), BX
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
	JMP   choose

	// n outputs are done.
next:
	SUBQ  AX, outputs-8(SP)
	YSTEP
	IMULQ AX, SI
	ADDQ  SI, y-32(SP)
	IMULQ R9, AX
	ADDQ  AX, R8
	CMPQ  residual-48(SP), $0
	JEQ   choose
	ADDQ  SI, residual-48(SP)

	// 7 are better done as 4 and 3, and 6 as 3 and 3, than with one output
	// alone, whose sums are chains too few to keep the core busy.
choose:
	MOVQ outputs-8(SP), AX
	CMPQ AX, $8
	JGE  eight
	CMPQ AX, $5
	JEQ  five
	CMPQ AX, $6
	JEQ  three
	CMPQ AX, $4
	JGE  four
	CMPQ AX, $3
	JEQ  three
	CMPQ AX, $2
	JEQ  two
	CMPQ AX, $1
	JEQ  one
	VZEROUPPER
	RET

eight:
	CHUNKS(8, EACH8, TAP8, chunk8, some8, load8, begin8, row8, tap8, taken8, nobias8, noresidual8, noclip8)

five:
	CHUNKS(5, EACH5, TAP5, chunk5, some5, load5, begin5, row5, tap5, taken5, nobias5, noresidual5, noclip5)

four:
	CHUNKS(4, EACH4, TAP4, chunk4, some4, load4, begin4, row4, tap4, taken4, nobias4, noresidual4, noclip4)

three:
	CHUNKS(3, EACH3, TAP3, chunk3, some3, load3, begin3, row3, tap3, taken3, nobias3, noresidual3, noclip3)

two:
	CHUNKS(2, EACH2, TAP2, chunk2, some2, load2, begin2, row2, tap2, taken2, nobias2, noresidual2, noclip2)

one:
	CHUNKS(1, EACH1, TAP1, chunk1, some1, load1, begin1, row1, tap1, taken1, nobias1, noresidual1, noclip1)
