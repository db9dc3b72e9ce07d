package aggregation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// golden are the checksums of every head and verdict of eight seeded rounds.
// They are the same on every architecture and kernel path: a difference means
// that peers would come to different heads. A change of a rule changes its
// line, and its line only.
var golden = map[string]string{
	"bristle+":            "42db22527e39b62b1c1212e0207c8fad",
	"bristle":             "5de0c0b05463d1c9d39a1196d5bc8d1f",
	"bristle:paper":       "a811d1fd21e25ef2566b421c0d4eacc0",
	"krum":                "32191e1d90abb2d2664b94afe9e0a42e",
	"trimmed-mean":        "d99cee54b65cc277773fd9089010db37",
	"median":              "6a8da677796b9c2c65bfefce270ed477",
	"mean":                "d806af80e285d08ef4d78cc2f2cb43cd",
	"meamed":              "f6d9043659746b969446d1ecb9463ad7",
	"krum:paper":          "32191e1d90abb2d2664b94afe9e0a42e",
	"krum:byzfl":          "32191e1d90abb2d2664b94afe9e0a42e",
	"krum:flower":         "32191e1d90abb2d2664b94afe9e0a42e",
	"krum:medoid":         "abcc8d94e62e4fd4599897705060a9b8",
	"krum:bristle-author": "e14d1f2c1b56ed9b191bd42217cda3e4",
	"multi-krum":          "8665513b29937cd96104fe6773e836fb",
	"bulyan":              "26701afda1b2d508a2ce9ca615971ee1",
	"geometric-median":    "475a83db5927e7a08b5c4d8fffc8ecd4",
	"centered-clipping":   "2963b7287d715ead964b33c4168aa132",
	"scclip":              "c591494c0d67da58a46c2fa48d1c2593",
	"mda":                 "cd02543c0c0fb35d6a30ccd1d24fe465",
	"caf":                 "3166ad4064382643b9f9bebc4f41a0dd",
	"monna":               "111fb8d48bd43398eafa782ff440fd08",
	"mozi":                "ed05d990f92654a1aa3eb9c53517b3a2",
	"ubar":                "52eaed7bebd5694211408b9dfd29df0a",
	"balance":             "7186cf0a779863d474d4a4e5dcb6a43f",
	"wfagg":               "91bb2f787aeae7955ab4697f8b9caca6",
	"dnc":                 "3d3d22f4d3e528524747b8fb6914b6f7",
	"signguard":           "2cfbefe8f7e53c3a59b4aa84e2086984",
	"clipped-clustering":  "c64c3702e0ef0c94392a4d51585994f5",
	"local":               "8878983527451c1b4f76c9f41301881c",
}

func TestGolden(t *testing.T) {
	for _, name := range quick() {
		if got := checksum(t, name); got != golden[name] {
			t.Errorf("%s on the %s kernels: checksum %s, want %s", name, cpu.Active().String(), got, golden[name])
		}
	}
}

// checksum plays eight rounds of a peer that knows four of ten classes among
// 34 others, so that the prioritizers have a choice. A third of them lie. The
// peer takes its new head along and trains by chance.
func checksum(t *testing.T, name string) string {
	const classes, features, n = 10, 100, 34
	rng := random(20211021)
	r := defaults(t, name, nil)
	truth := noisyHead(rng, classes, features)
	familiar := []int{2, 3, 4, 5}
	probe := newSamples(rng, truth, familiar, 10, 6)
	own := truth.Clone()
	noise(rng, own.Weights, 3)
	hash := sha256.New()
	number := func(v float64) {
		hash.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
	}
	for round := range 8 {
		var updates []*federation.Update
		for i := range n {
			h := truth.Clone()
			noise(rng, h.Weights, 3/float32(round+1))
			claims := all(classes)[i%7 : i%7+4]
			if i%3 == 2 {
				switch i % 4 {
				case 0: // another class's rows
					copy(h.Weights, h.Clone().Weights[features:])
				case 1:
					kernel.Axpy(99, h.Clone().Weights, h.Weights)
				default:
					kernel.Axpy(-2, h.Clone().Weights, h.Weights)
				}
			}
			if r.WholeHead() {
				updates = append(updates, whole(i, h, claims...))
			} else {
				updates = append(updates, claimed(i, h, claims...))
			}
		}
		result := integrate(t, r, Input{Own: own, Familiar: familiar, Updates: updates, Probe: probe, Rand: rng})
		for _, w := range result.Head.Weights {
			number(float64(w))
		}
		for _, v := range result.Verdicts {
			number(v.Distance)
			number(v.Certainty)
			number(v.Trust)
			for _, w := range v.Weights {
				number(w)
			}
			hash.Write([]byte(v.Reason + Reason(v.Third)))
		}
		copy(own.Weights, result.Head.Weights)
		noise(rng, own.Weights, 0.2)
	}
	return hex.EncodeToString(hash.Sum(nil))[:32]
}

// The portable kernels give the bits of the fast ones.
func TestGoldenOnPortableKernels(t *testing.T) { onPortableKernels(t, "TestGolden") }

// onPortableKernels runs a test of this package again, on the portable kernels.
func onPortableKernels(t *testing.T, test string) {
	t.Helper()
	if cpu.Active() == cpu.Generic || runtime.GOARCH != "amd64" {
		t.Skip("the portable kernels are in use anyway")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), cpu.Variable+"=generic")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test) {
		t.Errorf("%v\n%s", err, out)
	}
}
