package robust

import (
	"math"
	"slices"
)

// clippedClustering clips the differences from the own vector to their median
// length, divides them into two clusters by average linkage on the cosine
// distance, and adds the mean of the larger to the own vector.
//
// The paper clips to the median of all lengths in the past; a rule without memory
// takes this round's.
type clippedClustering struct {
	mix    mixer
	dist   *distances
	length []float64
	sorted []float64
	link   []float64 // average linkage between clusters, n x n
	size   []int
	of     []int // the cluster of each vector
	shares []float64
}

var clippedClusteringEntry = RuleEntry{Info{
	Name: "clipped-clustering", Summary: "own plus the mean of the larger of two clusters of directions, clipped to the median length",
	Source:    "Li, Ngai and Voigt, An experimental study of Byzantine-robust aggregation schemes in federated learning, 2023 (ClippedClustering)",
	Breakdown: "f < (n-1)/2: fewer than half of the others",
}, func(_ Values, workers int) Rule {
	return &clippedClustering{mix: newMixer(workers), dist: newDistances(workers)}
}}

func (r *clippedClustering) Least() int { return 2 }

func (r *clippedClustering) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	r.length = grow(r.length, n)
	for i := range n {
		r.length[i] = math.Sqrt(r.dist.at(i, 0))
	}
	r.sorted = append(r.sorted[:0], r.length[1:]...)
	slices.Sort(r.sorted)
	middle := r.sorted[len(r.sorted)/2]
	r.cluster(n)
	larger := 1
	for i := 1; i < n; i++ {
		if r.size[r.of[i]] > r.size[r.of[larger]] {
			larger = i
		}
	}
	r.shares = grow(r.shares, n)
	clear(r.shares)
	r.shares[0] = 1
	for i := 1; i < n; i++ {
		if r.of[i] != r.of[larger] {
			continue
		}
		r.shares[i] = 1 / float64(r.size[r.of[larger]])
		if r.length[i] > middle {
			r.shares[i] = float64(r.shares[i] * (middle / r.length[i]))
		}
		r.shares[0] -= r.shares[i]
	}
	r.shares[0] = max(0, r.shares[0])
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}

// cluster merges the two nearest clusters of others until two are left.
func (r *clippedClustering) cluster(n int) {
	r.link, r.size, r.of = grow(r.link, n*n), grow(r.size, n), grow(r.of, n)
	for i := range n {
		r.size[i], r.of[i] = 1, i
		for j := range n {
			// <x_i - x_0, x_j - x_0> from three distances
			product := (r.dist.at(i, 0) + r.dist.at(j, 0) - r.dist.at(i, j)) / 2
			r.link[i*n+j] = 1
			if lengths := r.length[i] * r.length[j]; lengths > 0 {
				r.link[i*n+j] = 1 - product/lengths
			}
		}
	}
	for left := n - 1; left > 2; left-- {
		a, b := -1, -1
		for i := 1; i < n; i++ {
			if r.of[i] != i {
				continue
			}
			for j := 1; j < i; j++ {
				if r.of[j] == j && (a < 0 || r.link[i*n+j] < r.link[a*n+b]) {
					a, b = i, j
				}
			}
		}
		total := float64(r.size[a] + r.size[b])
		for k := 1; k < n; k++ {
			mean := (float64(float64(r.size[a])*r.link[a*n+k]) + float64(float64(r.size[b])*r.link[b*n+k])) / total
			r.link[b*n+k], r.link[k*n+b] = mean, mean
			if r.of[k] == a {
				r.of[k] = b
			}
		}
		r.size[b] += r.size[a]
	}
}
