#include "textflag.h"
#include "vec_exp_amd64.h"

// Exponentials and the error function on 256-bit registers, 8 elements a
// turn; n is a positive multiple of 8. The operations and their order are
// those of vector_exp.go.

// Y15, Y14 and Y13 hold expLow, expHigh and 1.
#define BOUNDS \
	VMOVUPS KEXPLOW(R8), Y15 \
	VMOVUPS KEXPHIGH(R8), Y14 \
	VMOVUPS KONE(R8), Y13

#define NEXT(loop) \
	VMOVUPS Y0, (DI) \
	ADDQ $32, DI \
	ADDQ $32, SI \
	ADDQ $32, DX \
	SUBQ $8, CX \
	JNZ loop \
	VZEROUPPER \
	RET

// EXP computes e = e^x; it needs x between the bounds and spoils it, n, t, u
// and v.
#define EXP(x, n, e, t, u, v) \
	VMAXPS x, Y15, x \
	VMINPS x, Y14, x \
	VMULPS KLOG2E(R8), x, n \
	VADDPS KMAGIC(R8), n, n \
	VSUBPS KMAGIC(R8), n, t \
	VMULPS KLN2UPPER(R8), t, u \
	VMULPS KLN2LOWER(R8), t, t \
	VSUBPS u, x, x \
	VSUBPS t, x, x \
	VMULPS x, x, u \
	VMULPS KEXP1(R8), x, e \
	VMULPS KEXP3(R8), x, t \
	VMULPS KEXP4(R8), u, v \
	VADDPS KEXP0(R8), e, e \
	VADDPS KEXP2(R8), t, t \
	VADDPS v, t, t \
	VMULPS u, t, t \
	VADDPS t, e, e \
	VMULPS u, e, e \
	VADDPS x, e, e \
	VADDPS Y13, e, e \
	VPSUBD KMAGIC(R8), n, n \
	VPSRAD $1, n, t \
	VPSUBD t, n, n \
	VPADDD KBIAS(R8), t, t \
	VPADDD KBIAS(R8), n, n \
	VPSLLD $23, t, t \
	VPSLLD $23, n, n \
	VMULPS t, e, e \
	VMULPS n, e, e

// SIGMOID computes e = 1/(1+e^-x).
#define SIGMOID(x, n, e, t, u, v) \
	VXORPS KSIGN(R8), x, x \
	EXP(x, n, e, t, u, v) \
	VADDPS Y13, e, e \
	VDIVPS e, Y13, e

// PICK loads the coefficients of the pieces s: m has the sign bit where they
// are in the upper half of the table.
#define PICK(d, s, m, c, t) \
	VPERMPS (d*64)(R9), s, c \
	VPERMPS (d*64+32)(R9), s, t \
	VBLENDVPS m, t, c, c

// ERF computes y = erf(x), leaving x.
#define ERF(x, f, s, m, y, t, u) \
	VANDPS KMAGNITUDE(R8), x, f \
	VMOVUPS KERFHIGH(R8), t \
	VMINPS f, t, f \
	VMULPS KERFINVERSE(R8), f, s \
	VADDPS KMAGIC(R8), s, s \
	VSUBPS KMAGIC(R8), s, t \
	VMULPS KERFSTEP(R8), t, t \
	VSUBPS t, f, f \
	VPSLLD $28, s, m \
	PICK(3, s, m, y, t) \
	VMULPS f, y, y \
	PICK(2, s, m, u, t) \
	VADDPS u, y, y \
	PICK(5, s, m, u, t) \
	VMULPS f, u, u \
	PICK(4, s, m, t, Y12) \
	VADDPS t, u, u \
	VMULPS f, f, t \
	VMULPS t, u, u \
	VADDPS u, y, y \
	VMULPS t, y, y \
	PICK(1, s, m, u, t) \
	VMULPS f, u, u \
	VADDPS u, y, y \
	PICK(0, s, m, u, t) \
	VADDPS u, y, y \
	VANDPS KSIGN(R8), x, t \
	VORPS t, y, y

// func vecExpAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecExpAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS

loop:
	VMOVUPS (SI), Y1
	EXP(Y1, Y2, Y0, Y3, Y4, Y5)
	NEXT(loop)

// func vecSigmoidAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSigmoidAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS

loop:
	VMOVUPS (SI), Y1
	SIGMOID(Y1, Y2, Y0, Y3, Y4, Y5)
	NEXT(loop)

// func vecSiluAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSiluAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS

loop:
	VMOVUPS (SI), Y1
	VMOVAPS Y1, Y6
	SIGMOID(Y1, Y2, Y0, Y3, Y4, Y5)
	VMULPS  Y6, Y0, Y0
	NEXT(loop)

// func vecTanhAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecTanhAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	VMOVUPS KTANHHIGH(R8), Y12
	VMOVUPS KTWO(R8), Y11

