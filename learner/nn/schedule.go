package nn

import "math"

// Schedule gives the learning rate, and what cycles with it, of every step.
type Schedule interface {
	// Rate returns the share of the highest learning rate at a step, from 0.
	Rate(step int) float64
	// Momentum returns the momentum, or Adam's first decay rate, at a step,
	// where the optimizer's own is base.
	Momentum(step int, base float64) float64
}

// Constant is a learning rate that stays.
type Constant struct{}

// Rate implements [Schedule].
func (Constant) Rate(int) float64 { return 1 }

// Momentum implements [Schedule].
func (Constant) Momentum(_ int, base float64) float64 { return base }

// Steps multiplies the learning rate by Gamma every Every steps.
type Steps struct {
	Constant
	Every int
	Gamma float64
}

// Rate implements [Schedule].
func (s Steps) Rate(step int) float64 { return math.Pow(s.Gamma, float64(step/s.Every)) }

// Cosine falls from 1 to Least along half a cosine over Total steps (Loshchilov
// and Hutter, 2017, without restarts) and stays there.
type Cosine struct {
	Constant
	Total int
	Least float64
}

// Rate implements [Schedule].
func (s Cosine) Rate(step int) float64 {
	at := min(float64(step)/float64(s.Total), 1)
	return s.Least + (1-s.Least)*(1+math.Cos(math.Pi*at))/2
}

// OneCycle rises from 1/25 to 1 over the first Rise of Total steps and falls to
// 1/250000 over the rest, both along half a cosine, while the momentum goes
// from .95 down to .85 and back (Smith and Topin, 2018, with the constants of
// PyTorch's OneCycleLR).
type OneCycle struct {
	Total int
	Rise  float64 // share of the steps, 0.3 if 0
}

const (
	oneCycleStart, oneCycleEnd = 1 / 25.0, 1 / 25e4
	oneCycleHigh, oneCycleLow  = .95, .85
)

// phase returns in which phase a step lies and how far into it.
func (s OneCycle) phase(step int) (rising bool, at float64) {
	rise := s.Rise
	if rise == 0 {
		rise = .3
	}
	peak := rise*float64(s.Total) - 1
	end := float64(s.Total - 1)
	if x := float64(step); x <= peak && peak > 0 {
		return true, x / peak
	}
	return false, min((float64(step)-peak)/(end-peak), 1)
}

func anneal(from, to, at float64) float64 { return to + (from-to)/2*(1+math.Cos(math.Pi*at)) }

// Rate implements [Schedule].
func (s OneCycle) Rate(step int) float64 {
	if rising, at := s.phase(step); rising {
		return anneal(oneCycleStart, 1, at)
	} else {
		return anneal(1, oneCycleEnd, at)
	}
}

// Momentum implements [Schedule].
func (s OneCycle) Momentum(step int, _ float64) float64 {
	if rising, at := s.phase(step); rising {
		return anneal(oneCycleHigh, oneCycleLow, at)
	} else {
		return anneal(oneCycleLow, oneCycleHigh, at)
	}
}

// Linear rises linearly from 0 over the first Warm steps and falls linearly
// to 0 at Total.
type Linear struct {
	Constant
	Total, Warm int
}

// Rate implements [Schedule].
func (s Linear) Rate(step int) float64 {
	if step < s.Warm {
		return float64(step+1) / float64(s.Warm)
	}
	return float64(s.Total-step) / float64(s.Total-s.Warm)
}
