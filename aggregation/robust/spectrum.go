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
		for i := range s.v {
			s.v[i] /= length
		}
		s.multiply(n)
		for i, v := range s.v {
			eigenvalue += float64(s.next[i] * v)
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

// multiply adds the matrix times v to next, by columns: sums that do not wait for
// each other, four columns in one pass over them.
func (s *spectrum) multiply(n int) {
	next := s.next[:n]
	j := 0
	for ; j+4 <= n; j += 4 {
		g0, g1 := s.g[j*n:][:n], s.g[(j+1)*n:][:n]
		g2, g3 := s.g[(j+2)*n:][:n], s.g[(j+3)*n:][:n]
		v0, v1, v2, v3 := s.v[j], s.v[j+1], s.v[j+2], s.v[j+3]
		for i, x := range next {
			x += float64(g0[i] * v0)
			x += float64(g1[i] * v1)
			x += float64(g2[i] * v2)
			next[i] = x + float64(g3[i]*v3)
		}
	}
	for ; j < n; j++ {
		v := s.v[j]
		for i, g := range s.g[j*n:][:n] {
			next[i] += float64(g * v)
		}
	}
}
