#include "go_asm.h"
#include "textflag.h"

// The micro-kernel of integer products on 512-bit registers: up to 14 rows by
// two registers of sums stay in Z0-Z27 while the steps run.
//
//	DI  the tile                     SI  counts steps
//	R8  rows to go                   R13 the panel's epilogue
//	AX  row 0 of A under way, BX row 7
//	R9  row stride of A in bytes     R10, R11 three and five of it
//	DX  runs through B               R12 row of Y (or of the sums) under way
//	CX  row stride of Y (or of the sums)
//	R15 segments to go, or the first row of Y
//	K1, K2  columns of the first and of the second register of a row
//	K3  the even ones of 16 columns

DATA even<>+0(SB)/4, $0x5555
GLOBL even<>(SB), RODATA|NOPTR, $4

#define EACH1(DO) \
	DO(Z0, Z1)

#define EACH2(DO) \
	EACH1(DO); \
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

#define START(x, y) \
	VMOVDQA64 Z28, x; \
	VMOVDQA64 Z29, y

// Four bytes of a row times four of every column.
#define DOTWIDE(at, t, x, y) \
	VPBROADCASTD at, t;  \
	VPDPBUSD Z28, t, x; \
	VPDPBUSD Z29, t, y

#define DOTNARROW(at, t, x, y) \
	VPBROADCASTD at, t; \
	VPDPBUSD Z28, t, x

#define ROWS1(DOT) \
	DOT((AX), Z30, Z0, Z1)

#define ROWS2(DOT) \
	ROWS1(DOT); \
	DOT((AX)(R9*1), Z31, Z2, Z3)

#define ROWS4(DOT) \
	ROWS2(DOT);                  \
	DOT((AX)(R9*2), Z30, Z4, Z5); \
	DOT((AX)(R10*1), Z31, Z6, Z7)

#define ROWS7(DOT) \
	ROWS4(DOT);                     \
	DOT((AX)(R9*4), Z30, Z8, Z9);   \
	DOT((AX)(R11*1), Z31, Z10, Z11); \
	DOT((AX)(R10*2), Z30, Z12, Z13)

#define ROWS14(DOT) \
	ROWS7(DOT);                      \
	DOT((BX), Z31, Z14, Z15);        \
	DOT((BX)(R9*1), Z30, Z16, Z17);  \
	DOT((BX)(R9*2), Z31, Z18, Z19);  \
	DOT((BX)(R10*1), Z30, Z20, Z21); \
	DOT((BX)(R9*4), Z31, Z22, Z23);  \
	DOT((BX)(R11*1), Z30, Z24, Z25); \
	DOT((BX)(R10*2), Z31, Z26, Z27)

// REQUANT makes bytes of the sums in x, columns from the one that the offset
// says, and stores them. Products of even and of odd columns are made apart;
// their high halves come together in x. Signed saturation cannot be used:
// the limits are those of unsigned bytes, so negative ones go first.
#define REQUANT(x, offset, mask, to) \
	VPSHUFD  $0xF5, x, Z30;                                     \
	VPMULDQ  Z28, x, x;                                         \
	VPMULDQ  Z29, Z30, Z30;                                     \
	VPSHUFD  $0xF5, x, K3, Z30;                                 \
	VPADDD   (panelRequant_round+offset)(R13), Z30, Z30;        \
	VPSRAVD  (panelRequant_shift+offset)(R13), Z30, Z30;        \
	VPMAXSD.BCST panelRequant_lo(R13), Z30, Z30;                \
	VPMINSD.BCST panelRequant_hi(R13), Z30, Z30;                \
	VPMOVDB  Z30, mask, to

#define FINISHLO(x, y) \
	REQUANT(x, 0, K1, (R12)); \
	ADDQ CX, R12

#define FINISHHI(x, y) \
	REQUANT(y, 64, K2, 16(R12)); \
	ADDQ CX, R12

#define SUMS(x, y) \
	VMOVDQU32 x, (R12);   \
	VMOVDQU32 y, 64(R12); \
	ADDQ CX, R12

// BLOCK computes n rows, wide or narrow, and goes on with what follows.
#define BLOCK(n, each, rows, wide, narrow, segment, loopw, loopn, tail, raw, next) \
	VMOVDQU32 panelRequant_bias(R13), Z28;      \
	VMOVDQU32 (panelRequant_bias+64)(R13), Z29; \
	each(START);                                \
	MOVQ tile_b(DI), DX;                        \
	MOVQ tile_segs(DI), R15;                    \
	LEAQ (R9)(R10*2), BX;                       \
	ADDQ AX, BX;                                \
