package experiment

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/sim/attack"
)

// Cell is one run: one point of the sweep under one seed.
type Cell struct {
	// Key names the cell by what its result depends on, so that it keeps its name
	// when the file changes elsewhere: 20 hexadecimal digits.
	Key      string
	Labels   map[string]string // what varies
	Settings Settings
	Seed     uint64
	Explain  bool

	rule   parsedRule
	attack parsedAttack
	heads  int            // see [Cell.mostHeads]
	lines  map[string]int // of the settings that the file gives, by path
	// What joint values of these fields are called, or empty.
	ruleLabel, attackLabel string
}

// noAttack is the attack of who does not lie.
const noAttack = "none"

// ErrImpossible is wrapped by the errors about cells that cannot be run, whatever
// the data. They name the cell.
var ErrImpossible = errors.New("impossible experiment")

// Cells returns all cells in the order of the file: cases first, then the swept
// fields in the order written, the last changing fastest but for the seeds. It
// checks each as far as that is possible without the data; errors wrap [ErrFile],
// [ErrLinks] or [ErrImpossible].
func (f *File) Cells() ([]Cell, error) {
	cells, err := f.cells()
	return cells, f.named(err)
}

func (f *File) cells() ([]Cell, error) {
	memo := newMemo(f.dir)
	_, liars := f.lines["peers.liars"]
	liars = liars || f.varies("peers.liars")
	sparse := f.varies("topology.p") || f.varies("topology.k") || f.varies("peers.honest")
	points := 1
	for _, a := range f.axes {
		points *= len(a.values)
	}
	cells := make([]Cell, 0, points*len(f.Seeds))
	keys := make(map[string]int, cap(cells))
	lives := 0
	for p := range points {
		c := Cell{Settings: f.base, Labels: map[string]string{}, Explain: f.Explain, lines: maps.Clone(f.lines)}
		rest := p
		for i := len(f.axes) - 1; i >= 0; i-- {
			a := f.axes[i]
			v := a.values[rest%len(a.values)]
			rest /= len(a.values)
			if err := settings.apply(&c.Settings, v.set); err != nil {
				return nil, err
			}
			for _, s := range v.set {
				c.lines[s.path] = s.node.Line
			}
			c.Labels[a.name] = v.label
			if v.joint {
				switch a.name {
				case "rule":
					c.ruleLabel = v.label
				case "attack":
					c.attackLabel = v.label
				}
			}
		}
		if _, given := c.lines["evaluate"]; !given {
			c.Settings.Evaluate = min(c.Settings.Evaluate, c.Settings.Iterations)
		}
		for _, l := range c.Settings.Life.Peers {
			lives += (1 + len(l.Life.Away)) * len(f.Seeds)
		}
		if lives > maxLives {
			return nil, fmt.Errorf("%w: life.peers has more than %d entries, counted in every cell: sweep over less or split the file", ErrFile, maxLives)
		}
		err := c.resolve(memo)
		if err == nil && !liars && c.attack.text != noAttack {
			err = c.impossible("attack", "attack is %s and peers.liars is 0: say how many lie, or set peers.liars to 0 if nobody shall", c.attack.text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s%w", c.where(), err)
		}
		// One graph of many may be too thin for the rule: that it was idle there is in
		// the results.
		bears := false
		for i, seed := range f.Seeds {
			one := c
			one.Seed, one.Labels = seed, maps.Clone(c.Labels)
			err := one.checkHeads(memo, sparse)
			if bears = bears || err == nil; !bears && i == len(f.Seeds)-1 {
				return nil, fmt.Errorf("%s%w", c.where(), err)
			}
			one.Key = one.key(f.varies)
			if first, ok := keys[one.Key]; ok {
				return nil, fmt.Errorf("%w: cells %d and %d of the sweep are the same experiment (%s): leave one of the values out; where data lie makes no other: use a file for each",
					ErrFile, first+1, len(cells)+1, c.name())
			}
			keys[one.Key] = len(cells)
			cells = append(cells, one)
		}
	}
	return cells, nil
}

// parsedRule is a rule and how many heads it bears.
type parsedRule struct {
	spec        federation.RuleSpec
	least, most int // most is 0 without a limit
}

// parsedAttack is an attack, its text without what is by default, and how many
// keys each liar has.
type parsedAttack struct {
	spec attack.Spec
	text string
	keys int
}

// memo keeps what many cells share, each by its text.
type memo struct {
	dir     string
	rules   map[string]parsedRule
	attacks map[string]parsedAttack
	links   map[string]*linkList
	heard   map[drawn]int
	pairs   int // of peers in the graphs that were drawn
}

func newMemo(dir string) *memo {
	return &memo{
		dir: dir, rules: map[string]parsedRule{}, attacks: map[string]parsedAttack{},
		links: map[string]*linkList{}, heard: map[drawn]int{},
	}
}

func parseRule(text string) (r parsedRule, err error) {
	if r.spec, err = aggregation.Parse(text); err == nil {
		r.least, r.most, err = aggregation.Bears(r.spec)
	}
	return r, err
}

func parseAttack(text string) (parsedAttack, error) {
	s, err := attack.Parse(text)
	return parsedAttack{s, s.String(), s.Identities()}, err
}

// resolve reads the texts of the settings and checks them.
func (c *Cell) resolve(m *memo) (err error) {
	s := &c.Settings
	var ok bool
	if c.rule, ok = m.rules[s.Rule]; !ok {
		if c.rule, err = parseRule(s.Rule); err != nil {
			return fmt.Errorf("%w: rule: %w", ErrImpossible, err)
		}
		m.rules[s.Rule] = c.rule
	}
	if c.attack, ok = m.attacks[s.Attack]; !ok {
		if c.attack, err = parseAttack(s.Attack); err != nil {
			return fmt.Errorf("%w: attack: %w", ErrImpossible, err)
		}
		m.attacks[s.Attack] = c.attack
	}
	if s.Topology.Kind == "file" {
		l, err := m.file(s.Topology.File)
		if err != nil {
			return fmt.Errorf("%stopology.file: %w", c.line("topology.file", "topology.kind"), err)
		}
		s.Topology.Links, s.Topology.list = l.digest, l
	}
	return c.check()
}

// key is the hash of all that decides the result, and of what varies: in a grid
// some values may be without effect.
func (c *Cell) key(varies func(path string) bool) string {
	b, err := json.Marshal(struct {
		Settings Settings
		Rule     federation.RuleSpec
		Attack   string
		Seed     uint64
		Explain  bool
	}{c.canonical(varies), c.rule.spec, c.attack.text, c.Seed, c.Explain})
	if err != nil {
		panic(err) // numbers are finite, by their ranges
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:10])
}

