package attack

import "github.com/bristle-fl/bristled/internal/kernel"

// noise is the noise of the Bristle experiments (docs/bristle.md, d). From 6 April
// 2021 on the rows of the first half of the classes are uniform on (-0.5, 0] and
// the others on [0, 0.5); before, all are uniform on [-0.2, 0.3).
type noise struct {
	Honest
	old bool
}

func (a noise) Forge(s *Scene) bool {
	rows := s.Update.Rows
	for i, c := range rows.Classes {
		low, width := 0.0, 0.5
		switch {
		case a.old:
			low, width = -0.2, 0.5
		case c < s.Classes/2:
			width = -0.5
		}
		for k := range rows.Row(i) {
			rows.Row(i)[k] = narrow(low + float64(width*s.Fresh.Float64()))
		}
	}
	return true
}

// gaussian is the Gaussian attack of Blanchard et al. (NIPS 2017, section 5):
// every weight is drawn from a normal distribution around 0, with a standard
// deviation of 200 in that paper.
type gaussian struct {
	Honest
	sd float64
}

func (a gaussian) Forge(s *Scene) bool {
	for i := range s.Update.Rows.Weights {
		s.Update.Rows.Weights[i] = narrow(a.sd * kernel.Normal(s.Fresh))
	}
	return true
}

// signFlip sends what it learned with the opposite sign (Li et al., RSA, AAAI
// 2019, section 5), times a factor.
type signFlip struct {
	Honest
	factor float64
}

func (a signFlip) Forge(s *Scene) bool {
	for i, w := range s.Update.Rows.Weights {
		s.Update.Rows.Weights[i] = narrow(-a.factor * float64(w))
	}
	return true
}
