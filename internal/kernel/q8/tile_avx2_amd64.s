#include "go_asm.h"
#include "textflag.h"

// The micro-kernel of integer products on 256-bit registers: up to 4 rows by
// 16 columns of sums stay in Y0-Y7 while the steps run. The instruction that
// multiplies bytes and adds pairs of products saturates at 16 bits, so bytes
// are widened first: the even ones by a mask, the odd ones by a shift. Sums of
// two products of such words fit 32 bits.
//
//	DI  the tile                     SI  counts steps
//	R8  rows to go                   R13 the panel's epilogue at the column
//	AX  row 0 of A under way         R12 row of Y (or of the sums) under way
//	R9  row stride of A in bytes     R10 three of it
//	DX  runs through B               CX  row stride of Y (or of the sums)
//	R15 segments to go               BX  columns
//	R11 the column, in bytes of B
//	Y8  the even bytes               Y9-Y12 even and odd bytes of B

DATA evenbytes<>+0(SB)/4, $0x00ff00ff
GLOBL evenbytes<>(SB), RODATA|NOPTR, $4

// WEIGHTS widens the four bytes of B of 16 columns.
#define WEIGHTS \
	VMOVDQU  (DX), Y12;      \
	VMOVDQU  32(DX), Y13;    \
	VPSLLW   $8, Y12, Y9;    \
	VPSRAW   $8, Y9, Y9;     \
	VPSRAW   $8, Y12, Y10;   \
	VPSLLW   $8, Y13, Y11;   \
	VPSRAW   $8, Y11, Y11;   \
	VPSRAW   $8, Y13, Y12

// DOT adds four bytes of a row times four of every column.
#define DOT(at, x, y) \
	VPBROADCASTD at, Y14;       \
	VPAND    Y8, Y14, Y13;      \
	VPSRLW   $8, Y14, Y14;      \
	VPMADDWD Y9, Y13, Y15;      \
	VPADDD   Y15, x, x;         \
	VPMADDWD Y10, Y14, Y15;     \
	VPADDD   Y15, x, x;         \
	VPMADDWD Y11, Y13, Y13;     \
	VPADDD   Y13, y, y;         \
	VPMADDWD Y12, Y14, Y14;     \
	VPADDD   Y14, y, y

// NEXTSTEP and NEXTSEGMENT run along A and B.
#define NEXTSTEP \
	ADDQ $128, DX; \
	ADDQ $4, AX;   \
	DECQ SI

#define NEXTSEGMENT \
	ADDQ tile_skip(DI), AX; \
	DECQ R15

#define BEGIN \
	MOVQ tile_b(DI), DX; \
	ADDQ R11, DX;        \
	MOVQ tile_segs(DI), R15

// REQUANT scales eight sums. Products of even and of odd columns are made
// apart; their high halves come together in x.
#define REQUANT(x, offset) \
	VPSRLQ   $32, x, Y14;                                 \
	VPMULDQ  (panelRequant_even+offset)(R13), x, x;       \
	VPMULDQ  (panelRequant_odd+offset)(R13), Y14, Y14;    \
	VPSHUFD  $0xF5, x, x;                                 \
	VPBLENDD $0xAA, Y14, x, x;                            \
	VPADDD   (panelRequant_round+offset)(R13), x, x;      \
	VPSRAVD  (panelRequant_shift+offset)(R13), x, x

// ROW makes 16 words of a row of sums.
#define ROW(x, y) \
	REQUANT(x, 0);        \
	REQUANT(y, 32);       \
	VPACKSSDW y, x, x;    \
	VPERMQ   $0xD8, x, x

// BYTES makes the bytes of two rows of words, one in each half of x.
#define BYTES(x, y) \
	VPACKUSWB y, x, x;     \
	VPERMQ   $0xD8, x, x;  \
	VPMAXUB  Y9, x, x;     \
	VPMINUB  Y10, x, x

// func tileAVX2(t *tile, column int)
//
// Up to 16 columns from column, which is 0 or 16. No extent may be 0.
TEXT ·tileAVX2(SB), NOSPLIT, $64-16
	MOVQ t+0(FP), DI
	MOVQ column+8(FP), R11
	MOVQ tile_n(DI), BX
	SUBQ R11, BX
	MOVQ tile_q(DI), R13
	MOVQ tile_m(DI), R8
	MOVQ tile_a(DI), AX
	MOVQ tile_ars(DI), R9
	LEAQ (R9)(R9*2), R10
	MOVQ tile_y(DI), R12
	ADDQ R11, R12
	MOVQ tile_ldy(DI), CX
	SHLQ $2, R11
	ADDQ R11, R13
	CMPQ tile_sums(DI), $0
	JEQ  ready
	MOVQ tile_sums(DI), R12
	ADDQ R11, R12
	MOVQ $128, CX

ready:
	VPBROADCASTD evenbytes<>(SB), Y8
	SUBQ $4, R8
	JL   rest

