#include "textflag.h"

// func interleaveNEON(cols int, src *float32, lds int, dst *float32, ldd int)
TEXT ·interleaveNEON(SB), NOSPLIT, $0-40
	MOVD cols+0(FP), R0
	MOVD src+8(FP), R1
	MOVD lds+16(FP), R2
	MOVD dst+24(FP), R5
	MOVD ldd+32(FP), R6
	ADD  R2, R1, R3
	ADD  R2, R3, R4
	ADD  R2, R4, R2

block:
	FMOVQ.P 16(R1), F0
	FMOVQ.P 16(R3), F1
	FMOVQ.P 16(R4), F2
	FMOVQ.P 16(R2), F3
	VTRN1 V1.S4, V0.S4, V4.S4
	VTRN2 V1.S4, V0.S4, V5.S4
	VTRN1 V3.S4, V2.S4, V6.S4
	VTRN2 V3.S4, V2.S4, V7.S4
	VTRN1 V6.D2, V4.D2, V0.D2
	VTRN1 V7.D2, V5.D2, V1.D2
	VTRN2 V6.D2, V4.D2, V2.D2
	VTRN2 V7.D2, V5.D2, V3.D2
	FMOVQ F0, (R5)
	ADD   R6, R5
	FMOVQ F1, (R5)
	ADD   R6, R5
	FMOVQ F2, (R5)
	ADD   R6, R5
	FMOVQ F3, (R5)
	ADD   R6, R5
	SUBS  $4, R0
	BNE   block
	RET
