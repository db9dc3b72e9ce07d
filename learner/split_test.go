package learner

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner/data"
)

// numbered returns a sample whose pixels are a number.
func numbered(n uint32, label int) data.Sample {
	return data.Sample{Pixels: binary.BigEndian.AppendUint32(nil, n), Label: label}
}

func ids(samples []data.Sample) map[[2]uint32]bool {
	out := map[[2]uint32]bool{}
	for _, s := range samples {
		out[[2]uint32{binary.BigEndian.Uint32(s.Pixels), uint32(s.Label)}] = true
	}
	return out
}

func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kappa := rapid.IntRange(0, 12).Draw(t, "kappa")
		counts := rapid.SliceOfN(rapid.IntRange(0, 60), 1, 5).Draw(t, "counts")
		set := data.Set{Shape: [3]int{1, 2, 2}}
		for label, n := range counts {
			for i := range n {
				set.Samples = append(set.Samples, numbered(uint32(label*1000+i), label))
			}
		}
		train, probe := Split(set, kappa)
		a, b := ids(train), ids(probe)
		if len(a)+len(b) != len(set.Samples) {
			t.Fatalf("%d samples became %d and %d", len(set.Samples), len(a), len(b))
		}
		held := make([]int, len(counts))
		for id := range b {
			if a[id] {
				t.Fatalf("sample %v is in both", id)
			}
			held[id[1]]++
		}
		for label, n := range counts {
			if want := min(kappa, n/3); held[label] != want {
				t.Fatalf("class %d of %d samples holds %d out, want %d", label, n, held[label], want)
			}
		}
		// Neither the order nor copies matter.
		twice := append(append([]data.Sample(nil), set.Samples...), set.Samples...)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(twice), func(i, j int) { twice[i], twice[j] = twice[j], twice[i] })
		again, probeAgain := Split(data.Set{Shape: set.Shape, Samples: twice}, kappa)
		if len(again) != len(train) || len(probeAgain) != len(probe) {
			t.Fatal("copies changed the split")
		}
		for i := range probe {
			if string(probe[i].Pixels) != string(probeAgain[i].Pixels) {
				t.Fatal("the order of the samples changed the split")
			}
		}
	})
}

// TestArrivalsDoNotLeak adds samples one by one to a class that is large
// enough: what was trained on never enters the probe.
func TestArrivalsDoNotLeak(t *testing.T) {
	const kappa = 5
	set := data.Set{Shape: [3]int{1, 2, 2}}
	trained := map[[2]uint32]bool{}
	for i := range 200 {
		set.Samples = append(set.Samples, numbered(uint32(i), 0))
		if i+1 < 3*kappa {
			continue
		}
		train, probe := Split(set, kappa)
		for id := range ids(probe) {
			if trained[id] {
				t.Fatalf("after %d samples, %v is in the probe and was trained on", i+1, id)
			}
		}
		for id := range ids(train) {
			trained[id] = true
		}
	}
}
