#include "textflag.h"

// Matrix products on 256-bit registers, made like those on 512: a tile of C,
// up to 6 rows by 2 registers, stays in Y0-Y11 while k runs, and a product
// and its sum are two instructions.
//
//	DI  rows of C still to do        SI  counts k down
//	R8  first row of A of the tile   AX  runs through A along k
//	R9  row stride of A in bytes     R13 column stride of A in bytes
//	R10, R11                         3 and 5 row strides of A
//	DX  runs through B along k       BX  row stride of B in bytes
//	CX  first row of C of the tile   R14 row stride of C in bytes
//	R12 mask of the last register of a row, -1 for each lane in use
//
// Masked loads do not touch the memory of lanes that are off.

#define PROLOGUE \
	MOVQ m+0(FP), DI; \
	MOVQ a+16(FP), R8; \
	MOVQ ars+24(FP), R9; \
	SHLQ $2, R9; \
	LEAQ (R9)(R9*2), R10; \
	LEAQ (R9)(R9*4), R11; \
	MOVQ acs+32(FP), R13; \
	SHLQ $2, R13; \
	MOVQ ldb+48(FP), BX; \
	SHLQ $2, BX; \
	MOVQ c+56(FP), CX; \
	MOVQ ldc+64(FP), R14; \
	SHLQ $2, R14

// START readies a tile's run along k; AX walked through C before.
#define START \
	MOVQ k+8(FP), SI; \
	MOVQ b+40(FP), DX; \
	MOVQ R8, AX

#define STEP \
	ADDQ R13, AX; \
	ADDQ BX, DX; \
	DECQ SI

// LOADx and STOREx move a row of C and go on to the next row.
#define LOAD2(x, y) \
	VMOVUPS (AX), x; \
	VMOVUPS 32(AX), y; \
	ADDQ    R14, AX

#define STORE2(x, y) \
	VMOVUPS x, (CX); \
	VMOVUPS y, 32(CX); \
	ADDQ    R14, CX

#define LOAD2M(x, y) \
	VMOVUPS    (AX), x; \
	VMASKMOVPS 32(AX), Y14, y; \
	ADDQ       R14, AX

#define STORE2M(x, y) \
	VMOVUPS    x, (CX); \
	VMASKMOVPS y, Y14, 32(CX); \
	ADDQ       R14, CX

#define LOAD1M(x) \
	VMASKMOVPS (AX), Y13, x; \
	ADDQ       R14, AX

#define STORE1M(x) \
	VMASKMOVPS x, Y13, (CX); \
	ADDQ       R14, CX

// Bx loads a row of B and ROWx takes it into a row of C, times an element
// of A.
#define B2 \
	VMOVUPS (DX), Y12; \
	VMOVUPS 32(DX), Y13

#define MASK2 \
	VMOVUPS (R12), Y14

#define B2M \
	MASK2; \
	VMOVUPS    (DX), Y12; \
	VMASKMOVPS 32(DX), Y14, Y13

#define ROW2(element, x, y) \
	VBROADCASTSS element, Y14; \
	VMULPS       Y12, Y14, Y15; \
	VMULPS       Y13, Y14, Y14; \
	VADDPS       Y15, x, x; \
	VADDPS       Y14, y, y

#define B1M \
	VMASKMOVPS (DX), Y13, Y12

#define ROW1(element, x) \
	VBROADCASTSS element, Y14; \
	VMULPS       Y12, Y14, Y14; \
	VADDPS       Y14, x, x

// func gemm2AVX2(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int)
TEXT ·gemm2AVX2(SB), NOSPLIT, $0-72
	PROLOGUE

rows6:
	CMPQ DI, $6
	JLT  rows4
	MOVQ CX, AX
	LOAD2(Y0, Y1)
	LOAD2(Y2, Y3)
	LOAD2(Y4, Y5)
	LOAD2(Y6, Y7)
	LOAD2(Y8, Y9)
	LOAD2(Y10, Y11)
	START

