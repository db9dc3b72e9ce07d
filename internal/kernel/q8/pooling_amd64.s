#include "textflag.h"

// func addPixelsVNNI(sums *int32, x *uint8, step, n, channels int)
//
//	DI  sums of the channels under way   SI  their first pixel
//	AX  runs through the pixels          BX  pixels to go
TEXT ·addPixelsVNNI(SB), NOSPLIT, $0-40
	MOVQ sums+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ step+16(FP), DX
	MOVQ n+24(FP), R8
	MOVQ channels+32(FP), CX

channels:
	VMOVDQU32 (DI), Z0
	MOVQ SI, AX
	MOVQ R8, BX

pixels:
	VPMOVZXBD (AX), Z1
	VPADDD Z1, Z0, Z0
	ADDQ DX, AX
	DECQ BX
	JNZ  pixels
	VMOVDQU32 Z0, (DI)
	ADDQ $64, DI
	ADDQ $16, SI
	SUBQ $16, CX
	JNZ  channels
	VZEROUPPER
	RET

// func addPixelsAVX2(sums *int32, x *uint8, step, n, channels int)
TEXT ·addPixelsAVX2(SB), NOSPLIT, $0-40
	MOVQ sums+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ step+16(FP), DX
	MOVQ n+24(FP), R8
	MOVQ channels+32(FP), CX

channels:
	VMOVDQU (DI), Y0
	VMOVDQU 32(DI), Y1
	MOVQ SI, AX
	MOVQ R8, BX

pixels:
	VPMOVZXBD (AX), Y2
	VPMOVZXBD 8(AX), Y3
	VPADDD Y2, Y0, Y0
	VPADDD Y3, Y1, Y1
	ADDQ DX, AX
	DECQ BX
	JNZ  pixels
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ $64, DI
	ADDQ $16, SI
	SUBQ $16, CX
	JNZ  channels
	VZEROUPPER
	RET
