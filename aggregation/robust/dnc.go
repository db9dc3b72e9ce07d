package robust

// dnc is divide and conquer: on some coordinates drawn at random, the vectors
// are projected on the direction of their greatest variance, and those with the
// greatest projections are left out; some times over. The result is the mean of
// those that were never left out.
//
// It was made for gradients; centring makes it the same for weights.
type dnc struct {
	mix        mixer
	dist       *distances
	top        spectrum
	f          int
	factor     float64
	iterations int
	sample     int
	columns    []int
	memory     []float32
	vectors    [][]float32
	weights    []float64
	order      []int
	out        []bool
	kept       []int
	shares     []float64
}

var dncEntry = RuleEntry{Info{
	Name: "dnc", Draws: true, Summary: "mean without those that lie far out in the direction of the greatest variance of random coordinates",
	Source:    "Shejwalkar and Houmansadr, Manipulating the Byzantine, NDSS 2021 (divide-and-conquer)",
	Breakdown: "f < n/2 if c is 1 or more and the liars keep to one direction in each draw",
	Constants: []Constant{
		liars("number of liars to withstand"),
		{Name: "c", Default: 1, Min: .1, Max: 4, Doc: "c·f vectors are left out in each iteration"},
		{Name: "iterations", Default: 5, Min: 1, Max: 1000, Whole: true, Doc: "how often coordinates are drawn"},
		{Name: "sample", Default: 10000, Min: 1, Max: 1e7, Whole: true, Doc: "coordinates drawn each time"},
	},
}, func(v Values, workers int) Rule {
	return &dnc{
		mix: newMixer(workers), dist: newDistances(workers),
		f: v.Whole("f"), factor: v["c"], iterations: v.Whole("iterations"), sample: v.Whole("sample"),
	}
}}

func (r *dnc) Least() int { return max(2*r.f+1, r.leave()+1) }

// leave returns how many are left out each time; the addition keeps .29 of 100
// from being rounded down to 28.
func (r *dnc) leave() int { return int(float64(r.factor*float64(r.f)) + 1e-9) }

func (r *dnc) Aggregate(dst []float32, in Input) []float64 {
	n, d := len(in.Vectors), len(dst)
	size := min(r.sample, d)
	r.out, r.weights = grow(r.out, n), ones(r.weights, n)
	clear(r.out)
	for range r.iterations {
		vectors := in.Vectors
		if size < d {
			vectors = r.draw(in, size)
		}
		r.dist.measure(vectors)
		_, far := r.top.leading(r.dist, r.weights)
		r.order = ascending(r.order, far)
		for _, i := range r.order[n-r.leave():] {
			r.out[i] = true
		}
		if size == d {
			break // the same again
		}
	}
	r.kept = r.kept[:0]
	for i, out := range r.out {
		if !out {
			r.kept = append(r.kept, i)
		}
	}
	if len(r.kept) == 0 {
		r.kept = append(r.kept, 0) // every vector was left out once: the own one stays
	}
	r.shares = equal(r.shares, n, r.kept)
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}

// draw copies the same random coordinates of all vectors.
func (r *dnc) draw(in Input, size int) [][]float32 {
	n, d := len(in.Vectors), len(in.Vectors[0])
	r.columns = grow(r.columns, d)
	for i := range r.columns {
		r.columns[i] = i
	}
	for k := range size {
		other := k + in.Rand.IntN(d-k)
		r.columns[k], r.columns[other] = r.columns[other], r.columns[k]
	}
	r.memory, r.vectors = grow(r.memory, n*size), r.vectors[:0]
	for i, x := range in.Vectors {
		row := r.memory[i*size : (i+1)*size]
		for k, c := range r.columns[:size] {
			row[k] = x[c]
		}
		r.vectors = append(r.vectors, row)
	}
	return r.vectors
}
