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

// memory estimates what a cell takes while it runs, beside the data. Probes
// lend each other what they score with, so that is not in it.
func (d *Data) memory(c *Cell) []part {
	s := &c.Settings
	width, classes := float64(d.pool.Width), float64(len(d.Classes()))
	honest, liars := float64(s.Peers.Honest), float64(c.liars())
	head := 4 * classes * width
	known := c.known()
	usable := c.usable(known)
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
		// A liar may say something else to everybody who hears it.
		{head * honest * min(liars, usable), "use fewer liars"},
		// Of each sender a peer keeps when it was heard last, and mail is letters.
		{honest * (100*known + 50*usable*(1+delay)), "use fewer peers, or a topology with fewer links"},
	}
	if s.Prototypes.Use {
		// The own means three times, ten samples made of those of each foreign
		// class, those with the probe once more, and the sets that liars show.
		parts = append(parts, part{head * (23*honest + honest*min(liars, usable)), "use fewer peers or no prototypes"})
	}
	return parts
}

// age is for how many rounds an update counts.
func (c *Cell) age() float64 {
	const daemon = 20 // what 0 stands for (node.Config)
	age := float64(c.Settings.MaxAge)
	if age == 0 {
		age = daemon
	}
	return min(age, float64(c.Settings.Iterations))
}

// known is of how many others a peer hears in time, on average.
func (c *Cell) known() float64 {
	s := &c.Settings
	n := float64(s.Peers.Honest)
	links := float64(c.heads - 1 - c.liars())
	switch s.Topology.Kind {
	case "small-world":
		links = float64(s.Topology.K)
	case "erdos-renyi":
		links = s.Topology.P * (n - 1)
	case "file":
		links = 2 * float64(len(s.Topology.list.links)) / n
	}
	return links + float64(c.liars())
}

// usable is of how many of those a peer has an update that counts, about: where
// targets change, of those who wrote to it lately.
func (c *Cell) usable(known float64) float64 {
	each := 1.0
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
