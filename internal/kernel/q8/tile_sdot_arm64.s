#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// The micro-kernel of integer products by dot product instructions: up to 4
// rows by 16 columns of sums stay in V0-V15 while the steps run. Both factors
// of the instruction are signed: bytes of A are made x - 128 by their highest
// bit, and the sums start from what makes up for that.
//
//	R0  the tile                     R8  counts steps
//	R1  row 0 of A under way         R9  segments to go
//	R2  row stride of A              R10 rows to go
//	R3-R6 run through rows of A      R11 the panel's epilogue at the column
//	R7  runs through B               R12 row of Y (or of the sums) under way
//	R13 row stride of Y (or of the sums)
//	R14 columns                      R15 what the sums start from
//	V16-V19 16 bytes of every row    V20-V27 bytes of B
//	V31 the highest bits

// FOUR adds four bytes of four rows times those of 16 columns in V20-V23, and
// LAST in V24-V27. EVEN and ODD do so too and load the next four bytes of the
// columns into the others: processors that go in order then need not wait.
#define FOUR(dot) \
	dot(16, 20, 0); \
	dot(16, 21, 1); \
	dot(16, 22, 2); \
	dot(16, 23, 3); \
	dot(17, 20, 4); \
	dot(17, 21, 5); \
	dot(17, 22, 6); \
	dot(17, 23, 7); \
	dot(18, 20, 8); \
	dot(18, 21, 9); \
	dot(18, 22, 10); \
	dot(18, 23, 11); \
	dot(19, 20, 12); \
	dot(19, 21, 13); \
	dot(19, 22, 14); \
	dot(19, 23, 15)

#define LAST(dot) \
	dot(16, 24, 0); \
	dot(16, 25, 1); \
	dot(16, 26, 2); \
	dot(16, 27, 3); \
	dot(17, 24, 4); \
	dot(17, 25, 5); \
	dot(17, 26, 6); \
	dot(17, 27, 7); \
	dot(18, 24, 8); \
	dot(18, 25, 9); \
	dot(18, 26, 10); \
	dot(18, 27, 11); \
	dot(19, 24, 12); \
	dot(19, 25, 13); \
	dot(19, 26, 14); \
	dot(19, 27, 15)

#define EVEN(dot) \
	dot(16, 20, 0); \
	dot(16, 21, 1); \
	dot(16, 22, 2); \
	dot(16, 23, 3); \
	FMOVQ (R7), F24; \
	dot(17, 20, 4); \
	dot(17, 21, 5); \
	dot(17, 22, 6); \
	dot(17, 23, 7); \
	FMOVQ 16(R7), F25; \
	dot(18, 20, 8); \
	dot(18, 21, 9); \
	dot(18, 22, 10); \
	dot(18, 23, 11); \
	FMOVQ 32(R7), F26; \
	dot(19, 20, 12); \
	dot(19, 21, 13); \
	dot(19, 22, 14); \
	dot(19, 23, 15); \
	FMOVQ 48(R7), F27; \
	ADD $128, R7

#define ODD(dot) \
	dot(16, 24, 0); \
	dot(16, 25, 1); \
	dot(16, 26, 2); \
	dot(16, 27, 3); \
	FMOVQ (R7), F20; \
	dot(17, 24, 4); \
	dot(17, 25, 5); \
	dot(17, 26, 6); \
	dot(17, 27, 7); \
	FMOVQ 16(R7), F21; \
	dot(18, 24, 8); \
	dot(18, 25, 9); \
	dot(18, 26, 10); \
	dot(18, 27, 11); \
	FMOVQ 32(R7), F22; \
	dot(19, 24, 12); \
	dot(19, 25, 13); \
	dot(19, 26, 14); \
	dot(19, 27, 15); \
	FMOVQ 48(R7), F23; \
	ADD $128, R7

#define ONE(dot, w0, w1, w2, w3) \
	dot(16, w0, 0); \
	dot(16, w1, 1); \
	dot(16, w2, 2); \
	dot(16, w3, 3)

// WEIGHTS and MOREWEIGHTS load four bytes of 16 columns.
#define WEIGHTS \
	VLD1 (R7), [V20.B16, V21.B16, V22.B16, V23.B16]; \
	ADD  $128, R7

#define MOREWEIGHTS \
	VLD1 (R7), [V24.B16, V25.B16, V26.B16, V27.B16]; \
	ADD  $128, R7

// func tileSDOT(t *tile, bias *int32, column int)
TEXT ·tileSDOT(SB), NOSPLIT, $0-24
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
	VLD1 (R15), [V0.S4, V1.S4, V2.S4, V3.S4]
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
	VMOV V0.B16, V4.B16
	VMOV V1.B16, V5.B16
	VMOV V2.B16, V6.B16
	VMOV V3.B16, V7.B16
	VMOV V0.B16, V8.B16
	VMOV V1.B16, V9.B16
	VMOV V2.B16, V10.B16
	VMOV V3.B16, V11.B16
	VMOV V0.B16, V12.B16
	VMOV V1.B16, V13.B16
	VMOV V2.B16, V14.B16
	VMOV V3.B16, V15.B16

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
	EVEN(SDOT0)
	ODD(SDOT1)
	EVEN(SDOT2)
	SUBS $4, R8
	LAST(SDOT3)
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
	SUBS $1, R8
	FOUR(SDOT0)
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
	VLD1.P 16(R3), [V16.B16]
	WEIGHTS
	VEOR V31.B16, V16.B16, V16.B16
	MOREWEIGHTS
	ONE(SDOT0, 20, 21, 22, 23)
	WEIGHTS
	ONE(SDOT1, 24, 25, 26, 27)
	MOREWEIGHTS
	ONE(SDOT2, 20, 21, 22, 23)
	SUBS $4, R8
	ONE(SDOT3, 24, 25, 26, 27)
	BGE  quad1

