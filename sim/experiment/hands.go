package experiment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/sim"
)

// deal deals the hands of all peers: first those of the honest, then those of the
// liars, who hold as many samples of every class, as in the Bristle experiments.
func (c *Cell) deal(pool sim.Pool, classes int) (honest, liars []sim.Hand, err error) {
	s, p := &c.Settings, &c.Settings.Partition
	n := s.Peers.Honest
	deck := sim.NewDeck(pool, c.Seed)
	deck.Again = p.Reuse
	each := p.Train // training samples per class of a liar
	switch p.Kind {
	case "iid":
		honest, err = deck.Deal(slices.Repeat([][]int{sim.Window(0, classes, classes)}, n), p.Train, p.Probe)
	case "windows":
		if p.Classes > classes {
			return nil, nil, c.impossible("partition.classes", "partition.classes is %d; the data have %d classes", p.Classes, classes)
		}
		holds := make([][]int, n)
		for i := range holds {
			holds[i] = sim.Window(i, p.Classes, classes)
		}
		honest, err = deck.Deal(holds, p.Train, p.Probe)
	case "dirichlet":
		each = max(1, p.Train/classes)
		honest, err = deck.Dirichlet(n, classes, p.Alpha, p.Train, p.Probe)
	case "shards":
		each = max(1, p.Shards*p.Size/classes)
		honest, err = deck.Shards(n, p.Shards, p.Size, p.Probe)
	case "owner":
		honest, err = deck.ByOwner(n, max(1, p.Owners), p.Train, p.Probe)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s%w", ErrImpossible, c.dealt(), err)
	}
	if liars, err = deck.Deal(slices.Repeat([][]int{sim.Window(0, classes, classes)}, s.Peers.Liars), each, p.Probe); err != nil {
		return nil, nil, fmt.Errorf("%w: %sthe liars: %w", ErrImpossible, c.line("peers.liars"), err)
	}
	return honest, liars, nil
}

// dealt names the line of what most likely asks for too many samples.
func (c *Cell) dealt() string {
	return c.line("partition.train", "partition.size", "partition.kind", "peers.honest")
}

// Check refuses a cell that these data do not suffice for: more peers than there
// are samples for, or classes that no honest peer holds. The error wraps
// [ErrImpossible].
func (d *Data) Check(c Cell) error {
	if err := d.checkMemory(c); err != nil {
		return fmt.Errorf("%s%w", c.where(), err)
	}
	// Labels alone are dealt, which takes a moment.
	labels := sim.Pool{Samples: learner.Samples{Labels: d.pool.Labels}, Owners: d.pool.Owners}
	honest, _, err := c.deal(labels, len(d.Classes()))
	if err != nil {
		return fmt.Errorf("%s%w", c.where(), err)
	}
	if c.Settings.Partition.AllowMissing {
		return nil
	}
	held := map[int]bool{}
	for _, h := range honest {
		for _, l := range h.Train.Labels {
			held[l] = true
		}
	}
	var missing []string
	for i, name := range d.Classes() {
		if !held[i] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s%w", c.where(), c.impossible("partition.kind",
			"no honest peer holds class %s, so that none can learn it: use more peers or more classes each, or set partition.allow_missing to true",
			strings.Join(missing, ", ")))
	}
	return nil
}
