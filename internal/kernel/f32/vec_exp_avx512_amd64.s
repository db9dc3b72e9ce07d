#include "textflag.h"
#include "vec_exp_amd64.h"
#include "vec_avx512_amd64.h"

// func vecExpAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecExpAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	LOOPS(SI, EXPFOUR, EXPSINGLE)
	END

#define NEGATE(x, at) VPXORD.BCST KSIGN(R8), x, x
#define LOGISTIC(x, at) \
	VADDPS Z29, x, x \
	VDIVPS x, Z29, x
#define SIGMOIDFOUR \
	EACH(NEGATE) \
	EXPFOUR \
	EACH(LOGISTIC)
#define SIGMOIDSINGLE \
	NEGATE(Z0, 0) \
	EXPSINGLE \
	LOGISTIC(Z0, 0)

// func vecSigmoidAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSigmoidAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	LOOPS(SI, SIGMOIDFOUR, SIGMOIDSINGLE)
	END

#define SILUFOUR \
	SIGMOIDFOUR \
	EACH(TIMESA)
#define SILUSINGLE \
	SIGMOIDSINGLE \
	TIMESA(Z0, 0)

// func vecSiluAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSiluAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	LOOPS(SI, SILUFOUR, SILUSINGLE)
	END

// s is the sigmoid of b: it becomes (s*(1+b*(1-s)))*a.
#define SILUSLOPE(s, at) \
	VSUBPS s, Z29, Z4 \
	VMULPS at(DX), Z4, K1, Z4 \
	VADDPS Z29, Z4, Z4 \
	VMULPS Z4, s, s \
	TIMESA(s, at)
#define SILUGRADFOUR \
	SIGMOIDFOUR \
	EACH(SILUSLOPE)
#define SILUGRADSINGLE \
	SIGMOIDSINGLE \
	SILUSLOPE(Z0, 0)

// func vecSiluGradAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecSiluGradAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	LOOPS(DX, SILUGRADFOUR, SILUGRADSINGLE)
	END

#define MINUSSQUARE(x, at) \
	VMULPS x, x, x \
	VPXORD.BCST KSIGN(R8), x, x
#define ERFSLOPE(x, at) \
	VMULPS.BCST KTWOBYSQRTPI(R8), x, x \
	TIMESA(x, at)
#define ERFGRADFOUR \
	EACH(MINUSSQUARE) \
	EXPFOUR \
	EACH(ERFSLOPE)
#define ERFGRADSINGLE \
	MINUSSQUARE(Z0, 0) \
	EXPSINGLE \
	ERFSLOPE(Z0, 0)

// func vecErfGradAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecErfGradAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	LOOPS(DX, ERFGRADFOUR, ERFGRADSINGLE)
	END

#define LOGSLOPE(x, at) \
	VMULPS Z28, x, x \
	VMOVUPS.Z at(SI), K1, Z4 \
	VSUBPS x, Z4, x
#define LOGSOFTMAXFOUR \
	EXPFOUR \
	EACH(LOGSLOPE)
#define LOGSOFTMAXSINGLE \
	EXPSINGLE \
	LOGSLOPE(Z0, 0)

// func vecLogSoftmaxGradAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecLogSoftmaxGradAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	VBROADCASTSS p+32(FP), Z28
	LOOPS(DX, LOGSOFTMAXFOUR, LOGSOFTMAXSINGLE)
	END

// a is |x| up to tanhHigh, s the polynomial of small a, and x becomes 2a.
#define TANHA(x, a, s, e, n, t, u) \
	VPANDD.BCST KMAGNITUDE(R8), x, a \
	VMINPS a, Z28, a \
	VMULPS a, a, t \
	VMULPS t, t, u \
	VMULPS.BCST KTANH3(R8), t, e \
	VMULPS.BCST KTANH4(R8), u, n \
	VMULPS.BCST KTANH1(R8), t, s \
	VADDPS.BCST KTANH2(R8), e, e \
	VADDPS n, e, e \
	VADDPS.BCST KTANH0(R8), s, s \
	VMULPS u, e, e \
	VADDPS e, s, s \
	VMULPS a, t, t \
	VMULPS t, s, s \
	VADDPS a, s, s \
	VADDPS a, a, x

#define TANHB(x, a, s, e, at) \
	VADDPS Z29, x, x \
	VBROADCASTSS KTWO(R8), e \
	VDIVPS x, e, x \
	VSUBPS x, Z29, x \
	VCMPPS.BCST $0x11, KTANHSMALL(R8), a, K2 \
	VMOVAPS s, K2, x \
	VMOVUPS.Z at(SI), K1, e \
	VPTERNLOGD.BCST $0xf8, KSIGN(R8), e, x

#define TANHFOUR \
	TANHA(Z0, Z20, Z24, Z8, Z4, Z12, Z16) \
	TANHA(Z1, Z21, Z25, Z9, Z5, Z13, Z17) \
	TANHA(Z2, Z22, Z26, Z10, Z6, Z14, Z18) \
	TANHA(Z3, Z23, Z27, Z11, Z7, Z15, Z19) \
	EXPFOUR \
	TANHB(Z0, Z20, Z24, Z8, 0) \
	TANHB(Z1, Z21, Z25, Z9, 64) \
	TANHB(Z2, Z22, Z26, Z10, 128) \
	TANHB(Z3, Z23, Z27, Z11, 192)
#define TANHSINGLE \
	TANHA(Z0, Z20, Z24, Z8, Z4, Z12, Z16) \
	EXPSINGLE \
	TANHB(Z0, Z20, Z24, Z8, 0)

// func vecTanhAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecTanhAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	VBROADCASTSS KTANHHIGH(R8), Z28
	LOOPS(SI, TANHFOUR, TANHSINGLE)
	END
