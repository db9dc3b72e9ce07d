package aggregation

import (
	"math"
	"testing"
)

// The bits are those of the first implementation; that they are right is what
// TestExpLogAccuracy says.
func TestExpLogPowBits(t *testing.T) {
	for _, c := range []struct {
		name string
		got  float64
		want uint64
	}{
		{"exp(0)", exp(0), 0x3ff0000000000000},
		{"exp(1)", exp(1), 0x4005bf0a8b14576a},
		{"exp(-1)", exp(-1), 0x3fd78b56362cef38},
		{"exp(0.5)", exp(0.5), 0x3ffa61298e1e069c},
		{"exp(-0.27)", exp(-0.27), 0x3fe86d9ad553a443},
		{"exp(-0.31257)", exp(-0.31257), 0x3fe768f9c8167c80},
		{"exp(1e-09)", exp(1e-09), 0x3ff000000044b830},
		{"exp(88.7)", exp(88.7), 0x47ef4705bbffae5c},
		{"exp(-100)", exp(-100), 0x36ea8c1f14e2af5d},
		{"exp(700.5)", exp(700.5), 0x7f18625c7d4f56c2},
		{"exp(-740.25)", exp(-740.25), 0x0000000000000042},
		{"log(1)", log(1), 0x0000000000000000},
		{"log(2)", log(2), 0x3fe62e42fefa39ef},
		{"log(3)", log(3), 0x3ff193ea7aad030b},
		{"log(0.1)", log(0.1), 0xc0026bb1bbb55515},
		{"log(6)", log(6), 0x3ffcab0bfa2a2002},
		{"log(10)", log(10), 0x40026bb1bbb55516},
		{"log(0.7071067811865476)", log(0.7071067811865476), 0xbfd62e42fefa39ee},
		{"log(1e-300)", log(1e-300), 0xc085963447f87fb5},
		{"log(5e-324)", log(5e-324), 0xc0874385446d71c3},
		{"log(1.7976931348623157e+308)", log(1.7976931348623157e+308), 0x40862e42fefa39ef},
		{"pow(0, 3)", pow(0, 3), 0x0000000000000000},
		{"pow(3, 3.7)", pow(3, 3.7), 0x404d20e7b0268255},
		{"pow(3, 5)", pow(3, 5), 0x406e600000000006},
		{"pow(6, 3)", pow(6, 3), 0x406b000000000002},
		{"pow(0.25, 4.6)", pow(0.25, 4.6), 0x3f5bdb8cdadbe128},
		{"pow(10, 5)", pow(10, 5), 0x40f86a000000000e},
		{"pow(0.001, 3)", pow(0.001, 3), 0x3e112e0be826d698},
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

func TestExpLogAccuracy(t *testing.T) {
	rng := random(1)
	for range 100000 {
		x := (2*rng.Float64() - 1) * 700
		if d := ulps(exp(x), math.Exp(x)); d > 2 {
			t.Fatalf("exp(%v) is %v, %v units off", x, exp(x), d)
		}
		y := math.Ldexp(1+rng.Float64(), rng.IntN(2000)-1000)
		// Relative to 1 near a logarithm of 0, where both lose digits.
		if d := math.Abs(log(y)-math.Log(y)) / max(1, math.Abs(math.Log(y))); d > 4e-16 {
			t.Fatalf("log(%v) is %v, want %v", y, log(y), math.Log(y))
		}
		base, exponent := 100*rng.Float64(), 1+11*rng.Float64()
		if got, want := pow(base, exponent), math.Pow(base, exponent); math.Abs(got-want) > 1e-13*want {
			t.Fatalf("pow(%v, %v) is %v, want %v", base, exponent, got, want)
		}
	}
}

func TestExpEnds(t *testing.T) {
	for _, c := range []struct{ x, want float64 }{
		{0, 1}, {1e9, math.Inf(1)}, {math.Inf(1), math.Inf(1)}, {-1e9, 0}, {math.Inf(-1), 0},
		{709.9, math.Inf(1)}, {-745.9, 0},
	} {
		if got := exp(c.x); got != c.want {
			t.Errorf("exp(%v) is %v, want %v", c.x, got, c.want)
		}
	}
	if got := exp(math.NaN()); got == got {
		t.Errorf("exp(NaN) is %v", got)
	}
	if got := pow(0, 3); got != 0 {
		t.Errorf("pow(0, 3) is %v", got)
	}
}
