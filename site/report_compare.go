package site

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// significance is below which p a difference is called more than chance.
const significance = .05

// verdict is what a comparison shows, in words.
type verdict string

const (
	shown      verdict = "more than chance would explain"
	apart      verdict = "more than the choice of test patients would explain"
	notShown   verdict = "not shown to differ"
	disputed   verdict = "not shown to differ (the test and the interval disagree)"
	unanswered verdict = "not testable"
)

// comparison is a pair with what it shows.
type comparison struct {
	Pair
	// Corrected is p after the correction of Holm (Scandinavian Journal of
	// Statistics 6, 1979) for all pairs of the same metric, or NaN.
	Corrected float64
}

// comparisons corrects the p of all pairs, and keeps their order.
func (r Results) comparisons() []comparison {
	list := make([]comparison, len(r.Pairs))
	families := map[string][]*comparison{}
	for i, p := range r.Pairs {
		list[i] = comparison{p, math.NaN()}
		if !math.IsNaN(p.P) {
			families[p.Metric] = append(families[p.Metric], &list[i])
		}
	}
	for _, f := range families {
		slices.SortStableFunc(f, func(a, b *comparison) int { return cmp.Compare(a.P, b.P) })
		least := 0.0
		for i, c := range f {
			least = max(least, min(1, float64(len(f)-i)*c.P))
			c.Corrected = least
		}
	}
	return list
}

// verdict wants two witnesses to agree: the test, which knows that other
// training images would give other models, and the interval, which knows which
// images are of one patient. Without a test less can be said.
func (c comparison) verdict() verdict {
	outside, rare := c.Low > 0 || c.High < 0, c.Corrected < significance
	switch {
	case math.IsNaN(c.Low) || math.IsNaN(c.High):
		return unanswered
	case math.IsNaN(c.Corrected) && outside:
		return apart
	case outside && rare:
		return shown
	case outside || rare:
		return disputed
	}
	return notShown
}

// open reports whether the arms may well be equal.
func (v verdict) open() bool { return v != shown && v != apart }

// from returns the comparison with that arm as A.
func (c comparison) from(arm string) comparison {
	if c.B == arm {
		c.A, c.B = c.B, c.A
		c.Difference, c.Low, c.High = -c.Difference, -c.High, -c.Low
	}
	return c
}

// sentence says how much arm A is above arm B.
func (c comparison) sentence() string {
	s := "Against " + c.B + " the difference is " + signed(c.Difference)
	if math.IsNaN(c.Difference) {
		s = "Against " + c.B + " the difference is not defined"
	}
	var parts []string
	if between := span(c.Low, c.High, signed); between != "" {
		parts = append(parts, "95% interval "+between)
	}
	if !math.IsNaN(c.Corrected) {
		p := chance(c.Corrected)
		if p[0] != '<' {
			p = "= " + p
		}
		parts = append(parts, "corrected p "+p)
	}
	if len(parts) > 0 {
		s += " (" + strings.Join(parts, "; ") + ")"
	}
	return s + ": " + string(c.verdict()) + "."
}
