// Places of the constants of vector_exp.go in vecConstants: eight copies of
// each, for 256-bit operands; broadcasts take the first.
#define KLOG2E 0
#define KMAGIC 32
#define KLN2UPPER 64
#define KLN2LOWER 96
#define KEXP0 128
#define KEXP1 160
#define KEXP2 192
#define KEXP3 224
#define KEXP4 256
#define KEXPLOW 288
#define KEXPHIGH 320
#define KTANH0 352
#define KTANH1 384
#define KTANH2 416
#define KTANH3 448
#define KTANH4 480
#define KTANHSMALL 512
#define KTANHHIGH 544
#define KERFHIGH 576
#define KERFINVERSE 608
#define KERFSTEP 640
#define KSQRTHALF 672
#define KTWOBYSQRTPI 704
#define KINVSQRTTWOPI 736
#define KHALF 768
#define KONE 800
#define KTWO 832
#define KMINUSHALF 864
#define KSIGN 896
#define KMAGNITUDE 928
#define KBIAS 960

// The arguments of every routine but those of softmax.
#define BEGIN \
	MOVQ dst+0(FP), DI \
	MOVQ a+8(FP), SI \
	MOVQ b+16(FP), DX \
	MOVQ n+24(FP), CX \
	LEAQ ·vecConstants(SB), R8 \
	LEAQ ·erfTable(SB), R9
