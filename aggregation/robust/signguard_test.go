package robust

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowSignGuard is SignGuard as its paper has it, with the differences that are
// told at [signGuard]. It follows the sets of points that a kernel holds, not their
// means alone. Close says that some distance is within rounding of the kernel's
// width, so that either answer would do.
func slowSignGuard(in Input, low, high, sample float64) (result []float64, close bool) {
	own := float64s(in.Vectors[0])
	var diffs [][]float64
	var lengths []float64
	for _, v := range in.Vectors[1:] {
		diff := float64s(v)
		for j := range diff {
			diff[j] -= own[j]
		}
		diffs, lengths = append(diffs, diff), append(lengths, distance(v, in.Vectors[0]))
	}
	sorted := slices.Sorted(slices.Values(lengths))
	middle := sorted[len(sorted)/2]

	// First filter: lengths.
	var ordinary []int
	for i, l := range lengths {
		if low*middle <= l && l <= high*middle {
			ordinary = append(ordinary, i)
		}
	}

	// Second filter: the shares of signs on every so manyth coordinate.
	every := int(1 / sample)
	first := 0
	if every > 1 {
		first = in.Rand.IntN(every)
	}
	type point struct{ up, down, still float64 }
	var points []point
	for _, i := range ordinary {
		var p point
		looked := 0
		for j, d := range diffs[i] {
			if j%every != first {
				continue
			}
			looked++
			if d > 0 {
				p.up++
			} else if d < 0 {
				p.down++
			} else {
				p.still++
			}
		}
		n := float64(looked)
		points = append(points, point{p.up / n, p.down / n, p.still / n})
	}
	gap := func(a, b point) float64 {
		return math.Hypot(math.Hypot(a.up-b.up, a.down-b.down), a.still-b.still)
	}
	width := 0.0
	for _, p := range points {
		var gaps []float64
		for _, q := range points {
			gaps = append(gaps, gap(p, q))
		}
		slices.Sort(gaps)
		width += gaps[(len(gaps)+1)/2-1] / float64(len(points))
	}
	within := func(centre point, of []point) (held []int) {
		for i, p := range of {
			g := gap(centre, p)
			close = close || math.Abs(g-width) < 1e-9
			if g <= width {
				held = append(held, i)
			}
		}
		return held
	}
	var modes []point
	for _, centre := range points {
		var before []int
		for {
			held := within(centre, points)
			if len(held) == 0 || slices.Equal(held, before) {
				break
			}
			before, centre = held, point{}
			for _, i := range held {
				n := float64(len(held))
				centre.up += points[i].up / n
				centre.down += points[i].down / n
				centre.still += points[i].still / n
			}
		}
		modes = append(modes, centre)
	}
	var trusted []int
	for _, m := range modes {
		if cluster := within(m, modes); len(cluster) > len(trusted) {
			trusted = cluster
		}
	}
	result = own
	for _, k := range trusted {
		i := ordinary[k]
		for j := range own {
			result[j] += diffs[i][j] * min(1, middle/lengths[i]) / float64(len(trusted))
		}
	}
	return result, close
}

func TestSignGuardAgainstReference(t *testing.T) {
	decided := 0
	const trials = 300
	for seed := range uint64(trials) {
		rng := rand.New(rand.NewPCG(seed, 12))
		n, d := 4+rng.IntN(20), 300+rng.IntN(1500)
		// Own, then others of several kinds: most go one way, some the other, some
		// stand still in many coordinates, and some are long or short.
		vectors := make([][]float32, n)
		for i := range vectors {
			lean, zeros, length := .2+.1*rng.Float32(), float32(0), float32(1)
			switch rng.IntN(8) {
			case 0:
				lean = 1 - lean
			case 1:
				zeros = .5
			case 2:
				length = []float32{.01, .5, 2, 100}[rng.IntN(4)]
			}
			vectors[i] = make([]float32, d)
			for j := range vectors[i] {
				if i == 0 {
					vectors[i][j] = rng.Float32()
				} else if vectors[i][j] = vectors[0][j]; rng.Float32() >= zeros {
					vectors[i][j] += length * (rng.Float32() - lean)
				}
			}
		}
		sample := []float64{1, .1}[seed%2]
		want, close := slowSignGuard(input(vectors, seed), .1, 3, sample)
		if close {
			continue
		}
		decided++
		dst := make([]float32, d)
		build(t, "signguard", 1+int(seed%3), Values{"sample": sample}).Aggregate(dst, input(vectors, seed))
		for j := range dst {
			if math.Abs(float64(dst[j])-want[j]) > 2e-4*(1+math.Abs(want[j])) {
				t.Fatalf("seed %d, n %d, sample %v: coordinate %d is %v, want %v", seed, n, sample, j, dst[j], want[j])
			}
		}
	}
	if decided < trials*8/10 {
		t.Errorf("only %d of %d rounds are clear", decided, trials)
	}
}
