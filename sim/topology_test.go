package sim

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// degrees returns how many links each peer of a graph has, and fails unless it
// is simple and each link is known at both ends.
func degrees(t interface{ Fatalf(string, ...any) }, g [][]int) []int {
	d := make([]int, len(g))
	for i, others := range g {
		d[i] = len(others)
		for k, j := range others {
			if j == i || slices.Contains(others[:k], j) || !slices.Contains(g[j], i) {
				t.Fatalf("peer %d is linked with %v", i, others)
			}
		}
	}
	return d
}

func TestRegularGraphs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 60).Draw(t, "n")
		k := rapid.IntRange(1, min(n-1, 16)).Draw(t, "k")
		g, err := Regular(n, k, rapid.Uint64().Draw(t, "seed"))
		if n*k%2 != 0 {
			if err == nil {
				t.Fatalf("%d peers with %d links each", n, k)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range degrees(t, g.graph) {
			if d != k {
				t.Fatalf("peer %d has %d links, not %d", i, d, k)
			}
		}
	})
	if _, err := Regular(10000, 16, 1); err != nil {
		t.Error(err)
	}
}

// TestSmallRegularGraphs: there is every one that can be, up to the complete one.
func TestSmallRegularGraphs(t *testing.T) {
	for n := 2; n <= 12; n++ {
		for k := 1; k < n; k++ {
			if n*k%2 != 0 {
				continue
			}
			for seed := range uint64(40) {
				g, err := Regular(n, k, seed)
				if err != nil {
					t.Fatal(err)
				}
				if d := degrees(t, g.graph); slices.Min(d) != k || slices.Max(d) != k {
					t.Fatalf("%d peers with %d links each, seed %d: degrees %v", n, k, seed, d)
				}
			}
		}
	}
	// A sparse one is drawn as ever.
	g, err := Regular(9, 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]int{
		{7, 4, 2, 5}, {6, 8, 7, 4}, {4, 3, 5, 0}, {2, 7, 5, 6}, {2, 0, 6, 1}, {2, 3, 8, 0}, {1, 4, 8, 3}, {0, 8, 3, 1}, {7, 1, 5, 6},
	}; !slices.EqualFunc(g.graph, want, slices.Equal[[]int]) {
		t.Errorf("nine peers with four links each: %v, want %v", g.graph, want)
	}
}

func TestMostHeard(t *testing.T) {
	star, err := Edges(5, [][2]int{{0, 1}, {2, 0}, {0, 1}, {1, 0}, {0, 0}, {3, 0}})
	if err != nil {
		t.Fatal(err)
	}
	regular, err := Regular(8, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		Topology
		honest, want int
	}{
		{All(), 10, 9},
		{All(), 1, 0},
		{Random(20, 3, 1), 10, 9},
		{Hops(10), 10, 9},
		{Ring(2), 2, 1},
		{Ring(7), 7, 2},
		{star, 5, 3},
		{regular, 8, 5},
		{ErdosRenyi(6, 0, 1), 6, 0},
	} {
		if got := c.MostHeard(c.honest); got != c.want {
			t.Errorf("%+v: one of %d hears %d others, want %d", c.Topology, c.honest, got, c.want)
		}
	}
}

func TestGraphs(t *testing.T) {
	if d := degrees(t, Ring(7).graph); slices.Min(d) != 2 || slices.Max(d) != 2 {
		t.Errorf("a ring has degrees %v", d)
	}
	total := 0
	for _, d := range degrees(t, SmallWorld(50, 6, .3, 4).graph) {
		total += d
	}
	if total != 300 {
		t.Errorf("a small world of 50 peers with 6 neighbours has %d ends", total)
	}
	total = 0
	for _, d := range degrees(t, ErdosRenyi(100, .2, 1).graph) {
		total += d
	}
	if total < 1700 || total > 2300 { // 1980 are expected, 40 is the deviation
		t.Errorf("a random graph of 100 peers and p = .2 has %d ends", total)
	}
	if _, err := Edges(3, [][2]int{{0, 3}}); err == nil {
		t.Error("a link to nobody was taken")
	}
	line, err := Edges(3, [][2]int{{0, 1}, {1, 2}, {1, 0}})
	if err != nil {
		t.Fatal(err)
	}
	if got := line.targets(1, 5, 3, nil); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("the middle of a line sends to %v", got)
	}
	if got := line.targets(3, 5, 3, nil); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("a liar sends to %v", got)
	}
}

func TestPatterns(t *testing.T) {
	seen := map[int]bool{}
	for round := range uint64(4) {
		for _, to := range RoundRobin(5).targets(2, round, 5, nil) {
			seen[to] = true
		}
	}
	if len(seen) != 4 || seen[2] {
		t.Errorf("in four rounds a peer of five reaches %v", seen)
	}
	var hops []int
	for round := range uint64(5) {
		hops = append(hops, Hops(10).targets(3, round, 10, nil)...)
	}
	if want := []int{4, 5, 7, 1, 4}; !slices.Equal(hops, want) {
		t.Errorf("peer 3 of 10 hops to %v, want %v", hops, want)
	}
	for round := range uint64(20) {
		got := Random(10, 4, 9).targets(3, round, 10, nil)
		slices.Sort(got)
		if len(slices.Compact(got)) != 4 || slices.Contains(got, 3) {
			t.Errorf("random targets %v", got)
		}
	}
	if got := All().targets(1, 0, 4, nil); !slices.Equal(got, []int{0, 2, 3}) {
		t.Errorf("everybody is %v", got)
	}
}
