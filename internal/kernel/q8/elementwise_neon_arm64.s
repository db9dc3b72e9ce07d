#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// WIDEN makes 16 bytes numbers of 32 bits; the bytes' register is the last.
#define WIDEN(b, x, y, z, w) \
	VUXTL  b.B8, y.H8;   \
	VUXTL2 b.B16, w.H8;  \
	VUXTL  y.H4, x.S4;   \
	VUXTL2 y.H8, y.S4;   \
	VUXTL  w.H4, z.S4;   \
	VUXTL2 w.H8, w.S4

// BYTES makes bytes of the values in V0-V3 after a shift by V27, within V28
// and V29.
#define BYTES \
	SSHL(27, 0, 0);                \
	SSHL(27, 1, 1);                \
	SSHL(27, 2, 2);                \
	SSHL(27, 3, 3);                \
	PACK(0, 1, 2, 3);              \
	VUMAX V28.B16, V0.B16, V0.B16; \
	VUMIN V29.B16, V0.B16, V0.B16

// func sumNEON(t *Sum, y, a, b *uint8, n int)
TEXT ·sumNEON(SB), NOSPLIT, $0-40
	MOVD t+0(FP), R0
	MOVD y+8(FP), R1
	MOVD a+16(FP), R2
	MOVD b+24(FP), R3
	MOVD n+32(FP), R4
	ADD  $Sum_ma, R0, R5
	VLD1R (R5), [V24.S4]
	ADD  $Sum_mb, R0, R5
	VLD1R (R5), [V25.S4]
	ADD  $Sum_k, R0, R5
	VLD1R (R5), [V26.S4]
	MOVBU Sum_shift(R0), R5
	NEG  R5, R5
	VDUP R5, V27.S4
	ADD  $Sum_lo, R0, R5
	VLD1R (R5), [V28.B16]
	ADD  $Sum_hi, R0, R5
	VLD1R (R5), [V29.B16]

sum:
	VLD1.P 16(R2), [V16.B16]
	VLD1.P 16(R3), [V17.B16]
	WIDEN(V16, V4, V5, V6, V7)
	WIDEN(V17, V20, V21, V22, V23)
	VMOV V26.B16, V0.B16
	VMOV V26.B16, V1.B16
	VMOV V26.B16, V2.B16
	VMOV V26.B16, V3.B16
	MLA4(24, 4, 0)
	MLA4(24, 5, 1)
	MLA4(24, 6, 2)
	MLA4(24, 7, 3)
	MLA4(25, 20, 0)
	MLA4(25, 21, 1)
	MLA4(25, 22, 2)
	MLA4(25, 23, 3)
	BYTES
	VST1.P [V0.B16], 16(R1)
	SUBS $16, R4
	BNE  sum
	RET

// func timesNEON(t *Times, y, a, b *uint8, n int)
TEXT ·timesNEON(SB), NOSPLIT, $0-40
	MOVD t+0(FP), R0
	MOVD y+8(FP), R1
	MOVD a+16(FP), R2
	MOVD b+24(FP), R3
	MOVD n+32(FP), R4
	ADD  $Times_za, R0, R5
	VLD1R (R5), [V24.S4]
	ADD  $Times_zb, R0, R5
	VLD1R (R5), [V25.S4]
	ADD  $Times_m, R0, R5
	VLD1R (R5), [V26.S4]
	ADD  $Times_k, R0, R5
	VLD1R (R5), [V30.S4]
	MOVBU Times_shift(R0), R5
	NEG  R5, R5
	VDUP R5, V27.S4
	ADD  $Times_lo, R0, R5
	VLD1R (R5), [V28.B16]
	ADD  $Times_hi, R0, R5
	VLD1R (R5), [V29.B16]

#define PRODUCT(x, y, to) \
	SUB4(24, x, x);   \
	SUB4(25, y, y);   \
	MUL4(y, x, x);    \
	MLA4(26, x, to)

times:
	VLD1.P 16(R2), [V16.B16]
	VLD1.P 16(R3), [V17.B16]
	WIDEN(V16, V4, V5, V6, V7)
	WIDEN(V17, V20, V21, V22, V23)
	VMOV V30.B16, V0.B16
	VMOV V30.B16, V1.B16
	VMOV V30.B16, V2.B16
	VMOV V30.B16, V3.B16
	PRODUCT(4, 20, 0)
	PRODUCT(5, 21, 1)
	PRODUCT(6, 22, 2)
	PRODUCT(7, 23, 3)
	BYTES
	VST1.P [V0.B16], 16(R1)
	SUBS $16, R4
	BNE  times
	RET

// func maxBytesNEON(dst, x *uint8, n int)
TEXT ·maxBytesNEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2

