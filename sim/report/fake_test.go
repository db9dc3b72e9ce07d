package report

import (
	"fmt"
	"math/rand/v2"
)

// fake makes up the results of a sweep over rules, attacks, numbers of liars
// and seeds, with ten honest peers evaluated every ten of 300 iterations.
func fake(rules, attacks, liars []string, seeds []uint64) ([]Cell, []Timing) {
	rng := rand.New(rand.NewPCG(1, 2))
	var cells []Cell
	var timings []Timing
	for r, rule := range rules {
		for a, attack := range attacks {
			for m, liar := range liars {
				level := .3 + .65*float64((r*7+a*5+m*3)%11)/10
				for _, seed := range seeds {
					c := Cell{
						Key: fmt.Sprintf("%02x%02x%02x%02x", r, a, m, seed), Rule: rule, Attack: attack, Seed: seed,
						Labels: map[string]string{"rule": rule, "attack": attack, "peers.liars": liar},
						Honest: 10, Liars: m*4 + 1, BytesPerPeerRound: 5200*float64(r+1) + float64(seed),
					}
					shift := .06 * (rng.Float64() - .5)
					for it := 10; it <= 300; it += 10 {
						x := float64(it) / (float64(it) + 20 + 5*float64(r))
						mean := min(1, max(0, (level+shift)*x+.01*rng.Float64()))
						c.Iterations = append(c.Iterations, it)
						c.Mean = append(c.Mean, mean)
						c.Worst = append(c.Worst, mean*.8)
						c.SD = append(c.SD, .02)
						if c.IterationsTo90 == 0 && mean >= .9 {
							c.IterationsTo90 = it
						}
					}
					last := c.Mean[len(c.Mean)-1]
					for range c.Honest {
						c.Accuracy = append(c.Accuracy, min(1, last*(.95+.1*rng.Float64())))
					}
					cells = append(cells, c)
					timings = append(timings, Timing{c.Key, 1.5, 40_000 * float64(r*r+1)})
				}
			}
		}
	}
	return cells, timings
}
