#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// The micro-kernel of integer products without dot product instructions: up
// to 4 rows by 8 columns. Bytes of A are made x - 128 by their highest bit, so
// that every product fits 16 bits; pairs of products are added to the sums, of
// which a column has two in V0-V15.
//
//	R0  the tile                     R8  counts steps
//	R1  row 0 of A under way         R9  segments to go
//	R2  row stride of A              R10 rows to go
//	R3-R6 run through rows of A      R11 the panel's epilogue at the column
//	R7  runs through B               R12 row of Y (or of the sums) under way
//	R13 row stride of Y (or of the sums)
//	R14 columns                      R15 what the sums start from
//	V16-V19 bytes of every row       V20-V21, V28-V29 four bytes of 8 columns
//	V22-V23 four bytes of a row      V24-V27 products
//	V31 the highest bits

#define WEIGHTS \
	FMOVQ (R7), F20;   \
	FMOVQ 16(R7), F21; \
	ADD   $128, R7

#define MOREWEIGHTS \
	FMOVQ (R7), F28;   \
	FMOVQ 16(R7), F29; \
	ADD   $128, R7

// MULTIPLY multiplies four bytes of a row in x by those of 8 columns in w0 and
// w1, SUM adds pairs of the products, and SUMMULTIPLY adds those of a row and
// multiplies another: a sum that had to wait for its product would halt
// processors that go in order.
#define MULTIPLY(x, w0, w1) \
	SMULL(x, w0, 24);  \
	SMULL2(x, w0, 25); \
	SMULL(x, w1, 26);  \
	SMULL2(x, w1, 27)

#define SUM(s0, s1, s2, s3) \
	SADALP(24, s0); \
	SADALP(25, s1); \
	SADALP(26, s2); \
	SADALP(27, s3)

#define SUMMULTIPLY(s0, s1, s2, s3, x, w0, w1) \
	SADALP(24, s0);    \
	SMULL(x, w0, 24);  \
	SADALP(25, s1);    \
	SMULL2(x, w0, 25); \
	SADALP(26, s2);    \
	SMULL(x, w1, 26);  \
	SADALP(27, s3);    \
	SMULL2(x, w1, 27)

// FOUR adds the bytes in one lane of four rows times those of 8 columns. V22
// has those of the first row, and at the end those in the next lane.
#define FOUR(lane, after, w0, w1) \
	VDUP V17.S[lane], V23.S4;                \
	MULTIPLY(22, w0, w1);                    \
	VDUP V18.S[lane], V22.S4;                \
	SUMMULTIPLY(0, 1, 2, 3, 23, w0, w1);     \
	VDUP V19.S[lane], V23.S4;                \
	SUMMULTIPLY(4, 5, 6, 7, 22, w0, w1);     \
	VDUP V16.S[after], V22.S4;               \
	SUMMULTIPLY(8, 9, 10, 11, 23, w0, w1);   \
	SUM(12, 13, 14, 15)

#define ONE(lane, w0, w1) \
	VDUP V16.S[lane], V22.S4; \
	MULTIPLY(22, w0, w1);     \
	SUM(0, 1, 2, 3)

// JOIN adds the two sums of every column, and what sums start from.
#define JOIN(x, y, z, w) \
	ADDP(y, x, x);  \
	ADDP(w, z, y);  \
	ADD4(20, x, x); \
	ADD4(21, y, y)

#define ZERO(x, y, z, w) \
	VEOR x.B16, x.B16, x.B16; \
	VEOR y.B16, y.B16, y.B16; \
	VEOR z.B16, z.B16, z.B16; \
	VEOR w.B16, w.B16, w.B16

// func tileNEON(t *tile, bias *int32, column int)
TEXT ·tileNEON(SB), NOSPLIT, $0-24
	MOVD t+0(FP), R0
	MOVD bias+8(FP), R15
	MOVD column+16(FP), R16
	MOVD tile_a(R0), R1
	MOVD tile_ars(R0), R2
	MOVD tile_m(R0), R10
	MOVD tile_n(R0), R14
	SUB  R16, R14
	MOVD tile_q(R0), R11
	ADD  R16<<2, R11
	ADD  R16<<2, R15
	MOVD tile_y(R0), R12
	ADD  R16, R12
	MOVD tile_ldy(R0), R13
	MOVD tile_sums(R0), R17
	CBZ  R17, ready
	ADD  R16<<2, R17, R12
	MOVD $128, R13

