#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"
#include "depthwise_neon_arm64.h"

// WEIGHTS loads four weights of every channel.
#define WEIGHTS \
	VLD1 (R10), [V20.B16]; \
	ADD  $64, R10;         \
	VLD1 (R10), [V21.B16]; \
	ADD  $64, R10;         \
	VLD1 (R10), [V22.B16]; \
	ADD  $64, R10;         \
	VLD1 (R10), [V23.B16]; \
	ADD  $64, R10

// func deepSDOT(b *deepBlock, y, x *uint8, pixels, yStep, xStep int, offsets *int, groups, first int)
TEXT ·deepSDOT(SB), NOSPLIT, $0-72
	ARGUMENTS

	// The products of -128 by the weights are taken from the biases.
	VEOR V0.B16, V0.B16, V0.B16
	VEOR V1.B16, V1.B16, V1.B16
	VEOR V2.B16, V2.B16, V2.B16
	VEOR V3.B16, V3.B16, V3.B16
	MOVD R9, R10
	MOVD R7, R12

bias:
	WEIGHTS
	SDOT(31, 20, 0)
	SDOT(31, 21, 1)
	SDOT(31, 22, 2)
	SDOT(31, 23, 3)
	SUBS $1, R12
	BNE  bias
	SUB4(0, 8, 8)
	SUB4(1, 9, 9)
	SUB4(2, 10, 10)
	SUB4(3, 11, 11)

pixel:
	VMOV V8.B16, V0.B16
	VMOV V9.B16, V1.B16
	VMOV V10.B16, V2.B16
	VMOV V11.B16, V3.B16
	MOVD R9, R10
	MOVD R6, R11
	MOVD R7, R12

group:
	TAPS
	WEIGHTS
	SDOT(16, 20, 0)
	SDOT(17, 21, 1)
	SDOT(18, 22, 2)
	SDOT(19, 23, 3)
	SUBS $1, R12
	BNE  group
	FINISH
