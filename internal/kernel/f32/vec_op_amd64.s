#include "textflag.h"

// Element-wise operations that the memory limits: 16 elements a turn in two
// registers of 256 bits, on both paths. n is a positive multiple of 16. No
// VFMADD: every product is rounded before it is added.
//
// An operation with NaN in mind: VMAXPS x, c, x is c > x ? c : x, so NaN
// passes; the order of the operands matters.

#define BEGIN \
	MOVQ dst+0(FP), DI \
	MOVQ a+8(FP), SI \
	MOVQ b+16(FP), DX \
	MOVQ n+24(FP), CX \
	VBROADCASTSS p+32(FP), Y15 \
	VBROADCASTSS q+36(FP), Y14 \
	VXORPS Y13, Y13, Y13 \
	VPCMPEQD Y11, Y11, Y11 \
	VPSRLD $25, Y11, Y12 \
	VPSLLD $23, Y12, Y12 \
	VPSLLD $31, Y11, Y11 \
	LEAQ (DI)(CX*4), DI \
	LEAQ (SI)(CX*4), SI \
	LEAQ (DX)(CX*4), DX \
	NEGQ CX

// Y12 is 1 and Y11 the sign bit; p is Y15, q Y14 and 0 Y13.

#define LOADA \
	VMOVUPS (SI)(CX*4), Y0 \
	VMOVUPS 32(SI)(CX*4), Y1

#define LOADB \
	VMOVUPS (DX)(CX*4), Y2 \
	VMOVUPS 32(DX)(CX*4), Y3

#define NEXT(loop) \
	VMOVUPS Y0, (DI)(CX*4) \
	VMOVUPS Y1, 32(DI)(CX*4) \
	ADDQ $16, CX \
	JNZ loop \
	VZEROUPPER \
	RET

// WITH is a = a OP b, TO is a = a OP c, FROM is a = c OP a.
#define WITH(OP) \
	OP Y2, Y0, Y0 \
	OP Y3, Y1, Y1

#define TO(OP, c) \
	OP c, Y0, Y0 \
	OP c, Y1, Y1

#define FROM(OP, c) \
	OP Y0, c, Y0 \
	OP Y1, c, Y1

#define BINARY(OP) \
	BEGIN \
loop: \
	LOADA \
	LOADB \
	WITH(OP) \
	NEXT(loop)

#define SCALAR(OP) \
	BEGIN \
loop: \
	LOADA \
	TO(OP, Y15) \
	NEXT(loop)

// GRADIENT runs an operation on a and b with three spare registers.
#define GRADIENT(OP) \
	BEGIN \
loop: \
	LOADA \
	LOADB \
	OP(Y0, Y2, Y4, Y6, Y8) \
	OP(Y1, Y3, Y5, Y7, Y9) \
	NEXT(loop)

// func vecAddAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecAddAVX2(SB), NOSPLIT, $0-40
	BINARY(VADDPS)

// func vecSubAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSubAVX2(SB), NOSPLIT, $0-40
	BINARY(VSUBPS)

// func vecMulAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecMulAVX2(SB), NOSPLIT, $0-40
	BINARY(VMULPS)

// func vecDivAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecDivAVX2(SB), NOSPLIT, $0-40
	BINARY(VDIVPS)

// func vecAddScalarAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecAddScalarAVX2(SB), NOSPLIT, $0-40
	SCALAR(VADDPS)

// func vecMulScalarAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecMulScalarAVX2(SB), NOSPLIT, $0-40
	SCALAR(VMULPS)

// func vecDivScalarAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecDivScalarAVX2(SB), NOSPLIT, $0-40
	SCALAR(VDIVPS)

// func vecClipAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecClipAVX2(SB), NOSPLIT, $0-40
	BEGIN

loop:
	LOADA
	FROM(VMAXPS, Y15)
	FROM(VMINPS, Y14)
	NEXT(loop)

// func vecLeakyReluAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecLeakyReluAVX2(SB), NOSPLIT, $0-40
	BEGIN

loop:
	LOADA
	VMULPS    Y15, Y0, Y2
	VMULPS    Y15, Y1, Y3
	VCMPPS    $0x1e, Y13, Y0, Y4
	VCMPPS    $0x1e, Y13, Y1, Y5
	VBLENDVPS Y4, Y0, Y2, Y0
	VBLENDVPS Y5, Y1, Y3, Y1
	NEXT(loop)

// func vecHardSigmoidAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecHardSigmoidAVX2(SB), NOSPLIT, $0-40
	BEGIN

loop:
	LOADA
	TO(VMULPS, Y15)
	TO(VADDPS, Y14)
	FROM(VMAXPS, Y13)
	FROM(VMINPS, Y12)
	NEXT(loop)

