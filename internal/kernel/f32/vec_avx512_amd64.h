// Macros for exponentials on 512-bit registers: 64 elements a turn, in four
// registers whose chains of operations overlap, then 16; the last ones are
// masked. n is positive. The operations and their order are those of
// vector_exp.go.
//
// Operands are in Z0 to Z3, and results are left there. Element-wise steps
// take the place of the operand in a turn as at; K1 says which elements exist.

#define BOUNDS \
	VBROADCASTSS KEXPLOW(R8), Z31 \
	VBROADCASTSS KEXPHIGH(R8), Z30 \
	VBROADCASTSS KONE(R8), Z29

// MASK sets K1 for a turn of 16; CX is the number of elements left less 64.
#define MASK \
	LEAQ 64(CX), BX \
	MOVL $16, R10 \
	CMPQ BX, R10 \
	CMOVQGT R10, BX \
	XORL AX, AX \
	BTSQ BX, AX \
	DECQ AX \
	KMOVW AX, K1

// LOOPS is the body of a routine whose main operand is at from. FOUR and
// SINGLE turn Z0 to Z3, or Z0, into results.
#define LOOPS(from, FOUR, SINGLE) \
	KXNORW K1, K1, K1 \
	SUBQ $64, CX \
	JLT rest \
loop64: \
	VMOVUPS (from), Z0 \
	VMOVUPS 64(from), Z1 \
	VMOVUPS 128(from), Z2 \
	VMOVUPS 192(from), Z3 \
	FOUR \
	VMOVUPS Z0, (DI) \
	VMOVUPS Z1, 64(DI) \
	VMOVUPS Z2, 128(DI) \
	VMOVUPS Z3, 192(DI) \
	ADDQ $256, DI \
	ADDQ $256, SI \
	ADDQ $256, DX \
	SUBQ $64, CX \
	JGE loop64 \
rest: \
	CMPQ CX, $-64 \
	JLE done \
loop16: \
	MASK \
	VMOVUPS.Z (from), K1, Z0 \
	SINGLE \
	VMOVUPS Z0, K1, (DI) \
	ADDQ $64, DI \
	ADDQ $64, SI \
	ADDQ $64, DX \
	SUBQ $16, CX \
	CMPQ CX, $-64 \
	JGT loop16 \
done:

#define END \
	VZEROUPPER \
	RET

// EACH does a step to the four operands.
#define EACH(STEP) \
	STEP(Z0, 0) \
	STEP(Z1, 64) \
	STEP(Z2, 128) \
	STEP(Z3, 192)

// The exponential in three stages: x becomes e^x; n, e, t and u are spoilt.
#define EXPA(x, n, t) \
	VMAXPS x, Z31, x \
	VMINPS x, Z30, x \
	VMULPS.BCST KLOG2E(R8), x, n \
	VADDPS.BCST KMAGIC(R8), n, n \
	VSUBPS.BCST KMAGIC(R8), n, n \
	VMULPS.BCST KLN2UPPER(R8), n, t \
	VSUBPS t, x, x \
	VMULPS.BCST KLN2LOWER(R8), n, t \
	VSUBPS t, x, x

#define EXPB(x, e, t, u) \
	VMULPS x, x, u \
	VMULPS.BCST KEXP3(R8), x, e \
	VMULPS.BCST KEXP4(R8), u, t \
	VADDPS.BCST KEXP2(R8), e, e \
	VADDPS e, t, t \
	VMULPS.BCST KEXP1(R8), x, e \
	VMULPS u, t, t \
	VADDPS.BCST KEXP0(R8), e, e \
	VADDPS t, e, e

#define EXPC(x, n, e, u) \
	VMULPS u, e, e \
	VADDPS e, x, x \
	VADDPS Z29, x, x \
	VSCALEFPS n, x, x

#define EXPFOUR \
	EXPA(Z0, Z4, Z12) \
	EXPA(Z1, Z5, Z13) \
	EXPA(Z2, Z6, Z14) \
	EXPA(Z3, Z7, Z15) \
	EXPB(Z0, Z8, Z12, Z16) \
	EXPB(Z1, Z9, Z13, Z17) \
	EXPB(Z2, Z10, Z14, Z18) \
	EXPB(Z3, Z11, Z15, Z19) \
	EXPC(Z0, Z4, Z8, Z16) \
	EXPC(Z1, Z5, Z9, Z17) \
	EXPC(Z2, Z6, Z10, Z18) \
	EXPC(Z3, Z7, Z11, Z19)

#define EXPSINGLE \
	EXPA(Z0, Z4, Z12) \
	EXPB(Z0, Z8, Z12, Z16) \
	EXPC(Z0, Z4, Z8, Z16)

// TIMESA multiplies by the operand a.
#define TIMESA(x, at) VMULPS at(SI), x, K1, x
