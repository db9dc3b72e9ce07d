package kernel

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// goldenSums are the SHA-256 of what each function makes of seeded numbers:
// the bits that every architecture and path must give. A change here breaks
// the replay of every verdict in existence.
var goldenSums = map[string]string{
	"Gemm ordinary":            "9706ee560305a470ea08b8297bf6a9a28c03fe6b107d9bf84515f48eed94ad9d",
	"GemmNT ordinary":          "8db26809c3c467baf0b3199aa758892807e63fc588127a9ffdb5b4d59afacf3c",
	"GemmTN ordinary":          "47681d81f74fb0d153641f1040dd4949ca7cbfc056bf08cd85d7439dc6d55c6a",
	"Dot ordinary":             "178f39b3bb7139e72bb20285e1bf2835d1d04a914e45010d8f8ae71228216824",
	"SquaredDistance ordinary": "5e830027936e168ef6b8437d3d4915adf200549b4c9f42bd18618b2413fd6aaa",
	"Axpy ordinary":            "854815fc62e23f573235ac5dca407b08233feef02dba6b68402b73c9016c75ac",
	"Adam weights ordinary":    "2b8b7324f9135acdff90f9f01cec75ba84f4f248f0fd32f0e40099c6766875af",
	"Adam moments ordinary":    "7f736dd86436bd10ee5911fb36d9403434ed54136b9ebd321797d5747a45518a",
	"Gemm wild":                "8ff62925377f67a93eb037efcc6c83fd067ddb5b0bd794d7eff57c686a3d5ab8",
	"GemmNT wild":              "034720aa295707b78e3d3d8e56159a17dce2310a7f849a5ddbb1997cfe194141",
	"GemmTN wild":              "7b9ad52c55832f1a07bfc45f9e22a99afcfeac7e852a363e29c2bb675966e94f",
	"Dot wild":                 "14f1f784f724dc57b62f884f398961f648475ad05ca1676b80377f6dec51b11c",
	"SquaredDistance wild":     "06406a9a8d4145d7f4c51c3d7814739ea323e6bb3c94b470cb1989ec678658c3",
	"Axpy wild":                "f6c6d00c4bbb99924c4322a3d839088d53ad11693e3e8fe4f09e5564ebc63e6e",
	"Adam weights wild":        "c679588e4542c6ceda69572c99751842eaaed9ce71ef5d9b976f8ac85eea6316",
	"Adam moments wild":        "2c3466ad858709daf86fed995b3e8e6169d362e720d982f0e8cb35e6ec6f73b5",
	"Exp":                      "4c62211df2f9ffe235d42e047d9a9148ea88a7e4abd87c1b2ff4b17d00d36574",
	"Log":                      "d9a0d7041b9db93d981ce51a28edf470dae51d7eff54bc7342abfffb755c90af",
}

func TestGoldenSums(t *testing.T) {
	const m, n, k = 37, 61, 301
	for _, on := range cpu.Available() {
		rng := rand.New(rand.NewPCG(17, 18))
		check := func(name string, result any) {
			t.Helper()
			data, err := binary.Append(nil, binary.LittleEndian, result)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(data)
			if got := hex.EncodeToString(sum[:]); got != goldenSums[name] {
				t.Errorf("%s on %v has checksum %s, want %s", name, on, got, goldenSums[name])
			}
		}
		for _, source := range sources[:2] { // finite ones
			name := func(f string) string { return f + " " + source.name }

			a, b, c := source.make(rng, m*k), source.make(rng, k*n), source.make(rng, m*n)
			gemmBlocks(on, m, n, k, a, k, 1, b, n, c, n)
			check(name("Gemm"), c)
			gemmNT(on, m, n, k, a, k, b, k, c, n)
			check(name("GemmNT"), c)
			gemmBlocks(on, m, n, k, a, 1, m, b, n, c, n)
			check(name("GemmTN"), c)

			check(name("Dot"), []float32{dotOn(on, a, b[:len(a)])})
			check(name("SquaredDistance"), []float32{squaredDistanceOn(on, a, b[:len(a)])})

			y := source.make(rng, len(a))
			axpyOn(on, 0.7, a, y)
			check(name("Axpy"), y)

			w, g, first, second := source.make(rng, n*k), source.make(rng, n*k), make([]float32, n*k), make([]float32, n*k)
			for range 3 {
				adamOn(on, w, g, first, second, AdamStep{LearningRate: 0.01, Beta1: 0.9, Beta2: 0.999,
					Epsilon: 1e-8, L2: 1e-3, Correction1: 0.19, Correction2: 0.002})
			}
			check(name("Adam weights"), w)
			check(name("Adam moments"), append(first, second...))
		}
		// The float64 before the last rounding, which would hide most of what
		// a fused operation changes.
		exps, logs := []uint64{}, []uint64{}
		for i := range 5000 {
			exps = append(exps, math.Float64bits(expInner(float64(i)/26-104)))
			logs = append(logs, math.Float64bits(logInner(float64(i+1)/700)))
		}
		check("Exp", exps)
		check("Log", logs)
	}
}
