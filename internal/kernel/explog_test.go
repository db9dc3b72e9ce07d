package kernel

import (
	"math"
	"testing"
)

// goldenExpLog holds the bits that Exp and Log must give on every
// architecture. All of them are the exact results, correctly rounded.
var goldenExpLog = []struct{ x, exp, log uint32 }{
	{0x00000000, 0x3f800000, 0xff800000}, // 0
	{0x80000000, 0x3f800000, 0xff800000}, // -0
	{0x00000001, 0x3f800000, 0xc2ce8ed0}, // 1e-45
	{0x80000001, 0x3f800000, 0x7fc00000}, // -1e-45
	{0x007fffff, 0x3f800000, 0xc2aeac50}, // 1.1754942e-38
	{0x807fffff, 0x3f800000, 0x7fc00000}, // -1.1754942e-38
	{0x00800000, 0x3f800000, 0xc2aeac50}, // 1.1754944e-38
	{0x7f800000, 0x7f800000, 0x7f800000}, // +Inf
	{0xff800000, 0x00000000, 0x7fc00000}, // -Inf
	{0x7fc00000, 0x7fc00000, 0x7fc00000}, // NaN
	{0xffc00001, 0x7fc00000, 0x7fc00000}, // NaN
	{0x7f800001, 0x7fc00000, 0x7fc00000}, // NaN
	{0x7f7fffff, 0x7f800000, 0x42b17218}, // 3.4028235e+38
	{0xff7fffff, 0x00000000, 0x7fc00000}, // -3.4028235e+38
	{0x3f800000, 0x402df854, 0x00000000}, // 1
	{0xbf800000, 0x3ebc5ab2, 0x7fc00000}, // -1
	{0x3f7fffff, 0x402df854, 0xb3800000}, // 0.99999994
	{0x3f800001, 0x402df856, 0x33ffffff}, // 1.0000001
	{0x3f3504f3, 0x4001cca3, 0xbeb17219}, // 0.70710677
	{0x3f3504f4, 0x4001cca3, 0xbeb17216}, // 0.7071068
	{0x3f000000, 0x3fd3094c, 0xbf317218}, // 0.5
	{0x40000000, 0x40ec7326, 0x3f317218}, // 2
	{0x402df854, 0x417277da, 0x3f7fffff}, // 2.7182817
	{0x41200000, 0x46ac14ee, 0x40135d8e}, // 10
	{0xc1200000, 0x383e6bce, 0x7fc00000}, // -10
	{0x3eaaaaab, 0x3fb2a36e, 0xbf8c9f54}, // 0.33333334
	{0xbeaaaaab, 0x3f376e98, 0x7fc00000}, // -0.33333334
	{0x33800000, 0x3f800001, 0xc1851592}, // 5.9604645e-08
	{0x33800001, 0x3f800001, 0xc1851592}, // 5.960465e-08
	{0x33000000, 0x3f800000, 0xc18aa123}, // 2.9802322e-08
	{0x3eb17218, 0x3fb504f3, 0xbf87a2f1}, // 0.3465736
	{0x3eb17219, 0x3fb504f4, 0xbf87a2f0}, // 0.34657362
	{0x3f317218, 0x40000000, 0xbebba795}, // 0.6931472
	{0x42b17217, 0x7f7fff84, 0x408f895b}, // 88.72283
	{0x42b17218, 0x7f800000, 0x408f895c}, // 88.72284
	{0x42b17219, 0x7f800000, 0x408f895c}, // 88.72285
	{0xc2aeac50, 0x007fffe6, 0x7fc00000}, // -87.33655
	{0xc2aeac51, 0x007fffa6, 0x7fc00000}, // -87.336555
	{0xc2aeac4f, 0x00800026, 0x7fc00000}, // -87.33654
	{0xc2cff1b4, 0x00000001, 0x7fc00000}, // -103.97208
	{0xc2cff1b5, 0x00000000, 0x7fc00000}, // -103.972084
	{0xc2cff1b6, 0x00000000, 0x7fc00000}, // -103.97209
	{0xc2ce8ecf, 0x00000001, 0x7fc00000}, // -103.27892
	{0xc2ce8ed0, 0x00000001, 0x7fc00000}, // -103.27893
	{0x42b20000, 0x7f800000, 0x408fa2e9}, // 89
	{0x42b20001, 0x7f800000, 0x408fa2e9}, // 89.00001
	{0xc2d00000, 0x00000000, 0x7fc00000}, // -104
	{0xc2d00001, 0x00000000, 0x7fc00000}, // -104.00001
	{0x42830712, 0x6eb7184a, 0x4085d515}, // 65.51381
	{0x377f0000, 0x3f800080, 0xc1318220}, // 1.5199184e-05
	{0x4b000001, 0x7f800000, 0x417f1403}, // 8.388609e+06
	{0x501502f9, 0x7f800000, 0x41b834f1}, // 1e+10
}

func TestExpLogGolden(t *testing.T) {
	for _, g := range goldenExpLog {
		x := math.Float32frombits(g.x)
		if got := math.Float32bits(Exp(x)); got != g.exp {
			t.Errorf("Exp(%g) has bits %08x, want %08x", x, got, g.exp)
		}
		if got := math.Float32bits(Log(x)); got != g.log {
			t.Errorf("Log(%g) has bits %08x, want %08x", x, got, g.log)
		}
	}
}

// distance returns how far got is from want in units of the last place of a
// float32 close to want.
func distance(got float32, want float64) float64 {
	if math.Abs(want) >= math.MaxFloat32*(1+0x1p-25) {
		want = math.Inf(int(math.Copysign(1, want)))
	}
	if float64(got) == want {
		return 0
	}
	_, exponent := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(exponent-24, -149))
}

func TestExpLogAccuracy(t *testing.T) {
	const limit = 0.51
	for bits := uint64(0); bits < 1<<32; bits += 4099 {
		x := math.Float32frombits(uint32(bits))
		if x != x {
			continue
		}
		if e := distance(Exp(x), math.Exp(float64(x))); !(e <= limit) {
			t.Fatalf("Exp(%g) = %g is off by %g units in the last place", x, Exp(x), e)
		}
		if x < 0 {
			if Log(x) == Log(x) {
				t.Fatalf("Log(%g) = %g, want NaN", x, Log(x))
			}
			continue
		}
		if e := distance(Log(x), math.Log(float64(x))); !(e <= limit) {
			t.Fatalf("Log(%g) = %g is off by %g units in the last place", x, Log(x), e)
		}
	}
}
