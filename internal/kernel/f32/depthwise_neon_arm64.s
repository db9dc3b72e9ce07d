#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// The depthwise micro-kernel: four outputs, or one, of eight channels.
//
//	R6  steps to go                    R7  runs through the weights
//	R9-R12  run through the inputs     R21 outputs to go
//	R22 begin of a segment of A        R23 begin of a segment of B
//	V16-V17 weights                    V18-V25 inputs

#define SEGMENT \
	MOVD neonTile_k(R0), R6; \
	MOVD R23, R7;            \
	MOVD R22, R9

// NEXT goes to the next segment, if there is one.
#define NEXT \
	MOVD neonTile_aseg(R0), R6; \
	ADD  R6, R22; \
	MOVD neonTile_bseg(R0), R6; \
	ADD  R6, R23; \
	SUBS $1, R8; \
	BNE  segment

#define WEIGHTS \
	VLD1 (R7), [V16.S4, V17.S4]; \
	ADD  R5, R7

#define OUTPUT(at, x0, x1, y0, y1) \
	VLD1  (at), [x0.S4, x1.S4];  \
	ADD   R3, at;                \
	VFMLA V16.S4, x0.S4, y0.S4;  \
	VFMLA V17.S4, x1.S4, y1.S4

// ONWARDS goes on by some outputs.
#define ONWARDS(outputs, log) \
	ADD  R2<<log, R1;                 \
	ADD  R19<<log, R17;               \
	MOVD neonTile_residual(R0), R20;  \
	CBZ  R20, onwards;                \
	ADD  R19<<log, R20;               \
	MOVD R20, neonTile_residual(R0);  \
onwards:                              \
	SUBS $outputs, R21;               \
	BNE  output;                      \
	RET

// func strip4NEON(t *neonTile, m int)
TEXT ·strip4NEON(SB), NOSPLIT, $0-16
	MOVD t+0(FP), R0
	MOVD m+8(FP), R21
	ARGUMENTS

output:
	MOVD R1, R22
	MOVD R4, R23
	MOVD neonTile_segs(R0), R8
	START(ROWS4)

segment:
	SEGMENT
	ADD  R2, R9, R10
	ADD  R2, R10, R11
	ADD  R2, R11, R12

step:
	WEIGHTS
	OUTPUT(R9, V18, V19, V0, V1)
	OUTPUT(R10, V20, V21, V2, V3)
	OUTPUT(R11, V22, V23, V4, V5)
	OUTPUT(R12, V24, V25, V6, V7)
	SUBS $1, R6
	BNE  step
	NEXT
	FINISH(ROWS4)
	ONWARDS(4, 2)

// func strip1NEON(t *neonTile, m int)
TEXT ·strip1NEON(SB), NOSPLIT, $0-16
	MOVD t+0(FP), R0
	MOVD m+8(FP), R21
	ARGUMENTS

output:
	MOVD R1, R22
	MOVD R4, R23
	MOVD neonTile_segs(R0), R8
	START(ROWS1)

segment:
	SEGMENT

step:
	WEIGHTS
	OUTPUT(R9, V18, V19, V0, V1)
	SUBS $1, R6
	BNE  step
	NEXT
	FINISH(ROWS1)
	ONWARDS(1, 0)
