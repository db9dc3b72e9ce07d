#include "textflag.h"

// Matrix products on 512-bit registers.
//
// A tile of C, up to 8 rows by 3 registers, stays in Z0-Z23 while k runs, so
// that every element of C takes in its products in ascending order. A product
// and its sum are two instructions, never VFMADD: each is rounded.
//
//	DI  rows of C still to do        SI  counts k down
//	R8  first row of A of the tile   AX  runs through A along k
//	R9  row stride of A in bytes     R13 column stride of A in bytes
//	R10, R11, R12                    3, 5 and 7 row strides of A
//	DX  runs through B along k       BX  row stride of B in bytes
//	CX  first row of C of the tile   R14 row stride of C in bytes
//	K1  columns of the last register of a row; the others are whole
//
// Masked loads do not touch the memory of lanes that are off.

#define PROLOGUE \
	MOVQ  m+0(FP), DI; \
	MOVQ  a+16(FP), R8; \
	MOVQ  ars+24(FP), R9; \
	SHLQ  $2, R9; \
	LEAQ  (R9)(R9*2), R10; \
	LEAQ  (R9)(R9*4), R11; \
	LEAQ  (R10)(R9*4), R12; \
	MOVQ  acs+32(FP), R13; \
	SHLQ  $2, R13; \
	MOVQ  ldb+48(FP), BX; \
	SHLQ  $2, BX; \
	MOVQ  c+56(FP), CX; \
	MOVQ  ldc+64(FP), R14; \
	SHLQ  $2, R14; \
	MOVL  mask+72(FP), AX; \
	KMOVW AX, K1

// START readies a tile's run along k; AX walked through C before.
#define START \
	MOVQ k+8(FP), SI; \
	MOVQ b+40(FP), DX; \
	MOVQ R8, AX

#define STEP \
	ADDQ R13, AX; \
	ADDQ BX, DX; \
	DECQ SI

// LOADn and STOREn move a row of n registers of C and go on to the next row.
#define LOAD3(x, y, z) \
	VMOVUPS   (AX), x; \
	VMOVUPS   64(AX), y; \
	VMOVUPS.Z 128(AX), K1, z; \
	ADDQ      R14, AX

#define STORE3(x, y, z) \
	VMOVUPS x, (CX); \
	VMOVUPS y, 64(CX); \
	VMOVUPS z, K1, 128(CX); \
	ADDQ    R14, CX

#define LOAD2(x, y) \
	VMOVUPS   (AX), x; \
	VMOVUPS.Z 64(AX), K1, y; \
	ADDQ      R14, AX

#define STORE2(x, y) \
	VMOVUPS x, (CX); \
	VMOVUPS y, K1, 64(CX); \
	ADDQ    R14, CX

#define LOAD1(x) \
	VMOVUPS.Z (AX), K1, x; \
	ADDQ      R14, AX

#define STORE1(x) \
	VMOVUPS x, K1, (CX); \
	ADDQ    R14, CX

// Bn loads a row of B and ROWn takes it into a row of C, times an element
// of A.
#define B3 \
	VMOVUPS   (DX), Z24; \
	VMOVUPS   64(DX), Z25; \
	VMOVUPS.Z 128(DX), K1, Z26

#define ROW3(element, x, y, z) \
	VBROADCASTSS element, Z27; \
	VMULPS       Z24, Z27, Z28; \
	VMULPS       Z25, Z27, Z29; \
	VMULPS       Z26, Z27, Z30; \
	VADDPS       Z28, x, x; \
	VADDPS       Z29, y, y; \
	VADDPS       Z30, z, z

#define B2 \
	VMOVUPS   (DX), Z24; \
	VMOVUPS.Z 64(DX), K1, Z25

#define ROW2(element, x, y) \
	VBROADCASTSS element, Z27; \
	VMULPS       Z24, Z27, Z28; \
	VMULPS       Z25, Z27, Z29; \
	VADDPS       Z28, x, x; \
	VADDPS       Z29, y, y

#define B1 \
	VMOVUPS.Z (DX), K1, Z24

#define ROW1(element, x) \
	VMULPS.BCST element, Z24, Z28; \
	VADDPS      Z28, x, x

// func gemm3AVX512(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask uint32)
TEXT ·gemm3AVX512(SB), NOSPLIT, $0-76
	PROLOGUE

