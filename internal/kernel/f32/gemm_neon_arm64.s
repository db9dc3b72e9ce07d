#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// The micro-kernel of matrix products on 128-bit registers: up to eight rows
// by two registers of sums stay in V0-V15 while the steps run.
//
//	R6  steps to go                   R7  runs through B
//	R9-R16  run through the rows of A
//	V16-V17, V26-V27 rows of B        V18-V25 numbers of the rows of A

#define SEGMENT \
	MOVD neonTile_k(R0), R6; \
	MOVD R4, R7

// NEXT goes to the next segment, if there is one.
#define NEXT \
	MOVD neonTile_aseg(R0), R6; \
	ADD  R6, R1; \
	MOVD neonTile_bseg(R0), R6; \
	ADD  R6, R4; \
	SUBS $1, R8; \
	BNE  segment

#define COLUMNS \
	FMOVQ (R7), F16;   \
	FMOVQ 16(R7), F17; \
	ADD   R5, R7

#define MORECOLUMNS \
	FMOVQ (R7), F26;   \
	FMOVQ 16(R7), F27; \
	ADD   R5, R7

// ROW adds one step of a row.
#define ROW(at, x, c0, c1) \
	VLD1R (at), [x.S4]; \
	ADD   R3, at; \
	VFMLA V16.S4, x.S4, c0.S4; \
	VFMLA V17.S4, x.S4, c1.S4

// FOUR adds one step of four rows, of which the registers hold four steps.
#define FOUR(fmla, r0, r1, r2, r3, b0, b1, c0) \
	fmla(r0, b0, c0);     \
	fmla(r0, b1, c0 + 1); \
	fmla(r1, b0, c0 + 2); \
	fmla(r1, b1, c0 + 3); \
	fmla(r2, b0, c0 + 4); \
	fmla(r2, b1, c0 + 5); \
	fmla(r3, b0, c0 + 6); \
	fmla(r3, b1, c0 + 7)

// EIGHT does so for eight rows and loads the next row of B in between:
// processors that go in order then need not wait.
#define EIGHT(fmla, b0, b1, load) \
	FOUR(fmla, 18, 19, 20, 21, b0, b1, 0); \
	load;                                  \
	FOUR(fmla, 22, 23, 24, 25, b0, b1, 8)

#define COUNT SUBS $4, R6

// BESIDE adds one step of four rows, of which a register holds one number each.
#define BESIDE(r, c0) \
	FMLA0(r, 16, c0);     \
	FMLA0(r, 17, c0 + 1); \
	FMLA1(r, 16, c0 + 2); \
	FMLA1(r, 17, c0 + 3); \
	FMLA2(r, 16, c0 + 4); \
	FMLA2(r, 17, c0 + 5); \
	FMLA3(r, 16, c0 + 6); \
	FMLA3(r, 17, c0 + 7)

// func tile8NEON(t *neonTile)
TEXT ·tile8NEON(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	ARGUMENTS
	START(ROWS8)

segment:
	SEGMENT
	MOVD R1, R9
	CMP  $4, R2
	BEQ  beside
	ADD  R2, R9, R10
	ADD  R2, R10, R11
	ADD  R2, R11, R12
	ADD  R2, R12, R13
	ADD  R2, R13, R14
	ADD  R2, R14, R15
	ADD  R2, R15, R16
	CMP  $4, R3
	BNE  step
	SUBS $4, R6
	BLT  rest

quad:
	COLUMNS
	FMOVQ.P 16(R9), F18
	FMOVQ.P 16(R10), F19
	FMOVQ.P 16(R11), F20
	FMOVQ.P 16(R12), F21
	FMOVQ.P 16(R13), F22
	FMOVQ.P 16(R14), F23
	FMOVQ.P 16(R15), F24
	FMOVQ.P 16(R16), F25
	EIGHT(FMLA0, 16, 17, MORECOLUMNS)
	EIGHT(FMLA1, 26, 27, COLUMNS)
	EIGHT(FMLA2, 16, 17, MORECOLUMNS)
	EIGHT(FMLA3, 26, 27, COUNT)
	BGE  quad

rest:
	ADDS $4, R6
	BEQ  next

step:
	COLUMNS
	ROW(R9, V18, V0, V1)
	ROW(R10, V19, V2, V3)
	ROW(R11, V20, V4, V5)
	ROW(R12, V21, V6, V7)
	ROW(R13, V22, V8, V9)
	ROW(R14, V23, V10, V11)
	ROW(R15, V24, V12, V13)
	ROW(R16, V25, V14, V15)
	SUBS $1, R6
	BNE  step
	JMP  next

beside:
	VLD1 (R9), [V18.S4, V19.S4]
	ADD  R3, R9
	COLUMNS
	SUBS $1, R6
	BESIDE(18, 0)
	BESIDE(19, 8)
	BNE  beside

next:
	NEXT
	FINISH(ROWS8)
	RET

// func tile4NEON(t *neonTile)
TEXT ·tile4NEON(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	ARGUMENTS
	START(ROWS4)

segment:
	SEGMENT
	MOVD R1, R9
	CMP  $4, R2
	BEQ  beside
	ADD  R2, R9, R10
	ADD  R2, R10, R11
	ADD  R2, R11, R12
	CMP  $4, R3
	BNE  step
	SUBS $4, R6
	BLT  rest

quad:
	FMOVQ.P 16(R9), F18
	FMOVQ.P 16(R10), F19
	FMOVQ.P 16(R11), F20
	FMOVQ.P 16(R12), F21
	COLUMNS
	MORECOLUMNS
	FOUR(FMLA0, 18, 19, 20, 21, 16, 17, 0)
	COLUMNS
	FOUR(FMLA1, 18, 19, 20, 21, 26, 27, 0)
	MORECOLUMNS
	FOUR(FMLA2, 18, 19, 20, 21, 16, 17, 0)
	SUBS $4, R6
	FOUR(FMLA3, 18, 19, 20, 21, 26, 27, 0)
	BGE  quad

rest:
	ADDS $4, R6
	BEQ  next

step:
	COLUMNS
	ROW(R9, V18, V0, V1)
	ROW(R10, V19, V2, V3)
	ROW(R11, V20, V4, V5)
	ROW(R12, V21, V6, V7)
	SUBS $1, R6
	BNE  step
	JMP  next

beside:
	VLD1 (R9), [V18.S4]
	ADD  R3, R9
	COLUMNS
	SUBS $1, R6
	BESIDE(18, 0)
	BNE  beside

next:
	NEXT
	FINISH(ROWS4)
	RET

// func tile2NEON(t *neonTile)
TEXT ·tile2NEON(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	ARGUMENTS
	START(ROWS2)

segment:
	SEGMENT
	MOVD R1, R9
	ADD  R2, R9, R10

step:
	COLUMNS
	ROW(R9, V18, V0, V1)
	ROW(R10, V19, V2, V3)
	SUBS $1, R6
	BNE  step
	NEXT
	FINISH(ROWS2)
	RET

// func tile1NEON(t *neonTile)
TEXT ·tile1NEON(SB), NOSPLIT, $0-8
	MOVD t+0(FP), R0
	ARGUMENTS
	START(ROWS1)

segment:
	SEGMENT
	MOVD R1, R9

step:
	COLUMNS
	ROW(R9, V18, V0, V1)
	SUBS $1, R6
	BNE  step
	NEXT
	FINISH(ROWS1)
	RET
