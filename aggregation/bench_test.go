package aggregation

import (
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// yardstick is a round of 30 received heads of 10 x 800, with 4 familiar
// classes at each peer and 40 probe samples.
func yardstick(wholeHeads bool, claims int) Input {
	const classes, features, n = 10, 800, 30
	rng := random(1)
	truth := noisyHead(rng, classes, features)
	familiar := all(classes)[:claims]
	in := Input{Own: truth.Clone(), Familiar: familiar, Rand: rng, Probe: newSamples(rng, truth, familiar, 40/claims, 6)}
	noise(rng, in.Own.Weights, 1)
	for i := range n {
		h := truth.Clone()
		noise(rng, h.Weights, 1)
		first := i % (classes - claims + 1)
		own := all(classes)[first : first+claims]
		if wholeHeads {
			in.Updates = append(in.Updates, whole(i, h, own...))
		} else {
			in.Updates = append(in.Updates, claimed(i, h, own...))
		}
	}
	return in
}

// remembered answers what a real probe answered before, so that a benchmark
// measures the rule alone.
func remembered(t testing.TB, r Rule, in Input) Input {
	result := integrate(t, r, in)
	p := table{append([]float64(nil), result.F1...)}
	for _, v := range result.Verdicts {
		if v.Considered {
			p = append(p, append([]float64(nil), v.F1...))
		}
	}
	in.Probe = p
	return in
}

func BenchmarkRule(b *testing.B) {
	run := func(name string, r Rule, in Input) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				integrate(b, r, in)
			}
		})
	}
	for _, name := range quick() {
		r := defaults(b, name, nil)
		in := yardstick(r.WholeHead(), 4)
		run(name, r, in)
	}
	// All 30 looked at, as by bristle+.
	r := defaults(b, "bristle", map[string]float64{"beta": 30})
	run("bristle/beta=30", r, yardstick(true, 4))
	run("bristle/beta=30/rule-alone", r, remembered(b, r, yardstick(true, 4)))

	r = defaults(b, "bristle+", nil)
	run("bristle+/rule-alone", r, remembered(b, r, yardstick(false, 4)))
	run("bristle+/iid", r, yardstick(false, 10))
	run("bristle+/iid/rule-alone", r, remembered(b, r, yardstick(false, 10)))
	// Every row too long, and 100 updates for the 30 places.
	in := yardstick(false, 4)
	for _, u := range in.Updates {
		for k := range u.Rows.Weights {
			u.Rows.Weights[k] *= 100
		}
	}
	run("bristle+/all-clipped/rule-alone", r, remembered(b, r, in))
}

// Rules allocate nothing once they have seen their largest round.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, name := range quick() {
		r := defaults(t, name, map[string]float64{})
		in := yardstick(r.WholeHead(), 4)
		small := in
		small.Updates = append([]*federation.Update(nil), in.Updates[:7]...)
		for _, w := range []Input{in, small} {
			w = remembered(t, r, w) // the probe may allocate
			if n := testing.AllocsPerRun(5, func() { integrate(t, r, w) }); n > 0 {
				t.Errorf("%s allocates %v times in a round of %d updates", name, n, len(w.Updates))
			}
		}
	}
}
