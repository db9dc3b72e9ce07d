#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"
#include "depthwise_neon_arm64.h"

// PRODUCTS adds the products of the bytes of four channels by their weights,
// of which pairs are added to the two sums of a channel.
#define PRODUCTS(bytes, s0, s1) \
	VLD1 (R10), [V20.B16];  \
	ADD  $64, R10;          \
	SMULL(bytes, 20, 24);   \
	SMULL2(bytes, 20, 25);  \
	SADALP(24, s0);         \
	SADALP(25, s1)

#define ALLPRODUCTS(b0, b1, b2, b3) \
	PRODUCTS(b0, 0, 1); \
	PRODUCTS(b1, 2, 3); \
	PRODUCTS(b2, 4, 5); \
	PRODUCTS(b3, 6, 7)

// JOIN adds the two sums of every channel.
#define JOIN \
	ADDP(1, 0, 0); \
	ADDP(3, 2, 1); \
	ADDP(5, 4, 2); \
	ADDP(7, 6, 3)

#define ZERO \
	VEOR V0.B16, V0.B16, V0.B16; \
	VEOR V1.B16, V1.B16, V1.B16; \
	VEOR V2.B16, V2.B16, V2.B16; \
	VEOR V3.B16, V3.B16, V3.B16; \
	VEOR V4.B16, V4.B16, V4.B16; \
	VEOR V5.B16, V5.B16, V5.B16; \
	VEOR V6.B16, V6.B16, V6.B16; \
	VEOR V7.B16, V7.B16, V7.B16

// func deepNEON(b *deepBlock, y, x *uint8, pixels, yStep, xStep int, offsets *int, groups, first int)
TEXT ·deepNEON(SB), NOSPLIT, $0-72
	ARGUMENTS

	// The products of -128 by the weights are taken from the biases.
	ZERO
	MOVD R9, R10
	MOVD R7, R12

bias:
	ALLPRODUCTS(31, 31, 31, 31)
	SUBS $1, R12
	BNE  bias
	JOIN
	SUB4(0, 8, 8)
	SUB4(1, 9, 9)
	SUB4(2, 10, 10)
	SUB4(3, 11, 11)

pixel:
	ZERO
	MOVD R9, R10
	MOVD R6, R11
	MOVD R7, R12

group:
	TAPS
	ALLPRODUCTS(16, 17, 18, 19)
	SUBS $1, R12
	BNE  group
	JOIN
	ADD4(8, 0, 0)
	ADD4(9, 1, 1)
	ADD4(10, 2, 2)
	ADD4(11, 3, 3)
	FINISH
