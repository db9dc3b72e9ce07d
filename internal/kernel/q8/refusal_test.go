package q8

import (
	"errors"
	"math"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// TestGeometryRefused: a geometry that is none, or of more bytes than can be
// counted, is an error and not a panic.
func TestGeometryRefused(t *testing.T) {
	good := Geometry{1, 4, 4, 4, 4, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1}
	rules := Requant{Bias: make([]int32, 4), Multiplier: make([]int32, 4), Shift: []uint8{40, 40, 40, 40}, Hi: 255}
	if _, err := NewConv(good, make([]int8, 4*4*9), 0, rules); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(g *Geometry){
		"no batch":             func(g *Geometry) { g.Batch = 0 },
		"a negative extent":    func(g *Geometry) { g.InH = -1 },
		"no stride":            func(g *Geometry) { g.StrideW = 0 },
		"no dilation":          func(g *Geometry) { g.DilationH = 0 },
		"no groups":            func(g *Geometry) { g.Groups = 0 },
		"groups of no channel": func(g *Geometry) { g.Groups = 3 },
		"negative padding":     func(g *Geometry) { g.PadLeft = -1 },
		"far padding":          func(g *Geometry) { g.PadTop = math.MaxInt },
		"a far stride":         func(g *Geometry) { g.StrideH = math.MaxInt },
		"a far dilation":       func(g *Geometry) { g.DilationW = math.MaxInt32 },
		"a huge image":         func(g *Geometry) { g.InH, g.InW = math.MaxInt32, math.MaxInt32 },
		"a huge result":        func(g *Geometry) { g.OutH, g.OutC = math.MaxInt32, math.MaxInt32-math.MaxInt32%4 },
	} {
		g := good
		change(&g)
		if _, err := NewConv(g, make([]int8, 4*4*9), 0, rules); !errors.Is(err, ErrGeometry) {
			t.Errorf("%s: convolution with error %v", name, err)
		}
		if _, err := NewMean(g, Affine{1, 0}, Affine{1, 0}, false); !errors.Is(err, ErrGeometry) {
			t.Errorf("%s: mean with error %v", name, err)
		}
	}
	rules.Lo, rules.Hi = 9, 8
	if _, err := NewConv(good, make([]int8, 4*4*9), 0, rules); err == nil {
		t.Error("limits the wrong way round are accepted")
	}
}

// TestMeanOfManyPixels: the sum of a window fits 32 bits or is refused.
func TestMeanOfManyPixels(t *testing.T) {
	g := Geometry{1, 1, 1 << 23, 1, 1, 1, 1, 1, 1 << 23, 1, 1, 0, 0, 1, 1, 1}
	m, err := NewMean(g, Affine{1, 0}, Affine{1, 0}, false)
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]uint8, g.input()), make([]uint8, g.output())
	fill(x, 255)
	m.Run(y, x, 0, 1, pool.New(1).Ints(0, 1))
	if y[0] != 255 {
		t.Errorf("the mean of 255s is %d", y[0])
	}
	g.InW, g.KernelW = 1<<24, 1<<24
	if _, err := NewMean(g, Affine{1, 0}, Affine{1, 0}, false); err == nil {
		t.Error("a sum that overflows is accepted")
	}
}
