#include "textflag.h"

// func keysAVX2(dst *int32, src *float32, n int)
//
// A caller reads a few hundred bytes each of many vectors before it comes back to
// the first, more streams than the processor follows by itself: ask for what it
// will want the time after next. A prefetch of an address that is not there does
// nothing.
TEXT ·keysAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	PREFETCHT1 512(SI)
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VPSRAD  $31, Y0, Y2
	VPSRAD  $31, Y1, Y3
	VPSRLD  $1, Y2, Y2
	VPSRLD  $1, Y3, Y3
	VPXOR   Y2, Y0, Y0
	VPXOR   Y3, Y1, Y1
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JNZ     loop
	VZEROUPPER
	RET

#define EXCHANGE(at) \
	VMOVDQU at(AX), Y0     \
	VMOVDQU at(BX), Y1     \
	VPMINSD Y1, Y0, Y2     \
	VPMAXSD Y1, Y0, Y3     \
	VMOVDQU Y2, at(AX)     \
	VMOVDQU Y3, at(BX)

// func exchangeAVX2(rows *int32, network *[2]int32, n int)
TEXT ·exchangeAVX2(SB), NOSPLIT, $0-24
	MOVQ rows+0(FP), DI
	MOVQ network+8(FP), SI
	MOVQ n+16(FP), CX

loop:
	MOVLQSX (SI), AX
	MOVLQSX 4(SI), BX
	SHLQ    $8, AX
	SHLQ    $8, BX
	ADDQ    DI, AX
	ADDQ    DI, BX
	EXCHANGE(0)
	EXCHANGE(32)
	EXCHANGE(64)
	EXCHANGE(96)
	EXCHANGE(128)
	EXCHANGE(160)
	EXCHANGE(192)
	EXCHANGE(224)
	ADDQ $8, SI
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET

// func sumKeysAVX2(sums *[64]float64, rows *int32, n int)
//
// Sixteen columns at a time keep their sums in registers while all rows pass by.
TEXT ·sumKeysAVX2(SB), NOSPLIT, $0-24
	MOVQ sums+0(FP), DI
	MOVQ rows+8(FP), SI
	MOVQ $4, DX

columns:
	MOVQ    n+16(FP), CX
	MOVQ    SI, AX
	VMOVUPD (DI), Y0
	VMOVUPD 32(DI), Y1
	VMOVUPD 64(DI), Y2
	VMOVUPD 96(DI), Y3

row:
	VMOVDQU      (AX), Y4
	VMOVDQU      32(AX), Y5
	VPSRAD       $31, Y4, Y6
	VPSRAD       $31, Y5, Y7
	VPSRLD       $1, Y6, Y6
	VPSRLD       $1, Y7, Y7
	VPXOR        Y6, Y4, Y4
	VPXOR        Y7, Y5, Y5
	VEXTRACTF128 $1, Y4, X6
	VEXTRACTF128 $1, Y5, X7
	VCVTPS2PD    X4, Y4
	VCVTPS2PD    X6, Y6
	VCVTPS2PD    X5, Y5
	VCVTPS2PD    X7, Y7
	VADDPD       Y4, Y0, Y0
	VADDPD       Y6, Y1, Y1
	VADDPD       Y5, Y2, Y2
	VADDPD       Y7, Y3, Y3
	ADDQ         $256, AX
	DECQ         CX
	JNZ          row
	VMOVUPD Y0, (DI)
	VMOVUPD Y1, 32(DI)
	VMOVUPD Y2, 64(DI)
	VMOVUPD Y3, 96(DI)
	ADDQ    $128, DI
	ADDQ    $64, SI
	DECQ    DX
	JNZ     columns
	VZEROUPPER
	RET

#define DISTANCE(y, low, high) \
	VSUBPS (y), Y8, Y10      \
	VSUBPS 32(y), Y9, Y11    \
	VMULPS Y10, Y10, Y10     \
	VMULPS Y11, Y11, Y11     \
	VADDPS Y10, low, low     \
	VADDPS Y11, high, high   \
	ADDQ   $64, y

// func squaredDistances4AVX2(sums *float64, stride int, x *float32, rows int, y *float32, size int)
TEXT ·squaredDistances4AVX2(SB), NOSPLIT, $0-48
	MOVQ sums+0(FP), DI
	MOVQ stride+8(FP), R12
	SHLQ $3, R12
	MOVQ x+16(FP), SI
	MOVQ rows+24(FP), DX
	MOVQ y+32(FP), R8
	MOVQ size+40(FP), R13
	SHLQ $2, R13
	LEAQ (R8)(R13*1), R9
	LEAQ (R8)(R13*2), R10
	LEAQ (R9)(R13*2), R11

row:
	MOVQ   size+40(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7

loop:
	VMOVUPS (SI), Y8
	VMOVUPS 32(SI), Y9
	ADDQ    $64, SI
	DISTANCE(R8, Y0, Y1)
	DISTANCE(R9, Y2, Y3)
	DISTANCE(R10, Y4, Y5)
	DISTANCE(R11, Y6, Y7)
	SUBQ    $16, CX
	JNZ     loop
	SUBQ    R13, R8
	SUBQ    R13, R9
	SUBQ    R13, R10
	SUBQ    R13, R11

	// The lanes of each vector are folded in the order of Go's fold.
	VADDPS       Y1, Y0, Y0
	VADDPS       Y3, Y2, Y2
	VADDPS       Y5, Y4, Y4
	VADDPS       Y7, Y6, Y6
	VEXTRACTF128 $1, Y0, X1
	VEXTRACTF128 $1, Y2, X3
	VEXTRACTF128 $1, Y4, X5
	VEXTRACTF128 $1, Y6, X7
	VADDPS       X1, X0, X0
	VADDPS       X3, X2, X2
	VADDPS       X5, X4, X4
	VADDPS       X7, X6, X6
	VMOVLHPS     X2, X0, X1
	VMOVHLPS     X0, X2, X3
	VADDPS       X3, X1, X1      // two sums of each of the first two vectors
	VMOVLHPS     X6, X4, X5
	VMOVHLPS     X4, X6, X7
	VADDPS       X7, X5, X5
	VSHUFPS      $0x88, X5, X1, X0
	VSHUFPS      $0xDD, X5, X1, X2
	VADDPS       X2, X0, X0
	VCVTPS2PD    X0, Y0
	VADDPD       (DI), Y0, Y0
	VMOVUPD      Y0, (DI)
	ADDQ         R12, DI
	DECQ         DX
	JNZ          row
	VZEROUPPER
	RET
