package aggregation

import (
	"math"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"pgregory.net/rapid"
)

// Slow references of the rules, in float64, written from the formulas of
// docs/bristle.md without a look at the fast code: vectors where that has
// pairwise distances, whole sorts where that has networks, math.Pow where that
// has its own.

// drawnRound is a round drawn by rapid, as both sides see it.
type drawnRound struct {
	Input
	probe   table
	classes int
	f       int
	clips   bool // whether no row longer than 1.5 own ones goes into the result
}

// drawRound draws a round in which every update can be used. Scores repeat, so
// that ties occur.
func drawRound(t *rapid.T, wholeHeads bool) drawnRound {
	d := drawnRound{classes: rapid.IntRange(1, 7).Draw(t, "classes"), f: rapid.IntRange(1, 70).Draw(t, "features")}
	n := rapid.IntRange(1, 13).Draw(t, "updates")
	rng := random(rapid.Uint64().Draw(t, "seed"))
	subset := func(name string, least int) []int {
		classes := rapid.SliceOfNDistinct(rapid.IntRange(0, d.classes-1), least, d.classes, rapid.ID[int]).Draw(t, name)
		slices.Sort(classes)
		return classes
	}
	d.Own = noisyHead(rng, d.classes, d.f)
	d.Familiar = subset("familiar", 0)
	d.Rand = rng
	for i := range n {
		h := d.Own.Clone()
		noise(rng, h.Weights, []float32{0.01, 1, 30}[rng.IntN(3)])
		claims := subset("claims", 1)
		if wholeHeads || rng.IntN(3) == 0 {
			d.Updates = append(d.Updates, whole(i, h, claims...))
		} else {
			d.Updates = append(d.Updates, claimed(i, h, claims...))
		}
	}
	for range n + 1 {
		f1 := make([]float64, d.classes)
		for c := range f1 {
			f1[c] = float64(rng.IntN(21)) / 20
			if rng.IntN(3) == 0 {
				f1[c] = 0.9
			}
		}
		d.probe = append(d.probe, f1)
	}
	d.Probe = d.probe
	return d
}

// vectors are the rows of a head in float64.
type vectors [][]float64

func widen(weights []float32, rows int) vectors {
	f := len(weights) / rows
	v := make(vectors, rows)
	for c := range v {
		for _, w := range weights[c*f : (c+1)*f] {
			v[c] = append(v[c], float64(w))
		}
	}
	return v
}

func length(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}

func apart(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return math.Sqrt(sum)
}

func combine(rows vectors, shares []float64) []float64 {
	out, total := make([]float64, len(rows[0])), 0.0
	for _, a := range shares {
		total += a
	}
	for j, row := range rows {
		for i := range row {
			out[i] += shares[j] / total * row[i]
		}
	}
	return out
}

func centred(v vectors) vectors {
	for _, row := range v {
		sum := 0.0
		for _, x := range row {
			sum += x
		}
		for i := range row {
			row[i] -= sum / float64(len(row))
		}
	}
	return v
}

// agree compares a head with its reference. The tolerance is relative to the
// longest row that can go into it.
func (d drawnRound) agree(t *rapid.T, got federation.Head, want vectors, tolerance float64) {
	scale := 0.0
	for _, row := range widen(d.Own.Weights, d.classes) {
		scale = max(scale, 1.5*length(row))
	}
	if !d.clips {
		for _, u := range d.Updates {
			for _, row := range widen(u.Rows.Weights, len(u.Rows.Classes)) {
				scale = max(scale, length(row))
			}
		}
	}
	for c, row := range widen(got.Weights, got.Classes) {
		if off := apart(row, want[c]); !(off <= tolerance*scale) {
			t.Fatalf("row %d is %v off on a scale of %v", c, off, scale)
		}
	}
}

