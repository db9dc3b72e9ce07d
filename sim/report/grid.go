package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// grid is the groups laid out by rule and setting, both in order of appearance.
// A setting is what a row is besides its rule.
type grid struct {
	rules, settings []string
	at              map[place]*group
}

// place is the index of a setting and that of a rule.
type place struct{ setting, rule int }

// newGrid lays groups out. Should two rows have one rule and one setting after
// all, the name of the later one's setting gets a number.
func newGrid(groups []*group) *grid {
	d := &grid{at: make(map[place]*group, len(groups))}
	rules, settings := map[string]int{}, map[string]int{}
	taken := map[place]int{}
	index := func(m map[string]int, list *[]string, name string) int {
		i, ok := m[name]
		if !ok {
			i = len(*list)
			m[name] = i
			*list = append(*list, name)
		}
		return i
	}
	names := nameSettings(groups)
	for i, g := range groups {
		r := index(rules, &d.rules, g.Rule)
		first := place{index(settings, &d.settings, names[i]), r}
		p := first
		for d.at[p] != nil {
			taken[first]++
			p.setting = index(settings, &d.settings, fmt.Sprintf("%s #%d", names[i], taken[first]+1))
		}
		d.at[p] = g
	}
	return d
}

// nameSettings returns a name for each group's setting: the attack and those
// labels that differ between groups. Where the label named label is given, it
// stands for the attack and for all labels that never differ beside it.
func nameSettings(groups []*group) []string {
	type facet struct{ label, key string } // what is known of a key beside a label
	value := map[facet]string{}
	differs := map[facet]bool{}
	const attack = "" // stands for the attack among the keys
	keys := map[string]bool{}
	for _, g := range groups {
		for k := range g.Labels {
			keys[k] = true
		}
	}
	delete(keys, "label")
	delete(keys, attack)
	sorted := slices.Sorted(maps.Keys(keys))
	note := func(f facet, v string) {
		if old, ok := value[f]; ok && old != v {
			differs[f] = true
		}
		value[f] = v
	}
	for _, g := range groups {
		label := g.Labels["label"]
		note(facet{label, attack}, g.Attack)
		for _, k := range sorted {
			v, ok := g.Labels[k]
			note(facet{label, k}, fmt.Sprint(ok, v))
		}
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		label := g.Labels["label"]
		var parts []string
		switch {
		case label != "":
			parts = append(parts, label)
			if differs[facet{label, attack}] {
				parts = append(parts, g.Attack)
			}
		case g.Attack == "":
			parts = append(parts, "no attack")
		default:
			parts = append(parts, g.Attack)
		}
		for _, k := range sorted {
			if v, ok := g.Labels[k]; ok && differs[facet{label, k}] {
				parts = append(parts, k+"="+v)
			}
		}
		names[i] = strings.Join(parts, ", ")
	}
	return names
}
