#include "go_asm.h"
#include "textflag.h"

DATA evenlanes<>+0(SB)/4, $0x5555
GLOBL evenlanes<>(SB), RODATA|NOPTR, $4

// REQUANTDEEP makes bytes' values of the sums in x, whose multipliers are in
// even and odd and whose rounding is in round.
#define REQUANTDEEP(x, t, even, odd, round, offset) \
	VPSHUFD  $0xF5, x, t;                              \
	VPMULDQ  even, x, x;                               \
	VPMULDQ  odd, t, t;                                \
	VPSHUFD  $0xF5, x, K3, t;                          \
	VPADDD   round, t, t;                              \
	VPSRAVD  (deepBlock_shift+offset)(R13), t, t

// func deepVNNI(b *deepBlock, y, x *uint8, pixels, yStep, xStep int, offsets *int, groups int)
//
//	AX  window of the pixel under way      DI  its output
//	R13 the block                          R8  pixels to go
//	R9  offsets of the taps                R10 groups of four taps
//	CX  runs through the offsets           DX  runs through the weights
TEXT ·deepVNNI(SB), NOSPLIT, $0-64
	MOVQ b+0(FP), R13
	MOVQ y+8(FP), DI
	MOVQ x+16(FP), AX
	MOVQ pixels+24(FP), R8
	MOVQ yStep+32(FP), R11
	MOVQ xStep+40(FP), R12
	MOVQ offsets+48(FP), R9
	MOVQ groups+56(FP), R10
	KMOVQ deepBlock_mask(R13), K1
	KMOVW evenlanes<>(SB), K3
	VMOVDQU32 deepBlock_even(R13), Z20
	VMOVDQU32 (deepBlock_even+64)(R13), Z21
	VMOVDQU32 (deepBlock_even+128)(R13), Z22
	VMOVDQU32 (deepBlock_even+192)(R13), Z23
	VMOVDQU32 deepBlock_odd(R13), Z24
	VMOVDQU32 (deepBlock_odd+64)(R13), Z25
	VMOVDQU32 (deepBlock_odd+128)(R13), Z26
	VMOVDQU32 (deepBlock_odd+192)(R13), Z27
	VMOVDQU32 deepBlock_round(R13), Z28
	VMOVDQU32 (deepBlock_round+64)(R13), Z29
	VMOVDQU32 (deepBlock_round+128)(R13), Z30
	VMOVDQU32 (deepBlock_round+192)(R13), Z31

pixel:
	VMOVDQU32 deepBlock_bias(R13), Z0
	VMOVDQU32 (deepBlock_bias+64)(R13), Z1
	VMOVDQU32 (deepBlock_bias+128)(R13), Z2
	VMOVDQU32 (deepBlock_bias+192)(R13), Z3
	MOVQ R9, CX
	MOVQ deepBlock_weights(R13), DX
	MOVQ R10, SI

four:
	MOVQ (CX), BX
	VMOVDQU8.Z (AX)(BX*1), K1, Z4
	MOVQ 8(CX), BX
	VMOVDQU8.Z (AX)(BX*1), K1, Z5
	MOVQ 16(CX), BX
	VMOVDQU8.Z (AX)(BX*1), K1, Z6
	MOVQ 24(CX), BX
	VMOVDQU8.Z (AX)(BX*1), K1, Z7
	VPUNPCKLBW Z5, Z4, Z8
	VPUNPCKHBW Z5, Z4, Z9
	VPUNPCKLBW Z7, Z6, Z10
	VPUNPCKHBW Z7, Z6, Z11
	VPUNPCKLWD Z10, Z8, Z12
	VPUNPCKHWD Z10, Z8, Z13
	VPUNPCKLWD Z11, Z9, Z14
	VPUNPCKHWD Z11, Z9, Z15
	VPDPBUSD (DX), Z12, Z0
	VPDPBUSD 64(DX), Z13, Z1
	VPDPBUSD 128(DX), Z14, Z2
	VPDPBUSD 192(DX), Z15, Z3
	ADDQ $32, CX
	ADDQ $256, DX
	DECQ SI
	JNZ  four

	REQUANTDEEP(Z0, Z16, Z20, Z24, Z28, 0)
	REQUANTDEEP(Z1, Z17, Z21, Z25, Z29, 64)
	REQUANTDEEP(Z2, Z18, Z22, Z26, Z30, 128)
	REQUANTDEEP(Z3, Z19, Z23, Z27, Z31, 192)

	// Packing twice within the 128-bit lanes restores the channels' order.
	VPACKSSDW Z17, Z16, Z16
	VPACKSSDW Z19, Z18, Z18
	VPACKUSWB Z18, Z16, Z16
	VPMAXUB   deepBlock_lo(R13), Z16, Z16
	VPMINUB   deepBlock_hi(R13), Z16, Z16
	VMOVDQU8  Z16, K1, (DI)
	ADDQ R12, AX
	ADDQ R11, DI
	DECQ R8
	JNZ  pixel
	VZEROUPPER
	RET