loop:
	VMOVUPS   (SI), Y6
	VANDPS    KMAGNITUDE(R8), Y6, Y1
	VMINPS    Y1, Y12, Y1
	VMOVAPS   Y1, Y7
	VMULPS    Y1, Y1, Y2            // z
	VMULPS    Y2, Y2, Y3
	VMULPS    KTANH3(R8), Y2, Y4
	VMULPS    KTANH4(R8), Y3, Y5
	VMULPS    KTANH1(R8), Y2, Y8
	VADDPS    KTANH2(R8), Y4, Y4
	VADDPS    Y5, Y4, Y4
	VMULPS    Y3, Y4, Y4
	VADDPS    KTANH0(R8), Y8, Y8
	VADDPS    Y4, Y8, Y8
	VMULPS    Y1, Y2, Y2
	VMULPS    Y2, Y8, Y8
	VADDPS    Y1, Y8, Y8            // where a is small
	VADDPS    Y1, Y1, Y1
	EXP(Y1, Y2, Y0, Y3, Y4, Y5)
	VADDPS    Y13, Y0, Y0
	VDIVPS    Y0, Y11, Y0
	VSUBPS    Y0, Y13, Y0
	VCMPPS    $0x11, KTANHSMALL(R8), Y7, Y7
	VBLENDVPS Y7, Y8, Y0, Y0
	VANDPS    KSIGN(R8), Y6, Y6
	VORPS     Y6, Y0, Y0
	NEXT(loop)

// func vecErfAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecErfAVX2(SB), NOSPLIT, $0-40
	BEGIN

loop:
	VMOVUPS (SI), Y1
	ERF(Y1, Y2, Y3, Y4, Y0, Y5, Y6)
	NEXT(loop)

// func vecGeluAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecGeluAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS

loop:
	VMOVUPS (SI), Y7
	VMULPS  KSQRTHALF(R8), Y7, Y1
	ERF(Y1, Y2, Y3, Y4, Y0, Y5, Y6)
	VADDPS  Y13, Y0, Y0
	VMULPS  KHALF(R8), Y7, Y7
	VMULPS  Y7, Y0, Y0
	NEXT(loop)

// func vecErfGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecErfGradAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS

loop:
	VMOVUPS (DX), Y1
	VMULPS  Y1, Y1, Y1
	VXORPS  KSIGN(R8), Y1, Y1
	EXP(Y1, Y2, Y0, Y3, Y4, Y5)
	VMULPS  KTWOBYSQRTPI(R8), Y0, Y0
	VMULPS  (SI), Y0, Y0
	NEXT(loop)

// func vecGeluGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecGeluGradAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS

loop:
	VMOVUPS (DX), Y7
	VMULPS  KSQRTHALF(R8), Y7, Y1
	ERF(Y1, Y2, Y3, Y4, Y8, Y5, Y6)
	VADDPS  Y13, Y8, Y8
	VMULPS  KHALF(R8), Y8, Y8 // the distribution
	VMULPS  Y7, Y7, Y1
	VMULPS  KMINUSHALF(R8), Y1, Y1
	EXP(Y1, Y2, Y0, Y3, Y4, Y5)
	VMULPS  KINVSQRTTWOPI(R8), Y0, Y0
	VMULPS  Y7, Y0, Y0
	VADDPS  Y8, Y0, Y0
	VMULPS  (SI), Y0, Y0
	NEXT(loop)

// func vecSiluGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSiluGradAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS

loop:
	VMOVUPS (DX), Y1
	VMOVAPS Y1, Y6
	SIGMOID(Y1, Y2, Y0, Y3, Y4, Y5)
	VSUBPS  Y0, Y13, Y1
	VMULPS  Y6, Y1, Y1
	VADDPS  Y13, Y1, Y1
	VMULPS  Y1, Y0, Y0
	VMULPS  (SI), Y0, Y0
	NEXT(loop)

// func vecLogSoftmaxGradAVX2(dst, a, b *float32, n int, p, q float32)
TEXT ·vecLogSoftmaxGradAVX2(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	VBROADCASTSS p+32(FP), Y12

loop:
	VMOVUPS (DX), Y1
	EXP(Y1, Y2, Y0, Y3, Y4, Y5)
	VMULPS  Y12, Y0, Y0
	VMOVUPS (SI), Y1
	VSUBPS  Y0, Y1, Y0
	NEXT(loop)

// func vecExpSumAVX2(lanes *rowLanes, dst, x *float32, n int, m float32)
//
// n is a positive multiple of 16.
TEXT ·vecExpSumAVX2(SB), NOSPLIT, $0-36
	MOVQ         lanes+0(FP), BX
	MOVQ         dst+8(FP), DI
	MOVQ         x+16(FP), SI
	MOVQ         n+24(FP), CX
	LEAQ         ·vecConstants(SB), R8
	BOUNDS
	VBROADCASTSS m+32(FP), Y12
	VMOVUPS      (BX), Y10
	VMOVUPS      32(BX), Y11

loop:
	VMOVUPS (SI), Y1
	VSUBPS  Y12, Y1, Y1
	EXP(Y1, Y2, Y0, Y3, Y4, Y5)
	VMOVUPS 32(SI), Y1
	VSUBPS  Y12, Y1, Y1
	EXP(Y1, Y2, Y6, Y3, Y4, Y5)
	VADDPS  Y0, Y10, Y10
	VADDPS  Y6, Y11, Y11
	VMOVUPS Y0, (DI)
	VMOVUPS Y6, 32(DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JNZ     loop
	VMOVUPS Y10, (BX)
	VMOVUPS Y11, 32(BX)
	VZEROUPPER
	RET