loop6:
	B2
	ROW2((AX), Y0, Y1)
	ROW2((AX)(R9*1), Y2, Y3)
	ROW2((AX)(R9*2), Y4, Y5)
	ROW2((AX)(R10*1), Y6, Y7)
	ROW2((AX)(R9*4), Y8, Y9)
	ROW2((AX)(R11*1), Y10, Y11)
	STEP
	JNZ    loop6
	STORE2(Y0, Y1)
	STORE2(Y2, Y3)
	STORE2(Y4, Y5)
	STORE2(Y6, Y7)
	STORE2(Y8, Y9)
	STORE2(Y10, Y11)
	LEAQ   (R8)(R10*2), R8
	SUBQ   $6, DI
	JMP    rows6

rows4:
	TESTQ $4, DI
	JZ    rows2
	MOVQ  CX, AX
	LOAD2(Y0, Y1)
	LOAD2(Y2, Y3)
	LOAD2(Y4, Y5)
	LOAD2(Y6, Y7)
	START

loop4:
	B2
	ROW2((AX), Y0, Y1)
	ROW2((AX)(R9*1), Y2, Y3)
	ROW2((AX)(R9*2), Y4, Y5)
	ROW2((AX)(R10*1), Y6, Y7)
	STEP
	JNZ    loop4
	STORE2(Y0, Y1)
	STORE2(Y2, Y3)
	STORE2(Y4, Y5)
	STORE2(Y6, Y7)
	LEAQ   (R8)(R9*4), R8

rows2:
	TESTQ $2, DI
	JZ    rows1
	MOVQ  CX, AX
	LOAD2(Y0, Y1)
	LOAD2(Y2, Y3)
	START

loop2:
	B2
	ROW2((AX), Y0, Y1)
	ROW2((AX)(R9*1), Y2, Y3)
	STEP
	JNZ    loop2
	STORE2(Y0, Y1)
	STORE2(Y2, Y3)
	LEAQ   (R8)(R9*2), R8

rows1:
	TESTQ $1, DI
	JZ    done
	MOVQ  CX, AX
	LOAD2(Y0, Y1)
	START

loop1:
	B2
	ROW2((AX), Y0, Y1)
	STEP
	JNZ    loop1
	STORE2(Y0, Y1)

done:
	VZEROUPPER
	RET

// func gemm2MaskedAVX2(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask *int32)
TEXT ·gemm2MaskedAVX2(SB), NOSPLIT, $0-80
	PROLOGUE
	MOVQ mask+72(FP), R12

rows6:
	CMPQ DI, $6
	JLT  rows4
	MOVQ CX, AX
	MASK2
	LOAD2M(Y0, Y1)
	LOAD2M(Y2, Y3)
	LOAD2M(Y4, Y5)
	LOAD2M(Y6, Y7)
	LOAD2M(Y8, Y9)
	LOAD2M(Y10, Y11)
	START

loop6:
	B2M
	ROW2((AX), Y0, Y1)
	ROW2((AX)(R9*1), Y2, Y3)
	ROW2((AX)(R9*2), Y4, Y5)
	ROW2((AX)(R10*1), Y6, Y7)
	ROW2((AX)(R9*4), Y8, Y9)
	ROW2((AX)(R11*1), Y10, Y11)
	STEP
	JNZ    loop6
	MASK2
	STORE2M(Y0, Y1)
	STORE2M(Y2, Y3)
	STORE2M(Y4, Y5)
	STORE2M(Y6, Y7)
	STORE2M(Y8, Y9)
	STORE2M(Y10, Y11)
	LEAQ   (R8)(R10*2), R8
	SUBQ   $6, DI
	JMP    rows6

rows4:
	TESTQ $4, DI
	JZ    rows2
	MOVQ  CX, AX
	MASK2
	LOAD2M(Y0, Y1)
	LOAD2M(Y2, Y3)
	LOAD2M(Y4, Y5)
	LOAD2M(Y6, Y7)
	START

