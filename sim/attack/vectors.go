package attack

import (
	"math"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// limit bounds the magnitude of what liars send: far beyond anything that an
// honest peer sends, and far from where the squared norm of a head leaves float32.
const limit = 1e12

// narrow rounds to float32 within the limit; NaN becomes 0.
func narrow(x float64) float32 {
	if x != x {
		return 0
	}
	return float32(max(-limit, min(limit, x)))
}

// vector is one vector that is lied about: the whole head, or one row.
type vector struct {
	out    []float32   // where the lie goes
	own    []float32   // the victim's
	before []float32   // the victim's, one round earlier
	honest [][]float32 // those that honest peers sent to the victim, ascending by sender
}

// vectors returns rows to be filled with a lie, with the victim's own values in
// them, and the vectors that have an honest one beside them.
func vectors(s *Scene) (federation.Rows, []vector) {
	rows := s.Own.Select(s.Update.Rows.Classes)
	whole := len(rows.Classes) == s.Classes
	for _, u := range s.Inbox {
		whole = whole && len(u.Rows.Classes) == s.Classes
	}
	if whole {
		v := vector{out: rows.Weights, own: s.Own.Weights, before: s.Before.Weights}
		for _, u := range s.Inbox {
			v.honest = append(v.honest, u.Rows.Weights)
		}
		if v.honest == nil {
			return rows, nil
		}
		return rows, []vector{v}
	}
	var all []vector
	for i, c := range rows.Classes {
		v := vector{out: rows.Row(i), own: s.Own.Row(c), before: s.Before.Row(c)}
		for _, u := range s.Inbox {
			if row := rowOf(u.Rows, c); row != nil {
				v.honest = append(v.honest, row)
			}
		}
		if v.honest != nil {
			all = append(all, v)
		}
	}
	return rows, all
}

// rowOf returns the row of a class, nil if there is none.
func rowOf(r federation.Rows, class int) []float32 {
	if i, ok := slices.BinarySearch(r.Classes, class); ok {
		return r.Row(i)
	}
	return nil
}

// mean is the coordinate-wise mean of the honest vectors.
func (v *vector) mean() []float64 { return mean(v.honest) }

func mean(vectors [][]float32) []float64 {
	m := make([]float64, len(vectors[0]))
	for _, x := range vectors {
		for i, w := range x {
			m[i] += float64(w)
		}
	}
	for i := range m {
		m[i] /= float64(len(vectors))
	}
	return m
}

// deviation is the coordinate-wise standard deviation of the honest vectors
// around their mean, that of a population.
func (v *vector) deviation(mean []float64) []float64 {
	d := make([]float64, len(mean))
	for _, x := range v.honest {
		for i, w := range x {
			e := float64(w) - mean[i]
			d[i] += float64(e * e)
		}
	}
	for i := range d {
		d[i] = math.Sqrt(d[i] / float64(len(v.honest)))
	}
	return d
}

// set writes base + factor*direction.
func (v *vector) set(base []float64, factor float64, direction []float64) {
	for i := range v.out {
		v.out[i] = narrow(base[i] + float64(factor*direction[i]))
	}
}

func distance(a, b []float32) float64 {
	return math.Sqrt(float64(kernel.SquaredDistance(a, b)))
}

// send makes rows the lie.
func (s *Scene) send(rows federation.Rows) bool {
	copy(s.Update.Rows.Weights, rows.Weights)
	return true
}

// agree sends what all liars plan together.
func (s *Scene) agree(plan func() federation.Rows) bool {
	if s.Agree != nil {
		return s.send(s.Agree(plan))
	}
	return s.send(plan())
}

// familiar reports whether the victim has samples of a class.
func (s *Scene) familiar(class int) bool { return slices.Contains(s.Familiar, class) }

// foreign returns the classes that the victim has no samples of.
func (s *Scene) foreign() []int {
	var classes []int
	for c := range s.Classes {
		if !s.familiar(c) {
			classes = append(classes, c)
		}
	}
	return classes
}
