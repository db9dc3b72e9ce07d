#include "go_asm.h"
#include "textflag.h"

DATA evenbytes<>+0(SB)/4, $0x00ff00ff
GLOBL evenbytes<>(SB), RODATA|NOPTR, $4

// TAPS adds the products of the four bytes in every lane of x by the weights
// at an offset: the even bytes' and the odd ones', as words.
#define TAPS(x, offset, sum) \
	VMOVDQU  offset(DX), Y12;  \
	VPAND    Y15, x, Y13;      \
	VPSRLW   $8, x, Y14;       \
	VPSRAW   $8, Y12, x;       \
	VPSLLW   $8, Y12, Y12;     \
	VPSRAW   $8, Y12, Y12;     \
	VPMADDWD Y12, Y13, Y13;    \
	VPMADDWD x, Y14, Y14;      \
	VPADDD   Y13, sum, sum;    \
	VPADDD   Y14, sum, sum

#define REQUANT(x, offset) \
	VPSRLQ   $32, x, Y12;                            \
	VPMULDQ  (deepBlock_even+offset)(R13), x, x;     \
	VPMULDQ  (deepBlock_odd+offset)(R13), Y12, Y12;  \
	VPSHUFD  $0xF5, x, x;                            \
	VPBLENDD $0xAA, Y12, x, x;                       \
	VPADDD   (deepBlock_round+offset)(R13), x, x;    \
	VPSRAVD  (deepBlock_shift+offset)(R13), x, x

// func deepAVX2(b *deepBlock, y, x *uint8, pixels, yStep, xStep int, offsets *int, groups, first int)
//
//	AX  window of the pixel under way      DI  its output
//	R13 the block at the first channel     R8  pixels to go
//	R9  offsets of the taps                R10 groups of four taps
//	CX  runs through the offsets           DX  runs through the weights
//	R15 bytes of a pixel to store
TEXT ·deepAVX2(SB), NOSPLIT, $0-72
	MOVQ b+0(FP), R13
	MOVQ y+8(FP), DI
	MOVQ x+16(FP), AX
	MOVQ pixels+24(FP), R8
	MOVQ yStep+32(FP), R11
	MOVQ xStep+40(FP), R12
	MOVQ offsets+48(FP), R9
	MOVQ groups+56(FP), R10
	MOVQ first+64(FP), SI

	// A pixel is padded to a multiple of four bytes.
	MOVQ deepBlock_channels(R13), R15
	SUBQ SI, R15
	ADDQ $3, R15
	ANDQ $-4, R15

	// Channel 32 has the lane 8 of every 16.
	ADDQ SI, R13
	VPBROADCASTD evenbytes<>(SB), Y15

pixel:
	VMOVDQU deepBlock_bias(R13), Y0
	VMOVDQU (deepBlock_bias+64)(R13), Y1
	VMOVDQU (deepBlock_bias+128)(R13), Y2
	VMOVDQU (deepBlock_bias+192)(R13), Y3
	MOVQ b+0(FP), DX
	MOVQ deepBlock_weights(DX), DX
	ADDQ first+64(FP), DX
	MOVQ R9, CX
	MOVQ R10, SI

group:
	MOVQ (CX), BX
	VMOVDQU (AX)(BX*1), Y4
	MOVQ 8(CX), BX
	VMOVDQU (AX)(BX*1), Y5
	MOVQ 16(CX), BX
	VMOVDQU (AX)(BX*1), Y6
	MOVQ 24(CX), BX
	VMOVDQU (AX)(BX*1), Y7
	VPUNPCKLBW Y5, Y4, Y8
	VPUNPCKHBW Y5, Y4, Y9
	VPUNPCKLBW Y7, Y6, Y10
	VPUNPCKHBW Y7, Y6, Y11
	VPUNPCKLWD Y10, Y8, Y4
	VPUNPCKHWD Y10, Y8, Y5
	VPUNPCKLWD Y11, Y9, Y6
	VPUNPCKHWD Y11, Y9, Y7
	TAPS(Y4, 0, Y0)
	TAPS(Y5, 64, Y1)
	TAPS(Y6, 128, Y2)
	TAPS(Y7, 192, Y3)
	ADDQ $32, CX
	ADDQ $256, DX
	DECQ SI
	JNZ  group

	REQUANT(Y0, 0)
	REQUANT(Y1, 64)
	REQUANT(Y2, 128)
	REQUANT(Y3, 192)

	// Packing twice within the 128-bit lanes restores the channels' order.
	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	MOVQ b+0(FP), DX
	VPMAXUB deepBlock_lo(DX), Y0, Y0
	VPMINUB deepBlock_hi(DX), Y0, Y0
	CMPQ R15, $32
	JL   narrow
	VMOVDQU Y0, (DI)

next:
	ADDQ R12, AX
	ADDQ R11, DI
	DECQ R8
	JNZ  pixel
	VZEROUPPER
	RET

narrow:
	MOVQ DI, DX
	TESTQ $16, R15
	JZ   eight
	VMOVDQU X0, (DX)
	VEXTRACTI128 $1, Y0, X0
	ADDQ $16, DX

eight:
	TESTQ $8, R15
	JZ   four
	VMOVQ X0, (DX)
	VPSRLDQ $8, X0, X0
	ADDQ $8, DX

four:
	TESTQ $4, R15
	JZ   next
	VMOVD X0, (DX)
	JMP  next