loop4:
	B2M
	ROW2((AX), Y0, Y1)
	ROW2((AX)(R9*1), Y2, Y3)
	ROW2((AX)(R9*2), Y4, Y5)
	ROW2((AX)(R10*1), Y6, Y7)
	STEP
	JNZ    loop4
	MASK2
	STORE2M(Y0, Y1)
	STORE2M(Y2, Y3)
	STORE2M(Y4, Y5)
	STORE2M(Y6, Y7)
	LEAQ   (R8)(R9*4), R8

rows2:
	TESTQ $2, DI
	JZ    rows1
	MOVQ  CX, AX
	MASK2
	LOAD2M(Y0, Y1)
	LOAD2M(Y2, Y3)
	START

loop2:
	B2M
	ROW2((AX), Y0, Y1)
	ROW2((AX)(R9*1), Y2, Y3)
	STEP
	JNZ    loop2
	MASK2
	STORE2M(Y0, Y1)
	STORE2M(Y2, Y3)
	LEAQ   (R8)(R9*2), R8

rows1:
	TESTQ $1, DI
	JZ    done
	MOVQ  CX, AX
	MASK2
	LOAD2M(Y0, Y1)
	START

loop1:
	B2M
	ROW2((AX), Y0, Y1)
	STEP
	JNZ    loop1
	MASK2
	STORE2M(Y0, Y1)

done:
	VZEROUPPER
	RET

// func gemm1MaskedAVX2(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask *int32)
TEXT ·gemm1MaskedAVX2(SB), NOSPLIT, $0-80
	PROLOGUE
	MOVQ    mask+72(FP), R12
	VMOVUPS (R12), Y13

rows6:
	CMPQ DI, $6
	JLT  rows4
	MOVQ CX, AX
	LOAD1M(Y0)
	LOAD1M(Y1)
	LOAD1M(Y2)
	LOAD1M(Y3)
	LOAD1M(Y4)
	LOAD1M(Y5)
	START

loop6:
	B1M
	ROW1((AX), Y0)
	ROW1((AX)(R9*1), Y1)
	ROW1((AX)(R9*2), Y2)
	ROW1((AX)(R10*1), Y3)
	ROW1((AX)(R9*4), Y4)
	ROW1((AX)(R11*1), Y5)
	STEP
	JNZ     loop6
	STORE1M(Y0)
	STORE1M(Y1)
	STORE1M(Y2)
	STORE1M(Y3)
	STORE1M(Y4)
	STORE1M(Y5)
	LEAQ    (R8)(R10*2), R8
	SUBQ    $6, DI
	JMP     rows6

rows4:
	TESTQ $4, DI
	JZ    rows2
	MOVQ  CX, AX
	LOAD1M(Y0)
	LOAD1M(Y1)
	LOAD1M(Y2)
	LOAD1M(Y3)
	START

loop4:
	B1M
	ROW1((AX), Y0)
	ROW1((AX)(R9*1), Y1)
	ROW1((AX)(R9*2), Y2)
	ROW1((AX)(R10*1), Y3)
	STEP
	JNZ     loop4
	STORE1M(Y0)
	STORE1M(Y1)
	STORE1M(Y2)
	STORE1M(Y3)
	LEAQ    (R8)(R9*4), R8

rows2:
	TESTQ $2, DI
	JZ    rows1
	MOVQ  CX, AX
	LOAD1M(Y0)
	LOAD1M(Y1)
	START

loop2:
	B1M
	ROW1((AX), Y0)
	ROW1((AX)(R9*1), Y1)
	STEP
	JNZ     loop2
	STORE1M(Y0)
	STORE1M(Y1)
	LEAQ    (R8)(R9*2), R8

rows1:
	TESTQ $1, DI
	JZ    done
	MOVQ  CX, AX
	LOAD1M(Y0)
	START

loop1:
	B1M
	ROW1((AX), Y0)
	STEP
	JNZ     loop1
	STORE1M(Y0)

done:
	VZEROUPPER
	RET