rest1:
	ADDS $4, R8
	BEQ  next1

step1:
	FMOVS.P 4(R3), F16
	WEIGHTS
	VEOR V31.B16, V16.B16, V16.B16
	SUBS $1, R8
	ONE(SDOT0, 20, 21, 22, 23)
	BNE  step1

next1:
	MOVD tile_skip(R0), R16
	ADD  R16, R3
	SUBS $1, R9
	BNE  segment1

finish:
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
	COLUMNS(2, 6, 10, 14)
	COLUMNS(3, 7, 11, 15)
	MOVD tile_q(R0), R3
	ADD  $panelRequant_lo, R3, R4
	ADD  $panelRequant_hi, R3, R5
	VLD1R (R4), [V16.B16]
	VLD1R (R5), [V17.B16]
	PACK(0, 1, 2, 3)
	PACK(4, 5, 6, 7)
	PACK(8, 9, 10, 11)
	PACK(12, 13, 14, 15)
	VUMAX V16.B16, V0.B16, V0.B16
	VUMAX V16.B16, V4.B16, V1.B16
	VUMAX V16.B16, V8.B16, V2.B16
	VUMAX V16.B16, V12.B16, V3.B16
	VUMIN V17.B16, V0.B16, V0.B16
	VUMIN V17.B16, V1.B16, V1.B16
	VUMIN V17.B16, V2.B16, V2.B16
	VUMIN V17.B16, V3.B16, V3.B16
	CMP  $16, R14
	BLT  narrow

store:
	VST1 [V0.B16], (R12)
	ADD  R13, R12
	VMOV V1.B16, V0.B16
	VMOV V2.B16, V1.B16
	VMOV V3.B16, V2.B16
	SUBS $1, R8
	BNE  store
	CBNZ R10, rows
	RET

raw:
	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (R12)
	ADD  R13, R12
	VMOV V4.B16, V0.B16
	VMOV V5.B16, V1.B16
	VMOV V6.B16, V2.B16
	VMOV V7.B16, V3.B16
	VMOV V8.B16, V4.B16
	VMOV V9.B16, V5.B16
	VMOV V10.B16, V6.B16
	VMOV V11.B16, V7.B16
	VMOV V12.B16, V8.B16
	VMOV V13.B16, V9.B16
	VMOV V14.B16, V10.B16
	VMOV V15.B16, V11.B16
	SUBS $1, R8
	BNE  raw
	CBNZ R10, rows
	RET

// Rows of fewer than 16 bytes go out in pieces of 8, 4, 2 and 1: beside them
// may lie channels that are another worker's.
narrow:
	MOVD R12, R3
	VMOV V0.D[0], R4
	TBZ  $3, R14, quarter
	MOVD R4, (R3)
	VMOV V0.D[1], R4
	ADD  $8, R3

quarter:
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
	TBZ  $0, R14, whole
	MOVB R4, (R3)

whole:
	ADD  R13, R12
	VMOV V1.B16, V0.B16
	VMOV V2.B16, V1.B16
	VMOV V3.B16, V2.B16
	SUBS $1, R8
	BNE  narrow
	CBNZ R10, rows
	RET

// func signBiasSDOT(bias *int32, b *int8, steps int)
//
// The products of -128 by the weights are taken from 32 columns.
TEXT ·signBiasSDOT(SB), NOSPLIT, $0-24
	MOVD bias+0(FP), R0
	MOVD b+8(FP), R7
	MOVD steps+16(FP), R8
	VMOVI $0x80, V31.B16
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	VEOR V4.B16, V4.B16, V4.B16
	VEOR V5.B16, V5.B16, V5.B16
	VEOR V6.B16, V6.B16, V6.B16
	VEOR V7.B16, V7.B16, V7.B16

sum:
	VLD1.P 64(R7), [V20.B16, V21.B16, V22.B16, V23.B16]
	VLD1.P 64(R7), [V24.B16, V25.B16, V26.B16, V27.B16]
	SDOT(31, 20, 0)
	SDOT(31, 21, 1)
	SDOT(31, 22, 2)
	SDOT(31, 23, 3)
	SDOT(31, 24, 4)
	SDOT(31, 25, 5)
	SDOT(31, 26, 6)
	SDOT(31, 27, 7)
	SUBS $1, R8
	BNE  sum
	MOVD R0, R1
	VLD1.P 64(R1), [V20.S4, V21.S4, V22.S4, V23.S4]
	VLD1   (R1), [V24.S4, V25.S4, V26.S4, V27.S4]
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