// refCertainty is max(0, mean - population deviation) of the three best.
func refCertainty(f1 []float64, classes []int) (float64, map[int]bool) {
	order := slices.Clone(classes)
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case f1[a] > f1[b]:
			return -1
		case f1[a] < f1[b]:
			return 1
		}
		return a - b
	})
	order = order[:min(3, len(order))]
	if len(order) == 0 {
		return 0, nil
	}
	best, mean, variance := map[int]bool{}, 0.0, 0.0
	for _, c := range order {
		best[c] = true
		mean += f1[c] / float64(len(order))
	}
	for _, c := range order {
		variance += (f1[c] - mean) * (f1[c] - mean) / float64(len(order))
	}
	return max(0, mean-math.Sqrt(variance)), best
}

func refWeight(score float64) float64 { return max(0, 10/(1+math.Exp(-score/100))-4) }

// refBristle is bristle, or bristle:paper if paper (docs/bristle.md, a3).
func refBristle(d drawnRound, paper bool) vectors {
	f0 := d.probe[0]
	own := 1.0
	if paper {
		certainty0, _ := refCertainty(f0, d.Familiar)
		own = max(certainty0, 1/float64(len(d.Updates)))
	}
	result := make(vectors, d.classes)
	for c := range result {
		rows, shares := vectors{widen(d.Own.Weights, d.classes)[c]}, []float64{own}
		for j, u := range d.Updates {
			f := d.probe[j+1]
			certainty, best := refCertainty(f, d.Familiar)
			sum, weight := 0.0, math.NaN()
			for _, k := range d.Familiar {
				var score float64
				x := 10 * math.Abs(f[k]-f0[k])
				switch {
				case paper && f[k] >= f0[k]:
					score = x * x * x
				case paper:
					score = math.Inf(-1)
				case f[k] > f0[k]:
					score = math.Pow(x, 3+f0[k])
				default:
					score = -math.Pow(x, 4+f0[k])
				}
				if paper || best[k] {
					sum += score
				}
				if k == c {
					weight = 0
					if paper || best[k] {
						weight = refWeight(max(score, -100)) * certainty
					}
					if paper && math.IsInf(score, -1) {
						weight = 0
					}
				}
			}
			if math.IsNaN(weight) { // foreign
				weight = refWeight(sum) * certainty
			}
			rows, shares = append(rows, widen(u.Rows.Weights, d.classes)[c]), append(shares, weight)
		}
		result[c] = combine(rows, shares)
	}
	return centred(result)
}

// refBristlePlus follows the six steps of docs/bristle.md, e.
func refBristlePlus(d drawnRound, smoothing float64) vectors {
	own, f0 := widen(d.Own.Weights, d.classes), d.probe[0]
	limit := 0.0
	for _, c := range d.Familiar {
		limit += 1.5 * length(own[c]) / float64(len(d.Familiar))
	}
	rows, shares := make([]vectors, d.classes), make([][]float64, d.classes)
	for c := range rows {
		rows[c], shares[c] = vectors{own[c]}, []float64{1}
	}
	for j, u := range d.Updates {
		f := d.probe[j+1]
		var common []int
		for _, c := range u.Claims {
			if slices.Contains(d.Familiar, c) {
				common = append(common, c)
			}
		}
		harm := func(classes []int) float64 {
			mean := 0.0
			for _, c := range classes {
				mean += (f[c] - f0[c]) / float64(len(classes))
			}
			return math.Min(1, math.Max(0, 1+mean/0.2))
		}
		certainty, _ := refCertainty(f, common)
		trust := certainty * harm(common)
		if len(common) == 0 {
			trust = 0.5 * harm(d.Familiar)
		}
		mass := math.Min(1, float64(len(d.Familiar))/float64(len(u.Claims)))
		received := widen(u.Rows.Weights, len(u.Rows.Classes))
		for _, c := range u.Claims {
			row := received[slices.Index(u.Rows.Classes, c)]
			if l := length(row); l > limit {
				for i := range row {
					row[i] *= limit / l
				}
			}
			v := mass * trust
			if slices.Contains(d.Familiar, c) {
				x := 10 * (f[c] - f0[c])
				v = mass * certainty * refWeight(x*x*x)
			}
			if v > 0 {
				rows[c], shares[c] = append(rows[c], row), append(shares[c], v)
			}
		}
	}
	result := make(vectors, d.classes)
	for c := range result {
		result[c] = refGeoMedian(rows[c], shares[c], smoothing)
	}
	return centred(result)
}

