package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
)

func newVerdicts() *cobra.Command {
	var round uint64
	cmd := inspect("verdicts", "Say what became of every update of a round, and why",
		"  bristled verdicts --dir peer\n  bristled verdicts --dir peer --round 120 --json", noArguments,
		func(cmd *cobra.Command, _ []string, p *peer, s source, asJSON bool) error {
			n, verdicts, err := s.Verdicts(round)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), numbered{n, verdicts})
			}
			return printVerdicts(cmd.OutOrStdout(), n, verdicts, p.manifest.Classes)
		})
	cmd.Long = `Verdicts shows, for each update that a round considered, how far it was from the
peer's own head, how certain and trusted its sender is on the peer's own held-out
samples, and the weight that each class's row got against the peer's own, or why
it got none. Senders are named by the end of their IDs; --json has all of it.`
	cmd.Flags().Uint64Var(&round, "round", 0, "the round; 0: the last one")
	return cmd
}

func printVerdicts(out io.Writer, round uint64, verdicts []aggregation.Verdict, classes []string) error {
	if len(verdicts) == 0 {
		_, err := fmt.Fprintf(out, "round %d: there was no update of anybody else\n", round)
		return err
	}
	fmt.Fprintf(out, "round %d, updates %d\n", round, len(verdicts))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "sender\tseq\tdistance\tthird\tcertainty\ttrust\tweights\n")
	for _, v := range verdicts {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%s\t%.2f\t%.2f\t%s\n", shortID(v.Sender), v.Seq, v.Distance, v.Third, v.Certainty, v.Trust, weights(v, classes))
	}
	return w.Flush()
}

// shortID is the end of an ID: the beginning is the same for all.
func shortID(id federation.PeerID) string {
	if len(id) <= 8 {
		return string(id)
	}
	return "…" + string(id[len(id)-8:])
}

// weightsWidth is what the other columns leave of a line.
const weightsWidth = 44

// weights lists the classes that an update had a say in, as many as fit, or
// says why there are none.
func weights(v aggregation.Verdict, classes []string) string {
	if v.Reason != "" {
		return "none: " + string(v.Reason)
	}
	var all []string
	for c, x := range v.Weights {
		if x != 0 && c < len(classes) {
			all = append(all, fmt.Sprintf("%s %.2f", classes[c], x))
		}
	}
	for n := len(all); n > 0; n-- {
		text := strings.Join(all[:n], ", ")
		if n < len(all) {
			text += fmt.Sprintf(" and %d more", len(all)-n)
		}
		if n == 1 || utf8.RuneCountInString(text) <= weightsWidth {
			return text
		}
	}
	return ""
}
