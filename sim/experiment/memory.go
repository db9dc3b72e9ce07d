package experiment

// maxMemory is how many bytes a cell may take by the estimate of Data.memory:
// more than a laptop has, and a fraction of what a file could ask for.
const maxMemory = 16 << 30

// part is a share of the memory of a cell, in bytes, and how to make it smaller.
type part struct {
	bytes  float64
	advice string
}

// checkMemory refuses a cell that would take more than maxMemory.
func (d *Data) checkMemory(c Cell) error {
	total, largest := 0.0, part{}
	for _, p := range d.memory(&c) {
		if total += p.bytes; p.bytes > largest.bytes {
			largest = p
		}
	}
	if total <= maxMemory {
		return nil
	}
	return c.impossible("peers.honest", "%d honest peers and %d liars would take about %.0f GiB of memory; cells of at most %d are run: %s",
		c.Settings.Peers.Honest, c.liars(), total/(1<<30), maxMemory>>30, largest.advice)
}

// memory estimates what a cell takes while it runs, beside the data. For the
// crowds of sim bench it is within a fifth of what was measured
// (docs/performance.md).
func (d *Data) memory(c *Cell) []part {
	s := &c.Settings
	width, classes := float64(d.pool.Width), float64(len(d.Classes()))
	honest, liars := float64(s.Peers.Honest), float64(c.liars())
	head := 4 * classes * width
	known, usable := float64(c.heads-1), c.usable()
	// An update is in memory once, for whoever has it, until nobody has: those of
	// the last rounds, and those on their way.
	delay := min(float64(s.Iterations), s.Link.Latency+s.Link.Jitter)
	rounds := 2 + delay
	if usable < known {
		rounds += c.age()
	}
	parts := []part{
		{4 * width * c.samples(classes, float64(len(d.pool.Labels))), "deal fewer samples with partition.train and partition.probe, or use fewer peers"},
		// Both copies of the weights, the gradient, Adam's two moments, the head
		// before a round, and the update as it is made.
		{8 * head * (honest + liars), "use fewer peers"},
		{head * min(honest*rounds, honest*(known+delay)), "use fewer peers, a smaller max_age or less latency"},
		// A liar may say something else to everybody.
		{head * honest * liars, "use fewer liars"},
		// Of each sender a peer keeps when it was heard last, and mail is letters.
		{honest * (100*known + 50*usable*(1+delay)), "use fewer peers, or a topology with fewer links"},
	}
	if testsHeads(c.rule.spec) {
		// Rows of the sender's classes alone travel, and all are tested at once.
		held := 1.0
		if s.Partition.Kind == "windows" {
			held = min(1, float64(s.Partition.Classes)/classes)
		}
		parts = append(parts, part{held * head * honest * usable, "use fewer peers, a topology with fewer links, a smaller max_age or a rule that does not test"})
	}
	if s.Prototypes.Use {
		// The own means three times, ten samples made of those of each foreign
		// class, those with the probe once more, and the sets that liars show.
		parts = append(parts, part{head * (23*honest + honest*liars), "use fewer peers or no prototypes"})
	}
	return parts
}

// age is for how many rounds an update counts.
func (c *Cell) age() float64 {
	const daemon = 20 // what 0 stands for (node.Config)
	if c.Settings.MaxAge == 0 {
		return daemon
	}
	return float64(c.Settings.MaxAge)
}

// usable is of how many senders a peer has an update that counts, about: where
// targets change, of those who wrote to it lately.
func (c *Cell) usable() float64 {
	known, each := float64(c.heads-1), 1.0
	switch c.Settings.Topology.Kind {
	case "random":
		each = float64(c.Settings.Topology.K)
	case "round-robin", "hops":
	default:
		return known
	}
	return min(known, each*(1+c.age()))
}

// samples is how many all hands have together, at most, of so many classes and of a
// pool of the given size.
func (c *Cell) samples(classes, pool float64) float64 {
	s, p := &c.Settings, &c.Settings.Partition
	train, probe := float64(p.Train), float64(p.Probe)
	each := classes * (train + probe)
	liar := each
	switch p.Kind {
	case "windows":
		each = min(classes, float64(p.Classes)) * (train + probe)
	case "dirichlet":
		each = train + classes*probe
		liar = each
	case "shards":
		each = float64(p.Shards*p.Size) + classes*probe
		liar = each
	}
	all := float64(s.Peers.Honest)*each + float64(s.Peers.Liars)*liar
	if !p.Reuse {
		return min(pool, all) // no sample goes to two peers
	}
	return all
}
