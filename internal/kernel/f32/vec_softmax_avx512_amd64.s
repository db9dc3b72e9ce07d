#include "textflag.h"
#include "vec_exp_amd64.h"
#include "vec_avx512_amd64.h"

#define LESSMAX(x, at) VSUBPS Z28, x, x

// Every lane takes its elements one after the other, so the four registers
// are added in their order.
#define ACCUMULATE(x, at) VADDPS x, Z27, K1, Z27
#define SOFTMAXFOUR \
	EACH(LESSMAX) \
	EXPFOUR \
	EACH(ACCUMULATE)
#define SOFTMAXSINGLE \
	LESSMAX(Z0, 0) \
	EXPSINGLE \
	ACCUMULATE(Z0, 0)

// func vecSoftmaxAVX512(dst, x *float32, rows, cols int)
//
// Folding a register to half its width adds lane l+8 to lane l, and so on
// down to one, which is the order of the sums over a row.
TEXT ·vecSoftmaxAVX512(SB), NOSPLIT, $0-32
	MOVQ         dst+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         rows+16(FP), R11
	LEAQ         ·vecConstants(SB), R8
	BOUNDS
	MOVL         $0xff800000, R12   // -Inf

row:
	// The largest element; VMAXPS m, x, m ignores NaN.
	VPBROADCASTD R12, Z0
	VMOVAPS      Z0, Z1
	MOVQ         cols+24(FP), CX
	MOVQ         SI, DX
	SUBQ         $32, CX
	JLT          maxRest

max32:
	VMOVUPS (DX), Z2
	VMOVUPS 64(DX), Z3
	VMAXPS  Z0, Z2, Z0
	VMAXPS  Z1, Z3, Z1
	ADDQ    $128, DX
	SUBQ    $32, CX
	JGE     max32

maxRest:
	SUBQ $32, CX // MASK wants the number left less 64
	CMPQ CX, $-64
	JLE  maxDone
	MASK
	VMOVUPS.Z (DX), K1, Z2
	VMAXPS  Z0, Z2, K1, Z0
	ADDQ $64, DX
	SUBQ $16, CX
	CMPQ CX, $-64
	JLE  maxDone
	MASK
	VMOVUPS.Z (DX), K1, Z2
	VMAXPS  Z1, Z2, K1, Z1

maxDone:
	VMAXPS        Z1, Z0, Z0
	VEXTRACTF64X4 $1, Z0, Y1
	VMAXPS        Y1, Y0, Y0
	VEXTRACTF128  $1, Y0, X1
	VMAXPS        X1, X0, X0
	VPERMILPS     $0x4e, X0, X1
	VMAXPS        X1, X0, X0
	VMOVSHDUP     X0, X1
	VMAXPS        X1, X0, X0
	VBROADCASTSS  X0, Z28

	VPXORD Z27, Z27, Z27
	MOVQ   cols+24(FP), CX
	MOVQ   DI, R9
	LOOPS(SI, SOFTMAXFOUR, SOFTMAXSINGLE)
	MOVQ   DI, R13 // a multiple of 64 beyond the row

	VEXTRACTF64X4 $1, Z27, Y1
	VADDPS        Y1, Y27, Y27
	VEXTRACTF32X4 $1, Y27, X1
	VADDPS        X1, X27, X27
	VPERMILPS     $0x4e, X27, X1
	VADDPS        X1, X27, X27
	VMOVSHDUP     X27, X1
	VADDSS        X1, X27, X27
	VDIVSS        X27, X29, X27
	VBROADCASTSS  X27, Z27

	MOVQ R9, DI
	MOVQ cols+24(FP), CX
	SUBQ $16, CX
	JLT  scaleRest

scale16:
	VMULPS  (DI), Z27, Z0
	VMOVUPS Z0, (DI)
	ADDQ    $64, DI
	SUBQ    $16, CX
	JGE     scale16

scaleRest:
	SUBQ    $48, CX
	CMPQ    CX, $-64
	JLE     scaled
	MASK
	VMULPS  (DI), Z27, K1, Z0
	VMOVUPS Z0, K1, (DI)

scaled:
	MOVQ cols+24(FP), CX
	LEAQ (R9)(CX*4), DI
	SUBQ DI, R13
	SUBQ R13, SI
	DECQ R11
	JNZ  row
	END
