package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
)

// report is what `status` shows.
type report struct {
	Running    bool              `json:"running"`
	Version    string            `json:"version,omitempty"`
	Kernel     string            `json:"kernel,omitempty"`
	Federation string            `json:"federation"`
	Name       string            `json:"name"`
	Classes    []string          `json:"classes"`
	Rule       string            `json:"rule"`
	Peer       federation.PeerID `json:"peer"`
	Last       *node.Record      `json:"last,omitempty"`    // the last integrated round
	Trouble    string            `json:"trouble,omitempty"` // why it is not on disk
	Addresses  []string          `json:"addresses,omitempty"`
	Peers      []p2p.PeerInfo    `json:"peers,omitempty"`
	Traffic    *p2p.Stats        `json:"traffic,omitempty"`
	Banned     []accusation      `json:"banned,omitempty"`

	Prototypes federation.PrototypeSpec `json:"prototypes"`
}

// report is what is known without a daemon.
func (p *peer) report(id federation.PeerID) report {
	m := p.manifest
	return report{Federation: m.ID().String(), Name: m.Name, Classes: m.Classes, Rule: m.Rule.Name, Peer: id, Prototypes: m.Prototypes}
}

// inspect makes a command that looks at a peer, whether its daemon runs or
// not.
func inspect(use, short, example string, args cobra.PositionalArgs, act func(cmd *cobra.Command, args []string, p *peer, s source, asJSON bool) error) *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: example,
		Args:    args,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := loadSettings(cmd, dir)
			if err != nil {
				return err
			}
			p, err := openPeer(dir, settings)
			if err != nil {
				return err
			}
			s, done, err := openSource(cmd.Context(), p)
			if err != nil {
				return err
			}
			defer done()
			return act(cmd, args, p, s, asJSON)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "peer", "the peer's directory")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in one line")
	addSettingFlags(cmd.Flags(), "socket")
	return cmd
}

func newStatus() *cobra.Command {
	return inspect("status", "Say what a peer is doing", "  bristled status --dir peer\n  bristled status --dir peer --json", noArguments,
		func(cmd *cobra.Command, _ []string, _ *peer, s source, asJSON bool) error {
			r, err := s.Report()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), r)
			}
			return printReport(cmd.OutOrStdout(), r)
		})
}

func printJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", b)
	}
	return err
}

func printReport(out io.Writer, r report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	state := "not running"
	if r.Running {
		state = "running, bristled " + r.Version + ", kernel " + r.Kernel
	}
	fmt.Fprintf(w, "peer\t%s\nstate\t%s\nfederation\t%s\nid\t%s\nrule\t%s\n", r.Peer, state, r.Name, r.Federation, r.Rule)
	if l := r.Last; l == nil {
		fmt.Fprintf(w, "round\tnone finished yet\n")
	} else {
		fmt.Fprintf(w, "round\t%d, ended %s, took %.2f s\n", l.Round, l.Time.Local().Format(time.DateTime), l.Seconds)
		fmt.Fprintf(w, "heard\t%d of %d active senders; %d had influence\n", l.Fresh, l.Active, l.Used)
		fmt.Fprintf(w, "samples\t%d for training, %d held out\n", l.Train, l.Probe)
		fmt.Fprintf(w, "accuracy\t%.3f on the held-out samples\n", l.ProbeAccuracy)
		for i, line := range wrap(perClass(r.Classes, l.ProbeF1, l.Familiar), lineWidth-labelWidth) {
			fmt.Fprintf(w, "%s\t%s\n", first(i, "F1"), line)
		}
	}
	printPrototypes(w, r)
	if r.Trouble != "" {
		fmt.Fprintf(w, "TROUBLE\tthe last round is not on disk: %s\n", r.Trouble)
	}
	for i, a := range r.Addresses {
		fmt.Fprintf(w, "%s\t%s\n", first(i, "address"), a)
	}
	for i, p := range r.Peers {
		fmt.Fprintf(w, "%s\t%s  %s\n", first(i, "peers"), p.ID, describePeer(p))
	}
	if t := r.Traffic; t != nil {
		fmt.Fprintf(w, "sent\t%d updates, %s each; %s on the wire\n", t.Published, size(t.PublishedBytes/max(1, t.Published)), size(t.TrafficOut))
		fmt.Fprintf(w, "received\t%d updates; %d rejected, %d ignored, %d peers banned\n", t.Received, t.Rejected, t.Ignored, t.Bans)
		if t.Impostors > 0 {
			fmt.Fprintf(w, "TROUBLE\tanother daemon publishes under this identity: stop one of the two, or give one a new identity\n")
		}
	}
	return w.Flush()
}

const (
	lineWidth  = 100 // of what is printed for people, addresses apart
	labelWidth = 12  // of the labels in front of it
)

// first labels the first line of a list only.
func first(i int, label string) string {
	if i > 0 {
		return ""
	}
	return label
}

// wrap joins the parts with commas into lines of at most width characters,
// unless a part is longer.
func wrap(parts []string, width int) []string {
	var lines []string
	line := ""
	for i, p := range parts {
		if i < len(parts)-1 {
			p += ","
		}
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(p) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimLeft(line+" "+p, " ")
	}
	return append(lines, line)
}

// size writes a number of bytes for people.
func size(n uint64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 10<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

func describePeer(p p2p.PeerInfo) string {
	switch {
	case p.Equivocated:
		return "shut out for good"
	case p.BannedUntil.After(time.Now()):
		return "banned until " + p.BannedUntil.Local().Format(time.TimeOnly)
	case p.Foreign != "":
		// Enough of a federation's ID to compare it by eye.
		return cut("not ours: "+p.Foreign, 34)
	case p.Member:
		return "member"
	case p.Connected:
		return "connected"
	case p.Configured:
		return "not reachable"
	}
	return "heard of"
}

// cut shortens a text to n characters.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// perClass lists the figures of the familiar classes by name.
func perClass(classes []string, figures []float64, familiar []int) []string {
	var parts []string
	for _, c := range familiar {
		if c < len(classes) && c < len(figures) {
			parts = append(parts, fmt.Sprintf("%s %.2f", classes[c], figures[c]))
		}
	}
	return parts
}
