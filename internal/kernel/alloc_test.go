package kernel

import "testing"

func TestNoAllocations(t *testing.T) {
	for _, test := range []struct {
		name string
		call func()
	}{
		// Arrays on the stack: no argument may escape either.
		{"Dot", func() { var x [40]float32; Dot(x[:], x[:]) }},
		{"SquaredDistance", func() { var x [40]float32; SquaredDistance(x[:], x[:]) }},
		{"Axpy", func() { var x [40]float32; Axpy(1, x[:], x[:]) }},
		{"Adam", func() { var w, g, m, v [40]float32; Adam(w[:], g[:], m[:], v[:], AdamStep{}) }},
		{"Gemm", func() { var a, b, c [100]float32; Gemm(10, 10, 10, a[:], 10, b[:], 10, c[:], 10) }},
		{"GemmTN", func() { var a, b, c [100]float32; GemmTN(10, 10, 10, a[:], 10, b[:], 10, c[:], 10) }},
		{"GemmNT", func() { var a, b, c [100]float32; GemmNT(10, 10, 10, a[:], 10, b[:], 10, c[:], 10) }},
		{"Exp", func() { Exp(1) }},
		{"Log", func() { Log(2) }},
	} {
		if test.name == "GemmNT" && raceEnabled {
			continue // the race detector makes sync.Pool forget at random
		}
		if n := testing.AllocsPerRun(200, test.call); n != 0 {
			t.Errorf("%s allocates %g times per call", test.name, n)
		}
	}
}
