package robust

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// references are slow implementations straight from the formulas.
var references = map[string]func(in Input, f int) []float64{
	"mean":   func(in Input, _ int) []float64 { return meanOf(in.Vectors, upTo(len(in.Vectors))) },
	"median": func(in Input, _ int) []float64 { return byColumn(in, middleOf) },
	"trimmed-mean": func(in Input, f int) []float64 {
		return byColumn(in, func(c []float64) float64 { return average(c[f : len(c)-f]) })
	},
	"meamed": func(in Input, f int) []float64 {
		return byColumn(in, func(c []float64) float64 { return aroundMedian(c, len(c)-f) })
	},
	"krum":        func(in Input, f int) []float64 { return slowKrum(in, len(in.Vectors)-f-2, 2) },
	"krum:paper":  func(in Input, f int) []float64 { return slowKrum(in, len(in.Vectors)-f-2, 2) },
	"krum:byzfl":  func(in Input, f int) []float64 { return slowKrum(in, len(in.Vectors)-f-1, 2) },
	"krum:flower": func(in Input, f int) []float64 { return slowKrum(in, max(1, len(in.Vectors)-f-2), 2) },
	"krum:medoid": func(in Input, _ int) []float64 { return slowKrum(in, len(in.Vectors)-1, 1) },
	"krum:bristle-author": func(in Input, f int) []float64 {
		winner := slowKrum(in, len(in.Vectors)-f-3, 1)
		for j := range winner {
			winner[j] = (winner[j] + float64(in.Vectors[0][j])) / 2
		}
		return winner
	},
	"multi-krum": func(in Input, f int) []float64 {
		return meanOf(in.Vectors, sortBy(krumScores(in.Vectors, len(in.Vectors)-f-2, 2))[:len(in.Vectors)-f])
	},
	"bulyan":           slowBulyan,
	"geometric-median": func(in Input, _ int) []float64 { return slowWeiszfeld(in) },
	"centered-clipping": func(in Input, _ int) []float64 {
		return slowClip(in, 1)
	},
	"scclip": func(in Input, f int) []float64 {
		return slowClip(in, slices.Sorted(slices.Values(fromOwn(in)))[len(in.Vectors)-f-1])
	},
	"mda":   slowMDA,
	"smea":  slowSMEA,
	"caf":   slowCAF,
	"monna": func(in Input, f int) []float64 { return meanOf(in.Vectors, sortBy(fromOwn(in))[:len(in.Vectors)-f]) },
	"mozi":  func(in Input, _ int) []float64 { return slowMozi(in, .5, .5, false) },
	"ubar":  func(in Input, _ int) []float64 { return slowMozi(in, .4, .5, true) },
	"balance": func(in Input, _ int) []float64 {
		radius := .3 * math.Exp(-30./300) * distance(in.Vectors[0], make([]float32, len(in.Vectors[0])))
		var near []int
		for i, d := range fromOwn(in) {
			if i > 0 && d <= radius {
				near = append(near, i)
			}
		}
		return withOwn(in, near, .5)
	},
	"wfagg":              slowWFAgg,
	"dnc":                slowDnC,
	"clipped-clustering": slowClustering,
}

func TestReferences(t *testing.T) {
	for _, e := range Rules() {
		reference := references[e.Name]
		if e.Name == "signguard" {
			continue // TestSignGuardAgainstReference
		}
		t.Run(e.Name, func(t *testing.T) {
			if reference == nil {
				t.Fatal("no reference")
			}
			rng := rand.New(rand.NewPCG(7, 7))
			trials := 60
			if e.Name == "smea" {
				trials = 8 // 3000 subsets each, in the slow way
			}
			for trial := range trials {
				f := rng.IntN(3)
				n, d := 4*f+3+rng.IntN(6), 1+rng.IntN(40)
				if e.Name == "smea" {
					n = 2*f + 4
				}
				if trial == 0 {
					d = 3*chunk + 5
				}
				rule := build(t, e.Name, 1+trial%3, Values{"f": float64(f)})
				if n < rule.Least() {
					n = rule.Least()
				}
				in := input(draw(rng, n, d, f), uint64(trial))
				dst := make([]float32, d)
				rule.Aggregate(dst, in)
				want := reference(in, f)
				for j := range dst {
					if math.Abs(float64(dst[j])-want[j]) > 2e-4*(1+math.Abs(want[j])) {
						t.Fatalf("trial %d, n %d, f %d: coordinate %d is %v, want %v", trial, n, f, j, dst[j], want[j])
					}
				}
			}
		})
	}
}

func upTo(n int) (x []int) {
	for i := range n {
		x = append(x, i)
	}
	return x
}

func byColumn(in Input, of func(sorted []float64) float64) []float64 {
	out := make([]float64, len(in.Vectors[0]))
	for j := range out {
		var column []float64
		for _, v := range in.Vectors {
			column = append(column, float64(v[j]))
		}
		slices.Sort(column)
		out[j] = of(column)
	}
	return out
}

