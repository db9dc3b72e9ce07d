package elements_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/elements"
)

func TestHalf(t *testing.T) {
	one := func(k elements.Kind, bits uint16) (float32, error) {
		x := elements.New(graph.Float32, []int{})
		err := elements.Put(x, k, 0, binary.LittleEndian.AppendUint16(nil, bits))
		return x.F32[0], err
	}
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 0x1p-24, 0x03ff: 1023 * 0x1p-24, 0x0400: 0x1p-14,
		0x3555: 0.333251953125, 0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)),
	} {
		if got, err := one(elements.Float16, bits); got != want || err != nil {
			t.Errorf("%#04x is %v, %v, want %v", bits, got, err, want)
		}
	}
	if got, _ := one(elements.Float16, 0x8000); math.Float32bits(got) != 1<<31 {
		t.Errorf("minus zero is %v", got)
	}
	if got, err := one(elements.Float16, 0x7e00); got == got || !errors.Is(err, elements.ErrNaN) {
		t.Errorf("not a number is %v, %v", got, err)
	}
	// Every finite float16 is where the formula puts it.
	for bits := range uint16(0x7c00) {
		want := math.Ldexp(float64(bits&1023), -24)
		if e := int(bits >> 10); e > 0 {
			want = math.Ldexp(1024+float64(bits&1023), e-25)
		}
		if got, _ := one(elements.Float16, bits); float64(got) != want {
			t.Fatalf("%#04x is %v, want %v", bits, got, want)
		}
	}
	if got, err := one(elements.BFloat16, 0xc049); got != -3.140625 || err != nil {
		t.Errorf("bfloat16 is %v, %v", got, err)
	}
}

func TestRound(t *testing.T) {
	for v, want := range map[float64]float32{
		1e300: math.MaxFloat32, -1e300: -math.MaxFloat32, math.Inf(-1): float32(math.Inf(-1)), 1e-300: 0, 0.1: 0.1,
	} {
		if got := elements.Round(v); got != want {
			t.Errorf("%v becomes %v, want %v", v, got, want)
		}
	}
}

func TestShape(t *testing.T) {
	for _, c := range []struct {
		extents []int64
		count   int
		ok      bool
	}{
		{nil, 1, true},
		{[]int64{2, 3, 4}, 24, true},
		{[]int64{0, 5}, 0, true},
		{[]int64{math.MaxInt32}, math.MaxInt32, true},
		{[]int64{-1, -1}, 0, false},
		{[]int64{1 << 16, 1 << 16}, 0, false},
		{[]int64{1 << 30, 1 << 30, 0}, 0, false},
		{[]int64{0, 1 << 40}, 0, false},
		{[]int64{math.MaxInt64, math.MaxInt64}, 0, false},
	} {
		dims, count, ok := elements.Shape(c.extents)
		if count != c.count || ok != c.ok || ok && (len(dims) != len(c.extents) || dims == nil) {
			t.Errorf("%v: %v, %d, %v", c.extents, dims, count, ok)
		}
	}
}

func TestAppendPut(t *testing.T) {
	for kind, x := range map[elements.Kind]*graph.Tensor{
		elements.Float32: graph.Floats([]float32{1, -2.5}, 2),
		elements.Int64:   graph.Ints([]int64{math.MinInt64, 3}, 2),
		elements.Int32:   {Type: graph.Int32, Dims: []int{2}, I32: []int32{-1, 1 << 30}},
		elements.Int8:    {Type: graph.Int8, Dims: []int{2}, I8: []int8{-128, 127}},
		elements.Uint8:   {Type: graph.Uint8, Dims: []int{2}, U8: []uint8{0, 255}},
		elements.Bool:    {Type: graph.Bool, Dims: []int{2}, Bool: []bool{true, false}},
	} {
		b, err := elements.Append([]byte{9}, x)
		if err != nil || int64(len(b)) != 1+elements.Size(x) || len(b) != 1+2*kind.Width() || kind.Type() != x.Type {
			t.Fatalf("%v: %d bytes, %v", x.Type, len(b), err)
		}
		y := elements.New(x.Type, x.Dims)
		for i := range 2 { // in two pieces
			w := kind.Width()
			if err := elements.Put(y, kind, i, b[1+i*w:1+(i+1)*w]); err != nil {
				t.Fatal(err)
			}
		}
		if c, err := elements.Append([]byte{9}, y); err != nil || !bytes.Equal(b, c) {
			t.Errorf("%v: % x, want % x, %v", x.Type, c, b, err)
		}
		x.Dims = []int{3}
		if _, err := elements.Append(nil, x); !errors.Is(err, elements.ErrRange) {
			t.Errorf("%v of another length: %v", x.Type, err)
		}
	}
	if err := elements.Put(elements.New(graph.Bool, []int{1}), elements.Bool, 0, []byte{2}); !errors.Is(err, elements.ErrRange) {
		t.Errorf("a bool of 2: %v", err)
	}
}
