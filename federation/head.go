package federation

import "slices"

// Head is a softmax output layer without bias: one row of weights per class.
// The logits of a sample with features x are Weights·x.
type Head struct {
	Classes  int       // number of rows
	Features int       // length of a row
	Weights  []float32 // Classes x Features, row after row
}

// NewHead returns a head of zeros.
func NewHead(classes, features int) Head {
	return Head{classes, features, make([]float32, classes*features)}
}

// Row returns the weights of class c, sharing memory with the head.
func (h Head) Row(c int) []float32 {
	return h.Weights[c*h.Features : (c+1)*h.Features : (c+1)*h.Features]
}

// Clone returns a deep copy.
func (h Head) Clone() Head {
	h.Weights = slices.Clone(h.Weights)
	return h
}

// Select copies the rows of the given classes, which must be ascending,
// distinct and smaller than h.Classes.
func (h Head) Select(classes []int) Rows {
	r := Rows{
		Classes:  slices.Clone(classes),
		Features: h.Features,
		Weights:  make([]float32, 0, len(classes)*h.Features),
	}
	for _, c := range classes {
		r.Weights = append(r.Weights, h.Row(c)...)
	}
	return r
}

// Rows is a subset of a head's rows. Classes are ascending and distinct; row
// i belongs to class Classes[i].
type Rows struct {
	Classes  []int
	Features int
	Weights  []float32 // len(Classes) x Features
}

// Row returns the weights of the i-th row, sharing memory with r.
func (r Rows) Row(i int) []float32 {
	return r.Weights[i*r.Features : (i+1)*r.Features : (i+1)*r.Features]
}
