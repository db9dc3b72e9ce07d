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

// func squaredDistance4AVX2(acc *[4][16]float32, x, y0, y1, y2, y3 *float32, n int)
TEXT ·squaredDistance4AVX2(SB), NOSPLIT, $0-56
	MOVQ   acc+0(FP), DI
	MOVQ   x+8(FP), SI
	MOVQ   y0+16(FP), R8
	MOVQ   y1+24(FP), R9
	MOVQ   y2+32(FP), R10
	MOVQ   y3+40(FP), R11
	MOVQ   n+48(FP), CX
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
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	VMOVUPS Y4, 128(DI)
	VMOVUPS Y5, 160(DI)
	VMOVUPS Y6, 192(DI)
	VMOVUPS Y7, 224(DI)
	VZEROUPPER
	RET