ready:
	VMOVI $0x80, V31.B16

rows:
	ZERO(V0, V1, V2, V3)
	MOVD tile_segs(R0), R9
	MOVD tile_b(R0), R7
	MOVD column+16(FP), R16
	ADD  R16<<2, R7
	MOVD R1, R3
	CMP  $1, R10
	BEQ  segment1

	// Rows that are missing are computed as the last again.
	ADD  R2, R3, R4
	CMP  $2, R10
	CSEL GT, R2, ZR, R16
	ADD  R16, R4, R5
	CMP  $3, R10
	CSEL GT, R2, ZR, R16
	ADD  R16, R5, R6
	ZERO(V4, V5, V6, V7)
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)

segment4:
	MOVD tile_steps(R0), R8
	SUBS $4, R8
	BLT  rest4

quad4:
	FMOVQ.P 16(R3), F16
	FMOVQ.P 16(R4), F17
	FMOVQ.P 16(R5), F18
	FMOVQ.P 16(R6), F19
	WEIGHTS
	VEOR V31.B16, V16.B16, V16.B16
	VEOR V31.B16, V17.B16, V17.B16
	VEOR V31.B16, V18.B16, V18.B16
	VEOR V31.B16, V19.B16, V19.B16
	VDUP V16.S[0], V22.S4
	MOREWEIGHTS
	FOUR(0, 1, 20, 21)
	WEIGHTS
	FOUR(1, 2, 28, 29)
	MOREWEIGHTS
	FOUR(2, 3, 20, 21)
	FOUR(3, 3, 28, 29)
	SUBS $4, R8
	BGE  quad4

rest4:
	ADDS $4, R8
	BEQ  next4

step4:
	FMOVS.P 4(R3), F16
	FMOVS.P 4(R4), F17
	FMOVS.P 4(R5), F18
	FMOVS.P 4(R6), F19
	WEIGHTS
	VEOR V31.B16, V16.B16, V16.B16
	VEOR V31.B16, V17.B16, V17.B16
	VEOR V31.B16, V18.B16, V18.B16
	VEOR V31.B16, V19.B16, V19.B16
	VDUP V16.S[0], V22.S4
	FOUR(0, 0, 20, 21)
	SUBS $1, R8
	BNE  step4

next4:
	MOVD tile_skip(R0), R16
	ADD  R16, R3
	ADD  R16, R4
	ADD  R16, R5
	ADD  R16, R6
	SUBS $1, R9
	BNE  segment4
	JMP  finish

segment1:
	MOVD tile_steps(R0), R8
	SUBS $4, R8
	BLT  rest1

quad1:
	FMOVQ.P 16(R3), F16
	WEIGHTS
	VEOR V31.B16, V16.B16, V16.B16
	MOREWEIGHTS
	ONE(0, 20, 21)
	WEIGHTS
	ONE(1, 28, 29)
	MOREWEIGHTS
	ONE(2, 20, 21)
	ONE(3, 28, 29)
	SUBS $4, R8
	BGE  quad1

rest1:
	ADDS $4, R8
	BEQ  next1

step1:
	FMOVS.P 4(R3), F16
	WEIGHTS
	VEOR V31.B16, V16.B16, V16.B16
	ONE(0, 20, 21)
	SUBS $1, R8
	BNE  step1

next1:
	MOVD tile_skip(R0), R16
	ADD  R16, R3
	SUBS $1, R9
	BNE  segment1

finish:
	VLD1 (R15), [V20.S4, V21.S4]
	JOIN(0, 1, 2, 3)
	JOIN(4, 5, 6, 7)
	JOIN(8, 9, 10, 11)
	JOIN(12, 13, 14, 15)
	ADD  R2<<2, R1
	MOVD R10, R8
	CMP  $4, R10
	BLE  last
	MOVD $4, R8

last:
	SUB  R8, R10
	MOVD tile_sums(R0), R16
	CBNZ R16, raw
	ADD  $panelRequant_even, R11, R3
	ADD  $panelRequant_round, R11, R4
	ADD  $panelRequant_shift, R11, R5