// canonical are the settings without the texts of what is resolved, so that
// krum and krum(f=4) are one rule, and with the defaults of what has no effect
// unless it varies.
func (c *Cell) canonical(varies func(path string) bool) Settings {
	s, d := c.Settings, defaults()
	s.Rule, s.Attack = "", ""
	graph, part := s.Topology.Kind, s.Partition.Kind
	for _, f := range []struct {
		path  string
		used  bool
		reset func()
	}{
		{"topology.k", graph == "random" || graph == "regular" || graph == "small-world", func() { s.Topology.K = d.Topology.K }},
		{"topology.p", graph == "erdos-renyi" || graph == "small-world", func() { s.Topology.P = d.Topology.P }},
		{"partition.classes", part == "windows", func() { s.Partition.Classes = d.Partition.Classes }},
		{"partition.alpha", part == "dirichlet", func() { s.Partition.Alpha = d.Partition.Alpha }},
		{"partition.shards", part == "shards", func() { s.Partition.Shards = d.Partition.Shards }},
		{"partition.size", part == "shards", func() { s.Partition.Size = d.Partition.Size }},
		{"partition.train", part != "shards", func() { s.Partition.Train = d.Partition.Train }},
		{"partition.owners", part == "owner" && s.Partition.Owners != 1, func() { s.Partition.Owners = d.Partition.Owners }},
		{"life.away", s.Life.Churn > 0, func() { s.Life.Away = d.Life.Away }},
		{"life.crash", s.Life.Churn > 0, func() { s.Life.Crash = d.Life.Crash }},
		{"prototypes.least", s.Prototypes.Use, func() { s.Prototypes.Least = d.Prototypes.Least }},
		{"prototypes.noise", s.Prototypes.Use, func() { s.Prototypes.Noise = d.Prototypes.Noise }},
	} {
		if !f.used && !varies(f.path) {
			f.reset()
		}
	}
	return s
}

// line names the line of the first of some settings that the file gives.
func (c *Cell) line(paths ...string) string {
	for _, p := range paths {
		if n, ok := c.lines[p]; ok {
			return fmt.Sprintf("line %d: ", n)
		}
	}
	return ""
}

// impossible is an error that wraps [ErrImpossible] and names the line of a
// setting.
func (c *Cell) impossible(path, format string, args ...any) error {
	return fmt.Errorf("%w: %s%s", ErrImpossible, c.line(path), fmt.Sprintf(format, args...))
}

// name says in words which cell it is.
func (c *Cell) name() string {
	text := ""
	for _, axis := range sorted(c.Labels) {
		text += fmt.Sprintf("%s %.80s, ", axis, c.Labels[axis])
	}
	if text == "" {
		return "the only one"
	}
	return text[:len(text)-2]
}

// where begins an error about the cell.
func (c *Cell) where() string {
	if len(c.Labels) == 0 {
		return ""
	}
	return "cell with " + c.name() + ": "
}

// ruleName is how tables call the rule: prototypes make another of each.
func (c *Cell) ruleName() string {
	if c.ruleLabel == "" && c.Settings.Prototypes.Use {
		return c.Settings.Rule + " with prototypes"
	}
	return cmp.Or(c.ruleLabel, c.Settings.Rule)
}

func (c *Cell) attackName() string { return cmp.Or(c.attackLabel, c.Settings.Attack) }

// liars is the number of keys that lie, which is more than that of liars under
// a sybil attack.
func (c *Cell) liars() int { return c.Settings.Peers.Liars * c.attack.keys }