four:
	VMOVDQU panelRequant_bias(R13), Y0
	VMOVDQU (panelRequant_bias+32)(R13), Y1
	VMOVDQA Y0, Y2
	VMOVDQA Y1, Y3
	VMOVDQA Y0, Y4
	VMOVDQA Y1, Y5
	VMOVDQA Y0, Y6
	VMOVDQA Y1, Y7
	BEGIN

segment4:
	MOVQ tile_steps(DI), SI

step4:
	WEIGHTS
	DOT((AX), Y0, Y1)
	DOT((AX)(R9*1), Y2, Y3)
	DOT((AX)(R9*2), Y4, Y5)
	DOT((AX)(R10*1), Y6, Y7)
	NEXTSTEP
	JNZ  step4
	NEXTSEGMENT
	JNZ  segment4
	SUBQ tile_back(DI), AX
	LEAQ (AX)(R9*4), AX
	CMPQ tile_sums(DI), $0
	JNE  raw4
	MOVQ tile_q(DI), SI
	VPBROADCASTB panelRequant_lo(SI), Y9
	VPBROADCASTB panelRequant_hi(SI), Y10
	ROW(Y0, Y1)
	ROW(Y2, Y3)
	ROW(Y4, Y5)
	ROW(Y6, Y7)
	BYTES(Y0, Y2)
	BYTES(Y4, Y6)
	CMPQ BX, $16
	JL   narrow4
	VMOVDQU X0, (R12)
	ADDQ CX, R12
	VEXTRACTI128 $1, Y0, (R12)
	ADDQ CX, R12
	VMOVDQU X4, (R12)
	ADDQ CX, R12
	VEXTRACTI128 $1, Y4, (R12)
	ADDQ CX, R12
	JMP  next4

narrow4:
	VMOVDQU Y0, bytes-64(SP)
	VMOVDQU Y4, bytes-32(SP)
	LEAQ bytes-64(SP), SI
	MOVQ $4, R15
	JMP  narrow

raw4:
	VMOVDQU Y0, (R12)
	VMOVDQU Y1, 32(R12)
	VMOVDQU Y2, 128(R12)
	VMOVDQU Y3, 160(R12)
	VMOVDQU Y4, 256(R12)
	VMOVDQU Y5, 288(R12)
	VMOVDQU Y6, 384(R12)
	VMOVDQU Y7, 416(R12)
	ADDQ $512, R12

next4:
	SUBQ $4, R8
	JGE  four

rest:
	ADDQ $4, R8
	JZ   done

one:
	VMOVDQU panelRequant_bias(R13), Y0
	VMOVDQU (panelRequant_bias+32)(R13), Y1
	BEGIN

segment1:
	MOVQ tile_steps(DI), SI

step1:
	WEIGHTS
	DOT((AX), Y0, Y1)
	NEXTSTEP
	JNZ  step1
	NEXTSEGMENT
	JNZ  segment1
	SUBQ tile_back(DI), AX
	ADDQ R9, AX
	CMPQ tile_sums(DI), $0
	JNE  raw1
	MOVQ tile_q(DI), SI
	VPBROADCASTB panelRequant_lo(SI), Y9
	VPBROADCASTB panelRequant_hi(SI), Y10
	ROW(Y0, Y1)
	BYTES(Y0, Y0)
	CMPQ BX, $16
	JL   narrow1
	VMOVDQU X0, (R12)
	ADDQ CX, R12
	JMP  next1

narrow1:
	VMOVDQU X0, bytes-64(SP)
	LEAQ bytes-64(SP), SI
	MOVQ $1, R15
	JMP  narrow

raw1:
	VMOVDQU Y0, (R12)
	VMOVDQU Y1, 32(R12)
	ADDQ $128, R12

next1:
	DECQ R8
	JNZ  one

done:
	VZEROUPPER
	RET

// Rows of fewer than 16 bytes go out in pieces of 8, 4, 2 and 1: beside them
// may lie channels that are another worker's.
narrow:
	MOVQ R12, DX
	MOVQ (SI), R11
	TESTQ $8, BX
	JZ   quarter
	MOVQ R11, (DX)
	MOVQ 8(SI), R11
	ADDQ $8, DX

quarter:
	TESTQ $4, BX
	JZ   pair
	MOVL R11, (DX)
	SHRQ $32, R11
	ADDQ $4, DX

pair:
	TESTQ $2, BX
	JZ   single
	MOVW R11, (DX)
	SHRQ $16, R11
	ADDQ $2, DX

single:
	TESTQ $1, BX
	JZ   whole
	MOVB R11, (DX)

whole:
	ADDQ CX, R12
	ADDQ $16, SI
	DECQ R15
	JNZ  narrow
	MOVQ column+8(FP), R11
	SHLQ $2, R11

	// One row was spilled, or four.
	LEAQ bytes-48(SP), DX
	CMPQ SI, DX
	JEQ  next1
	JMP  next4