#define COLUMNS(r0, r1, r2, r3) \
	VLD1.P 16(R3), [V16.S4]; \
	VLD1.P 16(R4), [V17.S4]; \
	VLD1.P 16(R5), [V18.S4]; \
	NEG4(18, 18); \
	SCALE(r0);    \
	SCALE(r1);    \
	SCALE(r2);    \
	SCALE(r3)

	COLUMNS(0, 4, 8, 12)
	COLUMNS(1, 5, 9, 13)
	MOVD tile_q(R0), R3
	ADD  $panelRequant_lo, R3, R4
	ADD  $panelRequant_hi, R3, R5
	VLD1R (R4), [V16.B16]
	VLD1R (R5), [V17.B16]

	// Rows 0 and 1 become the halves of V0, rows 2 and 3 those of V1.
	PACK(0, 1, 4, 5)
	PACK(8, 9, 12, 13)
	VUMAX V16.B16, V0.B16, V0.B16
	VUMAX V16.B16, V8.B16, V1.B16
	VUMIN V17.B16, V0.B16, V0.B16
	VUMIN V17.B16, V1.B16, V1.B16

// Rows of fewer than 8 bytes go out in pieces of 4, 2 and 1: beside them may
// lie channels that are another worker's.
store:
	VMOV V0.D[0], R4
	VEXT $8, V1.B16, V0.B16, V0.B16
	VEXT $8, V1.B16, V1.B16, V1.B16
	CMP  $8, R14
	BLT  narrow
	MOVD R4, (R12)

next:
	ADD  R13, R12
	SUBS $1, R8
	BNE  store
	CBNZ R10, rows
	RET

narrow:
	MOVD R12, R3
	TBZ  $2, R14, pair
	MOVW R4, (R3)
	LSR  $32, R4
	ADD  $4, R3

pair:
	TBZ  $1, R14, single
	MOVH R4, (R3)
	LSR  $16, R4
	ADD  $2, R3

single:
	TBZ  $0, R14, next
	MOVB R4, (R3)
	JMP  next

raw:
	VST1 [V0.S4, V1.S4], (R12)
	ADD  R13, R12
	VMOV V4.B16, V0.B16
	VMOV V5.B16, V1.B16
	VMOV V8.B16, V4.B16
	VMOV V9.B16, V5.B16
	VMOV V12.B16, V8.B16
	VMOV V13.B16, V9.B16
	SUBS $1, R8
	BNE  raw
	CBNZ R10, rows
	RET

// TAKE adds -128 times the bytes of four columns.
#define TAKE(w, x, y) \
	SMULL(31, w, 16);  \
	SMULL2(31, w, 17); \
	SADALP(16, x);     \
	SADALP(17, y)

// func signBiasNEON(bias *int32, b *int8, steps int)
//
// The products of -128 by the weights are taken from 32 columns.
TEXT ·signBiasNEON(SB), NOSPLIT, $0-24
	MOVD bias+0(FP), R0
	MOVD b+8(FP), R7
	MOVD steps+16(FP), R8
	VMOVI $0x80, V31.B16
	ZERO(V0, V1, V2, V3)
	ZERO(V4, V5, V6, V7)
	ZERO(V8, V9, V10, V11)
	ZERO(V12, V13, V14, V15)

sum:
	VLD1.P 64(R7), [V20.B16, V21.B16, V22.B16, V23.B16]
	VLD1.P 64(R7), [V24.B16, V25.B16, V26.B16, V27.B16]
	TAKE(20, 0, 1)
	TAKE(21, 2, 3)
	TAKE(22, 4, 5)
	TAKE(23, 6, 7)
	TAKE(24, 8, 9)
	TAKE(25, 10, 11)
	TAKE(26, 12, 13)
	TAKE(27, 14, 15)
	SUBS $1, R8
	BNE  sum
	MOVD R0, R1
	VLD1.P 64(R1), [V20.S4, V21.S4, V22.S4, V23.S4]
	VLD1   (R1), [V24.S4, V25.S4, V26.S4, V27.S4]
	ADDP(1, 0, 0)
	ADDP(3, 2, 1)
	ADDP(5, 4, 2)
	ADDP(7, 6, 3)
	ADDP(9, 8, 4)
	ADDP(11, 10, 5)
	ADDP(13, 12, 6)
	ADDP(15, 14, 7)
	SUB4(0, 20, 0)
	SUB4(1, 21, 1)
	SUB4(2, 22, 2)
	SUB4(3, 23, 3)
	SUB4(4, 24, 4)
	SUB4(5, 25, 5)
	SUB4(6, 26, 6)
	SUB4(7, 27, 7)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	VST1   [V4.S4, V5.S4, V6.S4, V7.S4], (R0)
	RET
