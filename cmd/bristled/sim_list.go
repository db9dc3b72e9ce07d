package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/sim/attack"
	"github.com/bristle-fl/bristled/sim/experiment"
)

// listed is one line of `sim list`.
type listed struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

func newSimList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the rules, attacks, partitions, topologies and bundled figures",
		Example: "  bristled sim list\n  bristled sim list --json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.OutOrStdout(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in one line")
	return cmd
}

func list(out io.Writer, asJSON bool) error {
	all := struct {
		Rules      []listed `json:"rules"`
		Filters    []listed `json:"filters"`
		Attacks    []listed `json:"attacks"`
		Partitions []listed `json:"partitions"`
		Topologies []listed `json:"topologies"`
		Sources    []listed `json:"sources"`
		Figures    []listed `json:"figures"`
	}{Sources: kinds(experiment.Sources()), Partitions: kinds(experiment.Partitions()), Topologies: kinds(experiment.Topologies())}
	for _, r := range aggregation.Rules() {
		all.Rules = append(all.Rules, listed{r.Name, r.Summary})
	}
	for _, r := range aggregation.Filters() {
		all.Filters = append(all.Filters, listed{r.Name, r.Summary})
	}
	for _, a := range attack.List() {
		all.Attacks = append(all.Attacks, listed{a.Name, a.Summary})
	}
	bundled, err := experiment.Paper()
	if err != nil {
		return err
	}
	for _, b := range bundled {
		all.Figures = append(all.Figures, listed{b.Figure, b.Title})
	}
	if asJSON {
		return printJSON(out, all)
	}
	for i, part := range []struct {
		title string
		lines []listed
	}{
		{"Rules (docs/rules.md)", all.Rules},
		{"Filters, written before a rule: nnm(f=3)|median", all.Filters},
		{"Attacks (docs/attacks.md)", all.Attacks},
		{"Data", all.Sources},
		{"Partitions", all.Partitions},
		{"Topologies", all.Topologies},
		{"Figures of `bristled sim paper`", all.Figures},
	} {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, part.title)
		for _, l := range part.lines {
			fmt.Fprintf(out, "  %-24s %s\n", l.Name, l.Summary)
		}
	}
	return nil
}

func kinds(all []experiment.Kind) []listed {
	var lines []listed
	for _, k := range all {
		lines = append(lines, listed{k.Name, k.Summary})
	}
	return lines
}
