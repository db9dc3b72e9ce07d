package experiment

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// parsed returns the cells of a text or the first error.
func parsed(text string) ([]Cell, error) {
	f, err := Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return f.Cells()
}

// entries lists the lives of n peers.
func entries(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{peer: %d, join: 3}, ", i)
	}
	return b.String()
}

// TestMistakes has one file for each thing that can be wrong with one, and what the
// error must say.
func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		text string
		is   error
		says string
	}{
		// The text as such.
		{"", ErrFile, "empty"},
		{"# nothing\n", ErrFile, "empty"},
		{"- a\n- b", ErrFile, "line 1: the file is a list"},
		{"rule: [", ErrFile, "yaml: line 1"},
		{"rule: mean\n---\nrule: median", ErrFile, "one file is one experiment"},
		{"rule: &a mean\nattack: *a", ErrFile, "line 1: anchors and aliases"},
		{"<<: {rule: mean}", ErrFile, "a key is a name"},
		{"{[a]: 1}", ErrFile, "line 1: a key is a name, this is a list"},
		{"rule: mean\nattack: none\nrule: median", ErrFile, `line 3: "rule" is given twice`},
		{"sweep: {rule: " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}", ErrFile, "more than 16 deep"},
		{strings.Repeat("[", 1<<18), ErrFile, "brackets"},
		{strings.Repeat(" ", maxFile) + "a: b", ErrFile, "at most 1048576 are read"},

		// Keys.
		{"rule: mean\npears: {honest: 3}", ErrFile, `line 2: unknown key "pears"; there are peers,`},
		{"peers:\n  honest: 3\n  liers: 2", ErrFile, `line 3: unknown key "peers.liers"; there are liars, honest`},
		{"peers.liars: 3", ErrFile, `line 1: unknown key "peers.liars"`},
		{"peers: 3", ErrFile, "line 1: peers is \"3\"; it has settings of its own: honest, liars"},
		{"rule: {name: krum}", ErrFile, "rule is a mapping; a text"},
		{"life:\n  peers:\n  - {peer: 0, sped: 2}", ErrFile, `line 3: unknown key "life.peers[0].sped"; there are speed,`},
		{"life: {peers: [{speed: 1}]}", ErrFile, "does not say which peer"},
		{"life: {peers: [{peer: 1}, {peer: 1}]}", ErrFile, "peer 1 twice"},
		{"life: {peers: [3]}", ErrFile, `life.peers[0] is "3"`},
		{"life: {peers: 3}", ErrFile, "a list of at most"},
		{"life: {peers: [{peer: 0, away: [{from: 4, to: 4}]}]}", ErrFile, "away[0] is from 4 to 4"},
		{"life: {peers: [{peer: 0, away: [{from: 4, to: 9}, {from: 8, to: 10}]}]}", ErrFile, "away[1] is from 8 to 10"},
		{"life: {peers: [{peer: 0, away: 3}]}", ErrFile, "away is \"3\""},

		// Ranges.
		{"data: {source: minst}", ErrFile, `data.source is "minst"; it is one of mnist,`},
		{"peers: {honest: 0}", ErrFile, `line 1: peers.honest is "0"; whole numbers from 1 to 20000 are allowed`},
		{"peers: {honest: 20001}", ErrFile, "1 to 20000"},
		{"peers: {honest: 1.5}", ErrFile, `"1.5"; whole numbers`},
		{"peers: {honest: ten}", ErrFile, `"ten"; whole numbers`},
		{"peers: {honest: }", ErrFile, "peers.honest is empty"},
		{"iterations: 99999999999999999999", ErrFile, "whole numbers from 1 to 100000"},
		{"training: {learning_rate: .nan}", ErrFile, "training.learning_rate is"},
		{"training: {learning_rate: nan}", ErrFile, "numbers from 1e-09 to 1 are allowed"},
		{"training: {l2: -1}", ErrFile, "numbers from 0 to 1"},
		{"link: {latency: inf}", ErrFile, "link.latency"},
		{"prototypes: {use: yes please}", ErrFile, "true and false are allowed"},
		{"explain: 1", ErrFile, "explain is \"1\""},
		{"rows: int4", ErrFile, `rows is "int4"; it is one of int8,`},
		{"rule: " + strings.Repeat("a", 2000), ErrFile, "at most 1024 bytes"},
		{"rule: ~", ErrFile, "rule is empty"},

		// What would harm a terminal.
		{`title: "a\tb"`, ErrFile, "line 1: title is"},
		{`name: "\e[31mred"`, ErrFile, "control character"},
		{`cases: [{label: "a\x7f", rule: mean}]`, ErrFile, "control character"},
		{`sweep: {data.dir: ["a\u0085b"]}`, ErrFile, "control character"},
		{"note: \"a\\nb\\rc\"", ErrFile, "control character"},

		// Seeds.
		{"seeds: 0", ErrFile, "seeds is \"0\""},
		{"seeds: []", ErrFile, "seeds is a list"},
		{"seeds: [1, -1]", ErrFile, `seeds[1] is "-1"`},
		{"seeds: [1, 2, 1]", ErrFile, "seeds[2] is 1, which is there already"},
		{"seeds: [140737488355328]", ErrFile, "0 to 140737488355327"},

		// Sweeps.
		{"sweep: [rule]", ErrFile, "sweep is a list"},
		{"sweep: {rules: [mean]}", ErrFile, `unknown key "sweep: rules"; there are rule,`},
		{"sweep: {rule: mean}", ErrFile, `sweep: rule is "mean"; a list`},
		{"sweep: {rule: []}", ErrFile, "sweep: rule is a list"},
		{"sweep: {peers.liars: [1, x]}", ErrFile, `peers.liars is "x"`},
		{"sweep: {rule: [mean, mean]}", ErrFile, "two values of sweep: rule are called \"mean\""},
		{"sweep: {seeds: [1]}", ErrFile, "every cell runs with each"},
		{"sweep: {topology: [{kind: ring, q: 3}]}", ErrFile, `unknown key "topology.q"; there are k, p,`},
		{"sweep: {topology: [ring]}", ErrFile, "it has settings of its own"},
		{"sweep: {life.peers: [[" + strings.Repeat("{peer: 0, join: 1},", 100) + "]]}", ErrFile, "twice"},
		{"cases: {}", ErrFile, "cases is a mapping"},
		{"cases: [mean]", ErrFile, `cases[0] is "mean"`},
		{"cases: [{peers.liers: 2}]", ErrFile, `unknown key "cases[0]: peers.liers"; there are peers.liars,`},
		{"cases: [{peers: {liars: 1}, peers.liars: 2}]", ErrFile, "peers.liars is given twice"},
		{"cases: [{rule: mean}, {rule: median, label: rule=mean}]", ErrFile, "two values of cases"},
		{"cases: [{rule: mean}]\nsweep: {rule: [median]}", ErrFile, "rule varies twice, by cases and by sweep: rule"},
		{"sweep: {topology.k: [1], topology: [{k: 2}]}", ErrFile, "topology.k varies twice"},
		{"sweep: {peers.liars: [1, 01]}", ErrFile, "cells 1 and 2 of the sweep are the same"},
		{"cases: [{rule: trimmed-mean, label: a}, {rule: trimmed-mean(f=4), label: b}]", ErrFile, "are the same experiment"},
		{"seeds: 10000\nsweep: {iterations: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}\nevaluate: 1", ErrFile, "more than 100000 cells"},
		{"peers: {honest: 2000}\nseeds: 3000\nlife: {peers: [" + entries(2000) + "]}", ErrFile, "life.peers has more than"},
		{"sweep: {life.peers: [[" + entries(500) + "]]}", ErrFile, "is long"},

		// What cannot be run.
		{"rows: int8\nrule: krumm", ErrFile, `line 2: rule is "krumm": unknown aggregation rule "krumm": there are krum,`},
		{"rows: int8\nattack: flipall", ErrFile, `line 2: attack is "flipall": unknown attack "flipall": there are flip-all,`},
		{"sweep:\n  rule:\n  - mean\n  - krumm", ErrFile, `line 4: rule is "krumm"`},
		{"cases:\n- {attack: none}\n- {attack: flipall}", ErrFile, `line 3: attack is "flipall"`},
		{"rule: mean\nsweep: {attack: [none, alie(z=no)]}", ErrFile, "line 2: attack is"},
		{"rule: krum(f=1", ErrFile, "is quoted"},
		{"sweep: {rule: [krum(f=1), bulyan(f=2,m=3)]}", ErrFile, `is quoted: "bulyan(f=2,m=3)"`},
		{"cases: [{attack: on-off(period=4,duty=2)|flip-2}]", ErrFile, "is quoted"},
		{"attack: flip-all", ErrImpossible, "line 1: attack is flip-all and peers.liars is 0"},
		{"cases: [{attack: none}, {attack: flip-all}]", ErrImpossible, "cell with label attack=flip-all: "},
		{"attack: sybil(count=1000)|flip-all\npeers: {liars: 20}", ErrImpossible, "at most 20000 keys"},
		{"peers: {honest: 4}\nrule: trimmed-mean(f=4)", ErrImpossible, "line 2: rule trimmed-mean needs 9 heads, the own one included, and a peer has 4 at most: f is at most 1 here"},
		{"topology: {kind: ring}\nrule: trimmed-mean(f=2)", ErrImpossible, "a peer has 3 at most: f is at most 1 here"},
		{"peers: {honest: 13}\nrule: multi-krum(f=3,m=13)", ErrImpossible, "needs 16 heads, the own one included, and a peer has 13 at most: m=13 and f=3 are more than that together: use a smaller m"},
		{"peers: {honest: 8}\nrule: multi-krum(f=3,m=2)", ErrImpossible, "f is at most 2 here"},
		{"topology: {kind: regular, k: 4}\nrule: trimmed-mean(f=3)", ErrImpossible, "f is at most 2 here"},
		{"topology: {kind: round-robin}\nrule: trimmed-mean(f=2)\nmax_age: 2", ErrImpossible, "a peer has 4 at most"},
		{"topology: {kind: erdos-renyi, p: 0}\nrule: trimmed-mean(f=1)", ErrImpossible, "a peer has 1 at most"},
		{"topology: {kind: small-world, k: 2, p: 0}\nrule: trimmed-mean(f=2)", ErrImpossible, "a peer has 3 at most"},
		{"peers: {honest: 1}\nrule: bulyan(f=1)\npartition: {kind: iid}", ErrImpossible, "needs 7 heads"},
		{"rule: smea(f=40)\npeers: {honest: 200}", ErrImpossible, "takes at most"},
		{"partition: {probe: 0}", ErrImpossible, "rule bristle+ tests what it receives"},
		{"iterations: 5\nevaluate: 10", ErrImpossible, "line 2: evaluate is 10 and there are 5 iterations"},
		{"life: {peers: [{peer: 10}]}", ErrImpossible, "line 1: life.peers names peer 10; honest peers are 0 to 9"},
		{"iterations: 20\nlife: {peers: [{peer: 1, join: 20}]}", ErrImpossible, "line 2: peer 1 joins in iteration 20 and there are 20"},
		{"peers: {honest: 2}\nlife: {peers: [{peer: 0, join: 10}, {peer: 1, join: 12}]}", ErrImpossible, "all honest peers join in iteration 10 or later"},
		{"life: {peers: [{peer: 0, away: [{from: 0, to: 300}]}]}", ErrImpossible, "it would never be there"},
		{"data: {labels: list.csv}", ErrImpossible, "data.source is digits"},
		{"sweep: {data.dir: [a, b]}", ErrFile, "where data lie makes no other"},
		{"topology: {kind: random, k: 10}", ErrImpossible, "a peer has 9 others"},
		{"topology: {kind: regular, k: 3}\npeers: {honest: 5}", ErrImpossible, "their product is even"},
		{"topology: {kind: small-world, k: 3}", ErrImpossible, "even and below"},
		{"topology: {kind: file}", ErrImpossible, "topology.file is not given"},
		{"topology: {kind: file, file: none.txt}", ErrLinks, "none.txt"},
		{"sweep: {rule: [mean, bulyan(f=9)], attack: [none]}", ErrImpossible, "cell with attack none, rule bulyan(f=9): "},
	} {
		_, err := parsed(c.text)
		if !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%.60q:\n got %v\nwant %v: ... %s", c.text, err, c.is, c.says)
		}
	}
}

