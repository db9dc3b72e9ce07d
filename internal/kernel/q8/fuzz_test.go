package q8

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// FuzzConv holds every path against the definition in 64 bits.
func FuzzConv(f *testing.F) {
	f.Add(uint64(1), []byte{1, 7, 7, 9, 5, 3, 3, 1, 1, 1, 1, 1, 0, 40, 64})
	f.Add(uint64(2), []byte{2, 5, 8, 4, 6, 2, 3, 2, 1, 0, 2, 2, 1, 33, 0})
	f.Add(uint64(3), []byte{1, 4, 4, 4, 4, 1, 1, 1, 1, 0, 0, 1, 0, 63, 47})
	f.Fuzz(func(t *testing.T, seed uint64, shape []byte) {
		if len(shape) < 15 {
			return
		}
		v := func(i, most int) int { return int(shape[i])%most + 1 }
		g := Geometry{Batch: v(0, 2), InH: v(1, 9), InW: v(2, 9), OutH: v(3, 9), OutW: v(4, 17),
			KernelH: v(5, 4), KernelW: v(6, 4), StrideH: v(7, 3), StrideW: v(8, 3),
			PadTop: v(9, 3) - 1, PadLeft: v(10, 3) - 1, DilationH: v(11, 2), DilationW: v(11, 2), Groups: v(12, 3)}
		g.InC, g.OutC = g.Groups*v(13, 40), g.Groups*v(14, 70)
		if shape[12]&0x80 != 0 {
			g.Groups = v(13, 150)
			g.InC, g.OutC = g.Groups, g.Groups
		}
		s := sampleOf(g, newRand(seed))
		want := s.slow()
		for _, on := range cpu.Available() {
			c, err := newConv(on, g, s.w, s.xZero, s.r)
			if err != nil {
				t.Fatal(err)
			}
			for _, workers := range []int{1, 2, 3} {
				y := make([]uint8, len(want))
				c.Forward(pool.New(workers), y, s.x)
				clearPadding(y, g.OutC)
				if !slices.Equal(y, want) {
					t.Fatalf("%v, %d workers: %+v differs", on, workers, g)
				}
			}
		}
	})
}

// FuzzElements holds the element-wise functions of every path against
// portable Go, on numbers of any bits.
func FuzzElements(f *testing.F) {
	f.Add(bytes.Repeat([]byte("0\x00\xc0\x7f\xff\xff\x7f\xff"), 60), float32(1), uint8(7))
	f.Add(bytes.Repeat([]byte{0, 0, 0x20, 0x40, 255, 255, 127, 127, 0, 0, 128, 255}, 40), float32(math.Inf(1)), uint8(255))
	f.Fuzz(func(t *testing.T, raw []byte, scale float32, zero uint8) {
		x := make([]float32, len(raw)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		var table [256]uint8
		for i := range table {
			table[i] = uint8(i*i) ^ zero
		}
		var q, found, largest []uint8
		var back []float32
		for _, on := range cpu.Available() {
			quantized, looked, most := make([]uint8, len(x)), make([]uint8, len(raw)), bytes.Clone(raw)
			dequantized := make([]float32, len(raw))
			quantizeOn(on, quantized, x, scale, zero)
			dequantizeOn(on, dequantized, raw, scale, zero)
			lookupOn(on, looked, raw, &table)
			slices.Reverse(most)
			maxBytes(on, most, raw)
			if on == cpu.Generic {
				q, found, largest, back = quantized, looked, most, dequantized
			}
			if !bytes.Equal(quantized, q) || !bytes.Equal(looked, found) || !bytes.Equal(most, largest) {
				t.Fatalf("%v differs: quantized %v, looked up %v, largest %v", on,
					bytes.Equal(quantized, q), bytes.Equal(looked, found), bytes.Equal(most, largest))
			}
			for i, v := range dequantized {
				if math.Float32bits(v) != math.Float32bits(back[i]) && v == v {
					t.Fatalf("%v: byte %d becomes %v, not %v", on, raw[i], v, back[i])
				}
			}
		}
	})
}
