package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The bits are those of the first implementation; that they are right is what
// TestExp64Accuracy says.
func TestGoldenExp64(t *testing.T) {
	for _, c := range []struct {
		name string
		got  float64
		want uint64
	}{
		{"Exp64(0)", Exp64(0), 0x3ff0000000000000},
		{"Exp64(1)", Exp64(1), 0x4005bf0a8b14576a},
		{"Exp64(-1)", Exp64(-1), 0x3fd78b56362cef38},
		{"Exp64(0.5)", Exp64(0.5), 0x3ffa61298e1e069c},
		{"Exp64(-0.27)", Exp64(-0.27), 0x3fe86d9ad553a443},
		{"Exp64(-0.31257)", Exp64(-0.31257), 0x3fe768f9c8167c80},
		{"Exp64(1e-09)", Exp64(1e-09), 0x3ff000000044b830},
		{"Exp64(88.7)", Exp64(88.7), 0x47ef4705bbffae5c},
		{"Exp64(-100)", Exp64(-100), 0x36ea8c1f14e2af5d},
		{"Exp64(700.5)", Exp64(700.5), 0x7f18625c7d4f56c2},
		{"Exp64(-740.25)", Exp64(-740.25), 0x0000000000000042},
		{"Log64(1)", Log64(1), 0x0000000000000000},
		{"Log64(2)", Log64(2), 0x3fe62e42fefa39ef},
		{"Log64(3)", Log64(3), 0x3ff193ea7aad030b},
		{"Log64(0.1)", Log64(0.1), 0xc0026bb1bbb55515},
		{"Log64(6)", Log64(6), 0x3ffcab0bfa2a2002},
		{"Log64(10)", Log64(10), 0x40026bb1bbb55516},
		{"Log64(0.7071067811865476)", Log64(0.7071067811865476), 0xbfd62e42fefa39ee},
		{"Log64(1e-300)", Log64(1e-300), 0xc085963447f87fb5},
		{"Log64(5e-324)", Log64(5e-324), 0xc0874385446d71c3},
		{"Log64(1.7976931348623157e+308)", Log64(1.7976931348623157e+308), 0x40862e42fefa39ef},
		{"Pow64(0, 3)", Pow64(0, 3), 0x0000000000000000},
		{"Pow64(3, 3.7)", Pow64(3, 3.7), 0x404d20e7b0268255},
		{"Pow64(3, 5)", Pow64(3, 5), 0x406e600000000006},
		{"Pow64(6, 3)", Pow64(6, 3), 0x406b000000000002},
		{"Pow64(0.25, 4.6)", Pow64(0.25, 4.6), 0x3f5bdb8cdadbe128},
		{"Pow64(10, 5)", Pow64(10, 5), 0x40f86a000000000e},
		{"Pow64(0.001, 3)", Pow64(0.001, 3), 0x3e112e0be826d698},
	} {
		if bits := math.Float64bits(c.got); bits != c.want {
			t.Errorf("%s is %v (%#016x), want %#016x", c.name, c.got, bits, c.want)
		}
	}
}

// ulps returns how many float64 lie between two positive ones.
func ulps(a, b float64) float64 {
	return math.Abs(float64(int64(math.Float64bits(a)) - int64(math.Float64bits(b))))
}

func TestExp64Accuracy(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 100000 {
		x := (2*rng.Float64() - 1) * 700
		if d := ulps(Exp64(x), math.Exp(x)); d > 2 {
			t.Fatalf("Exp64(%v) is %v, %v units off", x, Exp64(x), d)
		}
		y := math.Ldexp(1+rng.Float64(), rng.IntN(2000)-1000)
		// Relative to 1 near a logarithm of 0, where both lose digits.
		if d := math.Abs(Log64(y)-math.Log(y)) / max(1, math.Abs(math.Log(y))); d > 4e-16 {
			t.Fatalf("Log64(%v) is %v, want %v", y, Log64(y), math.Log(y))
		}
		base, exponent := 100*rng.Float64(), 1+11*rng.Float64()
		if got, want := Pow64(base, exponent), math.Pow(base, exponent); math.Abs(got-want) > 1e-13*want {
			t.Fatalf("Pow64(%v, %v) is %v, want %v", base, exponent, got, want)
		}
	}
}

func TestExpEnds(t *testing.T) {
	for _, c := range []struct{ x, want float64 }{
		{0, 1}, {1e9, math.Inf(1)}, {math.Inf(1), math.Inf(1)}, {-1e9, 0}, {math.Inf(-1), 0},
		{709.9, math.Inf(1)}, {-745.9, 0},
	} {
		if got := Exp64(c.x); got != c.want {
			t.Errorf("Exp64(%v) is %v, want %v", c.x, got, c.want)
		}
	}
	if got := Exp64(math.NaN()); got == got {
		t.Errorf("Exp64(NaN) is %v", got)
	}
	if got := Pow64(0, 3); got != 0 {
		t.Errorf("Pow64(0, 3) is %v", got)
	}
}