func average(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func middleOf(sorted []float64) float64 {
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func aroundMedian(sorted []float64, keep int) float64 {
	m := middleOf(sorted)
	c := slices.Clone(sorted)
	slices.SortStableFunc(c, func(a, b float64) int { return cmp.Compare(math.Abs(a-m), math.Abs(b-m)) })
	return average(c[:keep])
}

// sortBy returns 0 to n-1 by ascending value.
func sortBy(values []float64) []int {
	order := upTo(len(values))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	return order
}

func krumScores(vectors [][]float32, nearest int, power float64) (scores []float64) {
	for i, x := range vectors {
		var d []float64
		for j, y := range vectors {
			if i != j {
				d = append(d, math.Pow(distance(x, y), power))
			}
		}
		slices.Sort(d)
		sum := 0.0
		for _, v := range d[:min(len(d), max(0, nearest))] {
			sum += v
		}
		scores = append(scores, sum)
	}
	return scores
}

func slowKrum(in Input, nearest int, power float64) []float64 {
	return float64s(in.Vectors[sortBy(krumScores(in.Vectors, nearest, power))[0]])
}

func slowBulyan(in Input, f int) []float64 {
	left, chosen := slices.Clone(in.Vectors), [][]float32{}
	for range len(in.Vectors) - 2*f {
		best := sortBy(krumScores(left, len(left)-f-2, 2))[0]
		chosen = append(chosen, left[best])
		left = slices.Delete(slices.Clone(left), best, best+1)
	}
	return byColumn(Input{Vectors: chosen}, func(c []float64) float64 { return aroundMedian(c, len(in.Vectors)-4*f) })
}

func fromOwn(in Input) (d []float64) {
	for _, v := range in.Vectors {
		d = append(d, distance(v, in.Vectors[0]))
	}
	return d
}

func slowClip(in Input, tau float64) []float64 {
	out := float64s(in.Vectors[0])
	for i, d := range fromOwn(in) {
		for j := range out {
			diff := float64(in.Vectors[i][j]) - float64(in.Vectors[0][j])
			if d > tau {
				diff *= tau / d
			}
			out[j] += diff / float64(len(in.Vectors))
		}
	}
	return out
}

// choices calls f with all subsets of k of n.
func choices(n, k int, f func(of []int)) {
	for mask := range 1 << n {
		var of []int
		for i := range n {
			if mask>>i&1 == 1 {
				of = append(of, i)
			}
		}
		if len(of) == k {
			f(of)
		}
	}
}

func slowMDA(in Input, f int) []float64 {
	var best []int
	least := math.Inf(1)
	choices(len(in.Vectors), len(in.Vectors)-f, func(of []int) {
		diameter := 0.0
		for _, i := range of {
			for _, j := range of {
				diameter = max(diameter, distance(in.Vectors[i], in.Vectors[j]))
			}
		}
		if diameter < least {
			least, best = diameter, of
		}
	})
	return meanOf(in.Vectors, best)
}

// leadingOf returns the greatest eigenvalue of the weighted covariance and the
// squared projections, from the d x d side.
func leadingOf(vectors [][]float32, w []float64) (float64, []float64) {
	d, total := len(vectors[0]), 0.0
	mu := make([]float64, d)
	for i, v := range vectors {
		total += w[i]
		for j, x := range v {
			mu[j] += w[i] * float64(x)
		}
	}
	for j := range mu {
		mu[j] /= total
	}
	u := make([]float64, d)
	for j := range u {
		u[j] = 1 + float64(j%7)
	}
	project := func(v []float32) (p float64) {
		for j, x := range v {
			p += (float64(x) - mu[j]) * u[j]
		}
		return p
	}
	eigenvalue := 0.0
	for range 1000 {
		next, length := make([]float64, d), 0.0
		for i, v := range vectors {
			p := project(v) * w[i] / total
			for j, x := range v {
				next[j] += p * (float64(x) - mu[j])
			}
		}
		for _, x := range next {
			length += x * x
		}
		if length == 0 {
			break
		}
		eigenvalue = math.Sqrt(length)
		for j := range u {
			u[j] = next[j] / eigenvalue
		}
	}
	var t []float64
	for _, v := range vectors {
		t = append(t, project(v)*project(v))
	}
	return eigenvalue, t
}

func slowSMEA(in Input, f int) []float64 {
	var best []int
	least := math.Inf(1)
	choices(len(in.Vectors), len(in.Vectors)-f, func(of []int) {
		var some [][]float32
		var w []float64
		for _, i := range of {
			some, w = append(some, in.Vectors[i]), append(w, 1)
		}
		if e, _ := leadingOf(some, w); e < least {
			least, best = e, of
		}
	})
	return meanOf(in.Vectors, best)
}

func slowCAF(in Input, f int) []float64 {
	n := len(in.Vectors)
	c := make([]float64, n)
	for i := range c {
		c[i] = 1
	}
	least, total := math.Inf(1), float64(n)
	out := make([]float64, len(in.Vectors[0]))
	for first := true; first || total > float64(n-2*f); first = false {
		e, t := leadingOf(in.Vectors, c)
		if e < least {
			least = e
			clear(out)
			for i, v := range in.Vectors {
				for j, x := range v {
					out[j] += c[i] / total * float64(x)
				}
			}
		}
		most := 0.0
		for i := range t {
			if c[i] > 0 {
				most = max(most, t[i])
			}
		}
		if most == 0 {
			break
		}
		total = 0
		for i := range c {
			c[i] *= max(0, 1-t[i]/most)
			total += c[i]
		}
	}
	return out
}

// withOwn is own times the own vector and the rest the mean of some others.
func withOwn(in Input, others []int, own float64) []float64 {
	out := float64s(in.Vectors[0])
	if len(others) == 0 {
		return out
	}
	m := meanOf(in.Vectors, others)
	for j := range out {
		out[j] = own*out[j] + (1-own)*m[j]
	}
	return out
}

func slowMozi(in Input, rho, alpha float64, best bool) []float64 {
	near := sortBy(fromOwn(in))[1:][:int(math.Ceil(rho*float64(len(in.Vectors)-1)))]
	var kept []int
	lowest := near[0]
	for _, i := range near {
		if in.Loss(in.Vectors[i]) <= in.Loss(in.Vectors[0]) {
			kept = append(kept, i)
		}
		if in.Loss(in.Vectors[i]) < in.Loss(in.Vectors[lowest]) {
			lowest = i
		}
	}
	if len(kept) == 0 && best {
		kept = []int{lowest}
	}
	return withOwn(in, kept, alpha)
}

func slowWFAgg(in Input, f int) []float64 {
	m := byColumn(in, middleOf)
	n := len(in.Vectors)
	votes := make([]int, n)
	var far, angle []float64
	for _, v := range in.Vectors[1:] {
		var d, xm, xx, mm float64
		for j, x := range v {
			d += (float64(x) - m[j]) * (float64(x) - m[j])
			xm += float64(x) * m[j]
			xx += float64(x) * float64(x)
			mm += m[j] * m[j]
		}
		far, angle = append(far, d), append(angle, -xm/math.Sqrt(xx*mm))
	}
	for _, filter := range [][]float64{far, angle} {
		for _, i := range sortBy(filter)[:n-f-1] {
			votes[i+1]++
		}
	}
	var both []int
	for i, v := range votes {
		if v == 2 {
			both = append(both, i)
		}
	}
	return withOwn(in, both, .2)
}

// slowDnC has all coordinates, as there are fewer than would be drawn.
func slowDnC(in Input, f int) []float64 {
	w := make([]float64, len(in.Vectors))
	for i := range w {
		w[i] = 1
	}
	_, t := leadingOf(in.Vectors, w)
	kept := sortBy(t)[:len(in.Vectors)-f]
	slices.Sort(kept)
	return meanOf(in.Vectors, kept)
}

func slowClustering(in Input, _ int) []float64 {
	n := len(in.Vectors)
	var diffs [][]float64
	var lengths []float64
	for _, v := range in.Vectors {
		var diff []float64
		length := 0.0
		for j, x := range v {
			d := float64(x) - float64(in.Vectors[0][j])
			diff = append(diff, d)
			length += d * d
		}
		diffs, lengths = append(diffs, diff), append(lengths, math.Sqrt(length))
	}
	var clusters [][]int
	for i := 1; i < n; i++ {
		clusters = append(clusters, []int{i})
	}
	between := func(a, b []int) (sum float64) {
		for _, i := range a {
			for _, j := range b {
				dot := 0.0
				for k := range diffs[i] {
					dot += diffs[i][k] * diffs[j][k]
				}
				sum += (1 - dot/(lengths[i]*lengths[j])) / float64(len(a)*len(b))
			}
		}
		return sum
	}
	for len(clusters) > 2 {
		a, b := 1, 0
		for i := range clusters {
			for j := range i {
				if between(clusters[i], clusters[j]) < between(clusters[a], clusters[b]) {
					a, b = i, j
				}
			}
		}
		clusters[b] = append(clusters[b], clusters[a]...)
		clusters = slices.Delete(clusters, a, a+1)
	}
	larger := clusters[0]
	if len(clusters) > 1 && (len(clusters[1]) > len(larger) || len(clusters[1]) == len(larger) && slices.Min(clusters[1]) < slices.Min(larger)) {
		larger = clusters[1]
	}
	sorted := slices.Sorted(slices.Values(lengths[1:]))
	middle := sorted[len(sorted)/2]
	out := float64s(in.Vectors[0])
	for _, i := range larger {
		for j := range out {
			out[j] += diffs[i][j] * min(1, middle/lengths[i]) / float64(len(larger))
		}
	}
	return out
}
