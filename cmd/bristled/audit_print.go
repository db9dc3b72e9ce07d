package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

// auditReport is what `audit` shows.
type auditReport struct {
	Ledger bool   `json:"ledger"` // there is one
	Dir    string `json:"dir"`
	account
	Chain store.Chain `json:"chain"`
	Read  *imports    `json:"read,omitempty"`
	// Least is the least number of samples that a class mean is of, 0 where
	// the federation has none.
	Least int `json:"least_samples"`
}

func leastSamples(m *federation.Manifest) int {
	if !m.Prototypes.Use {
		return 0
	}
	return m.Prototypes.Least
}

// ledgerLine is a line of a ledger in JSON.
type ledgerLine struct {
	File  string          `json:"file"`
	Line  int             `json:"line"`
	Time  time.Time       `json:"time"`
	Torn  *store.Torn     `json:"torn,omitempty"`
	Entry json.RawMessage `json:"entry,omitempty"`
}

// printAudit writes for somebody who has to explain it to others.
func printAudit(out io.Writer, r auditReport) error {
	w := &strings.Builder{}
	if r.Chain.Broken > 0 {
		fmt.Fprintf(w, "WARNING: this ledger was changed by something else than bristled, in %s; see --verify\n\n", plural(r.Chain.Broken, "place"))
	}
	switch {
	case !r.Ledger:
		fmt.Fprintf(w, "There is no ledger in %s, so nothing is known of what left this machine.\nSet `audit: true` in the configuration, or run with --audit.\n", r.Dir)
	case r.First.IsZero():
		fmt.Fprintf(w, "The ledger in %s has no line of that time.\n", r.Dir)
	default:
		fmt.Fprintf(w, "Left this machine from %s to %s UTC, to %s: %d bytes\n\n",
			r.First.UTC().Format(auditTime), r.Last.UTC().Format(auditTime), plural(len(r.peers()), "peer"), r.Bytes)
		if r.Pending.Count > 0 {
			fmt.Fprintf(w, "Not counted yet, since that is done every minute and at the end: %s to a peer,\n%d bytes.\n\n",
				plural(int(r.Pending.Count), "message"), r.Pending.Bytes)
		}
		printWhatLeaves(w, r)
		printSent(w, r)
		printRemarks(w, r)
	}
	if r.Read != nil {
		printRead(w, r.Read)
	}
	_, err := io.WriteString(out, w.String())
	return err
}

// printWhatLeaves explains the kinds. They are all that messages have fields
// for: see federation/federation.proto.
func printWhatLeaves(w io.Writer, r auditReport) {
	fmt.Fprintf(w, "  head rows       weights of the output layer, a row per class, and which classes there are data of\n")
	switch {
	case r.Least == 1:
		fmt.Fprintf(w, "  class means     mean features of a class, and of how many samples. This federation allows the\n                  mean of ONE sample, which is that sample's features\n")
	case r.Least > 1:
		fmt.Fprintf(w, "  class means     mean features of at least %d samples of a class, and of how many\n", r.Least)
	}
	fmt.Fprintf(w, "  forwarded       what other peers have signed, passed on as it came\n")
	fmt.Fprintf(w, "  all the others  this peer's ID and addresses, names of protocols, signatures, control messages\n\n")
	never := "pictures, file names, patient IDs, labels or\nfeatures of single samples, nor for weights of any layer but the last"
	if r.Least == 1 {
		never = "pictures, file names, patient IDs or labels of\nsingle samples, nor for weights of any layer but the last"
	}
	fmt.Fprintf(w, "Messages have no fields for anything else: none for %s.\n\n", never)
}

