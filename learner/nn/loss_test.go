package nn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestLossGradients holds the losses against their definitions in float64 and
// their gradients against difference quotients.
func TestLossGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const rows, columns = 4, 3
	softmax := func(z []float64) []float64 {
		var sum float64
		p := make([]float64, len(z))
		for i, v := range z {
			p[i] = math.Exp(v)
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		return p
	}
	weights := []float32{1, 2, .5}
	for _, c := range []struct {
		name string
		loss Loss
		want func(z, t []float64) float64
	}{
		{"cross-entropy", CrossEntropy{}, func(z, t []float64) float64 {
			var sum float64
			for r := range rows {
				for c, p := range softmax(z[r*columns : (r+1)*columns]) {
					sum -= t[r*columns+c] * math.Log(p)
				}
			}
			return sum / rows
		}},
		{"weighted cross-entropy", CrossEntropy{weights}, func(z, t []float64) float64 {
			var sum, mass float64
			for r := range rows {
				for c, p := range softmax(z[r*columns : (r+1)*columns]) {
					sum -= float64(weights[c]) * t[r*columns+c] * math.Log(p)
					mass += float64(weights[c]) * t[r*columns+c]
				}
			}
			return sum / mass
		}},
		{"binary cross-entropy", BinaryCrossEntropy{weights}, func(z, t []float64) float64 {
			var sum float64
			for i, v := range z {
				p := 1 / (1 + math.Exp(-v))
				sum -= float64(weights[i%columns])*t[i]*math.Log(p) + (1-t[i])*math.Log(1-p)
			}
			return sum / (rows * columns)
		}},
	} {
		for _, smoothing := range []float32{0, .1} {
			logits, targets, grad := make([]float32, rows*columns), make([]float32, rows*columns), make([]float32, rows*columns)
			z, tt := make([]float64, rows*columns), make([]float64, rows*columns)
			if err := OneHot(targets, []int{0, 2, 1, 2}, columns, smoothing); err != nil {
				t.Fatal(err)
			}
			for i := range logits {
				logits[i] = float32(3 * rng.NormFloat64())
				z[i], tt[i] = float64(logits[i]), float64(targets[i])
			}
			got := c.loss.Gradient(grad, logits, targets, rows, columns)
			if want := c.want(z, tt); math.Abs(got-want) > 1e-6*(1+want) {
				t.Errorf("%s: loss %v, want %v", c.name, got, want)
			}
			for i := range z {
				const h = 1e-5
				old := z[i]
				z[i] = old + h
				up := c.want(z, tt)
				z[i] = old - h
				down := c.want(z, tt)
				z[i] = old
				if want := (up - down) / (2 * h); math.Abs(float64(grad[i])-want) > 1e-6 {
					t.Errorf("%s: gradient[%d] = %v, difference quotient %v", c.name, i, grad[i], want)
				}
			}
		}
	}
	if err := OneHot(make([]float32, 3), []int{3}, 3, 0); err == nil {
		t.Error("a label beyond the classes is accepted")
	}
}

// TestLossesStayFinite where a naive form overflows.
func TestLossesStayFinite(t *testing.T) {
	grad := make([]float32, 2)
	for _, l := range []Loss{CrossEntropy{}, BinaryCrossEntropy{}} {
		if loss := l.Gradient(grad, []float32{1000, -1000}, []float32{1, 0}, 1, 2); !(loss >= 0 && loss < 1e-3) {
			t.Errorf("%T: loss %v of logits that are right", l, loss)
		}
		if loss := l.Gradient(grad, []float32{-1000, 1000}, []float32{1, 0}, 1, 2); !(loss > 900 && loss < 2001) {
			t.Errorf("%T: loss %v of logits that are wrong", l, loss)
		}
	}
}
