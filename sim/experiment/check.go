package experiment

import (
	"strings"

	"github.com/bristle-fl/bristled/federation"
)

// check refuses what cannot be run whatever the data and the seed, so that a sweep
// fails before its first cell and not at its last.
func (c *Cell) check() error {
	s := &c.Settings
	ids := c.attack.keys
	if ids < 1 || ids > maxPeers || s.Peers.Honest+s.Peers.Liars*ids > maxPeers {
		return c.impossible("attack", "%d honest peers and %d liars of %d keys each; at most %d keys are simulated: use fewer",
			s.Peers.Honest, s.Peers.Liars, ids, maxPeers)
	}
	if s.Partition.Probe == 0 && testsHeads(c.rule.spec) {
		return c.impossible("partition.probe", "partition.probe is 0 and rule %s tests what it receives on held-out samples: give every peer some or use a rule that does not test",
			c.rule.spec.Name)
	}
	if s.Evaluate > s.Iterations {
		return c.impossible("evaluate", "evaluate is %d and there are %d iterations: evaluate at least at the end", s.Evaluate, s.Iterations)
	}
	if s.Data.Labels != "" && s.Data.Source != "images" {
		return c.impossible("data.labels", "data.labels is the list of a directory of images, and data.source is %s: leave it out or set the source to images", s.Data.Source)
	}
	if err := c.checkLives(); err != nil {
		return err
	}
	return c.checkTopology()
}

// testsHeads reports whether a rule needs a probe: those of Bristle's family do.
func testsHeads(rule federation.RuleSpec) bool { return strings.HasPrefix(rule.Name, "bristle") }

// checkLives refuses peers that are none, peers that never come, and evaluations
// before anybody is there.
func (c *Cell) checkLives() error {
	s := &c.Settings
	const path = "life.peers"
	first := s.Iterations // in which a peer joins
	for _, l := range s.Life.Peers {
		if l.Peer >= s.Peers.Honest {
			return c.impossible(path, "life.peers names peer %d; honest peers are 0 to %d", l.Peer, s.Peers.Honest-1)
		}
		if l.Life.Join >= s.Iterations {
			return c.impossible(path, "peer %d joins in iteration %d and there are %d, from 0 on: let it join earlier or run longer", l.Peer, l.Life.Join, s.Iterations)
		}
		for _, a := range l.Life.Away {
			if a.From <= l.Life.Join && a.To >= s.Iterations {
				return c.impossible(path, "peer %d is away from %d to %d and there are %d iterations: it would never be there", l.Peer, a.From, a.To, s.Iterations)
			}
		}
		first = min(first, l.Life.Join)
	}
	if evaluated := min(s.Evaluate, s.Iterations); len(s.Life.Peers) == s.Peers.Honest && first >= evaluated {
		return c.impossible(path, "all honest peers join in iteration %d or later and the first evaluation is after %d: let one join earlier or set evaluate to %d or more",
			first, evaluated, first+1)
	}
	return nil
}

func (c *Cell) checkTopology() error {
	s, t := &c.Settings, &c.Settings.Topology
	n := s.Peers.Honest
	switch t.Kind {
	case "random":
		if all := n + c.liars(); t.K >= all {
			return c.impossible("topology.k", "topology.k is %d; a peer has %d others", t.K, all-1)
		}
	case "regular":
		if t.K >= n || t.K*n%2 != 0 {
			return c.impossible("topology.k", "no graph of %d honest peers has %d links at each: topology.k is below the number of peers, and their product is even", n, t.K)
		}
	case "small-world":
		if t.K >= n || t.K%2 != 0 {
			return c.impossible("topology.k", "topology.k is %d; in a small world of %d honest peers it is even and below their number", t.K, n)
		}
	case "file":
		if t.list.peers > n {
			return c.impossible("topology.file", "%s has links of peer %d; honest peers are 0 to %d", t.File, t.list.peers-1, n-1)
		}
	}
	return nil
}
