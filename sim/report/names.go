package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Names returns what tables call each of the rows of one [Summary]: the rule,
// then the attack, the labels and the number of liars as far as they tell rows
// apart. No two are equal, and all are in one line of printable text.
func Names(rows []Row) []string {
	names := settingNames(rows)
	for i, r := range rows {
		names[i] = printable(r.Rule) + ", " + names[i]
	}
	return distinct(names, func(int) string { return "" })
}

// settingNames returns a name for what each row is besides its rule: the attack
// and those labels that differ between rows. Where the label named label is
// given, it stands for the attack and for all labels that never differ beside
// it. Rows that would then have one name, but not as many liars, get these.
// Names are printable, and no two rows of one rule share one.
func settingNames(rows []Row) []string {
	type facet struct{ label, key string } // what is known of a key beside a label
	value := map[facet]string{}
	differs := map[facet]bool{}
	const attack = "" // stands for the attack among the keys
	keys := map[string]bool{}
	for _, r := range rows {
		for k := range r.Labels {
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
	for _, r := range rows {
		label := r.Labels["label"]
		note(facet{label, attack}, r.Attack)
		for _, k := range sorted {
			v, ok := r.Labels[k]
			note(facet{label, k}, fmt.Sprint(ok, v))
		}
	}
	names := make([]string, len(rows))
	liars := map[string]int{}
	vary := map[string]bool{}
	for i, r := range rows {
		label := r.Labels["label"]
		var parts []string
		switch {
		case label != "":
			parts = append(parts, label)
			if differs[facet{label, attack}] {
				parts = append(parts, r.Attack)
			}
		case r.Attack == "":
			parts = append(parts, "no attack")
		default:
			parts = append(parts, r.Attack)
		}
		for _, k := range sorted {
			if v, ok := r.Labels[k]; ok && differs[facet{label, k}] {
				parts = append(parts, k+"="+v)
			}
		}
		names[i] = printable(strings.Join(parts, ", "))
		if n, ok := liars[names[i]]; ok && n != r.Liars {
			vary[names[i]] = true
		}
		liars[names[i]] = r.Liars
	}
	for i, r := range rows {
		switch {
		case !vary[names[i]]:
		case r.Liars == 1:
			names[i] += ", 1 liar"
		default:
			names[i] += fmt.Sprintf(", %d liars", r.Liars)
		}
	}
	return distinct(names, func(i int) string { return rows[i].Rule })
}

// distinct numbers names that were there before beside the same thing.
func distinct(names []string, beside func(i int) string) []string {
	type taken struct{ beside, name string }
	seen := make(map[taken]bool, len(names))
	for i, name := range names {
		for n := 2; seen[taken{beside(i), names[i]}]; n++ {
			names[i] = fmt.Sprintf("%s #%d", name, n)
		}
		seen[taken{beside(i), names[i]}] = true
	}
	return names
}

// printable escapes what could move a terminal's cursor or turn a text around,
// as Go does in quotes.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
