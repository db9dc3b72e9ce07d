// Vector instructions that the assembler lacks, or that macros need by
// register number: first the operands, the destination last.

// FMLA Vd.4S, Vn.4S, Vm.S[i]
#define FMLA0(m, n, d) WORD $(0x4F801000 | (m)<<16 | (n)<<5 | (d))
#define FMLA1(m, n, d) WORD $(0x4FA01000 | (m)<<16 | (n)<<5 | (d))
#define FMLA2(m, n, d) WORD $(0x4F801800 | (m)<<16 | (n)<<5 | (d))
#define FMLA3(m, n, d) WORD $(0x4FA01800 | (m)<<16 | (n)<<5 | (d))

// FADD Vd.4S, Vn.4S, Vm.4S
#define FADD4(m, n, d) WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d))

// FCMGT Vd.4S, Vn.4S, Vm.4S: where n is greater than m
#define FCMGT(m, n, d) WORD $(0x6EA0E400 | (m)<<16 | (n)<<5 | (d))

// BIT Vd.16B, Vn.16B, Vm.16B: n where m has bits
#define BIT(m, n, d) WORD $(0x6EA01C00 | (m)<<16 | (n)<<5 | (d))

// EOR Vd.16B, Vd.16B, Vd.16B
#define CLEAR(d) WORD $(0x6E201C00 | (d)<<16 | (d)<<5 | (d))

// LD1 and ST1 {Vt.4S, V(t+1).4S}, [Xn]
#define LOAD2(n, t) WORD $(0x4C40A800 | (n)<<5 | (t))
#define STORE2(n, t) WORD $(0x4C00A800 | (n)<<5 | (t))

// The kernels keep pairs of registers of sums from V0 on, a pair for each row,
// and what they read of a tile in
//
//	R0  the tile                      R8  segments to go
//	R1  begin of a segment of A       R2, R3  row and step stride of A
//	R4  begin of a segment of B       R5  step stride of B
//	R17, R19  C and its row stride    R20 runs through the rows of C

// Each applies something to the registers of every row.
#define ROWS1(op) op(0, 1)
#define ROWS2(op) ROWS1(op); op(2, 3)
#define ROWS4(op) ROWS2(op); op(4, 5); op(6, 7)
#define ROWS8(op) ROWS4(op); op(8, 9); op(10, 11); op(12, 13); op(14, 15)

#define ZERO(x, y) CLEAR(x); CLEAR(y)
#define LOAD(x, y) LOAD2(20, x); ADD R19, R20
#define STORE(x, y) STORE2(20, x); ADD R19, R20
#define BIAS(x, y) FADD4(16, x, x); FADD4(17, y, y)
#define RESIDUAL(x, y) LOAD2(20, 18); ADD R19, R20; FADD4(18, x, x); FADD4(19, y, y)

// CLIP limits a row to [V16, V17] and lets through what is not a number.
#define CLIP(x, y) \
	FCMGT(x, 16, 18); \
	FCMGT(y, 16, 19); \
	BIT(18, 16, x);   \
	BIT(19, 16, y);   \
	FCMGT(17, x, 18); \
	FCMGT(17, y, 19); \
	BIT(18, 17, x);   \
	BIT(19, 17, y)

// ARGUMENTS reads a tile in R0.
#define ARGUMENTS \
	MOVD  neonTile_a(R0), R1;    \
	MOVD  neonTile_ars(R0), R2;  \
	MOVD  neonTile_acs(R0), R3;  \
	MOVD  neonTile_b(R0), R4;    \
	MOVD  neonTile_ldb(R0), R5;  \
	MOVD  neonTile_segs(R0), R8; \
	MOVD  neonTile_c(R0), R17;   \
	MOVD  neonTile_ldc(R0), R19

// START makes the first sums, and FINISH makes results of the last and stores
// them.
#define START(rows) \
	rows(ZERO);                  \
	MOVBU neonTile_add(R0), R6;  \
	CBZ   R6, segment;           \
	MOVD  R17, R20;              \
	rows(LOAD)

#define FINISH(rows) \
	MOVD  neonTile_bias(R0), R6; \
	CBZ   R6, unbiased;          \
	LOAD2(6, 16);                \
	rows(BIAS);                  \
unbiased:                        \
	MOVD  neonTile_residual(R0), R20; \
	CBZ   R20, alone;            \
	rows(RESIDUAL);              \
alone:                           \
	MOVBU neonTile_clip(R0), R6; \
	CBZ   R6, unclipped;         \
	ADD   $neonTile_lo, R0, R6;  \
	VLD1R (R6), [V16.S4];        \
	ADD   $neonTile_hi, R0, R6;  \
	VLD1R (R6), [V17.S4];        \
	rows(CLIP);                  \
unclipped:                       \
	MOVD  R17, R20;              \
	rows(STORE)