// geoTolerance allows for a Weiszfeld step that comes close to a row: the
// distance is then near the smoothing, 1e-3 of the spread, and float32 leaves
// a part of it uncertain.
const geoTolerance = 5e-4

// refGeoMedian makes eight Weiszfeld steps from the weighted mean.
func refGeoMedian(rows vectors, votes []float64, smoothing float64) []float64 {
	z, total, spread := combine(rows, votes), 0.0, 0.0
	for j, row := range rows {
		total += votes[j]
		spread += votes[j] * math.Pow(apart(row, z), 2)
	}
	least := smoothing * math.Sqrt(spread/total)
	if least == 0 {
		return rows[0]
	}
	for range 8 {
		shares := make([]float64, len(rows))
		for j, row := range rows {
			shares[j] = votes[j] / max(least, apart(row, z))
		}
		z = combine(rows, shares)
	}
	return z
}

func columns(d drawnRound, value func(sorted []float64) float64) vectors {
	result := widen(d.Own.Weights, d.classes)
	for c := range result {
		for i := range result[c] {
			column := []float64{result[c][i]}
			for _, u := range d.Updates {
				column = append(column, float64(u.Rows.Weights[c*d.f+i]))
			}
			slices.Sort(column)
			result[c][i] = value(column)
		}
	}
	return result
}

// refKrum returns the winner, 0 being the own head, and whether another score
// is too close to it for float32.
func refKrum(d drawnRound, b int) (winner int, close bool) {
	heads := vectors{widen(d.Own.Weights, 1)[0]}
	for _, u := range d.Updates {
		heads = append(heads, widen(u.Rows.Weights, 1)[0])
	}
	var scores []float64
	for j, x := range heads {
		var others []float64
		for k, y := range heads {
			if k != j {
				others = append(others, math.Pow(apart(x, y), 2))
			}
		}
		slices.Sort(others)
		sum := 0.0
		for _, s := range others[:len(heads)-b-2] {
			sum += s
		}
		scores = append(scores, sum)
	}
	for j, s := range scores {
		if s < scores[winner] {
			winner = j
		}
	}
	for j, s := range scores {
		close = close || j != winner && s < scores[winner]*(1+1e-4)
	}
	return winner, close
}

func TestBristleAgainstReference(t *testing.T) {
	for _, name := range []string{"bristle", "bristle:paper"} {
		r := defaults(t, name, map[string]float64{"beta": 30})
		rapid.Check(t, func(t *rapid.T) {
			d := drawRound(t, true)
			result, err := r.Integrate(d.Input)
			if err != nil {
				t.Fatal(err)
			}
			d.agree(t, result.Head, refBristle(d, name == "bristle:paper"), 1e-5)
		})
	}
}

func TestBristlePlusAgainstReference(t *testing.T) {
	for _, smoothing := range []float64{0.001, 0.7} {
		r := defaults(t, "bristle+", map[string]float64{"smoothing": smoothing})
		rapid.Check(t, func(t *rapid.T) {
			d := drawRound(t, false)
			result, err := r.Integrate(d.Input)
			if err != nil {
				t.Fatal(err)
			}
			d.clips = true
			d.agree(t, result.Head, refBristlePlus(d, smoothing), geoTolerance)
		})
	}
}

