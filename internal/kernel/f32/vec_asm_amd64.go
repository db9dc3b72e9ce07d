package f32

// The routines in assembly. Sizes and strides count elements and are at least
// 1. For those of AVX2, n is a multiple of 16, channels of 8, and the columns
// of a transposition of 4.

//go:noescape
func vecAddAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSubAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecMulAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecDivAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecAddScalarAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecMulScalarAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecDivScalarAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecClipAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecLeakyReluAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecHardSigmoidAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecHardSwishAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecAbsAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecReciprocalAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSqrtAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecReluGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecClipGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecLeakyReluGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecHardSigmoidGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecHardSwishGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecAbsGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecReciprocalGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSqrtGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSigmoidGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecTanhGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSoftmaxGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecDescendAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecMulRowsAVX2(dst, x, scale, shift *float32, rows, cols, stride int)

//go:noescape
func vecAddRowsAVX2(dst, x, scale, shift *float32, rows, cols, stride int)

//go:noescape
func vecAffineRowsAVX2(dst, x, scale, shift *float32, rows, cols, stride int)

//go:noescape
func vecColumnSumsAVX2(dst, x *float32, rows, cols, stride int)

//go:noescape
func vecColumnDotsAVX2(dst, x, y *float32, rows, cols, stride int)

//go:noescape
func vecSumAVX2(lanes *rowLanes, x *float32, n int)

//go:noescape
func vecMaxAVX2(lanes *rowLanes, x *float32, n int)

//go:noescape
func vecSquaresAVX2(lanes *rowLanes, x *float32, n int, m float32)

//go:noescape
func vecStandardizeAVX2(y, x, gamma, beta *float32, n int, m, d float32)

//go:noescape
func vecNormParamsAVX2(dgamma, dbeta, dy, x *float32, n int, row *normRow)

//go:noescape
func vecNormSumsAVX2(sum, dot *rowLanes, dy, x, gamma *float32, n int, row *normRow)

//go:noescape
func vecNormInputAVX2(dx, dy, x, gamma *float32, n int, row *normRow)

//go:noescape
func vecSGDAVX2(w, grad, v *float32, n int, rate, momentum, decay float32)

//go:noescape
func vecNesterovAVX2(w, grad, v *float32, n int, rate, momentum, decay float32)

//go:noescape
func vecMaxWindowAVX2(y, x *float32, channels, rows, cols, rowStride, colStride int)

//go:noescape
func vecMeanWindowAVX2(y, x *float32, channels, rows, cols, rowStride, colStride int, count float32)

//go:noescape
func vecSpreadWindowAVX2(dx, dy *float32, channels, rows, cols, rowStride, colStride int, count float32)

//go:noescape
func vecMaxWindowGradAVX2(dx, dy, x, y *float32, channels, rows, cols, rowStride, colStride int)

//go:noescape
func vecTransposeAVX2(dst *float32, ldd int, src *float32, lds, cols int)

//go:noescape
func vecExpAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSigmoidAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSiluAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecTanhAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecErfAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecGeluAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecErfGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecGeluGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSiluGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecLogSoftmaxGradAVX2(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecExpSumAVX2(lanes *rowLanes, dst, x *float32, n int, m float32)

//go:noescape
func vecExpAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSigmoidAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSiluAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSiluGradAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecErfGradAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecLogSoftmaxGradAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecSoftmaxAVX512(dst, x *float32, rows, cols int)

//go:noescape
func vecTanhAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecErfAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecGeluAVX512(dst, a, b *float32, n int, p, q float32)

//go:noescape
func vecGeluGradAVX512(dst, a, b *float32, n int, p, q float32)