rows8:
	CMPQ DI, $8
	JLT  rows4
	MOVQ CX, AX
	LOAD3(Z0, Z1, Z2)
	LOAD3(Z3, Z4, Z5)
	LOAD3(Z6, Z7, Z8)
	LOAD3(Z9, Z10, Z11)
	LOAD3(Z12, Z13, Z14)
	LOAD3(Z15, Z16, Z17)
	LOAD3(Z18, Z19, Z20)
	LOAD3(Z21, Z22, Z23)
	START

loop8:
	B3
	ROW3((AX), Z0, Z1, Z2)
	ROW3((AX)(R9*1), Z3, Z4, Z5)
	ROW3((AX)(R9*2), Z6, Z7, Z8)
	ROW3((AX)(R10*1), Z9, Z10, Z11)
	ROW3((AX)(R9*4), Z12, Z13, Z14)
	ROW3((AX)(R11*1), Z15, Z16, Z17)
	ROW3((AX)(R10*2), Z18, Z19, Z20)
	ROW3((AX)(R12*1), Z21, Z22, Z23)
	STEP
	JNZ    loop8
	STORE3(Z0, Z1, Z2)
	STORE3(Z3, Z4, Z5)
	STORE3(Z6, Z7, Z8)
	STORE3(Z9, Z10, Z11)
	STORE3(Z12, Z13, Z14)
	STORE3(Z15, Z16, Z17)
	STORE3(Z18, Z19, Z20)
	STORE3(Z21, Z22, Z23)
	LEAQ   (R8)(R9*8), R8
	SUBQ   $8, DI
	JMP    rows8

rows4:
	TESTQ $4, DI
	JZ    rows2
	MOVQ  CX, AX
	LOAD3(Z0, Z1, Z2)
	LOAD3(Z3, Z4, Z5)
	LOAD3(Z6, Z7, Z8)
	LOAD3(Z9, Z10, Z11)
	START

loop4:
	B3
	ROW3((AX), Z0, Z1, Z2)
	ROW3((AX)(R9*1), Z3, Z4, Z5)
	ROW3((AX)(R9*2), Z6, Z7, Z8)
	ROW3((AX)(R10*1), Z9, Z10, Z11)
	STEP
	JNZ    loop4
	STORE3(Z0, Z1, Z2)
	STORE3(Z3, Z4, Z5)
	STORE3(Z6, Z7, Z8)
	STORE3(Z9, Z10, Z11)
	LEAQ   (R8)(R9*4), R8

rows2:
	TESTQ $2, DI
	JZ    rows1
	MOVQ  CX, AX
	LOAD3(Z0, Z1, Z2)
	LOAD3(Z3, Z4, Z5)
	START

loop2:
	B3
	ROW3((AX), Z0, Z1, Z2)
	ROW3((AX)(R9*1), Z3, Z4, Z5)
	STEP
	JNZ    loop2
	STORE3(Z0, Z1, Z2)
	STORE3(Z3, Z4, Z5)
	LEAQ   (R8)(R9*2), R8

rows1:
	TESTQ $1, DI
	JZ    done
	MOVQ  CX, AX
	LOAD3(Z0, Z1, Z2)
	START

loop1:
	B3
	ROW3((AX), Z0, Z1, Z2)
	STEP
	JNZ    loop1
	STORE3(Z0, Z1, Z2)

done:
	VZEROUPPER
	RET

// func gemm2AVX512(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask uint32)
TEXT ·gemm2AVX512(SB), NOSPLIT, $0-76
	PROLOGUE

rows8:
	CMPQ DI, $8
	JLT  rows4
	MOVQ CX, AX
	LOAD2(Z0, Z1)
	LOAD2(Z2, Z3)
	LOAD2(Z4, Z5)
	LOAD2(Z6, Z7)
	LOAD2(Z8, Z9)
	LOAD2(Z10, Z11)
	LOAD2(Z12, Z13)
	LOAD2(Z14, Z15)
	START

loop8:
	B2
	ROW2((AX), Z0, Z1)
	ROW2((AX)(R9*1), Z2, Z3)
	ROW2((AX)(R9*2), Z4, Z5)
	ROW2((AX)(R10*1), Z6, Z7)
	ROW2((AX)(R9*4), Z8, Z9)
	ROW2((AX)(R11*1), Z10, Z11)
	ROW2((AX)(R10*2), Z12, Z13)
	ROW2((AX)(R12*1), Z14, Z15)
	STEP
	JNZ    loop8
	STORE2(Z0, Z1)
	STORE2(Z2, Z3)
	STORE2(Z4, Z5)
	STORE2(Z6, Z7)
	STORE2(Z8, Z9)
	STORE2(Z10, Z11)
	STORE2(Z12, Z13)
	STORE2(Z14, Z15)
	LEAQ   (R8)(R9*8), R8
	SUBQ   $8, DI
	JMP    rows8