segment:                                        \
	MOVQ tile_steps(DI), SI;                    \
	CMPQ tile_n(DI), $16;                       \
	JLE  loopn;                                 \
loopw:                                          \
	VMOVDQU32 (DX), Z28;                        \
	VMOVDQU32 64(DX), Z29;                      \
	rows(wide);                                 \
	ADDQ $128, DX;                              \
	ADDQ $4, AX;                                \
	ADDQ $4, BX;                                \
	DECQ SI;                                    \
	JNZ  loopw;                                 \
	JMP  tail;                                  \
loopn:                                          \
	VMOVDQU32 (DX), Z28;                        \
	rows(narrow);                               \
	ADDQ $128, DX;                              \
	ADDQ $4, AX;                                \
	ADDQ $4, BX;                                \
	DECQ SI;                                    \
	JNZ  loopn;                                 \
tail:                                           \
	ADDQ tile_skip(DI), AX;                     \
	ADDQ tile_skip(DI), BX;                     \
	DECQ R15;                                   \
	JNZ  segment;                               \
	CMPQ tile_sums(DI), $0;                \
	JNE  raw;                                   \
	MOVQ R12, R15;                              \
	VMOVDQU32 panelRequant_even(R13), Z28;      \
	VMOVDQU32 panelRequant_odd(R13), Z29;       \
	each(FINISHLO);                             \
	CMPQ tile_n(DI), $16;                       \
	JLE  next;                                  \
	MOVQ R15, R12;                              \
	VMOVDQU32 (panelRequant_even+64)(R13), Z28; \
	VMOVDQU32 (panelRequant_odd+64)(R13), Z29;  \
	each(FINISHHI);                             \
	JMP  next;                                  \
raw:                                            \
	each(SUMS);                                 \
next:                                           \
	SUBQ tile_back(DI), AX;                     \
	IMUL3Q $n, R9, SI;                          \
	ADDQ SI, AX;                                \
	SUBQ $n, R8

// func tileVNNI(t *tile)
TEXT ·tileVNNI(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), DI
	MOVQ tile_q(DI), R13
	MOVQ tile_m(DI), R8
	MOVQ tile_a(DI), AX
	MOVQ tile_ars(DI), R9
	LEAQ (R9)(R9*2), R10
	LEAQ (R9)(R9*4), R11
	MOVQ tile_y(DI), R12
	MOVQ tile_ldy(DI), CX
	CMPQ tile_sums(DI), $0
	JEQ  columns
	MOVQ tile_sums(DI), R12
	MOVQ $128, CX

columns:
	KMOVW even<>(SB), K3

	// The first n of 32 bits.
	MOVQ  CX, BX
	MOVQ  tile_n(DI), CX
	MOVL  $1, DX
	SHLQ  CX, DX
	DECQ  DX
	KMOVW DX, K1
	SHRQ  $16, DX
	KMOVW DX, K2
	MOVQ  BX, CX

	CMPQ R8, $14
	JL   seven

fourteen:
	BLOCK(14, EACH14, ROWS14, DOTWIDE, DOTNARROW, segment14, wide14, narrow14, tail14, raw14, next14)
	CMPQ R8, $14
	JGE  fourteen

seven:
	CMPQ R8, $7
	JL   four
	BLOCK(7, EACH7, ROWS7, DOTWIDE, DOTNARROW, segment7, wide7, narrow7, tail7, raw7, next7)

four:
	CMPQ R8, $4
	JL   two
	BLOCK(4, EACH4, ROWS4, DOTWIDE, DOTNARROW, segment4, wide4, narrow4, tail4, raw4, next4)

two:
	CMPQ R8, $2
	JL   one
	BLOCK(2, EACH2, ROWS2, DOTWIDE, DOTNARROW, segment2, wide2, narrow2, tail2, raw2, next2)

one:
	CMPQ R8, $1
	JL   done
	BLOCK(1, EACH1, ROWS1, DOTWIDE, DOTNARROW, segment1, wide1, narrow1, tail1, raw1, next1)

done:
	VZEROUPPER
	RET
