package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

// explained is what `sim explain --json` prints.
type explained struct {
	experiment.Explanation
	Verdicts []judged `json:"verdicts"`
}

// judged is a verdict and what the peer that gave it could not know.
type judged struct {
	aggregation.Verdict
	Liar bool `json:"liar"`
}

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
count from 0, the honest ones first; rounds count from 1. It names the liars, which
the peer itself could not know.`,
		Example: `  bristled sim explain results --peer 3 --round 120
  bristled sim explain results --cell 8f3a --peer 3 --round 120 --json`,
		Args: arguments(1, 1, "the directory of the results"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if round == 0 {
				return usageError{fmt.Errorf("--round is 0: rounds count from 1")}
			}
			res, err := experiment.Read(args[0])
			if err != nil && (len(res.Cells) == 0 || !errors.Is(err, experiment.ErrUnfinished)) {
				return err
			}
			c, err := pick(res.Cells, key, err)
			if err != nil {
				return err
			}
			if peer < 0 || peer >= c.Honest {
				return usageError{fmt.Errorf("--peer is %d: the honest peers of this cell, which have verdicts, are 0 to %d", peer, c.Honest-1)}
			}
			found, err := experiment.Explain(args[0], c.Key, peer, round)
			if err != nil {
				return err
			}
			e := explained{found, []judged{}}
			for _, v := range found.Verdicts {
				e.Verdicts = append(e.Verdicts, judged{v, lies(v.Sender, c.Honest)})
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

// pick returns the finished cell whose key begins like that, or the only one.
// unfinished is the error that says that there are more, or nil.
func pick(cells []simreport.Cell, key string, unfinished error) (simreport.Cell, error) {
	const most = 20
	var found []simreport.Cell
	for _, c := range cells {
		if strings.HasPrefix(c.Key, key) {
			found = append(found, c)
		}
	}
	if len(found) == 1 && (key != "" || unfinished == nil) {
		return found[0], nil
	}
	if len(found) == 0 && unfinished != nil {
		return simreport.Cell{}, fmt.Errorf("no finished cell's key begins with %q: %w", key, unfinished)
	}
	var why string
	choice := found
	switch {
	case len(found) == 0:
		why, choice = fmt.Sprintf("no cell's key begins with %q", key), cells
	case key == "" && len(found) == 1:
		why = "one cell is finished, others are not"
	case key == "":
		why = fmt.Sprintf("there are %d finished cells", len(found))
	default:
		why = fmt.Sprintf("the keys of %d cells begin with %q", len(found), key)
	}
	var keys []string
	for _, c := range choice[:min(len(choice), most)] {
		keys = append(keys, fmt.Sprintf("%s (%q, %q, seed %d)", c.Key, c.Rule, c.Attack, c.Seed))
	}
	if more := len(choice) - most; more > 0 {
		keys = append(keys, fmt.Sprintf("%d more", more))
	}
	return simreport.Cell{}, usageError{fmt.Errorf("%s: name one by --cell and the beginning of its key: %s", why, strings.Join(keys, ", "))}
}

// lies reports whether a sender is none of the honest peers, which count first.
func lies(sender federation.PeerID, honest int) bool {
	n, err := strconv.Atoi(strings.TrimPrefix(string(sender), "peer-"))
	return err == nil && n >= honest
}

// explain prints one round of a peer in words, those with most weight first.
func explain(out io.Writer, peer int, e explained) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "peer %d, round %d: %s\n", peer, e.Round, plural(len(e.Verdicts), "update"))
	if e.Warning != "" {
		fmt.Fprintln(&b, "warning:", e.Warning)
	}
	if e.F1 != nil {
		fmt.Fprintf(&b, "own F1 before: %s\n", numbers(e.F1))
	}
	total := func(v judged) (sum float64) {
		for _, w := range v.Weights {
			sum += w
		}
		return sum
	}
	slices.SortStableFunc(e.Verdicts, func(a, b judged) int { return cmp.Compare(total(b), total(a)) })
	for _, v := range e.Verdicts {
		fmt.Fprintf(&b, "\n%s", v.Sender)
		if v.Liar {
			fmt.Fprint(&b, " (liar)")
		}
		fmt.Fprintf(&b, "  distance %.4g", v.Distance)
		if v.Third != "" {
			fmt.Fprintf(&b, " (%s third)", v.Third)
		}
		if v.Clipped {
			fmt.Fprint(&b, ", a row was too long and was shortened")
		}
		fmt.Fprintln(&b)
		if v.Reason != "" {
			fmt.Fprintf(&b, "  no influence: %s\n", v.Reason)
		}
		if v.F1 != nil {
			fmt.Fprintf(&b, "  F1 with its rows %s, certainty %.3f", numbers(v.F1), v.Certainty)
			if v.Mass > 0 {
				fmt.Fprintf(&b, ", trust %.3f, vote mass %.3f", v.Trust, v.Mass)
			}
			fmt.Fprintln(&b)
		}
		if v.Passed != nil {
			fmt.Fprintf(&b, "  passed of the test on pseudo-samples %s\n", numbers(v.Passed))
		}
		if v.Reason == "" {
			fmt.Fprintf(&b, "  weight by class %s\n", numbers(v.Weights))
		}
	}
	_, err := out.Write(b.Bytes())
	return err
}

func numbers(x []float64) string {
	var parts []string
	for _, v := range x {
		parts = append(parts, fmt.Sprintf("%.2f", v))
	}
	return strings.Join(parts, " ")
}
