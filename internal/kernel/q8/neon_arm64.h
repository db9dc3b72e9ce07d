// Vector instructions that the assembler lacks, by register number: first the
// operands, the destination last.

// SDOT Vd.4S, Vn.16B, Vm.16B, and by one word of Vm
#define SDOT(m, n, d) WORD $(0x4E809400 | (m)<<16 | (n)<<5 | (d))
#define SDOT0(m, n, d) WORD $(0x4F80E000 | (m)<<16 | (n)<<5 | (d))
#define SDOT1(m, n, d) WORD $(0x4FA0E000 | (m)<<16 | (n)<<5 | (d))
#define SDOT2(m, n, d) WORD $(0x4F80E800 | (m)<<16 | (n)<<5 | (d))
#define SDOT3(m, n, d) WORD $(0x4FA0E800 | (m)<<16 | (n)<<5 | (d))

// SMULL Vd.8H, Vn.8B, Vm.8B and SMULL2 Vd.8H, Vn.16B, Vm.16B
#define SMULL(m, n, d) WORD $(0x0E20C000 | (m)<<16 | (n)<<5 | (d))
#define SMULL2(m, n, d) WORD $(0x4E20C000 | (m)<<16 | (n)<<5 | (d))

// SADALP Vd.4S, Vn.8H
#define SADALP(n, d) WORD $(0x4E606800 | (n)<<5 | (d))

// ADDP, ADD, SUB, MUL, MLA, SQADD, SQDMULH and SSHL Vd.4S, Vn.4S, Vm.4S
#define ADDP(m, n, d) WORD $(0x4EA0BC00 | (m)<<16 | (n)<<5 | (d))
#define ADD4(m, n, d) WORD $(0x4EA08400 | (m)<<16 | (n)<<5 | (d))
#define SUB4(m, n, d) WORD $(0x6EA08400 | (m)<<16 | (n)<<5 | (d))
#define MUL4(m, n, d) WORD $(0x4EA09C00 | (m)<<16 | (n)<<5 | (d))
#define MLA4(m, n, d) WORD $(0x4EA09400 | (m)<<16 | (n)<<5 | (d))
#define SQADD(m, n, d) WORD $(0x4EA00C00 | (m)<<16 | (n)<<5 | (d))
#define SQDMULH(m, n, d) WORD $(0x4EA0B400 | (m)<<16 | (n)<<5 | (d))
#define SSHL(m, n, d) WORD $(0x4EA04400 | (m)<<16 | (n)<<5 | (d))

// NEG Vd.4S, Vn.4S and SSHR Vd.4S, Vn.4S, #1
#define NEG4(n, d) WORD $(0x6EA0B800 | (n)<<5 | (d))
#define HALVE(n, d) WORD $(0x4F3F0400 | (n)<<5 | (d))

// SQXTN Vd.4H, Vn.4S and SQXTN2 Vd.8H, Vn.4S
#define SQXTN(n, d) WORD $(0x0E614800 | (n)<<5 | (d))
#define SQXTN2(n, d) WORD $(0x4E614800 | (n)<<5 | (d))

// SQXTUN Vd.8B, Vn.8H and SQXTUN2 Vd.16B, Vn.8H
#define SQXTUN(n, d) WORD $(0x2E212800 | (n)<<5 | (d))
#define SQXTUN2(n, d) WORD $(0x6E212800 | (n)<<5 | (d))

// FMUL Vd.4S, Vn.4S, Vm.4S, FCVTNS Vd.4S, Vn.4S and SCVTF Vd.4S, Vn.4S
#define FMUL4(m, n, d) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d))
#define FCVTNS(n, d) WORD $(0x4E21A800 | (n)<<5 | (d))
#define SCVTF4(n, d) WORD $(0x4E21D800 | (n)<<5 | (d))

// SCALE makes a sum a byte's value with the multipliers in V16, the rounding
// in V17 and the shifts, negative, in V18. The doubled product's high half,
// halved, is the product's: a multiplier is not negative, so that nothing
// saturates.
#define SCALE(x) \
	SQDMULH(16, x, x); \
	HALVE(x, x);       \
	ADD4(17, x, x);    \
	SSHL(18, x, x)

// PACK makes the values in four registers 16 bytes in the first of them.
#define PACK(x, y, z, w) \
	SQXTN(x, x);   \
	SQXTN2(y, x);  \
	SQXTN(z, z);   \
	SQXTN2(w, z);  \
	SQXTUN(x, x);  \
	SQXTUN2(z, x)
