#include "textflag.h"
#include "vec_exp_amd64.h"
#include "vec_avx512_amd64.h"

// The six rows of erfTable stay in registers, a lane for each piece.
#define TABLES \
	VMOVUPS (R9), Z20 \
	VMOVUPS 64(R9), Z21 \
	VMOVUPS 128(R9), Z22 \
	VMOVUPS 192(R9), Z23 \
	VMOVUPS 256(R9), Z24 \
	VMOVUPS 320(R9), Z25 \
	VBROADCASTSS KERFHIGH(R8), Z26

// The error function of |x| in three stages; x is spoilt, the result is y.
// The low four bits of s are the number of the piece.
#define ERFA(x, f, s, t) \
	VPANDD.BCST KMAGNITUDE(R8), x, f \
	VMINPS f, Z26, f \
	VMULPS.BCST KERFINVERSE(R8), f, s \
	VADDPS.BCST KMAGIC(R8), s, s \
	VSUBPS.BCST KMAGIC(R8), s, t \
	VMULPS.BCST KERFSTEP(R8), t, t \
	VSUBPS t, f, f

#define ERFB(x, f, s, y, t) \
	VPERMPS Z23, s, x \
	VPERMPS Z22, s, y \
	VMULPS f, x, x \
	VADDPS x, y, y \
	VPERMPS Z25, s, x \
	VPERMPS Z24, s, t \
	VMULPS f, x, x \
	VADDPS x, t, t

#define ERFC(x, f, s, y, t) \
	VMULPS f, f, x \
	VMULPS x, t, t \
	VADDPS t, y, y \
	VPERMPS Z21, s, t \
	VMULPS x, y, y \
	VMULPS f, t, t \
	VADDPS t, y, y \
	VPERMPS Z20, s, t \
	VADDPS t, y, y

#define ERFFOUR \
	ERFA(Z0, Z4, Z8, Z16) \
	ERFA(Z1, Z5, Z9, Z17) \
	ERFA(Z2, Z6, Z10, Z18) \
	ERFA(Z3, Z7, Z11, Z19) \
	ERFB(Z0, Z4, Z8, Z12, Z16) \
	ERFB(Z1, Z5, Z9, Z13, Z17) \
	ERFB(Z2, Z6, Z10, Z14, Z18) \
	ERFB(Z3, Z7, Z11, Z15, Z19) \
	ERFC(Z0, Z4, Z8, Z12, Z16) \
	ERFC(Z1, Z5, Z9, Z13, Z17) \
	ERFC(Z2, Z6, Z10, Z14, Z18) \
	ERFC(Z3, Z7, Z11, Z15, Z19)
#define ERFSINGLE \
	ERFA(Z0, Z4, Z8, Z16) \
	ERFB(Z0, Z4, Z8, Z12, Z16) \
	ERFC(Z0, Z4, Z8, Z12, Z16)

#define SIGNOF(x, y, from, at) \
	VMOVUPS.Z at(from), K1, x \
	VPTERNLOGD.BCST $0xf8, KSIGN(R8), x, y

#define PLAINERF(x, y, at) \
	SIGNOF(x, y, SI, at) \
	VMOVAPS y, x
#define PLAINERFFOUR \
	ERFFOUR \
	PLAINERF(Z0, Z12, 0) \
	PLAINERF(Z1, Z13, 64) \
	PLAINERF(Z2, Z14, 128) \
	PLAINERF(Z3, Z15, 192)
#define PLAINERFSINGLE \
	ERFSINGLE \
	PLAINERF(Z0, Z12, 0)

// func vecErfAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecErfAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	TABLES
	LOOPS(SI, PLAINERFFOUR, PLAINERFSINGLE)
	END

#define SCALED(x, at) VMULPS.BCST KSQRTHALF(R8), x, x
#define GELU(x, y, at) \
	SIGNOF(x, y, SI, at) \
	VADDPS Z29, y, y \
	VMULPS.BCST KHALF(R8), x, x \
	VMULPS y, x, x
#define GELUFOUR \
	EACH(SCALED) \
	ERFFOUR \
	GELU(Z0, Z12, 0) \
	GELU(Z1, Z13, 64) \
	GELU(Z2, Z14, 128) \
	GELU(Z3, Z15, 192)
#define GELUSINGLE \
	SCALED(Z0, 0) \
	ERFSINGLE \
	GELU(Z0, Z12, 0)

// func vecGeluAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecGeluAVX512(SB), NOSPLIT, $0-40
	BEGIN
	BOUNDS
	TABLES
	LOOPS(SI, GELUFOUR, GELUSINGLE)
	END

// The normal distribution waits in the frame for the density.
#define DISTRIBUTION(x, y, at) \
	SIGNOF(x, y, DX, at) \
	VADDPS Z29, y, y \
	VMULPS.BCST KHALF(R8), y, y \
	VMOVUPS y, at(SP) \
	VMULPS x, x, x \
	VMULPS.BCST KMINUSHALF(R8), x, x
#define GELUSLOPE(x, at) \
	VMULPS.BCST KINVSQRTTWOPI(R8), x, x \
	VMULPS at(DX), x, K1, x \
	VADDPS at(SP), x, x \
	TIMESA(x, at)
#define GELUGRADFOUR \
	EACH(SCALED) \
	ERFFOUR \
	DISTRIBUTION(Z0, Z12, 0) \
	DISTRIBUTION(Z1, Z13, 64) \
	DISTRIBUTION(Z2, Z14, 128) \
	DISTRIBUTION(Z3, Z15, 192) \
	EXPFOUR \
	EACH(GELUSLOPE)
#define GELUGRADSINGLE \
	SCALED(Z0, 0) \
	ERFSINGLE \
	DISTRIBUTION(Z0, Z12, 0) \
	EXPSINGLE \
	GELUSLOPE(Z0, 0)

// func vecGeluGradAVX512(dst, a, b *float32, n int, p, q float32)
TEXT ·vecGeluGradAVX512(SB), NOSPLIT, $256-40
	BEGIN
	BOUNDS
	TABLES
	LOOPS(DX, GELUGRADFOUR, GELUGRADSINGLE)
	END
