package robust

import "math"

// spectrum finds the direction in which weighted vectors vary most, by power
// iteration on the n x n matrix of their centred inner products: the d x d
// covariance has the same greatest eigenvalues, and is never made.
type spectrum struct {
	mean    []float64 // per vector: weighted mean of its squared distances
	g       []float64 // √w_i · <x_i - mu, x_j - mu> · √w_j
	v, next []float64
}

// powerSteps of the iteration find the eigenvalue within a small part of a
// percent unless the first two are nearly the same, and then either will do.
const powerSteps = 30

// leading returns the greatest eigenvalue of the covariance of the vectors with
// weights w (nil: 1 each, for those in use), and each vector's projection on its
// eigenvector, squared, times the weights' sum. The inner products of centred
// vectors follow from squared distances D:
//
//	<x_i - mu, x_j - mu> = ½ (m_i + m_j - D_ij) - ½ m
//
// where m_i is the weighted mean of D_i and m that of the m_i.
func (s *spectrum) leading(d *distances, w []float64) (eigenvalue float64, projections []float64) {
	n := d.n
	s.mean, s.v, s.next, s.g = grow(s.mean, n), grow(s.v, n), grow(s.next, n), grow(s.g, n*n)
	total, middle := 0.0, 0.0
	for _, x := range w {
		total += x
	}
	for i := range n {
		s.mean[i] = 0
		for j, x := range d.row(i) {
			s.mean[i] += float64(w[j] * x)
		}
		s.mean[i] /= total
		middle += float64(w[i] * s.mean[i])
	}
	middle /= total
	gram := func(i, j int) float64 { return (s.mean[i] + s.mean[j] - d.at(i, j) - middle) / 2 }
	// The start: the vector that lies furthest out is seldom at right angles to
	// the direction looked for.
	furthest := 0
	for i := range n {
		if float64(w[i]*gram(i, i)) > float64(w[furthest]*gram(furthest, furthest)) {
			furthest = i
		}
	}
	for i := range n {
		s.next[i] = math.Sqrt(w[i])
		s.v[i] = s.next[i] * gram(i, furthest)
	}
	for i := range n {
		root, offset := s.next[i], s.mean[i]-middle
		for j, x := range d.row(i) {
			s.g[i*n+j] = root * ((offset + s.mean[j] - x) / 2) * s.next[j]
		}
	}
	for range powerSteps {
		length := 0.0
		for _, x := range s.v {
			length += float64(x * x)
		}
		length = math.Sqrt(length)
		if length == 0 {
			break // all the same
		}
		eigenvalue = 0
		clear(s.next)
		for j, v := range s.v { // by columns: sums that do not wait for each other
			v /= length
			next := s.next
			for i, g := range s.g[j*n : (j+1)*n] {
				next[i] += float64(g * v)
			}
		}
		for i, v := range s.v {
			eigenvalue += float64(s.next[i] * (v / length))
		}
		s.v, s.next = s.next, s.v
	}
	// v is now the eigenvector of W½ G W½ with the eigenvalue λ; the projection of
	// vector i on the direction is Σ_j G_ij √w_j u_j / √λ with u of length 1.
	length := 0.0
	for _, x := range s.v {
		length += float64(x * x)
	}
	for i := range n {
		s.next[i] = 0
		if length == 0 || eigenvalue <= 0 {
			continue
		}
		p := 0.0
		for j := range n {
			p += float64(gram(i, j) * math.Sqrt(w[j]) * s.v[j])
		}
		s.next[i] = p * p / (length * eigenvalue)
	}
	return eigenvalue / total, s.next
}
