#include "textflag.h"

// Windows of pooling: 32 channels in four registers while the window runs,
// then 8. channels is a positive multiple of 8, rows and cols are at least 1,
// and strides count elements.

#define WINDOW \
	MOVQ y+0(FP), DI \
	MOVQ x+8(FP), SI \
	MOVQ channels+16(FP), CX \
	MOVQ rows+24(FP), R10 \
	MOVQ cols+32(FP), R11 \
	MOVQ rowStride+40(FP), R12 \
	MOVQ colStride+48(FP), R13 \
	SHLQ $2, R12 \
	SHLQ $2, R13

// REDUCE begins with Y15, runs TERM on the registers of y and every pixel of
// the window, and ends with LAST; R8 is the row and DX the pixel.
#define REDUCE(TERM, LAST) \
	SUBQ $32, CX \
	JLT eights \
channels32: \
	VMOVAPS Y15, Y0 \
	VMOVAPS Y15, Y1 \
	VMOVAPS Y15, Y2 \
	VMOVAPS Y15, Y3 \
	MOVQ SI, R8 \
	MOVQ R10, AX \
row32: \
	MOVQ R8, DX \
	MOVQ R11, BX \
pixel32: \
	TERM(0, Y0, Y4) \
	TERM(32, Y1, Y5) \
	TERM(64, Y2, Y6) \
	TERM(96, Y3, Y7) \
	ADDQ R13, DX \
	DECQ BX \
	JNZ pixel32 \
	ADDQ R12, R8 \
	DECQ AX \
	JNZ row32 \
	LAST(Y0) \
	LAST(Y1) \
	LAST(Y2) \
	LAST(Y3) \
	VMOVUPS Y0, (DI) \
	VMOVUPS Y1, 32(DI) \
	VMOVUPS Y2, 64(DI) \
	VMOVUPS Y3, 96(DI) \
	ADDQ $128, DI \
	ADDQ $128, SI \
	SUBQ $32, CX \
	JGE channels32 \
eights: \
	ADDQ $32, CX \
	JZ done \
channels8: \
	VMOVAPS Y15, Y0 \
	MOVQ SI, R8 \
	MOVQ R10, AX \
row8: \
	MOVQ R8, DX \
	MOVQ R11, BX \
pixel8: \
	TERM(0, Y0, Y4) \
	ADDQ R13, DX \
	DECQ BX \
	JNZ pixel8 \
	ADDQ R12, R8 \
	DECQ AX \
	JNZ row8 \
	LAST(Y0) \
	VMOVUPS Y0, (DI) \
	ADDQ $32, DI \
	ADDQ $32, SI \
	SUBQ $8, CX \
	JNZ channels8 \
done: \
	VZEROUPPER \
	RET

// VMAXPS m, x, m is x > m ? x : m, so NaN is ignored.
#define MAXTERM(at, y, t) \
	VMOVUPS at(DX), t \
	VMAXPS y, t, y
#define KEEP(y)
#define SUMTERM(at, y, t) VADDPS at(DX), y, y
#define DIVIDE(y) VDIVPS Y14, y, y

// func vecMaxWindowAVX2(y, x *float32, channels, rows, cols, rowStride, colStride int)
TEXT ·vecMaxWindowAVX2(SB), NOSPLIT, $0-56
	WINDOW
	VPCMPEQD Y15, Y15, Y15
	VPSLLD   $23, Y15, Y15 // -Inf
	REDUCE(MAXTERM, KEEP)

// func vecMeanWindowAVX2(y, x *float32, channels, rows, cols, rowStride, colStride int, count float32)
TEXT ·vecMeanWindowAVX2(SB), NOSPLIT, $0-60
	WINDOW
	VBROADCASTSS count+56(FP), Y14
	VXORPS       Y15, Y15, Y15
	REDUCE(SUMTERM, DIVIDE)

// func vecSpreadWindowAVX2(dx, dy *float32, channels, rows, cols, rowStride, colStride int, count float32)
TEXT ·vecSpreadWindowAVX2(SB), NOSPLIT, $0-60
	MOVQ         dx+0(FP), DI
	MOVQ         dy+8(FP), SI
	MOVQ         channels+16(FP), CX
	MOVQ         rows+24(FP), R10
	MOVQ         cols+32(FP), R11
	MOVQ         rowStride+40(FP), R12
	MOVQ         colStride+48(FP), R13
	VBROADCASTSS count+56(FP), Y15
	SHLQ         $2, R12
	SHLQ         $2, R13

channels8:
	VMOVUPS (SI), Y0
	VDIVPS  Y15, Y0, Y0
	MOVQ    DI, R8
	MOVQ    R10, AX

row:
	MOVQ R8, DX
	MOVQ R11, BX

pixel:
	VADDPS  (DX), Y0, Y1
	VMOVUPS Y1, (DX)
	ADDQ    R13, DX
	DECQ    BX
	JNZ     pixel
	ADDQ    R12, R8
	DECQ    AX
	JNZ     row
	ADDQ    $32, DI
	ADDQ    $32, SI
	SUBQ    $8, CX
	JNZ     channels8
	VZEROUPPER
	RET

// func vecMaxWindowGradAVX2(dx, dy, x, y *float32, channels, rows, cols, rowStride, colStride int)
//
// Y2 has the channels whose maximum has not come yet.
TEXT ·vecMaxWindowGradAVX2(SB), NOSPLIT, $0-72
	MOVQ dx+0(FP), DI
	MOVQ dy+8(FP), R9
	MOVQ x+16(FP), SI
	MOVQ y+24(FP), R8
	MOVQ channels+32(FP), CX
	MOVQ rowStride+56(FP), R12
	MOVQ colStride+64(FP), R13
	SHLQ $2, R12
	SHLQ $2, R13

channels8:
	VMOVUPS  (R8), Y0
	VMOVUPS  (R9), Y1
	VPCMPEQD Y2, Y2, Y2
	XORQ     R11, R11
	MOVQ     rows+40(FP), AX

row:
	MOVQ R11, DX
	MOVQ cols+48(FP), BX

pixel:
	VCMPPS  $0, (SI)(DX*1), Y0, Y3
	VANDPS  Y2, Y3, Y3
	VANDNPS Y2, Y3, Y2
	VANDPS  Y1, Y3, Y3
	VADDPS  (DI)(DX*1), Y3, Y3
	VMOVUPS Y3, (DI)(DX*1)
	ADDQ    R13, DX
	DECQ    BX
	JNZ     pixel
	ADDQ    R12, R11
	DECQ    AX
	JNZ     row
	ADDQ    $32, DI
	ADDQ    $32, SI
	ADDQ    $32, R8
	ADDQ    $32, R9
	SUBQ    $8, CX
	JNZ     channels8
	VZEROUPPER
	RET
