#include "textflag.h"

// func lookupVBMI(dst, x *uint8, n int, table *[256]uint8)
//
// The table is four registers. The low seven bits of a byte choose among two
// of them; the top bit chooses the two.
TEXT ·lookupVBMI(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ table+24(FP), DX
	VMOVDQU64 (DX), Z0
	VMOVDQU64 64(DX), Z1
	VMOVDQU64 128(DX), Z2
	VMOVDQU64 192(DX), Z3

loop:
	VMOVDQU64 (SI), Z4
	VMOVDQA64 Z4, Z5
	VPMOVB2M  Z4, K1
	VPERMI2B  Z1, Z0, Z4
	VPERMI2B  Z3, Z2, Z5
	VMOVDQU8  Z5, K1, Z4
	VMOVDQU64 Z4, (DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JNZ  loop
	VZEROUPPER
	RET