// TestShortOfData has what shows only beside the data.
func TestShortOfData(t *testing.T) {
	const base = "data: {source: digits, train: 500, test: 60}\n"
	for _, c := range []struct{ text, says string }{
		{"peers: {honest: 10}\npartition: {kind: iid, train: 10}", "where a peer shall get"},
		{"peers: {honest: 4, liars: 5}\npartition: {train: 5, probe: 5}", "the liars: too few samples"},
		{"peers: {honest: 2}\npartition: {train: 2, probe: 2}", "no honest peer holds class 5, 6, 7, 8, 9"},
		{"partition: {classes: 11, train: 2, probe: 2}", "partition.classes is 11; the data have 10 classes"},
		{"partition: {kind: owner}", "do not say whose"},
		{"peers: {honest: 20000}\npartition:\n  kind: iid\n  train: 1000\n  reuse: true", "line 2: 20000 honest peers and 0 liars would take about"},
		{"peers: {honest: 20000}\npartition: {kind: iid, train: 1000000, reuse: true}", "deal fewer samples"},
		{"partition: {kind: shards, size: 400, probe: 1}", "need 20 shards"},
	} {
		cells := must[[]Cell](t)(parsed(base + c.text))
		d := must[*Data](t)(library().Open(t.Context(), cells[0].Settings.Data))
		if err := d.Check(cells[0]); !errors.Is(err, ErrImpossible) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %s", c.text, err, c.says)
		}
		dir := t.TempDir()
		if _, err := run(t, base+c.text, Options{Dir: dir}); !errors.Is(err, ErrImpossible) {
			t.Errorf("the sweep of %q: %v", c.text, err)
		}
		if left := must[[]os.DirEntry](t)(os.ReadDir(dir)); len(left) > 0 {
			t.Errorf("%q leaves %v behind", c.text, left)
		}
	}
	// These look large and are not.
	for _, text := range []string{
		"{peers: {honest: 3000}, partition: {reuse: true}, topology: {kind: small-world, k: 4}, max_age: 1}",
		"{peers: {honest: 10000}, partition: {reuse: true}, topology: {kind: erdos-renyi, p: 0.0016}, rule: mean}",
		"{peers: {honest: 1000}, partition: {kind: iid, reuse: true}}",
		"{peers: {honest: 3000}, partition: {reuse: true}, topology: {kind: random, k: 16}}",
		"{peers: {honest: 1000, liars: 100}, attack: flip-all, partition: {reuse: true}, prototypes: {use: true}, topology: {kind: random, k: 16}, max_age: 1}",
	} {
		c := must[[]Cell](t)(parsed(text))[0]
		if err := must[*Data](t)(library().Open(t.Context(), Source{Source: "digits", Train: 500, Test: 60, RMS: 1})).checkMemory(c); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	empty := t.TempDir()
	for _, l := range []*Library{{}, {Dir: empty}} {
		for _, source := range []string{"mnist", "cifar10", "wisdm"} {
			if _, err := l.Open(t.Context(), Source{Source: source, Train: 10, RMS: 1}); !errors.Is(err, ErrNoData) {
				t.Errorf("%s in %q: %v", source, l.Dir, err)
			}
		}
	}
}

