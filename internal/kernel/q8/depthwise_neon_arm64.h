// The parts of a depthwise convolution of 16 channels that the two paths have
// in common. Register r of a group of four belongs to channels 4r to 4r+3.
//
//	R0  the block at the first channel     R1  output of the pixel under way
//	R2  its window                         R3  pixels to go
//	R4  from output to output              R5  from window to window
//	R6  offsets of the taps                R7  groups of four taps
//	R8  bytes of a pixel to store          R9  the weights at the channel
//	R10 runs through the weights           R11 runs through the offsets
//	R12 counts groups
//	V8-V11 what the sums start from        V12-V15 multipliers
//	V16-V19 bytes of four taps, at last in the order of the lanes
//	V26-V29 shifts, negative               V31 the highest bits

// LANES loads four registers of a field of the block.
#define LANES(field, v0, v1, v2, v3) \
	ADD  $field, R0, R13; \
	VLD1 (R13), [v0.S4];  \
	ADD  $64, R13;        \
	VLD1 (R13), [v1.S4];  \
	ADD  $64, R13;        \
	VLD1 (R13), [v2.S4];  \
	ADD  $64, R13;        \
	VLD1 (R13), [v3.S4]

// ARGUMENTS begins. A pixel is padded to a multiple of four bytes. A step of
// channels is one of bytes in the weights and in the fields of 32 bits, since
// four registers of channels are 64 lanes apart.
#define ARGUMENTS \
	MOVD b+0(FP), R0;             \
	MOVD y+8(FP), R1;             \
	MOVD x+16(FP), R2;            \
	MOVD pixels+24(FP), R3;       \
	MOVD yStep+32(FP), R4;        \
	MOVD xStep+40(FP), R5;        \
	MOVD offsets+48(FP), R6;      \
	MOVD groups+56(FP), R7;       \
	MOVD first+64(FP), R13;       \
	MOVD deepBlock_channels(R0), R8; \
	MOVD deepBlock_weights(R0), R9;  \
	SUB  R13, R8;                 \
	ADD  $3, R8;                  \
	AND  $~3, R8;                 \
	ADD  R13, R9;                 \
	ADD  R13, R0;                 \
	LANES(deepBlock_bias, V8, V9, V10, V11);    \
	LANES(deepBlock_even, V12, V13, V14, V15);  \
	LANES(deepBlock_shift, V26, V27, V28, V29); \
	NEG4(26, 26);                 \
	NEG4(27, 27);                 \
	NEG4(28, 28);                 \
	NEG4(29, 29);                 \
	VMOVI $0x80, V31.B16

// TAP loads the bytes of a tap, signed.
#define TAP(v) \
	MOVD.P 8(R11), R13;         \
	ADD    R2, R13;             \
	VLD1   (R13), [v.B16];      \
	VEOR   V31.B16, v.B16, v.B16

// TAPS loads four taps and brings the four bytes of every channel together.
#define TAPS \
	TAP(V16);                        \
	TAP(V17);                        \
	TAP(V18);                        \
	TAP(V19);                        \
	VZIP1 V17.B16, V16.B16, V20.B16; \
	VZIP2 V17.B16, V16.B16, V21.B16; \
	VZIP1 V19.B16, V18.B16, V22.B16; \
	VZIP2 V19.B16, V18.B16, V23.B16; \
	VZIP1 V22.H8, V20.H8, V16.H8;    \
	VZIP2 V22.H8, V20.H8, V17.H8;    \
	VZIP1 V23.H8, V21.H8, V18.H8;    \
	VZIP2 V23.H8, V21.H8, V19.H8

// FINISH makes 16 bytes of the sums in V0-V3 and stores those that there are.
#define FINISH \
	LANES(deepBlock_round, V16, V17, V18, V19); \
	SQDMULH(12, 0, 0); \
	SQDMULH(13, 1, 1); \
	SQDMULH(14, 2, 2); \
	SQDMULH(15, 3, 3); \
	HALVE(0, 0);       \
	HALVE(1, 1);       \
	HALVE(2, 2);       \
	HALVE(3, 3);       \
	ADD4(16, 0, 0);    \
	ADD4(17, 1, 1);    \
	ADD4(18, 2, 2);    \
	ADD4(19, 3, 3);    \
	SSHL(26, 0, 0);    \
	SSHL(27, 1, 1);    \
	SSHL(28, 2, 2);    \
	SSHL(29, 3, 3);    \
	PACK(0, 1, 2, 3);  \
	ADD   $deepBlock_lo, R0, R13;  \
	VLD1  (R13), [V16.B16];        \
	ADD   $deepBlock_hi, R0, R13;  \
	VLD1  (R13), [V17.B16];        \
	VUMAX V16.B16, V0.B16, V0.B16; \
	VUMIN V17.B16, V0.B16, V0.B16; \
	CMP   $16, R8;                 \
	BLT   narrow;                  \
	VST1  [V0.B16], (R1);          \
next:                              \
	ADD  R5, R2;                   \
	ADD  R4, R1;                   \
	SUBS $1, R3;                   \
	BNE  pixel;                    \
	RET;                           \
narrow:                            \
	MOVD R1, R13;                  \
	VMOV V0.D[0], R14;             \
	TBZ  $3, R8, four;             \
	MOVD R14, (R13);               \
	VMOV V0.D[1], R14;             \
	ADD  $8, R13;                  \
four:                              \
	TBZ  $2, R8, next;             \
	MOVW R14, (R13);               \
	JMP  next
