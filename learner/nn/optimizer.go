package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// Optimizer is how gradients become steps. Exactly one of its kinds is used.
type Optimizer struct {
	Kind         Kind
	LearningRate float64 // the highest of the schedule, above 0

	// Momentum is SGD's, or Adam's decay rate of the first moment; 0 stands
	// for none or for 0.9. Nesterov looks ahead.
	Momentum float64
	Nesterov bool

	// WeightDecay is added to the gradient (SGD, Adam), or shrinks the
	// weights on its own (AdamW; Loshchilov and Hutter, 2019).
	WeightDecay float64

	// Of, if not nil, gives the learning rate and the weight decay of a
	// parameter in place of the two above: discriminative fine-tuning (Howard
	// and Ruder, 2018). A rate of 0 leaves the parameter as it is.
	Of func(param string) (rate, decay float64)
}

// Kind is a method of optimization.
type Kind int

const (
	SGD   Kind = iota // with momentum: v = m·v + g, w -= rate·v
	Adam              // Kingma and Ba, 2015, decay rates 0.9 and 0.999
	AdamW             // Adam with decoupled weight decay
)

const (
	beta1, beta2, epsilon = 0.9, 0.999, 1e-8

	// updateChunk is how many parameters a worker updates at a time.
	updateChunk = 1 << 14
)

// optimizer is an Optimizer at work on the parameters of a program.
type optimizer struct {
	Optimizer
	schedule Schedule
	moments  map[string]*moments
	made     int // steps made

	// The parameter at hand.
	adam                  kernel.AdamStep
	rate, momentum, decay float32
	param                 *Param
	state                 *moments
	task                  func(task, worker int)
}

// moments is what an optimizer remembers about one parameter.
type moments struct {
	first, second []float32
	made          int // steps of this parameter, which may have been frozen before
}

func newOptimizer(o Optimizer, s Schedule) *optimizer {
	if o.Kind != SGD && o.Momentum == 0 {
		o.Momentum = beta1
	}
	if s == nil {
		s = Constant{}
	}
	opt := &optimizer{Optimizer: o, schedule: s, moments: map[string]*moments{}}
	opt.task = opt.update
	return opt
}

// step updates the parameters that have gradients.
func (o *optimizer) step(params []*Param, p *pool.Pool) {
	share, momentum := o.schedule.Rate(o.made), o.schedule.Momentum(o.made, o.Momentum)
	o.made++
	for _, q := range params {
		if q.Grad == nil {
			continue
		}
		rate, decay := o.LearningRate, o.WeightDecay
		if o.Of != nil {
			if rate, decay = o.Of(q.Name); rate == 0 {
				continue
			}
		}
		o.param, o.state = q, o.remember(q)
		o.state.made++
		o.rate, o.momentum, o.decay = float32(rate*share), float32(momentum), float32(decay)
		o.adam = kernel.AdamStep{LearningRate: o.rate, Beta1: o.momentum, Beta2: beta2, Epsilon: epsilon,
			Correction1: float32(1 - power(momentum, o.state.made)),
			Correction2: float32(1 - power(beta2, o.state.made))}
		if o.Kind == Adam {
			o.adam.L2 = o.decay
		}
		p.Run((len(q.Data)+updateChunk-1)/updateChunk, o.task)
	}
}

// remember returns the moments of a parameter, zeros if it had no step yet.
func (o *optimizer) remember(q *Param) *moments {
	m := o.moments[q.Name]
	if m == nil {
		m = &moments{first: make([]float32, len(q.Data))}
		if o.Kind != SGD {
			m.second = make([]float32, len(q.Data))
		}
		o.moments[q.Name] = m
	}
	return m
}

// update makes the step for one chunk of a parameter.
func (o *optimizer) update(task, _ int) {
	lo, hi := task*updateChunk, min((task+1)*updateChunk, len(o.param.Data))
	w, g, m := o.param.Data[lo:hi], o.param.Grad[lo:hi], o.state.first[lo:hi]
	switch o.Kind {
	case SGD:
		f32.SGD(w, g, m, f32.SGDStep{LearningRate: o.rate, Momentum: o.momentum, WeightDecay: o.decay, Nesterov: o.Nesterov})
	case AdamW:
		f32.AdamW(w, g, m, o.state.second[lo:hi], o.adam, o.decay)
	default:
		kernel.Adam(w, g, m, o.state.second[lo:hi], o.adam)
	}
}

// power returns x to the power of n >= 1 by products alone, which no compiler
// can round differently.
func power(x float64, n int) float64 {
	y := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			y *= x
		}
		x *= x
	}
	return y
}
