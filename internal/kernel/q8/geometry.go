package q8

import "fmt"

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
}

// Stride returns how many bytes a pixel of c channels takes.
func Stride(c int) int { return (c + 3) &^ 3 }

// check panics if the geometry is none.
func (g *Geometry) check() {
	for _, v := range []int{g.Batch, g.InH, g.InW, g.InC, g.OutH, g.OutW, g.OutC, g.KernelH, g.KernelW,
		g.StrideH, g.StrideW, g.DilationH, g.DilationW, g.Groups} {
		if v < 1 {
			panic(fmt.Sprintf("q8: geometry %+v", *g))
		}
	}
	if g.PadTop < 0 || g.PadLeft < 0 || g.InC%g.Groups != 0 || g.OutC%g.Groups != 0 {
		panic(fmt.Sprintf("q8: geometry %+v", *g))
	}
}

// input and output return the bytes of a batch of images.
func (g *Geometry) input() int  { return g.Batch * g.InH * g.InW * Stride(g.InC) }
func (g *Geometry) output() int { return g.Batch * g.OutH * g.OutW * Stride(g.OutC) }

// must panics unless a slice has room.
func must(name string, have, want int) {
	if have < want {
		panic(fmt.Sprintf("q8: %s of %d elements, %d are needed", name, have, want))
	}
}
