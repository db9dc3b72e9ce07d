package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/sim/experiment"
)

func newSimExplain() *cobra.Command {
	var (
		key    string
		peer   int
		round  uint64
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "explain DIR",
		Short: "Say why a peer gave each update its weight in one round",
		Long: `Explain reads the verdicts that an experiment with "explain: true" has kept. Peers
count from 0, the honest ones first; rounds count from 1.`,
		Example: `  bristled sim explain results --peer 3 --round 120
  bristled sim explain results --cell 8f3a --peer 3 --round 120 --json`,
		Args: arguments(1, 1, "the directory of the results"),
		RunE: func(cmd *cobra.Command, args []string) error {
			res, err := experiment.Read(args[0])
			if err != nil && len(res.Cells) == 0 {
				return err
			}
			found := ""
			var keys []string
			for _, c := range res.Cells {
				keys = append(keys, fmt.Sprintf("%s (%s, %s, seed %d)", c.Key, c.Rule, c.Attack, c.Seed))
				if key == "" && len(res.Cells) == 1 || key != "" && strings.HasPrefix(c.Key, key) {
					if found != "" {
						return usageError{fmt.Errorf("--cell %s is the beginning of several keys: give more of it", key)}
					}
					found = c.Key
				}
			}
			if found == "" {
				return usageError{fmt.Errorf("name one cell by --cell and the beginning of its key: %s", strings.Join(keys[:min(len(keys), 20)], ", "))}
			}
			e, err := experiment.Explain(args[0], found, peer, round)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), e)
			}
			return explain(cmd.OutOrStdout(), peer, e)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&key, "cell", "", "beginning of the cell's key; not needed if there is one cell")
	flags.IntVar(&peer, "peer", 0, "number of the honest peer")
	flags.Uint64Var(&round, "round", 1, "round of that peer")
	flags.BoolVar(&asJSON, "json", false, "print JSON in one line")
	return cmd
}

// explain prints one round of a peer in words, those with most weight first.
func explain(out io.Writer, peer int, e experiment.Explanation) error {
	fmt.Fprintf(out, "peer %d, round %d: %d updates\n", peer, e.Round, len(e.Verdicts))
	if e.Warning != "" {
		fmt.Fprintln(out, "warning:", e.Warning)
	}
	if e.F1 != nil {
		fmt.Fprintf(out, "own F1 before: %s\n", numbers(e.F1))
	}
	total := func(v aggregation.Verdict) (sum float64) {
		for _, w := range v.Weights {
			sum += w
		}
		return sum
	}
	slices.SortStableFunc(e.Verdicts, func(a, b aggregation.Verdict) int { return cmp.Compare(total(b), total(a)) })
	for _, v := range e.Verdicts {
		fmt.Fprintf(out, "\n%s  distance %.4g", v.Sender, v.Distance)
		if v.Third != "" {
			fmt.Fprintf(out, " (%s third)", v.Third)
		}
		if v.Clipped {
			fmt.Fprint(out, ", a row was too long and was shortened")
		}
		fmt.Fprintln(out)
		if v.Reason != "" {
			fmt.Fprintf(out, "  no influence: %s\n", v.Reason)
		}
		if v.F1 != nil {
			fmt.Fprintf(out, "  F1 with its rows %s, certainty %.3f", numbers(v.F1), v.Certainty)
			if v.Mass > 0 {
				fmt.Fprintf(out, ", trust %.3f, vote mass %.3f", v.Trust, v.Mass)
			}
			fmt.Fprintln(out)
		}
		if v.Passed != nil {
			fmt.Fprintf(out, "  passed of the test on pseudo-samples %s\n", numbers(v.Passed))
		}
		if v.Reason == "" {
			fmt.Fprintf(out, "  weight by class %s\n", numbers(v.Weights))
		}
	}
	return nil
}

func numbers(x []float64) string {
	var parts []string
	for _, v := range x {
		parts = append(parts, fmt.Sprintf("%.2f", v))
	}
	return strings.Join(parts, " ")
}
