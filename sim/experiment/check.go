package experiment

import (
	"fmt"
	"strings"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
)

// check refuses what cannot be run whatever the data, so that a sweep fails
// before its first cell and not at its last.
func (c *Cell) check() error {
	s := &c.Settings
	ids := c.attack.keys
	if ids < 1 || ids > maxPeers || s.Peers.Honest+s.Peers.Liars*ids > maxPeers {
		return fmt.Errorf("%w: %d honest peers and %d liars of %d keys each; at most %d keys are simulated: use fewer",
			ErrImpossible, s.Peers.Honest, s.Peers.Liars, ids, maxPeers)
	}
	if s.Partition.Probe == 0 && testsHeads(c.rule.spec) {
		return fmt.Errorf("%w: partition.probe is 0 and rule %s tests what it receives on held-out samples: give every peer some or use a rule that does not test",
			ErrImpossible, c.rule.spec.Name)
	}
	if s.Evaluate > s.Iterations {
		return fmt.Errorf("%w: evaluate is %d and there are %d iterations: evaluate at least at the end", ErrImpossible, s.Evaluate, s.Iterations)
	}
	for _, l := range s.Life.Peers {
		if l.Peer >= s.Peers.Honest {
			return fmt.Errorf("%w: life.peers names peer %d; honest peers are 0 to %d", ErrImpossible, l.Peer, s.Peers.Honest-1)
		}
	}
	if s.Life.Churn > 0 && s.Life.Away >= s.Iterations {
		return fmt.Errorf("%w: life.away is %d and there are %d iterations: who leaves would never be back", ErrImpossible, s.Life.Away, s.Iterations)
	}
	if err := c.checkTopology(); err != nil {
		return err
	}
	return c.checkHeads()
}

// testsHeads reports whether a rule needs a probe: those of Bristle's family do.
func testsHeads(rule federation.RuleSpec) bool { return strings.HasPrefix(rule.Name, "bristle") }

func (c *Cell) checkTopology() error {
	s, t := &c.Settings, &c.Settings.Topology
	n := s.Peers.Honest
	switch t.Kind {
	case "random":
		if all := n + c.liars(); t.K >= all {
			return fmt.Errorf("%w: topology.k is %d; a peer has %d others", ErrImpossible, t.K, all-1)
		}
	case "regular":
		if t.K >= n || t.K*n%2 != 0 {
			return fmt.Errorf("%w: no graph of %d honest peers has %d links at each: topology.k is below the number of peers, and their product is even",
				ErrImpossible, n, t.K)
		}
	case "small-world":
		if t.K >= n || t.K%2 != 0 {
			return fmt.Errorf("%w: topology.k is %d; in a small world of %d honest peers it is even and below their number", ErrImpossible, t.K, n)
		}
	case "file":
		if t.list.peers > n {
			return fmt.Errorf("%w: %s has links of peer %d; honest peers are 0 to %d", ErrImpossible, t.File, t.list.peers-1, n-1)
		}
	}
	return nil
}

// checkHeads refuses a rule whose constants cannot bear as few heads as a peer
// ever has, or as many.
func (c *Cell) checkHeads() error {
	heads := c.heads()
	least, most := c.rule.least, c.rule.most
	if most > 0 && heads > most {
		return fmt.Errorf("%w: rule %s with these constants takes at most %d heads, and a peer has %d: use a smaller f, fewer peers or another rule",
			ErrImpossible, aggregation.Format(c.rule.spec), most, heads)
	}
	if least <= heads {
		return nil
	}
	return fmt.Errorf("%w: rule %s needs %d heads, the own one included, and a peer has %d at most: %s",
		ErrImpossible, aggregation.Format(c.rule.spec), least, heads, bearable(c.rule.spec, heads))
}

// bearable says which f a rule could bear.
func bearable(rule federation.RuleSpec, heads int) string {
	f, ok := rule.Constants["f"]
	for f--; ok && f >= 0; f-- {
		lower := federation.RuleSpec{Name: rule.Name, Constants: map[string]float64{}}
		for k, v := range rule.Constants {
			lower.Constants[k] = v
		}
		lower.Constants["f"] = f
		if least, _, err := aggregation.Bears(lower); err == nil && least <= heads {
			return fmt.Sprintf("f is at most %v here", f)
		}
	}
	return "use more peers or another rule"
}

// heads is how many heads a peer has at most, its own included. On a graph it
// hears its neighbours and all liars; where targets change it hears everybody in
// time.
func (c *Cell) heads() int {
	s := &c.Settings
	neighbours := s.Peers.Honest - 1
	switch s.Topology.Kind {
	case "ring":
		neighbours = min(2, neighbours)
	case "regular":
		neighbours = s.Topology.K
	case "file":
		neighbours = min(s.Topology.list.degree, neighbours)
	}
	return 1 + neighbours + c.liars()
}
