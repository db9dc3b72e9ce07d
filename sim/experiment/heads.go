package experiment

import (
	"fmt"
	"math/bits"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
)

const (
	// maxDrawn bounds the honest peers of a graph that is drawn before a sweep
	// begins, to see how many links a peer has at most, and maxPairs the pairs of
	// peers in all such graphs: a file may ask for many large ones.
	maxDrawn = 2_000
	maxPairs = 100_000_000
)

// drawn is what a random graph depends on.
type drawn struct {
	kind  string
	peers int
	k     int
	p     float64
	seed  uint64
}

// checkHeads counts the heads of a cell and refuses a rule whose constants cannot
// bear as few as a peer ever has, or as many. A sweep over how many links there
// are may begin where peers have too few, who then train alone: sparse allows it.
// So do hops, whose figure in the Bristle experiments has such rules. Results say
// in what share of rounds a rule did not run.
func (c *Cell) checkHeads(m *memo, sparse bool) error {
	heads, err := c.mostHeads(m)
	if err != nil {
		return err
	}
	c.heads = heads
	least, most := c.rule.least, c.rule.most
	if most > 0 && heads > most {
		return c.impossible("rule", "rule %s with these constants takes at most %d heads, and a peer has %d: use a smaller f, fewer peers or another rule",
			aggregation.Format(c.rule.spec), most, heads)
	}
	kind := c.Settings.Topology.Kind
	if least <= heads || kind == "hops" || sparse && (kind == "erdos-renyi" || kind == "small-world" || kind == "regular") {
		return nil
	}
	return c.impossible("rule", "rule %s needs %d heads, the own one included, and a peer has %d at most: %s",
		aggregation.Format(c.rule.spec), least, heads, bearable(c.rule.spec, heads))
}

// bearable says which f a rule could bear. Where m are averaged, as by Multi-Krum, the
// f that are left out come beside them, and m can be the one that is too large.
func bearable(rule federation.RuleSpec, heads int) string {
	f, ok := rule.Constants["f"]
	if m := rule.Constants["m"]; m > 0 && m+f > float64(heads) {
		return fmt.Sprintf("m=%v and f=%v are more than that together: use a smaller m", m, f)
	}
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

// mostHeads is how many heads a peer has at most, its own included. On a graph it
// hears its neighbours and all liars; where targets change it hears everybody in
// time, as far as it keeps what it heard.
func (c *Cell) mostHeads(m *memo) (int, error) {
	s := &c.Settings
	honest, liars := s.Peers.Honest, c.liars()
	switch s.Topology.Kind {
	case "ring":
		return 1 + min(2, honest-1) + liars, nil
	case "regular":
		return 1 + s.Topology.K + liars, nil
	case "file":
		return 1 + s.Topology.list.degree + liars, nil
	case "erdos-renyi", "small-world":
		neighbours, err := c.mostLinks(m)
		return 1 + neighbours + liars, err
	case "round-robin":
		return 1 + c.kept(honest+liars-1), nil
	case "hops":
		// 1, 2, 4, ... places below the number of peers.
		return 1 + c.kept(bits.Len(uint(honest+liars-1))), nil
	}
	return honest + liars, nil
}

// kept is of how many of so many senders, one in each round, a peer has an update
// that counts: of those of the last max_age rounds and of this one. That holds
// while all work in step; otherwise several can come in one round.
func (c *Cell) kept(senders int) int {
	s := &c.Settings
	if s.MaxAge == 0 || s.Life.Churn > 0 || len(s.Life.Peers) > 0 || s.Link.Jitter > 0 || s.Link.Bandwidth > 0 {
		return senders
	}
	return min(senders, s.MaxAge+1)
}

// mostLinks is how many links the best connected peer of a random graph has. Where
// that does not decide anything, or would take long to find, it is as many as
// there can be.
func (c *Cell) mostLinks(m *memo) (int, error) {
	s, t := &c.Settings, &c.Settings.Topology
	n := s.Peers.Honest
	few := c.rule.least > 1+c.liars()
	many := c.rule.most > 0 && c.rule.most < n+c.liars()
	if n > maxDrawn || !few && !many {
		return n - 1, nil
	}
	g := drawn{t.Kind, n, t.K, t.P, c.Seed}
	if most, ok := m.heard[g]; ok {
		return most, nil
	}
	if m.pairs += n * n; m.pairs > maxPairs {
		return n - 1, nil
	}
	graph, err := c.topology()
	if err != nil {
		return 0, c.impossible("topology.kind", "%v", err)
	}
	m.heard[g] = graph.MostHeard(n)
	return m.heard[g], nil
}
