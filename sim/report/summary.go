package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Row is what the seeds of one cell say together.
type Row struct {
	// Labels are those of the cells, without rule, attack and seed.
	Labels map[string]string `json:"labels,omitempty"`
	Rule   string            `json:"rule"`
	Attack string            `json:"attack"`
	Honest int               `json:"honest"`
	Liars  int               `json:"liars"`
	// Mean over seeds of the mean final accuracy of the honest peers.
	Mean float64 `json:"mean"`
	// SD is the sample standard deviation over seeds of that mean (divided by
	// seeds-1), 0 for a single seed.
	SD float64 `json:"sd"`
	// Worst honest peer of all seeds.
	Worst float64 `json:"worst"`
	Seeds int     `json:"seeds"`
	// BytesPerPeerRound is the mean over seeds.
	BytesPerPeerRound float64 `json:"bytes_per_peer_round"`
	// IterationsTo90 is the first iteration after which the mean over seeds of
	// the mean accuracy was at least .9, or 0 if it never was.
	IterationsTo90 int `json:"iterations_to_90"`
	// Idle is the mean over seeds of what [Cell] has.
	Idle float64 `json:"idle"`
}

// IdleNote says in a few words in how many rounds the rule was idle, or nothing
// if it never was.
func (r Row) IdleNote() string {
	switch {
	case r.Idle <= 0:
		return ""
	case r.Idle < .005:
		return "idle in less than 1% of rounds"
	}
	return fmt.Sprintf("idle in %.0f%% of rounds", 100*r.Idle)
}

// Summary returns one row for each rule, attack and set of labels, in the
// order in which they first appear. It returns [ErrCell] for cells that cannot
// be, and for seeds of one row that were given twice or evaluated after
// different iterations.
func Summary(cells []Cell) ([]Row, error) {
	groups, err := gather(cells)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(groups))
	for i, g := range groups {
		rows[i] = g.Row
	}
	return rows, nil
}

// group is a row with the curve of its mean over seeds and the half-width of
// the interval around it (see halfWidth), nil for a single seed.
type group struct {
	Row
	cells      []*Cell
	iterations []int
	mean, half []float64
}

// gather checks cells and puts the seeds of each row together.
func gather(cells []Cell) ([]*group, error) {
	if err := check(cells); err != nil {
		return nil, err
	}
	var groups []*group
	byName := map[string]*group{}
	for i := range cells {
		c := &cells[i]
		labels := ownLabels(c)
		name := strconv.Quote(c.Rule) + strconv.Quote(c.Attack)
		for _, k := range slices.Sorted(maps.Keys(labels)) {
			name += strconv.Quote(k) + strconv.Quote(labels[k])
		}
		g := byName[name]
		if g == nil {
			g = &group{
				Row:        Row{Labels: labels, Rule: c.Rule, Attack: c.Attack, Honest: c.Honest, Liars: c.Liars},
				iterations: c.Iterations,
			}
			byName[name] = g
			groups = append(groups, g)
		}
		if !slices.Equal(g.iterations, c.Iterations) {
			return nil, fmt.Errorf("%w: cell %.64q was evaluated after other iterations than the same cell with seed %d; run both again",
				ErrCell, c.Key, g.cells[0].Seed)
		}
		g.cells = append(g.cells, c)
	}
	for _, g := range groups {
		if err := g.summarise(); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// ownLabels returns the labels that are not fields of the cell anyway.
func ownLabels(c *Cell) map[string]string {
	own := map[string]string{}
	for k, v := range c.Labels {
		if k != "rule" && k != "attack" && k != "seed" {
			own[k] = v
		}
	}
	return own
}

func (g *group) summarise() error {
	n := len(g.cells)
	g.Seeds = n
	g.Worst = 1
	seeds := make(map[uint64]bool, n)
	finals := make([]float64, n)
	bytes := make([]float64, n)
	idle := make([]float64, n)
	for i, c := range g.cells {
		if seeds[c.Seed] {
			return fmt.Errorf("%w: cell %.64q: seed %d of the same rule, attack and labels was there before; label what differs",
				ErrCell, c.Key, c.Seed)
		}
		seeds[c.Seed] = true
		finals[i] = mean(c.Accuracy)
		bytes[i] = c.BytesPerPeerRound
		idle[i] = c.Idle
		g.Worst = min(g.Worst, slices.Min(c.Accuracy))
	}
	g.Mean, g.SD = mean(finals), math.Sqrt(variance(finals, n-1))
	g.BytesPerPeerRound, g.Idle = mean(bytes), mean(idle)

	g.mean = make([]float64, len(g.iterations))
	if n > 1 {
		g.half = make([]float64, len(g.iterations))
	}
	at := make([]float64, n)
	for i, it := range g.iterations {
		for s, c := range g.cells {
			at[s] = c.Mean[i]
		}
		g.mean[i] = mean(at)
		if n > 1 {
			g.half[i] = halfWidth(at)
		}
		if g.IterationsTo90 == 0 && g.mean[i] >= .9 {
			g.IterationsTo90 = it
		}
	}
	return nil
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// variance returns the sum of the squared deviations over by, and 0 where by
// is 0. The conversion keeps the compiler from fusing product and sum, which
// only some architectures do.
func variance(x []float64, by int) float64 {
	if by == 0 {
		return 0
	}
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += float64((v - m) * (v - m))
	}
	return sum / float64(by)
}

// halfWidth returns half the width of the 95% confidence interval of the mean
// of x under Student's t distribution, t(.975, n-1) s / sqrt(n), for n >= 2.
func halfWidth(x []float64) float64 {
	n := len(x)
	return studentT(n-1) * math.Sqrt(variance(x, n-1)/float64(n))
}

// studentTable holds the .975 quantiles of Student's t for 1 to 30 degrees of
// freedom.
var studentTable = [30]float64{
	12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
	2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
	2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
}

// studentT returns the .975 quantile of Student's t with the given degrees of
// freedom, at least 1. Past the table it expands the normal quantile z
// (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5, the
// first three terms), which is good to four decimals there.
func studentT(freedom int) float64 {
	if freedom <= len(studentTable) {
		return studentTable[freedom-1]
	}
	const (
		z      = 1.959963984540054
		first  = (z*z*z + z) / 4
		second = (5*z*z*z*z*z + 16*z*z*z + 3*z) / 96
		third  = (3*z*z*z*z*z*z*z + 19*z*z*z*z*z + 17*z*z*z - 15*z) / 384
	)
	v := float64(freedom)
	return z + first/v + second/v/v + third/v/v/v
}