// func vecHardSwishAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecHardSwishAVX2(SB), NOSPLIT, $0-40
	BEGIN

loop:
	LOADA
	VMOVAPS Y0, Y2
	VMOVAPS Y1, Y3
	TO(VMULPS, Y15)
	TO(VADDPS, Y14)
	FROM(VMAXPS, Y13)
	FROM(VMINPS, Y12)
	WITH(VMULPS)
	NEXT(loop)

// func vecAbsAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecAbsAVX2(SB), NOSPLIT, $0-40
	BEGIN

loop:
	LOADA
	FROM(VANDNPS, Y11)
	NEXT(loop)

// func vecReciprocalAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecReciprocalAVX2(SB), NOSPLIT, $0-40
	BEGIN

loop:
	LOADA
	FROM(VDIVPS, Y12)
	NEXT(loop)

// func vecSqrtAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSqrtAVX2(SB), NOSPLIT, $0-40
	BEGIN

loop:
	LOADA
	VSQRTPS Y0, Y0
	VSQRTPS Y1, Y1
	NEXT(loop)

#define RELUGRAD(a, b, s, t, u) \
	VCMPPS $0x1e, Y13, b, s \
	VANDPS s, a, a

// func vecReluGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecReluGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(RELUGRAD)

#define CLIPGRAD(a, b, s, t, u) \
	VCMPPS $0x1e, Y15, b, s \
	VCMPPS $0x11, Y14, b, t \
	VANDPS s, a, a \
	VANDPS t, a, a

// func vecClipGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecClipGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(CLIPGRAD)

#define LEAKYGRAD(a, b, s, t, u) \
	VMULPS Y15, a, s \
	VCMPPS $0x1e, Y13, b, t \
	VBLENDVPS t, a, s, a

// func vecLeakyReluGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecLeakyReluGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(LEAKYGRAD)

#define HARDSIGMOIDGRAD(a, b, s, t, u) \
	VMULPS Y15, b, s \
	VADDPS Y14, s, s \
	VCMPPS $0x1e, Y13, s, t \
	VCMPPS $0x11, Y12, s, u \
	VMULPS Y15, a, a \
	VANDPS t, a, a \
	VANDPS u, a, a

// func vecHardSigmoidGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecHardSigmoidGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(HARDSIGMOIDGRAD)

#define HARDSWISHGRAD(a, b, s, t, u) \
	VMULPS Y15, b, b \
	VADDPS Y14, b, s \
	VCMPPS $0x1e, Y13, s, t \
	VCMPPS $0x11, Y12, s, u \
	VANDPS t, b, b \
	VANDPS u, b, b \
	VMAXPS s, Y13, s \
	VMINPS s, Y12, s \
	VADDPS b, s, s \
	VMULPS s, a, a

// func vecHardSwishGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecHardSwishGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(HARDSWISHGRAD)

#define ABSGRAD(a, b, s, t, u) \
	VANDPS Y11, b, s \
	VCMPPS $0x0c, Y13, b, t \
	VXORPS s, a, a \
	VANDPS t, a, a

// func vecAbsGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecAbsGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(ABSGRAD)

#define RECIPROCALGRAD(a, b, s, t, u) \
	VMULPS b, b, b \
	VMULPS b, a, a \
	VXORPS Y11, a, a

// func vecReciprocalGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecReciprocalGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(RECIPROCALGRAD)

#define SQRTGRAD(a, b, s, t, u) \
	VADDPS b, b, b \
	VDIVPS b, a, a

// func vecSqrtGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSqrtGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(SQRTGRAD)

#define SIGMOIDGRAD(a, b, s, t, u) \
	VSUBPS b, Y12, s \
	VMULPS s, b, b \
	VMULPS b, a, a

// func vecSigmoidGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSigmoidGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(SIGMOIDGRAD)

#define TANHGRAD(a, b, s, t, u) \
	VMULPS b, b, b \
	VSUBPS b, Y12, b \
	VMULPS b, a, a

// func vecTanhGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecTanhGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(TANHGRAD)

#define SOFTMAXGRAD(a, b, s, t, u) \
	VSUBPS Y15, a, a \
	VMULPS b, a, a

// func vecSoftmaxGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSoftmaxGradAVX2(SB), NOSPLIT, $0-40
	GRADIENT(SOFTMAXGRAD)

#define DESCEND(a, b, s, t, u) \
	VMULPS Y14, b, s \
	VADDPS s, a, a \
	VMULPS Y15, a, a \
	VSUBPS a, b, a

// func vecDescendAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecDescendAVX2(SB), NOSPLIT, $0-40
	GRADIENT(DESCEND)
