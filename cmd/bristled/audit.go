package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

func (h home) audit() string { return filepath.Join(string(h), "audit") }

// peerLedger writes what the network tells into the peer's ledger.
type peerLedger struct{ *store.Ledger }

func (l peerLedger) Record(entries []p2p.Sent) error {
	lines := make([]any, len(entries))
	for i, e := range entries {
		lines[i] = e
	}
	return l.Append(lines...)
}

// openLedger opens the peer's ledger if its configuration says so; otherwise the
// first result is nil.
func openLedger(p *peer, log *slog.Logger) (p2p.Ledger, func() error, error) {
	if !p.settings.Audit {
		return nil, func() error { return nil }, nil
	}
	l, err := store.OpenLedger(p.home.audit(), store.LedgerOptions{Now: time.Now, Log: log})
	if err != nil {
		return nil, nil, err
	}
	return peerLedger{l}, l.Close, nil
}

type auditFlags struct {
	dir, since         string
	list, verify, json bool
}

func newAudit() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Say what left this machine, when, to whom and how much",
		Long: `Audit reads the ledger that a peer keeps when ` + "`audit`" + ` is true in its
configuration, whether its daemon runs or not, and says what was sent to whom; and
what was read into the store of images, if the data directory is one. Times are in
UTC. --list shows every line with its time, and --json everything with full IDs
and sums.

Every line of the ledger holds the SHA-256 of the line before it. --verify says
whether any was changed or removed, and prints the sum of the last one: keep it
elsewhere, and later it must still be found in the ledger as the ` + "`prev`" + ` of the
line behind.`,
		Example: `  bristled audit --dir peer
  bristled audit --dir peer --since 2026-01-01 --list
  bristled audit --dir peer --verify`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			since, err := parseSince(f.since)
			if err != nil {
				return err
			}
			if f.list && f.verify {
				return usageError{errors.New("--list and --verify are two questions: ask one at a time")}
			}
			s, err := loadSettings(cmd, f.dir)
			if err != nil {
				return err
			}
			p, err := openPeer(f.dir, s)
			if err != nil {
				return err
			}
			return audit(cmd.OutOrStdout(), p, since, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "peer", "the peer's directory")
	flags.StringVar(&f.since, "since", "", "leave out what was before, such as 2026-01-01 or 2026-01-01T12:00:00Z")
	flags.BoolVar(&f.list, "list", false, "show every line of the ledger")
	flags.BoolVar(&f.verify, "verify", false, "say whether the ledger was changed; exits with 1 if so")
	flags.BoolVar(&f.json, "json", false, "print JSON: one object in a line, with --list one for every line")
	addSettingFlags(flags, "data")
	return cmd
}

// parseSince reads a day or a time; nothing is the beginning.
func parseSince(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("--since %q is no time: write a day such as 2026-01-01, or a time such as 2026-01-01T12:00:00Z", text)}
}

func audit(out io.Writer, p *peer, since time.Time, f auditFlags) error {
	dir := p.home.audit()
	a := newAccount(since)
	visit := a.add
	if f.list {
		visit = func(l store.LedgerLine) error {
			if l.Time.Before(since) {
				return nil
			}
			if f.json {
				return printJSON(out, ledgerLine{l.File, l.Line, l.Time, l.Torn, l.Entry})
			}
			return printLine(out, l)
		}
	}
	chain, err := store.ReadLedger(dir, visit)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		return err
	case missing && (f.list || f.verify):
		return fmt.Errorf("there is no ledger in %s: set `audit: true` in %s, or run with --audit; what was sent before is not recorded", dir, p.home.config())
	case f.list || f.verify:
		return verifyLedger(out, dir, chain, f)
	}
	r := auditReport{Ledger: !missing, Dir: dir, Chain: chain, account: *a, Least: leastSamples(p.manifest)}
	if r.Read, err = readImports(p.settings.Data, since); err != nil {
		return err
	}
	r.finish()
	if f.json {
		return printJSON(out, r)
	}
	return printAudit(out, r)
}

// verifyLedger says whether the chain is whole. A list says so only if it is not.
func verifyLedger(out io.Writer, dir string, c store.Chain, f auditFlags) error {
	var err error
	switch {
	case f.list:
	case f.json:
		err = printJSON(out, c)
	default:
		err = printChain(out, c)
	}
	if err == nil && c.Broken > 0 {
		err = fmt.Errorf("the ledger in %s was changed: its chain is broken in %s, first at %s", dir, plural(c.Broken, "place"), c.Breaks[0])
	}
	return err
}
