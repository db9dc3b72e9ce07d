package f32

import (
	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// SGDStep holds the constants of one step of [SGD].
type SGDStep struct {
	LearningRate float32 // > 0
	Momentum     float32 // in [0, 1); 0 for none
	WeightDecay  float32 // added to the gradient; 0 for none
	Nesterov     bool    // look ahead by one step of the momentum
}

// SGD makes one step of stochastic gradient descent on the weights w with the
// gradient g and updates the velocity v, which begins at 0:
//
//	g' = g + WeightDecay*w
//	v  = Momentum*v + g'
//	w  = w - LearningRate*v                    without Nesterov
//	w  = w - LearningRate*(g' + Momentum*v)    with it
//
// Every operation is rounded to float32 on its own. g is not changed. The
// slices have the same length and do not overlap. Without momentum v may be
// nil; it is then g'.
func SGD(w, g, v []float32, step SGDStep) {
	vecMust("SGD", "gradient", len(g), len(w))
	if v != nil || step.Momentum != 0 {
		vecMust("SGD", "velocity", len(v), len(w))
	}
	sgdOn(cpu.Active(), w, g, v, step)
}

func sgdOn(on cpu.Path, w, g, v []float32, step SGDStep) {
	if v == nil {
		elementwise(on, opDescend, w, g, w, step.LearningRate, step.WeightDecay)
		return
	}
	for len(w) > vecStretch {
		vecSGD(on, w[:vecStretch], g[:vecStretch], v[:vecStretch], &step)
		w, g, v = w[vecStretch:], g[vecStretch:], v[vecStretch:]
	}
	vecSGD(on, w, g, v, &step)
}

func sgdGeneric(w, g, v []float32, step *SGDStep) {
	for i, x := range w {
		slope := g[i] + float32(step.WeightDecay*x)
		velocity := float32(step.Momentum*v[i]) + slope
		v[i] = velocity
		if step.Nesterov {
			velocity = slope + float32(step.Momentum*velocity)
		}
		w[i] = x - float32(step.LearningRate*velocity)
	}
}

// AdamW makes one step of Adam with decoupled weight decay: it multiplies the
// weights by 1-LearningRate*decay, computed in float32, and then makes a step
// of [kernel.Adam]. L2 of the step should be 0.
func AdamW(w, g, m, v []float32, step kernel.AdamStep, decay float32) {
	vecMust("AdamW", "gradient", len(g), len(w))
	vecMust("AdamW", "first moment", len(m), len(w))
	vecMust("AdamW", "second moment", len(v), len(w))
	keep := 1 - float32(step.LearningRate*decay)
	for len(w) > 0 {
		n := min(len(w), vecStretch)
		MulScalar(w[:n], w[:n], keep)
		kernel.Adam(w[:n], g[:n], m[:n], v[:n], step)
		w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	}
}
