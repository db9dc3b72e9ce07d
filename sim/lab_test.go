//go:build lab

package sim

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/bristle-fl/bristled/sim/attack"
)

func TestLab(t *testing.T) {
	m, pool, test := mnist(t)
	seeds, _ := strconv.Atoi(os.Getenv("SEEDS"))
	for _, use := range []bool{false, true} {
		for _, c := range []struct {
			attack string
			liars  int
			m      int
		}{{"none", 0, 4}, {"flip-all", 5, 4}, {"fp-perm", 5, 4}, {"fp-perm", 10, 4}, {"fp-perm", 15, 4}, {"none", 0, 2}} {
			mean, worst, at := 0., 1., 0
			start := time.Now()
			var rule time.Duration
			for seed := range uint64(max(1, seeds)) {
				e := mainRow(t, m, pool, test, c.liars, seed+1)
				if c.m != 4 {
					var holds [][]int
					for i := range 10 {
						holds = append(holds, Window(i, c.m, 10))
					}
					h, err := NewDeck(Pool{Samples: pool, Width: 800}, seed+1).Deal(holds, 10, 10)
					if err != nil {
						t.Fatal(err)
					}
					e.Honest = h
				}
				e.Manifest.Prototypes.Use, e.Manifest.Prototypes.Least = use, 2
				e.Attack, e.Every = attack.Named(c.attack, seed), 10
				r, err := Run(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				mean += r.Mean() / float64(max(1, seeds))
				worst = min(worst, r.Worst())
				for i, a := range r.Curve {
					if a >= .9 && at == 0 {
						at = r.Evaluated[i]
					}
				}
				rule += r.RuleTime
			}
			t.Logf("prototypes %v %-9s %2d m=%d: %.4f [%.4f] (%d)  %v, rule %v", use, c.attack, c.liars, c.m, mean, worst, at, time.Since(start).Round(time.Millisecond), rule)
		}
	}
}