largest:
	VLD1   (R0), [V0.B16]
	VLD1.P 16(R1), [V1.B16]
	VUMAX  V1.B16, V0.B16, V0.B16
	VST1.P [V0.B16], 16(R0)
	SUBS $16, R2
	BNE  largest
	RET

// func addPixelsNEON(sums *int32, x *uint8, step, n, channels int)
TEXT ·addPixelsNEON(SB), NOSPLIT, $0-40
	MOVD sums+0(FP), R0
	MOVD x+8(FP), R1
	MOVD step+16(FP), R2
	MOVD n+24(FP), R3
	MOVD channels+32(FP), R4

channels:
	VLD1 (R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	MOVD R1, R5
	MOVD R3, R6

pixel:
	VLD1 (R5), [V16.B16]
	ADD  R2, R5
	VUXTL  V16.B8, V17.H8
	VUXTL2 V16.B16, V18.H8
	VUADDW  V17.H4, V0.S4, V0.S4
	VUADDW2 V17.H8, V1.S4, V1.S4
	VUADDW  V18.H4, V2.S4, V2.S4
	VUADDW2 V18.H8, V3.S4, V3.S4
	SUBS $1, R6
	BNE  pixel
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	ADD  $16, R1
	SUBS $16, R4
	BNE  channels
	RET

// func lookupNEON(dst, x *uint8, n int, table *[256]uint8)
//
// The table lies in V16-V31. A look-up by an index out of range of its part
// leaves what the one before has found.
TEXT ·lookupNEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	MOVD table+24(FP), R3
	VLD1.P 64(R3), [V16.B16, V17.B16, V18.B16, V19.B16]
	VLD1.P 64(R3), [V20.B16, V21.B16, V22.B16, V23.B16]
	VLD1.P 64(R3), [V24.B16, V25.B16, V26.B16, V27.B16]
	VLD1   (R3), [V28.B16, V29.B16, V30.B16, V31.B16]
	VMOVI $64, V4.B16

look:
	VLD1.P 16(R1), [V0.B16]
	VSUB V4.B16, V0.B16, V1.B16
	VSUB V4.B16, V1.B16, V2.B16
	VSUB V4.B16, V2.B16, V3.B16
	VTBL V0.B16, [V16.B16, V17.B16, V18.B16, V19.B16], V5.B16
	VTBX V1.B16, [V20.B16, V21.B16, V22.B16, V23.B16], V5.B16
	VTBX V2.B16, [V24.B16, V25.B16, V26.B16, V27.B16], V5.B16
	VTBX V3.B16, [V28.B16, V29.B16, V30.B16, V31.B16], V5.B16
	VST1.P [V5.B16], 16(R0)
	SUBS $16, R2
	BNE  look
	RET

// func quantizeNEON(dst *uint8, x *float32, n int, inverse float32, zero int)
//
// The conversion rounds halves to even, saturates, and makes 0 of what is not
// a number; the sum with the zero point saturates too.
TEXT ·quantizeNEON(SB), NOSPLIT, $0-40
	MOVD  dst+0(FP), R0
	MOVD  x+8(FP), R1
	MOVD  n+16(FP), R2
	FMOVS inverse+24(FP), F16
	VDUP  V16.S[0], V16.S4
	MOVD  zero+32(FP), R3
	VDUP  R3, V17.S4

#define WHOLE(x) \
	FMUL4(16, x, x); \
	FCVTNS(x, x);    \
	SQADD(17, x, x)

quantize:
	VLD1.P 64(R1), [V0.S4, V1.S4, V2.S4, V3.S4]
	WHOLE(0)
	WHOLE(1)
	WHOLE(2)
	WHOLE(3)
	PACK(0, 1, 2, 3)
	VST1.P [V0.B16], 16(R0)
	SUBS $16, R2
	BNE  quantize
	RET

// func dequantizeNEON(dst *float32, q *uint8, n int, scale float32, zero int)
TEXT ·dequantizeNEON(SB), NOSPLIT, $0-40
	MOVD  dst+0(FP), R0
	MOVD  q+8(FP), R1
	MOVD  n+16(FP), R2
	FMOVS scale+24(FP), F16
	VDUP  V16.S[0], V16.S4
	MOVD  zero+32(FP), R3
	VDUP  R3, V17.S4

#define REAL(x) \
	SUB4(17, x, x); \
	SCVTF4(x, x);   \
	FMUL4(16, x, x)

dequantize:
	VLD1.P 16(R1), [V4.B16]
	WIDEN(V4, V0, V1, V2, V3)
	REAL(0)
	REAL(1)
	REAL(2)
	REAL(3)
	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(R0)
	SUBS $16, R2
	BNE  dequantize
	RET