func printSent(w io.Writer, r auditReport) {
	fmt.Fprintf(w, "Counted on the wire:\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printAuditRows(t, r.Sent, "others")
	fmt.Fprintf(t, "all\t\t\t%d\n", r.Bytes)
	_ = t.Flush() // into memory
	fmt.Fprintf(w, "\nRecorded before it was sent, once for each peer that was there:\n\n")
	printAuditRows(t, r.Said, "nobody")
	_ = t.Flush()
	if ids := r.peers(); len(ids) > 0 {
		fmt.Fprintf(w, "\n")
		for _, id := range ids {
			id = federation.PeerID(printable(string(id)))
			fmt.Fprintf(w, "%s is %s\n", shortID(id), cut(string(id), lineWidth-14))
		}
	}
}

// printAuditRows writes a table. Rows without a peer are to whom else says.
func printAuditRows(t io.Writer, rows []auditRow, others string) {
	fmt.Fprintf(t, "what\tto\tcount\tbytes\tfirst\tlast\n")
	for _, row := range rows {
		to := shortID(federation.PeerID(printable(string(row.To))))
		if to == "" {
			to = others
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", row.Kind, to, row.Count, row.Bytes, row.First.UTC().Format(auditTime), row.Last.UTC().Format(auditTime))
	}
}

// maxGaps is how many gaps are listed for people.
const maxGaps = 5

// printRemarks says what the table does not have.
func printRemarks(w io.Writer, r auditReport) {
	fmt.Fprintf(w, "\nThe counts of control bytes are of writes. Encryption and framing come on top, and times are those\nof the lines that sum up a minute.\n")
	if r.Killed > 0 {
		fmt.Fprintf(w, "%s killed: what was counted in its last minute is not in the first table.\n", were(uint64(r.Killed), "run"))
	}
	if r.MDNS {
		fmt.Fprintf(w, "The peer announced itself in the local network (mDNS), which is not counted.\n")
	}
	for i, g := range r.Unsaid {
		if i == maxGaps {
			fmt.Fprintf(w, "And %d more such gaps.\n", len(r.Unsaid)-maxGaps)
			break
		}
		fmt.Fprintf(w, "Not in the ledger: updates of the rounds %d to %d. The peer ran without `audit`, or sent none.\n", g.From, g.To)
	}
	if r.Chain.Torn > 0 {
		fmt.Fprintf(w, "Writing was interrupted, and went on: see --verify.\n")
	}
	if r.Unknown > 0 {
		fmt.Fprintf(w, "%s of kinds that this version does not know: see --list.\n", were(uint64(r.Unknown), "line"))
	}
}

func were(n uint64, what string) string {
	if n == 1 {
		return "1 " + what + " was"
	}
	return fmt.Sprintf("%d %ss were", n, what)
}

func printRead(w io.Writer, r *imports) {
	fmt.Fprintf(w, "\nWhat was read (%s)\n\n", r.File)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "files\tcount\tbytes\tfirst\tlast\n")
	for _, o := range r.Outcomes {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\n", cut(printable(o.Outcome), 20), o.Files, o.Bytes, o.First.UTC().Format(auditTime), o.Last.UTC().Format(auditTime))
	}
	_ = t.Flush() // into memory
	if len(r.Dropped) > 0 {
		fmt.Fprintf(w, "\nIn the files, and left out of the store:\n")
		names := make([]string, len(r.Dropped))
		for i, name := range r.Dropped {
			names[i] = cut(printable(name), 60)
		}
		for _, line := range wrap(names, lineWidth-2) {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	if r.Bad > 0 {
		fmt.Fprintf(w, "\n%d lines of it cannot be read.\n", r.Bad)
	}
}

// printLine writes a line of a ledger on two: what, and about what.
func printLine(out io.Writer, l store.LedgerLine) error {
	at := l.Time.UTC().Format(time.DateTime)
	if l.Torn != nil {
		_, err := fmt.Fprintf(out, "%s  %d bytes in front of this line are of an interrupted write\n", at, l.Torn.Bytes)
		return err
	}
	var e p2p.Sent
	if err := json.Unmarshal(l.Entry, &e); err != nil || e.Kind == "" {
		_, err := fmt.Fprintf(out, "%s  unknown\n", at)
		return err
	}
	var about []string
	note := func(format string, args ...any) { about = append(about, fmt.Sprintf(format, args...)) }
	switch e.Kind {
	case p2p.KindHeadRows:
		note("round %d, number %d, %s of classes %s", e.Round, e.Seq, plural(e.Rows, "row"), strings.Join(e.Claims, ", "))
	case p2p.KindMeansOffered:
		note("epoch %d, classes %s, samples %v", e.Epoch, strings.Join(e.Means, ", "), e.Samples)
	case p2p.KindTraffic:
		note("protocol %s", cmp.Or(shortProtocol(e.Protocol), "(none yet: "+sentNegotiation+")"))
		for _, part := range []struct {
			what string
			p2p.Share
		}{{"head rows", e.HeadRows}, {"class means", e.MeansSent}, {"forwarded", e.Forwarded}} {
			if part.Count > 0 {
				note("%s %d with %d bytes", part.what, part.Count, part.Bytes)
			}
		}
	}
	if e.SHA256 != (federation.Hash{}) {
		note("sha256 %s", e.SHA256)
	}
	for _, id := range e.To {
		note("to %s", id)
	}
	if _, err := fmt.Fprintf(out, "%s  %s  %d bytes\n", at, printable(string(e.Kind)), e.Bytes); err != nil {
		return err
	}
	for _, line := range about {
		if _, err := fmt.Fprintf(out, "    %s\n", printable(line)); err != nil {
			return err
		}
	}
	return nil
}

// shortProtocol leaves the beginning of a federation's ID in a protocol's name.
func shortProtocol(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = cut(p, 16)
	}
	return strings.Join(parts, "/")
}

// printChain says how the lines hang together.
func printChain(out io.Writer, c store.Chain) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "lines\t%d in %s\n", c.Lines, plural(c.Files, "file"))
	if c.Before != (federation.Hash{}) {
		fmt.Fprintf(w, "before\t%s\n\tthe last line of what was moved away, or removed, in front of these files\n", c.Before)
	}
	if c.Lines > 0 {
		fmt.Fprintf(w, "last\t%s\n\tkeep this elsewhere: lines that are cut off at the end leave no other trace\n", c.Last)
	}
	if c.Torn > 0 {
		fmt.Fprintf(w, "writes\t%d interrupted, and noted\n", c.Torn)
	}
	if c.Unfinished > 0 {
		fmt.Fprintf(w, "end\t%d bytes of a line that is not finished\n", c.Unfinished)
	}
	for i, b := range c.Breaks {
		fmt.Fprintf(w, "%s\t%s, line %d\n\t%s\n", first(i, "BROKEN"), b.File, b.Line, b.Reason)
	}
	if c.Broken == 0 {
		fmt.Fprintf(w, "chain\twhole\n")
	}
	return w.Flush()
}

// printable takes out of a text what could steer a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
