package robust

import "github.com/bristle-fl/bristled/internal/kernel"

// mean is the unweighted mean: federated averaging without a server.
type mean struct {
	mix    mixer
	shares []float64
}

var meanEntry = RuleEntry{Info{
	Name: "mean", Summary: "unweighted mean of all; one liar can move it anywhere",
	Source: "1/n · Σ x_i (McMahan et al., 2017, with equal weights)", Breakdown: "none",
}, func(_ Values, workers int) Rule { return &mean{mix: newMixer(workers)} }}

func (r *mean) Least() int { return 1 }

func (r *mean) Aggregate(dst []float32, in Input) []float64 {
	r.shares = grow(r.shares, len(in.Vectors))
	for i := range r.shares {
		r.shares[i] = 1 / float64(len(in.Vectors))
	}
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}

// median is the coordinate-wise median, the mean of the two middle values when
// their number is even. With n vectors, up to (n-1)/2 liars, rounded down, leave
// every coordinate within the range of the honest ones.
type median struct {
	sorter    *sorter
	low, high int
	shares    []float64
}

var medianEntry = RuleEntry{Info{
	Name: "median", Summary: "coordinate-wise median",
	Source: "Yin, Chen, Ramchandran and Bartlett, ICML 2018", Breakdown: "f < n/2",
}, func(_ Values, workers int) Rule {
	r := &median{}
	r.sorter = newSorter(workers, func(dst []float32, rows []int32) {
		a, b := rows[r.low*kernel.Columns:], rows[r.high*kernel.Columns:]
		for k := range dst {
			dst[k] = float32((value(a[k]) + value(b[k])) / 2)
		}
	})
	return r
}}

func (r *median) Least() int { return 1 }

func (r *median) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.low, r.high = (n-1)/2, n/2
	r.sorter.sort(dst, in.Vectors, r.low, r.high+1)
	r.shares = ones(r.shares, n)
	return r.shares
}

// trimmedMean is the coordinate-wise trimmed mean: in each coordinate the f
// greatest and the f least values are dropped and the rest is averaged. Up to f
// liars leave every coordinate within the range of the honest ones.
//
// As in the code of Bristle's author (docs/bristle.md, c) the own value is
// screened like any other, where BRIDGE always keeps it.
type trimmedMean struct {
	sorter *sorter
	f, n   int
	shares []float64
}

var trimmedMeanEntry = RuleEntry{Info{
	Name: "trimmed-mean", Summary: "coordinate-wise mean without the f greatest and f least values",
	Source: "Yin et al., ICML 2018; BRIDGE-T (Yang and Bajwa, 2019) without keeping the own value", Breakdown: "f < n/2",
	Constants: []Constant{liars("values to drop at each end of each coordinate")},
}, func(v Values, workers int) Rule {
	r := &trimmedMean{f: v.Whole("f")}
	r.sorter = newSorter(workers, func(dst []float32, rows []int32) {
		var sums [kernel.Columns]float64
		kernel.SumKeys(&sums, rows[r.f*kernel.Columns:(r.n-r.f)*kernel.Columns])
		for k := range dst {
			dst[k] = float32(sums[k] / float64(r.n-2*r.f))
		}
	})
	return r
}}

func (r *trimmedMean) Least() int { return 2*r.f + 1 }

func (r *trimmedMean) Aggregate(dst []float32, in Input) []float64 {
	r.n = len(in.Vectors)
	r.sorter.sort(dst, in.Vectors, r.f, r.n-r.f)
	r.shares = ones(r.shares, r.n)
	return r.shares
}

// nearMedian averages, in each coordinate, the keep values that are nearest to
// the median; the lesser wins a tie. It is MeaMed, and the last step of Bulyan.
type nearMedian struct {
	sorter  *sorter
	n, keep int
}

func newNearMedian(workers int) *nearMedian {
	r := &nearMedian{}
	r.sorter = newSorter(workers, r.reduce)
	return r
}

func (r *nearMedian) run(dst []float32, vectors [][]float32, keep int) {
	r.n, r.keep = len(vectors), keep
	r.sorter.sort(dst, vectors, 0, r.n)
}

// reduce finds the window of keep sorted values. It begins above x_j exactly if
// x_j is further from the median than x_(j+keep), because going up the one
// distance falls and the other rises. So x_(j+keep) takes the place of x_j where it
// does, for all columns at once; then the first keep rows hold what is kept. What
// was dropped is never summed, because it may be huge.
func (r *nearMedian) reduce(dst []float32, rows []int32) {
	row := func(i int) *[kernel.Columns]int32 { return (*[kernel.Columns]int32)(rows[i*kernel.Columns:]) }
	a, b := row((r.n-1)/2), row(r.n/2)
	var median, sums [kernel.Columns]float64
	for k := range median {
		median[k] = (value(a[k]) + value(b[k])) / 2
	}
	for j := range r.n - r.keep {
		x, y, place := row(j), row(j+r.keep), row(j%r.keep)
		for k, m := range &median {
			low, high, key := x[k], y[k], place[k]
			if m-value(low) > value(high)-m {
				key = high // loaded before, so that this is no branch
			}
			place[k] = key
		}
	}
	kernel.SumKeys(&sums, rows[:r.keep*kernel.Columns])
	for k := range dst {
		dst[k] = float32(sums[k] / float64(r.keep))
	}
}

// meaMed is the mean around the median: in each coordinate the n-f values
// nearest to the median are averaged.
type meaMed struct {
	near   *nearMedian
	f      int
	shares []float64
}

var meaMedEntry = RuleEntry{Info{
	Name: "meamed", Summary: "coordinate-wise mean of the n-f values nearest to the median",
	Source: "Xie, Koyejo and Gupta, Generalized Byzantine-tolerant SGD, 2018", Breakdown: "f < n/2",
	Constants: []Constant{liars("values to leave out in each coordinate")},
}, func(v Values, workers int) Rule {
	return &meaMed{near: newNearMedian(workers), f: v.Whole("f")}
}}

func (r *meaMed) Least() int { return 2*r.f + 1 }

func (r *meaMed) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.near.run(dst, in.Vectors, n-r.f)
	r.shares = ones(r.shares, n)
	return r.shares
}
