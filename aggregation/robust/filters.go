package robust

import "math"

// mixture is the memory of a filter: vectors made of others.
type mixture struct {
	mix     mixer
	memory  []float32
	shares  []float64
	vectors [][]float32
	from    [][]float64
}

// reset makes room for m vectors of the length of the n given ones, and clears
// their shares.
func (x *mixture) reset(vectors [][]float32, m int) {
	n, d := len(vectors), len(vectors[0])
	x.memory, x.shares = grow(x.memory, m*d), grow(x.shares, m*n)
	clear(x.shares)
	x.vectors, x.from = x.vectors[:0], x.from[:0]
	for i := range m {
		x.vectors = append(x.vectors, x.memory[i*d:(i+1)*d:(i+1)*d])
		x.from = append(x.from, x.shares[i*n:(i+1)*n:(i+1)*n])
	}
}

// fill makes the vectors from their shares.
func (x *mixture) fill(vectors [][]float32) ([][]float32, [][]float64) {
	for i, v := range x.vectors {
		x.mix.sum(v, x.from[i], vectors)
	}
	return x.vectors, x.from
}

// nnm is nearest neighbour mixing: each vector becomes the mean of the n-f
// nearest to it, itself included.
type nnm struct {
	mixture
	dist  *distances
	f     int
	order []int
	row   []float64
}

var nnmEntry = FilterEntry{Info{
	Name: "nnm", Summary: "each becomes the mean of the n-f nearest to it",
	Source: "Allouah et al., Fixing by mixing, AISTATS 2023 (nearest neighbour mixing)", Breakdown: "f < n/2",
	Constants: []Constant{liars("vectors that each leaves out")},
}, func(v Values, workers int) Filter {
	return &nnm{mixture: mixture{mix: newMixer(workers)}, dist: newDistances(workers), f: v.Whole("f")}
}}

func (r *nnm) Least() int { return 2*r.f + 1 }

func (r *nnm) Apply(in Input) ([][]float32, [][]float64) {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	r.reset(in.Vectors, n)
	for i := range n {
		r.row = append(r.row[:0], r.dist.row(i)...)
		r.row[i] = -1
		r.order = ascending(r.order, r.row)
		for _, j := range r.order[:n-r.f] {
			r.from[i][j] = 1 / float64(n-r.f)
		}
	}
	return r.fill(in.Vectors)
}

// bucketing averages random groups of s; that of the own vector comes first.
type bucketing struct {
	mixture
	s     int
	order []int
}

var bucketingEntry = FilterEntry{Info{
	Name: "bucketing", Draws: true, Summary: "means of random groups of s",
	Source: "Karimireddy, He and Jaggi, Byzantine-robust learning on heterogeneous datasets via bucketing, ICLR 2022", Breakdown: "f liars spoil up to f of n/s groups",
	Constants: []Constant{{Name: "s", Default: 2, Min: 1, Max: 65536, Whole: true, Doc: "vectors in a group"}},
}, func(v Values, workers int) Filter {
	return &bucketing{mixture: mixture{mix: newMixer(workers)}, s: v.Whole("s")}
}}

func (r *bucketing) Least() int { return 1 }

// Size returns s.
func (r *bucketing) Size() int { return r.s }

func (r *bucketing) Apply(in Input) ([][]float32, [][]float64) {
	n := len(in.Vectors)
	r.order = grow(r.order, n)
	for i := range r.order {
		r.order[i] = i
	}
	for k := range n - 1 {
		other := k + in.Rand.IntN(n-k)
		r.order[k], r.order[other] = r.order[other], r.order[k]
	}
	groups := (n + r.s - 1) / r.s
	r.reset(in.Vectors, groups)
	own := 0
	for k, i := range r.order {
		if i == 0 {
			own = k / r.s
		}
	}
	for k, i := range r.order {
		group := k / r.s
		size := min(r.s, n-group*r.s)
		switch group { // the own group changes places with the first
		case own:
			group = 0
		case 0:
			group = own
		}
		r.from[group][i] = 1 / float64(size)
	}
	return r.fill(in.Vectors)
}

// clipping brings every vector to within tau of the own one. (For gradients it is
// their own lengths that are clipped; weights have no natural origin but ours.)
type clipping struct {
	mixture
	dist *toOne
	tau  float64
}

var clippingEntry = FilterEntry{Info{
	Name: "clipping", Summary: "differences from the own vector are clipped to a length",
	Source: "static clipping as in ByzFL, around the own vector instead of 0", Breakdown: "none by itself",
	Constants: []Constant{{Name: "tau", Default: 1, Min: 1e-9, Max: 1e9, Doc: "greatest length of a difference"}},
}, func(v Values, workers int) Filter {
	return &clipping{mixture: mixture{mix: newMixer(workers)}, dist: newToOne(workers), tau: v["tau"]}
}}

func (r *clipping) Least() int { return 1 }

func (r *clipping) Apply(in Input) ([][]float32, [][]float64) {
	return r.clip(in, r.dist.measure(in.Vectors, in.Vectors[0]), r.tau)
}

func (r *clipping) clip(in Input, squared []float64, tau float64) ([][]float32, [][]float64) {
	r.reset(in.Vectors, len(in.Vectors))
	for i, d := range squared {
		s := clip(d, tau)
		r.from[i][0] = 1 - s
		r.from[i][i] += s
	}
	return r.fill(in.Vectors)
}

// arc is adaptive robust clipping: the k = floor(2f/n·(n-f)) longest differences
// are clipped to the length of the next.
type arc struct {
	clipping
	f     int
	order []int
}

var arcEntry = FilterEntry{Info{
	Name: "arc", Summary: "the longest differences from the own vector are clipped to the length of the next",
	Source: "Allouah, Guerraoui, Gupta, Jellouli, Rizk and Stephan, Adaptive gradient clipping for robust federated learning, ICLR 2025 (ARC), around the own vector instead of 0", Breakdown: "f < n/2",
	Constants: []Constant{liars("number of liars to withstand")},
}, func(v Values, workers int) Filter {
	return &arc{clipping: clipping{mixture: mixture{mix: newMixer(workers)}, dist: newToOne(workers)}, f: v.Whole("f")}
}}

func (r *arc) Least() int { return 2*r.f + 1 }

func (r *arc) Apply(in Input) ([][]float32, [][]float64) {
	n := len(in.Vectors)
	d := r.dist.measure(in.Vectors, in.Vectors[0])
	k := 2 * r.f * (n - r.f) / n
	r.order = ascending(r.order, d)
	return r.clip(in, d, math.Sqrt(d[r.order[n-k-1]]))
}