func TestCells(t *testing.T) {
	cells := must[[]Cell](t)(parsed(`
seeds: [3, 9]
peers: {liars: 5}
attack: flip-all
cases:
- {peers.liars: 2, label: few}
- {partition: {classes: 3, train: 5}}
sweep:
  rule: [mean, {rule: bristle+, prototypes.use: true}]
`))
	var got []string
	for _, c := range cells {
		got = append(got, fmt.Sprintf("%s|%s|%s|%d|%d|%d|%d|%v", c.Labels["label"], c.Labels["rule"], c.ruleName(),
			c.Seed, c.Settings.Peers.Liars, c.Settings.Partition.Classes, c.Settings.Partition.Train, c.Settings.Prototypes.Use))
	}
	want := []string{
		"few|mean|mean|3|2|4|10|false", "few|mean|mean|9|2|4|10|false",
		"few|prototypes.use=true rule=bristle+|prototypes.use=true rule=bristle+|3|2|4|10|true",
		"few|prototypes.use=true rule=bristle+|prototypes.use=true rule=bristle+|9|2|4|10|true",
		"partition=classes=3 train=5|mean|mean|3|5|3|5|false", "partition=classes=3 train=5|mean|mean|9|5|3|5|false",
		"partition=classes=3 train=5|prototypes.use=true rule=bristle+|prototypes.use=true rule=bristle+|3|5|3|5|true",
		"partition=classes=3 train=5|prototypes.use=true rule=bristle+|prototypes.use=true rule=bristle+|9|5|3|5|true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// A cell keeps its key when the file changes elsewhere, and when it says the
	// same in other words.
	alone := must[[]Cell](t)(parsed("title: x\nrule: mean()\nseeds: [9]\npeers: {liars: 2}\nattack: flip-all\n"))
	if alone[0].Key != cells[1].Key {
		t.Errorf("the same cell is called %s and %s", alone[0].Key, cells[1].Key)
	}
	if !isKey(alone[0].Key) {
		t.Errorf("%q is no key", alone[0].Key)
	}
	main := must[[]Cell](t)(parsed("seeds: 1"))
	s := main[0].Settings
	if len(main) != 1 || s.Peers.Honest != 10 || s.Iterations != 300 || s.Training.Batch != 5 || main[0].ruleName() != "bristle+" {
		t.Errorf("the default is %+v", s)
	}
}

// shuffled returns a mapping with its keys, and those of all mappings in it, in
// another order.
func shuffled(t *rapid.T, n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	if n.Kind != yaml.MappingNode {
		for _, c := range n.Content {
			out.Content = append(out.Content, shuffled(t, c))
		}
		return &out
	}
	pairs := make([]int, len(n.Content)/2)
	for i := range pairs {
		pairs[i] = i
	}
	for _, i := range rapid.Permutation(pairs).Draw(t, "order") {
		out.Content = append(out.Content, n.Content[2*i], shuffled(t, n.Content[2*i+1]))
	}
	return &out
}

// TestOrderOfKeys says that the order of keys decides at most the order of cells.
func TestOrderOfKeys(t *testing.T) {
	all := must[[]Bundled](t)(Paper())
	rapid.Check(t, func(rt *rapid.T) {
		f := all[rapid.IntRange(0, len(all)-1).Draw(rt, "file")].File
		root := must[*yaml.Node](t)(readYAML(f.Text))
		text := must[[]byte](t)(yaml.Marshal(shuffled(rt, root)))
		other, err := Parse(text)
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		keys := func(f *File) []string {
			var keys []string
			for _, c := range must[[]Cell](t)(f.Cells()) {
				keys = append(keys, c.Key+fmt.Sprint(slices.Sorted(maps.Values(c.Labels))))
			}
			slices.Sort(keys)
			return keys
		}
		if diff := cmp.Diff(keys(f), keys(other)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// TestGivenAnyway has what a mistake elsewhere would look like and is none.
func TestGivenAnyway(t *testing.T) {
	for _, text := range []string{
		"attack: flip-all\npeers: {liars: 0}",
		"attack: flip-all\nsweep: {peers.liars: [0, 5]}",
		"sweep: {prototypes.use: [false, true], prototypes.noise: [0, 0.1]}",
		"sweep: {life.churn: [0, .1], life.away: [1, 500]}",
		"sweep: {topology.kind: [all, random], topology.k: [4, 8]}",
		"sweep: {partition.kind: [windows, dirichlet], partition.alpha: [.1, 1]}",
		"topology: {kind: erdos-renyi, p: 0.35}\nrule: krum(f=1)\nseeds: 40",
		"topology: {kind: regular}\nrule: krum(f=1)\nsweep: {topology.k: [2, 6]}",
		"sweep: {attack: [flip-all, fp-perm], peers.liars: [0, 5]}",
		"attack: flip-all\ncases: [{label: none}, {peers.liars: 2}]",
		"rule: trimmed-mean(f=1)\ntopology: {kind: erdos-renyi}\nsweep: {topology.p: [0, .5]}",
		"topology: {kind: round-robin}\nrule: trimmed-mean(f=2)\nmax_age: 1\nlink: {jitter: 1}",
		"topology: {kind: hops}\nrule: trimmed-mean(f=4)",
		"peers: {honest: 2}\nlife: {peers: [{peer: 0, join: 9}, {peer: 1, join: 299}]}",
		"note: |\n  Two\n  lines.",
		"sweep: {rule: [mean, \"bulyan(f=1)\"]}",
	} {
		if _, err := parsed(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	short := must[[]Cell](t)(parsed("iterations: 5"))[0]
	if e := short.Settings.Evaluate; e != 5 {
		t.Errorf("five iterations are evaluated after %d", e)
	}
}

// TestKeys: a setting without effect makes no other cell, and one with makes one.
func TestKeys(t *testing.T) {
	key := func(text string) string { return must[[]Cell](t)(parsed(text))[0].Key }
	for _, c := range []struct {
		same     bool
		one, two string
	}{
		{true, "", "topology: {k: 6, p: .7}"},
		{true, "topology: {kind: random, k: 3}", "topology: {kind: random, k: 3, p: .7}"},
		{true, "topology: {kind: erdos-renyi, p: .7}", "topology: {kind: erdos-renyi, p: .7, k: 3}"},
		{true, "topology: {kind: ring}", "topology: {kind: ring, file: none}"},
		{true, "", "partition: {alpha: 3, shards: 4, size: 5}"},
		{true, "partition: {kind: owner}", "partition: {kind: owner, owners: 1}"},
		{false, "partition: {kind: owner}", "partition: {kind: owner, owners: 2}"},
		{true, "", "partition: {owners: 2}"},
		{true, "partition: {kind: iid}", "partition: {kind: iid, classes: 2}"},
		{true, "partition: {kind: shards}", "partition: {kind: shards, train: 3}"},
		{true, "", "life: {away: 3, crash: true}"},
		{true, "", "prototypes: {least: 5, noise: 1}"},
		{true, "iterations: 5", "iterations: 5\nevaluate: 5"},
		{false, "topology: {kind: small-world}", "topology: {kind: small-world, p: .7}"},
		{false, "topology: {kind: small-world}", "topology: {kind: small-world, k: 6}"},
		{false, "partition: {kind: shards}", "partition: {kind: shards, size: 3}"},
		{false, "partition: {kind: dirichlet}", "partition: {kind: dirichlet, alpha: 3}"},
		{false, "", "partition: {classes: 5}"},
		{false, "life: {churn: .1}", "life: {churn: .1, crash: true}"},
		{false, "prototypes: {use: true}", "prototypes: {use: true, noise: 1}"},
		{false, "peers: {liars: 1}", "attack: flip-all\npeers: {liars: 1}"},
	} {
		seeds := "seeds: 1\n"
		if a, b := key(seeds+c.one), key(seeds+c.two); (a == b) != c.same {
			t.Errorf("%q and %q have the keys %s and %s", c.one, c.two, a, b)
		}
	}
	// What there is on disks is found under this name.
	if k := key("seeds: 1"); k != "a1252c4b7095b64c8644" {
		t.Errorf("the main row is called %s", k)
	}
}

func TestLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "links")
	must[any](t)(nil, os.WriteFile(path, []byte("5 5\n1 2\n2 1\n1 2\n2 3\n"), 0o600))
	l := must[*linkList](t)(newMemo("").file(path))
	if l.degree != 2 || l.peers != 6 {
		t.Errorf("a peer has %d links at most and peers are below %d; want 2 and 6", l.degree, l.peers)
	}
	_, err := parsed("topology: {kind: file, file: " + path + "}\nrule: trimmed-mean(f=2)")
	if !errors.Is(err, ErrImpossible) || !strings.Contains(err.Error(), "a peer has 3 at most") {
		t.Errorf("five heads of three: %v", err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mine.yaml")
	must[any](t)(nil, os.WriteFile(path, []byte("topology: {kind: file, file: links}"), 0o600))
	must[any](t)(nil, os.WriteFile(filepath.Join(dir, "links"), []byte("0 1\n 1\t9 \n"), 0o600))
	f := must[*File](t)(Load(path))
	if f.Name != "mine" {
		t.Errorf("the name is %q", f.Name)
	}
	cells := must[[]Cell](t)(f.Cells())
	if diff := cmp.Diff([][2]int{{0, 1}, {1, 9}}, cells[0].Settings.Topology.list.links); diff != "" {
		t.Error(diff)
	}
	for text, says := range map[string]string{"0 10": "links of peer 10", "0": "line 1", "# x\n1 2 3": "line 2", "-1 2": "-1 2", "a b": "a b"} {
		must[any](t)(nil, os.WriteFile(filepath.Join(dir, "links"), []byte(text), 0o600))
		if _, err := f.Cells(); err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("links %q: %v", text, err)
		}
	}
	odd := filepath.Join(dir, "a\u0085b.yaml")
	must[any](t)(nil, os.WriteFile(odd, []byte("iterations: 3"), 0o600))
	if f := must[*File](t)(Load(odd)); f.Name != "a_b" {
		t.Errorf("the name is %q", f.Name)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	must[any](t)(nil, os.WriteFile(path, []byte("x: 1"), 0o600))
	if _, err := Load(path); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), path) {
		t.Errorf("a bad file: %v", err)
	}
}

// FuzzParse wants a result or an error of a known kind, soon.
func FuzzParse(f *testing.F) {
	all, err := Paper()
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range all {
		f.Add(b.File.Text)
	}
	f.Add([]byte(tiny))
	f.Add([]byte("a: &a [*a, *a]"))
	f.Add([]byte("life: {peers: [{peer: 0, speed: .2, join: 150, away: [{from: 1, to: 2, crash: true}]}]}"))
	f.Add([]byte("cases: [{label: x, topology: {kind: ring}}]\nsweep: {rows: [int8, float32]}\nseeds: [1, 5]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		cells, err := parsed(string(b))
		if err != nil {
			if !errors.Is(err, ErrFile) && !errors.Is(err, ErrImpossible) && !errors.Is(err, ErrLinks) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		keys := map[string]bool{}
		for _, c := range cells {
			if !isKey(c.Key) || keys[c.Key] {
				t.Errorf("key %q", c.Key)
			}
			keys[c.Key] = true
		}
	})
}

// FuzzLinks wants links in range or an error.
func FuzzLinks(f *testing.F) {
	f.Add([]byte("0 1\n# x\n\n5 6"))
	f.Fuzz(func(t *testing.T, b []byte) {
		links, err := parseLinks(b)
		if err != nil && !errors.Is(err, ErrLinks) {
			t.Errorf("an error of no kind: %v", err)
		}
		for _, l := range links {
			if min(l[0], l[1]) < 0 || max(l[0], l[1]) >= maxPeers {
				t.Errorf("link %v", l)
			}
		}
	})
}
