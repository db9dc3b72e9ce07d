package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/sim/attack"
	"github.com/bristle-fl/bristled/sim/experiment"
)

// listed is one entry of `sim list`.
type listed struct {
	Name      string         `json:"name"`
	Summary   string         `json:"summary"`
	Source    string         `json:"source,omitempty"`
	Breakdown string         `json:"breakdown,omitempty"` // of rules: how many liars they bear
	Constants []listConstant `json:"constants,omitempty"`
}

// listConstant is a constant of a rule, filter or attack.
type listConstant struct {
	Name    string   `json:"name"`
	Default float64  `json:"default"`
	Min     float64  `json:"min"`
	Max     float64  `json:"max"`
	Whole   bool     `json:"whole"`
	Words   []string `json:"words,omitempty"` // what the values 0, 1, ... are written as
	Meaning string   `json:"meaning"`
}

// lists is what `sim list --json` prints.
type lists struct {
	Rules      []listed `json:"rules,omitempty"`
	Filters    []listed `json:"filters,omitempty"`
	Attacks    []listed `json:"attacks,omitempty"`
	Partitions []listed `json:"partitions,omitempty"`
	Topologies []listed `json:"topologies,omitempty"`
	Sources    []listed `json:"sources,omitempty"`
	Figures    []listed `json:"figures,omitempty"`
}

// listPart is one of the lists and what it is called.
type listPart struct {
	title, kind string
	entries     *[]listed
}

func (l *lists) parts() []listPart {
	return []listPart{
		{"Rules (docs/rules.md)", "rule", &l.Rules},
		{"Filters, written before a rule: nnm(f=3)|median", "filter", &l.Filters},
		{"Attacks (docs/attacks.md)", "attack", &l.Attacks},
		{"Data", "data set", &l.Sources},
		{"Partitions", "partition", &l.Partitions},
		{"Topologies", "topology", &l.Topologies},
		{"Figures of `bristled sim paper`", "figure", &l.Figures},
	}
}

func newSimList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the rules, attacks, partitions, topologies and bundled figures",
		Long: `List names all that an experiment file can choose from, a line each. With a name it
says everything about that one: where it was published, how many liars a rule bears,
and the constants with what they may be.`,
		Example: `  bristled sim list
  bristled sim list krum
  bristled sim list fp-perm --json`,
		Args: arguments(0, 1, "one rule, attack or the like, or nothing for all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := everything()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if all, err = named(all, args[0]); err != nil {
					return err
				}
			}
			switch {
			case asJSON:
				return printJSON(cmd.OutOrStdout(), all)
			case len(args) == 1:
				return describe(cmd.OutOrStdout(), all)
			}
			return list(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in one line")
	return cmd
}

// everything returns all that there is.
func everything() (lists, error) {
	all := lists{Sources: kinds(experiment.Sources()), Partitions: kinds(experiment.Partitions()), Topologies: kinds(experiment.Topologies())}
	for _, r := range aggregation.Rules() {
		all.Rules = append(all.Rules, ruleEntry(r))
	}
	for _, r := range aggregation.Filters() {
		all.Filters = append(all.Filters, ruleEntry(r))
	}
	for _, a := range attack.List() {
		l := listed{Name: a.Name, Summary: a.Summary, Source: a.Source}
		for _, c := range a.Constants {
			l.Constants = append(l.Constants, listConstant{c.Name, c.Default, c.Min, c.Max, c.Whole, c.Words, c.Doc})
		}
		all.Attacks = append(all.Attacks, l)
	}
	bundled, err := experiment.Paper()
	if err != nil {
		return all, err
	}
	for _, b := range bundled {
		all.Figures = append(all.Figures, listed{Name: b.Figure, Summary: b.Title})
	}
	return all, nil
}

func ruleEntry(r aggregation.Info) listed {
	l := listed{Name: r.Name, Summary: r.Summary, Source: r.Source, Breakdown: r.Breakdown}
	for _, c := range r.Constants {
		l.Constants = append(l.Constants, listConstant{c.Name, c.Default, c.Min, c.Max, c.Whole, nil, c.Doc})
	}
	return l
}

func kinds(all []experiment.Kind) []listed {
	var lines []listed
	for _, k := range all {
		lines = append(lines, listed{Name: k.Name, Summary: k.Summary})
	}
	return lines
}

// named returns what has a name, which may be a rule and an attack.
func named(all lists, name string) (lists, error) {
	var found lists
	var known []string
	count := 0
	to := found.parts()
	for i, part := range all.parts() {
		for _, l := range *part.entries {
			known = append(known, l.Name)
			if l.Name == name {
				*to[i].entries = append(*to[i].entries, l)
				count++
			}
		}
	}
	if count > 0 {
		return found, nil
	}
	hint := "`bristled sim list` names all"
	if near := nearest(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return found, usageError{fmt.Errorf("there is nothing called %q: %s", name, hint)}
}

// list prints a line for each entry.
func list(out io.Writer, all lists) error {
	var b bytes.Buffer
	for _, part := range all.parts() {
		fmt.Fprintln(&b, part.title)
		for _, l := range *part.entries {
			fmt.Fprintf(&b, "  %-24s %s\n", l.Name, l.Summary)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintln(&b, "`bristled sim list NAME` says more of one of them, and what its constants are.")
	_, err := out.Write(b.Bytes())
	return err
}

// describe prints all that is known of each entry.
func describe(out io.Writer, all lists) error {
	var b bytes.Buffer
	for _, part := range all.parts() {
		for _, l := range *part.entries {
			if b.Len() > 0 {
				fmt.Fprintln(&b)
			}
			fmt.Fprintf(&b, "%s, %s: %s\n", l.Name, part.kind, l.Summary)
			if l.Source != "" {
				fmt.Fprintf(&b, "  source: %s\n", l.Source)
			}
			if l.Breakdown != "" {
				fmt.Fprintf(&b, "  liars that it bears: %s\n", l.Breakdown)
			}
			for _, c := range l.Constants {
				fmt.Fprintf(&b, "  %s: %s, by default %s: %s\n", c.Name, c.allowed(), c.write(c.Default), c.Meaning)
			}
			if len(l.Constants) == 0 && slices.Contains([]string{"rule", "filter", "attack"}, part.kind) {
				fmt.Fprintln(&b, "  no constants")
			}
		}
	}
	_, err := out.Write(b.Bytes())
	return err
}

// write writes a value as an experiment file has it.
func (c listConstant) write(v float64) string {
	if c.Words != nil {
		return c.Words[int(v)]
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// allowed says in words what a constant may be.
func (c listConstant) allowed() string {
	if c.Words != nil {
		return strings.Join(c.Words, " or ")
	}
	kind := "a number"
	if c.Whole {
		kind = "a whole number"
	}
	return fmt.Sprintf("%s from %s to %s", kind, c.write(c.Min), c.write(c.Max))
}