rows4:
	TESTQ $4, DI
	JZ    rows2
	MOVQ  CX, AX
	LOAD2(Z0, Z1)
	LOAD2(Z2, Z3)
	LOAD2(Z4, Z5)
	LOAD2(Z6, Z7)
	START

loop4:
	B2
	ROW2((AX), Z0, Z1)
	ROW2((AX)(R9*1), Z2, Z3)
	ROW2((AX)(R9*2), Z4, Z5)
	ROW2((AX)(R10*1), Z6, Z7)
	STEP
	JNZ    loop4
	STORE2(Z0, Z1)
	STORE2(Z2, Z3)
	STORE2(Z4, Z5)
	STORE2(Z6, Z7)
	LEAQ   (R8)(R9*4), R8

rows2:
	TESTQ $2, DI
	JZ    rows1
	MOVQ  CX, AX
	LOAD2(Z0, Z1)
	LOAD2(Z2, Z3)
	START

loop2:
	B2
	ROW2((AX), Z0, Z1)
	ROW2((AX)(R9*1), Z2, Z3)
	STEP
	JNZ    loop2
	STORE2(Z0, Z1)
	STORE2(Z2, Z3)
	LEAQ   (R8)(R9*2), R8

rows1:
	TESTQ $1, DI
	JZ    done
	MOVQ  CX, AX
	LOAD2(Z0, Z1)
	START

loop1:
	B2
	ROW2((AX), Z0, Z1)
	STEP
	JNZ    loop1
	STORE2(Z0, Z1)

done:
	VZEROUPPER
	RET

// func gemm1AVX512(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask uint32)
TEXT ·gemm1AVX512(SB), NOSPLIT, $0-76
	PROLOGUE

rows8:
	CMPQ DI, $8
	JLT  rows4
	MOVQ CX, AX
	LOAD1(Z0)
	LOAD1(Z1)
	LOAD1(Z2)
	LOAD1(Z3)
	LOAD1(Z4)
	LOAD1(Z5)
	LOAD1(Z6)
	LOAD1(Z7)
	START

loop8:
	B1
	ROW1((AX), Z0)
	ROW1((AX)(R9*1), Z1)
	ROW1((AX)(R9*2), Z2)
	ROW1((AX)(R10*1), Z3)
	ROW1((AX)(R9*4), Z4)
	ROW1((AX)(R11*1), Z5)
	ROW1((AX)(R10*2), Z6)
	ROW1((AX)(R12*1), Z7)
	STEP
	JNZ    loop8
	STORE1(Z0)
	STORE1(Z1)
	STORE1(Z2)
	STORE1(Z3)
	STORE1(Z4)
	STORE1(Z5)
	STORE1(Z6)
	STORE1(Z7)
	LEAQ   (R8)(R9*8), R8
	SUBQ   $8, DI
	JMP    rows8

rows4:
	TESTQ $4, DI
	JZ    rows2
	MOVQ  CX, AX
	LOAD1(Z0)
	LOAD1(Z1)
	LOAD1(Z2)
	LOAD1(Z3)
	START

loop4:
	B1
	ROW1((AX), Z0)
	ROW1((AX)(R9*1), Z1)
	ROW1((AX)(R9*2), Z2)
	ROW1((AX)(R10*1), Z3)
	STEP
	JNZ    loop4
	STORE1(Z0)
	STORE1(Z1)
	STORE1(Z2)
	STORE1(Z3)
	LEAQ   (R8)(R9*4), R8

rows2:
	TESTQ $2, DI
	JZ    rows1
	MOVQ  CX, AX
	LOAD1(Z0)
	LOAD1(Z1)
	START

loop2:
	B1
	ROW1((AX), Z0)
	ROW1((AX)(R9*1), Z1)
	STEP
	JNZ    loop2
	STORE1(Z0)
	STORE1(Z1)
	LEAQ   (R8)(R9*2), R8

rows1:
	TESTQ $1, DI
	JZ    done
	MOVQ  CX, AX
	LOAD1(Z0)
	START

loop1:
	B1
	ROW1((AX), Z0)
	STEP
	JNZ    loop1
	STORE1(Z0)

done:
	VZEROUPPER
	RET