func TestMedianAgainstReference(t *testing.T) {
	r := defaults(t, "median", nil)
	rapid.Check(t, func(t *rapid.T) {
		d := drawRound(t, true)
		result, err := r.Integrate(d.Input)
		if err != nil {
			t.Fatal(err)
		}
		d.agree(t, result.Head, columns(d, func(x []float64) float64 {
			return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
		}), 1e-7)
	})
}

func TestMeansAgainstReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawRound(rt, true)
		b := rapid.IntRange(0, 5).Draw(rt, "b")
		for name, cut := range map[string]int{"mean": 0, "trimmed-mean": b} {
			constants := map[string]float64{}
			if name == "trimmed-mean" {
				constants["f"] = float64(b)
			}
			result, err := defaults(t, name, constants).Integrate(d.Input)
			if err != nil {
				rt.Fatal(err)
			}
			want := widen(d.Own.Weights, d.classes)
			if 1+len(d.Updates) > 2*cut {
				want = columns(d, func(x []float64) float64 {
					sum := 0.0
					for _, v := range x[cut : len(x)-cut] {
						sum += v
					}
					return sum / float64(len(x)-2*cut)
				})
			}
			d.agree(rt, result.Head, want, 1e-6)
		}
	})
}

func TestKrumAgainstReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawRound(rt, true)
		b := rapid.IntRange(0, 5).Draw(rt, "b")
		result, err := defaults(t, "krum", map[string]float64{"f": float64(b)}).Integrate(d.Input)
		if err != nil {
			rt.Fatal(err)
		}
		winner := 0
		if 1+len(d.Updates) >= 2*b+3 {
			var close bool
			if winner, close = refKrum(d, b); close {
				return // float32 may see it the other way round
			}
		}
		want := d.Own.Weights
		if winner > 0 {
			want = d.Updates[winner-1].Rows.Weights
		}
		if !slices.Equal(result.Head.Weights, want) {
			rt.Fatalf("another head than number %d won", winner)
		}
		for i, v := range result.Verdicts {
			if (v.Reason == "") != (i+1 == winner) {
				rt.Fatalf("head %d won, and the verdict on %d is %+v", winner, i+1, v)
			}
		}
	})
}

// A verdict says enough: with the rows, the own head and its scores the new
// head can be computed again, without the probe and the constants of scoring.
func TestVerdictsReplay(t *testing.T) {
	for _, name := range []string{"bristle", "bristle:paper", "bristle+"} {
		r := defaults(t, name, map[string]float64{"beta": 6})
		rapid.Check(t, func(rt *rapid.T) {
			d := drawRound(rt, true)
			result := integrate(t, r, d.Input)
			looked := 0
			for _, v := range result.Verdicts {
				if v.Considered {
					looked++
				}
			}
			ownWeight, limit := 1.0, 0.0
			if name == "bristle:paper" {
				c, _ := refCertainty(result.F1, d.Familiar)
				ownWeight = max(c, 1/float64(looked))
			}
			own := widen(d.Own.Weights, d.classes)
			for _, c := range d.Familiar {
				limit += 1.5 * length(own[c]) / float64(len(d.Familiar))
			}
			want := make(vectors, d.classes)
			for c := range want {
				rows, weights := vectors{own[c]}, []float64{ownWeight}
				for i, v := range result.Verdicts {
					if v.Weights[c] == 0 {
						continue
					}
					row := widen(d.Updates[i].Rows.Weights, d.classes)[c]
					if l := length(row); name == "bristle+" && l > limit {
						row = combine(vectors{row}, []float64{1})
						for k := range row {
							row[k] *= limit / l
						}
					}
					rows, weights = append(rows, row), append(weights, v.Weights[c])
				}
				if name == "bristle+" {
					want[c] = refGeoMedian(rows, weights, 0.001)
				} else {
					want[c] = combine(rows, weights)
				}
			}
			d.clips = name == "bristle+"
			d.agree(rt, result.Head, centred(want), geoTolerance)
		})
	}
}
