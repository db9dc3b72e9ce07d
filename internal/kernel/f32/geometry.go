package f32

import "math"

// Geometry is the shape of a convolution or of pooling over images of
// channels-last layout. A one-dimensional one has InH = KernelH = 1.
type Geometry struct {
	Batch                int
	InH, InW, InC        int
	OutH, OutW, OutC     int
	KernelH, KernelW     int
	StrideH, StrideW     int
	PadTop, PadLeft      int // what lies beyond the other edges follows from the output's extents
	DilationH, DilationW int
	Groups               int // InC and OutC are multiples of it
	Exact                bool
}

// Epilogue is what happens to a product's elements before they are stored:
// bias, residual, clipping, in this order.
type Epilogue struct {
	Bias     []float32 // one per column (output channel), or nil
	Residual []float32 // laid out like the result, or nil
	Clip     bool      // whether to clip to [Lo, Hi]
	Lo, Hi   float32
}

// ReLU returns the epilogue of a bias (nil for none) and a rectifier.
func ReLU(bias []float32) Epilogue {
	return Epilogue{Bias: bias, Clip: true, Lo: 0, Hi: float32(math.Inf(1))}
}
