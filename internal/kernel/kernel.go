package kernel

import (
	"fmt"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// lanes is the number of partial sums of [Dot] and [SquaredDistance]. It is
// the width of the widest register in use, and part of the definition of the
// result: narrower paths keep several registers, the portable one an array.
const lanes = 16

// stretch is the largest piece of a vector that one call of an assembly
// routine gets. Such a call cannot be preempted, and a garbage collection
// would wait for it.
const stretch = 1 << 15

// Dot returns the inner product of a and b, which have the same length.
// Sixteen lanes start at +0; lane l adds the products of the elements i with
// i%16 == l in ascending order; then the lanes are folded: lane l takes in
// lane l+8 for l < 8, then l+4, l+2 and l+1.
func Dot(a, b []float32) float32 {
	mustMatch("Dot", len(a), len(b))
	return dotOn(cpu.Active(), a, b)
}

func dotOn(on cpu.Path, a, b []float32) float32 {
	var acc [lanes]float32
	for len(a) > stretch {
		dot(on, &acc, a[:stretch], b)
		a, b = a[stretch:], b[stretch:]
	}
	dot(on, &acc, a, b)
	return fold(&acc)
}

// SquaredDistance returns the squared Euclidean distance of a and b, which
// have the same length: the squares of the rounded differences, summed like
// the products of [Dot].
func SquaredDistance(a, b []float32) float32 {
	mustMatch("SquaredDistance", len(a), len(b))
	return squaredDistanceOn(cpu.Active(), a, b)
}

func squaredDistanceOn(on cpu.Path, a, b []float32) float32 {
	var acc [lanes]float32
	for len(a) > stretch {
		squaredDistance(on, &acc, a[:stretch], b)
		a, b = a[stretch:], b[stretch:]
	}
	squaredDistance(on, &acc, a, b)
	return fold(&acc)
}

// SquaredDistances4 adds to sums[i*stride+k] the [SquaredDistance], with its bits, of
// row i of x from row k of y. Rows hold size numbers, side by side; y has four. Four
// sums side by side keep the adders busy where one waits for itself.
//
// It panics if size is less than 1, x is not whole rows, y not four of them, or
// sums too short.
func SquaredDistances4(sums []float64, stride int, x, y []float32, size int) {
	squaredDistances4On(cpu.Active(), sums, stride, x, y, size)
}

func squaredDistances4On(on cpu.Path, sums []float64, stride int, x, y []float32, size int) {
	if size < 1 || stride < 4 || len(x)%size != 0 || len(y)/4 != size || len(y)%4 != 0 {
		panic(fmt.Sprintf("kernel: distances of %d numbers from %d in rows of %d, stride %d", len(x), len(y), size, stride))
	}
	rows := len(x) / size
	// A division, because (rows-1)*stride may overflow.
	if rows > 0 && (len(sums) < 4 || rows-1 > (len(sums)-4)/stride) {
		panic(fmt.Sprintf("kernel: %d sums are too few for %d rows with stride %d", len(sums), rows, stride))
	}
	most := max(1, 4*stretch/size)
	for rows > 0 {
		some := min(rows, most)
		squaredDistances4(on, sums, stride, x[:some*size], y, size)
		if rows -= some; rows > 0 {
			sums, x = sums[some*stride:], x[some*size:]
		}
	}
}

// fold is written out: as a loop it took as long as a distance of 700 numbers.
func fold(a *[lanes]float32) float32 {
	b0, b1, b2, b3 := a[0]+a[8], a[1]+a[9], a[2]+a[10], a[3]+a[11]
	b4, b5, b6, b7 := a[4]+a[12], a[5]+a[13], a[6]+a[14], a[7]+a[15]
	c0, c1, c2, c3 := b0+b4, b1+b5, b2+b6, b3+b7
	return (c0 + c2) + (c1 + c3)
}

// Axpy computes y += alpha*x element by element: the product is rounded,
// then the sum. x and y have the same length; they may be the same slice but
// must not overlap otherwise.
func Axpy(alpha float32, x, y []float32) {
	mustMatch("Axpy", len(x), len(y))
	axpyOn(cpu.Active(), alpha, x, y)
}

func axpyOn(on cpu.Path, alpha float32, x, y []float32) {
	for len(x) > stretch {
		axpy(on, alpha, x[:stretch], y)
		x, y = x[stretch:], y[stretch:]
	}
	axpy(on, alpha, x, y)
}

// AdamStep holds the constants of one step of [Adam].
type AdamStep struct {
	LearningRate float32 // alpha of the paper, > 0
	Beta1, Beta2 float32 // decay of the first and second moment, in [0, 1)
	Epsilon      float32 // added to the root of the second moment
	L2           float32 // weight decay added to the gradient; 0 for none
	// Correction1 and Correction2 are 1-Beta1^t and 1-Beta2^t for the t-th
	// step, t counted from 1. The caller computes them, once for all tensors.
	Correction1, Correction2 float32
}

// Adam makes one step of Adam (Kingma and Ba, 2015, algorithm 1) on the
// weights w with the gradient g and updates the moments m and v. With
// rest1 = 1-Beta1 and rest2 = 1-Beta2 it computes for each element
//
//	g' = g + L2*w
//	m  = Beta1*m + rest1*g'
//	v  = Beta2*v + (rest2*g')*g'
//	w  = w - (LearningRate*(m/Correction1)) / (sqrt(v/Correction2) + Epsilon)
//
// where every operation is rounded to float32 on its own. g is not changed.
// The four slices have the same length and do not overlap.
func Adam(w, g, m, v []float32, step AdamStep) {
	mustMatch("Adam", len(w), len(g))
	mustMatch("Adam", len(w), len(m))
	mustMatch("Adam", len(w), len(v))
	adamOn(cpu.Active(), w, g, m, v, step)
}

func adamOn(on cpu.Path, w, g, m, v []float32, step AdamStep) {
	s := adamConstants{
		l2:    step.L2,
		beta1: step.Beta1, rest1: 1 - step.Beta1,
		beta2: step.Beta2, rest2: 1 - step.Beta2,
		rate: step.LearningRate, epsilon: step.Epsilon,
		correction1: step.Correction1, correction2: step.Correction2,
	}
	for len(w) > stretch {
		adam(on, w[:stretch], g, m, v, &s)
		w, g, m, v = w[stretch:], g[stretch:], m[stretch:], v[stretch:]
	}
	adam(on, w, g, m, v, &s)
}

// adamConstants is what the loops of Adam read. The assembly knows its
// layout.
type adamConstants struct {
	l2, beta1, rest1, beta2, rest2, rate, epsilon, correction1, correction2 float32
}

func mustMatch(function string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("kernel: %s of slices of different lengths %d and %d", function, a, b))
	}
}
