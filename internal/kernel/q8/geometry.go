package q8

import (
	"errors"
	"fmt"
	"math"
)

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

// ErrGeometry is wrapped by the errors about a [Geometry] that is impossible,
// or whose images or padding are too large to count.
var ErrGeometry = errors.New("impossible geometry")

// mostBytes bounds the bytes of a batch of images and of a padded image. They
// fit an int of 32 bits.
const mostBytes = math.MaxInt32

// check returns an error that wraps [ErrGeometry] if the geometry is none.
func (g *Geometry) check() error {
	for _, v := range []int{g.Batch, g.InH, g.InW, g.InC, g.OutH, g.OutW, g.OutC, g.KernelH, g.KernelW,
		g.StrideH, g.StrideW, g.DilationH, g.DilationW, g.Groups} {
		if v < 1 || v > mostBytes {
			return fmt.Errorf("q8: %w: %+v", ErrGeometry, *g)
		}
	}
	if min(g.PadTop, g.PadLeft) < 0 || g.InC%g.Groups != 0 || g.OutC%g.Groups != 0 {
		return fmt.Errorf("q8: %w: %+v", ErrGeometry, *g)
	}
	// In floats, which do not overflow.
	in, out := float64(g.InC)+4, float64(g.OutC)+4
	rows := max(float64(g.OutH)*float64(g.StrideH)+float64(g.KernelH)*float64(g.DilationH), float64(g.PadTop))
	columns := max(float64(g.OutW)*float64(g.StrideW)+float64(g.KernelW)*float64(g.DilationW), float64(g.PadLeft))
	if max(rows*columns*in, float64(g.Batch)*float64(g.InH)*float64(g.InW)*in, float64(g.Batch)*float64(g.OutH)*float64(g.OutW)*out) > mostBytes {
		return fmt.Errorf("q8: %w: too many bytes in %+v", ErrGeometry, *g)
	}
	return nil
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
