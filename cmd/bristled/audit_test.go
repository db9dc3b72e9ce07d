package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

// auditOf asks a peer for its account in JSON.
func auditOf(t *testing.T, dir string) (r auditReport) {
	t.Helper()
	if err := json.Unmarshal([]byte(bristled(t, dir, "audit", "--dir", dir, "--json")), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// find returns the row of a kind to a peer.
func findRow(rows []auditRow, kind string, to federation.PeerID) auditRow {
	for _, r := range rows {
		if r.Kind == kind && r.To == to {
			return r
		}
	}
	return auditRow{}
}

// Two daemons keep ledgers; one is killed and goes on. What the accounts say is
// what the daemons counted, and a byte that is changed afterwards shows.
func TestAuditOfTwoDaemons(t *testing.T) {
	if testing.Short() {
		t.Skip("starts daemons")
	}
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	dir := t.TempDir()
	drawDigits(t, filepath.Join(dir, "data"), 1, 0, 20, 0, 1, 2)
	bristled(t, dir, "init", "--dir", "a", "--classes", "0,1,2", "--data", "data")
	bristled(t, dir, "init", "--dir", "b", "--join", "a/federation.json", "--data", "data")
	flags := []string{"--listen", "/ip4/127.0.0.1/tcp/0", "--mdns=false", "--interval", "30ms", "--deadline", "500ms", "--audit"}
	a := daemon(t, filepath.Join(dir, "a"), flags...)
	toA := append(slices.Clone(flags), "--peers", a.mustStatus(t).Addresses[0])
	b := daemon(t, filepath.Join(dir, "b"), toA...)
	eventually(t, "b has sent its class means to a", func() bool {
		r := auditOf(t, b.dir)
		return findRow(r.Said, string(p2p.KindMeans), a.id(t)).Count > 0 && r.Running && r.Chain.Broken == 0
	})
	if err := b.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = b.Wait()
	killed := auditOf(t, b.dir)
	if !killed.Running || killed.Pending.Count == 0 && killed.Bytes == 0 {
		t.Errorf("killed: %+v", killed.account)
	}
	b = daemon(t, filepath.Join(dir, "b"), toA...)
	eventually(t, "they hear each other again", func() bool { return b.active(t) == 1 && b.mustStatus(t).Traffic.Published > 3 })
	last := b.mustStatus(t)
	b.interrupt(t)
	a.interrupt(t)

	r := auditOf(t, b.dir)
	if r.Runs != 2 || r.Killed != 1 || r.Running || r.Pending.Count != 0 || r.Chain.Broken != 0 || r.Unsaid != nil || r.Unknown != 0 {
		t.Errorf("b: %+v", r)
	}
	var all uint64
	for _, row := range r.Sent {
		all += row.Bytes
		if row.To != a.id(t) {
			t.Errorf("sent to somebody else: %+v", row)
		}
		if !slices.Contains(auditKinds, row.Kind) {
			t.Errorf("a kind of its own: %+v", row)
		}
	}
	// Between the last status and the end, some more was sent.
	if all != r.Bytes || r.Bytes < last.Traffic.TrafficOut || r.Bytes > 4*last.Traffic.TrafficOut+100_000 {
		t.Errorf("%d bytes in the rows, %d in all, %d by the status", all, r.Bytes, last.Traffic.TrafficOut)
	}
	rows := findRow(r.Sent, string(p2p.KindHeadRows), a.id(t))
	if rows.Count == 0 || rows.Bytes < rows.Count*1000 || rows.Bytes > rows.Count*10_000 {
		t.Errorf("%+v", rows)
	}
	if text := bristled(t, dir, "audit", "--dir", b.dir); !strings.Contains(text, "\n1 run was killed:") || strings.Contains(text, "WARNING") {
		t.Error(text)
	}

	// One digit of one size.
	files, err := filepath.Glob(filepath.Join(home(b.dir).audit(), "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(text, []byte(`"bytes":`)) + len(`"bytes":`)
	text[at] ^= 1
	if err := os.WriteFile(files[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bristled", "audit", "--dir", b.dir, "--verify")
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitFailure || !bytes.Contains(out, []byte("was changed: its chain is broken in 1 place")) {
		t.Errorf("%v: %s", err, out)
	}
	if text := bristled(t, dir, "audit", "--dir", b.dir); !strings.HasPrefix(text, "WARNING") {
		t.Error(text)
	}
}

// entryLine is a line with an entry, n seconds after noon.
func entryLine(t testing.TB, n int, e p2p.Sent) store.LedgerLine {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return store.LedgerLine{Time: time.Date(2026, 1, 2, 12, 0, n, 0, time.UTC), Entry: b}
}

func TestAccount(t *testing.T) {
	const gossip = "/bristled/00/2272/gossip/1"
	one, both := []federation.PeerID{"one"}, []federation.PeerID{"one", "two"}
	lines := []p2p.Sent{
		{Kind: p2p.KindStart, MDNS: true},
		{Kind: p2p.KindHeadRows, To: both, Bytes: 100, Round: 3, Seq: 4}, // rounds 0 to 2 are missing
		{Kind: p2p.KindHeadRows, To: one, Bytes: 50, Round: 4, Seq: 5},
		{Kind: p2p.KindTraffic, To: one, Protocol: gossip, Bytes: 200, Writes: 3, HeadRows: p2p.Share{Count: 1, Bytes: 100}, Forwarded: p2p.Share{Count: 2, Bytes: 30}},
		{Kind: p2p.KindTraffic, To: one, Bytes: 20, Writes: 2},
		{Kind: p2p.KindTraffic, Protocol: "/ipfs/id/1.0.0", Bytes: 7, Writes: 1},
		{Kind: p2p.KindHeadRows, To: both, Bytes: 50, Round: 5, Seq: 6},
		{Kind: p2p.KindStart}, // killed
		{Kind: p2p.KindHeadRows, To: one, Bytes: 60, Round: 5, Seq: 70}, // again, since it was not committed
		{Kind: p2p.KindMeansOffered, Bytes: 40},
		{Kind: p2p.KindMeans, To: one, Bytes: 40},
		{Kind: p2p.KindTraffic, To: one, Protocol: gossip, Bytes: 10, Writes: 1, HeadRows: p2p.Share{Count: 1, Bytes: 60}}, // its bytes were in the last one
		{Kind: p2p.KindStop},
		{Kind: p2p.KindStart},
		{Kind: p2p.KindHeadRows, To: both, Bytes: 70, Round: 9, Seq: 80}, // 6 to 8 are missing
		{Kind: "postcard", Bytes: 10},
	}
	account := func(since int) *account {
		a := newAccount(time.Date(2026, 1, 2, 12, 0, since, 0, time.UTC))
		for i, e := range lines {
			if err := a.add(entryLine(t, i, e)); err != nil {
				t.Fatal(err)
			}
			if err := a.add(store.LedgerLine{Torn: &store.Torn{}}); err != nil {
				t.Fatal(err)
			}
		}
		a.finish()
		return a
	}
	a := account(0)
	var got []auditRow
	for _, r := range slices.Concat(a.Sent, a.Said) {
		r.First, r.Last = time.Time{}, time.Time{}
		got = append(got, r)
	}
	want := []auditRow{
		{Kind: "head rows", To: "one", Count: 2, Bytes: 160},
		{Kind: "forwarded", To: "one", Count: 2, Bytes: 30},
		{Kind: "gossip control", To: "one", Count: 4, Bytes: 20},
		{Kind: "identify", Count: 1, Bytes: 7},
		{Kind: "negotiation", To: "one", Count: 2, Bytes: 20},
		{Kind: "head rows", To: "one", Count: 5, Bytes: 330},
		{Kind: "head rows", To: "two", Count: 3, Bytes: 220},
		{Kind: "class means offered", Count: 1, Bytes: 40},
		{Kind: "class means", To: "one", Count: 1, Bytes: 40},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("rows\n%+v\nwant\n%+v", got, want)
	}
	if a.Bytes != 237 || a.Runs != 3 || a.Killed != 1 || !a.Running || !a.MDNS || a.Unknown != 1 ||
		a.Pending != (p2p.Share{Count: 2, Bytes: 140}) || !reflect.DeepEqual(a.Unsaid, []gap{{0, 2}, {6, 8}}) {
		t.Errorf("%+v", a)
	}
	if r := findRow(a.Sent, "head rows", "one"); r.First.Second() != 3 || r.Last.Second() != 11 {
		t.Errorf("%+v", r)
	}

	// Later lines alone.
	a = account(8)
	if a.Bytes != 10 || a.Runs != 1 || a.Killed != 0 || a.MDNS || !reflect.DeepEqual(a.Unsaid, []gap{{6, 8}}) || a.First.Second() != 8 {
		t.Errorf("%+v", a)
	}
	// The message came in with its bytes before the account begins.
	if r := findRow(a.Sent, "gossip control", "one"); r.Bytes != 0 || r.Count != 1 {
		t.Errorf("%+v", r)
	}
}

// Many peers share rows, and nothing is lost of the sum.
func TestAccountIsBounded(t *testing.T) {
	a := newAccount(time.Time{})
	const peers = 3 * maxAuditRows
	for i := range peers {
		id := federation.PeerID(strings.Repeat("x", i%7) + string(rune('0'+i)))
		if err := a.add(entryLine(t, 0, p2p.Sent{Kind: p2p.KindTraffic, To: []federation.PeerID{id}, Protocol: "/" + string(id), Bytes: 3, Writes: 1})); err != nil {
			t.Fatal(err)
		}
	}
	a.finish()
	var sum uint64
	for _, r := range a.Sent {
		sum += r.Bytes
	}
	if len(a.Sent) > 2*maxAuditRows+1 || sum != 3*peers || a.Bytes != sum {
		t.Errorf("%d rows, %d bytes of %d", len(a.Sent), sum, a.Bytes)
	}
}

// The longest entry that a peer can make fits into a line of its ledger.
func TestLongestEntryFits(t *testing.T) {
	var e p2p.Sent
	e.Kind = p2p.KindMeansOffered
	for i := range 1000 {
		name := strings.Repeat(`"`, 60) + string(rune('\u4e00'+i))
		e.Means, e.Samples = append(e.Means, name), append(e.Samples, 1_000_000)
	}
	for range 200 {
		e.To = append(e.To, federation.PeerID(strings.Repeat("p", 52)))
	}
	l, err := store.OpenLedger(filepath.Join(t.TempDir(), "audit"), store.LedgerOptions{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := (peerLedger{l}).Record([]p2p.Sent{e, e}); err != nil {
		t.Error(err)
	}
}

// All that a report can have to say, and within the width of a page.
func TestPrintAudit(t *testing.T) {
	a := newAccount(time.Time{})
	ids := []federation.PeerID{"12D3KooWDJ7Aqh6k6qH2RtRDJT6NAgvzVHxm9wBpzBoGarGwKtt7", "\x1b[2J"}
	for i, e := range []p2p.Sent{
		{Kind: p2p.KindStart, MDNS: true},
		{Kind: p2p.KindStart},
		{Kind: p2p.KindTraffic, To: ids[:1], Protocol: strings.Repeat("/unheard-of", 30), Bytes: 1 << 40, Writes: 1 << 30},
		{Kind: p2p.KindHeadRows, To: ids, Round: 7},
		{Kind: "new"},
	} {
		if err := a.add(entryLine(t, i, e)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		a.Unsaid = append(a.Unsaid, gap{uint64(10 * i), uint64(10*i + 3)})
	}
	a.finish()
	for least, want := range map[int]string{0: "", 1: "mean of ONE sample", 5: "at least 5 samples"} {
		var out bytes.Buffer
		r := auditReport{Ledger: true, Dir: "p/audit", account: *a, Least: least,
			Chain: store.Chain{Broken: 2, Torn: 1},
			Read:  &imports{File: "store/audit.jsonl", Dropped: []string{"PatientName", strings.Repeat("x", 200)}, Bad: 3}}
		if err := printAudit(&out, r); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for _, part := range []string{want, "WARNING", "to 2 peers: 1099511627776 bytes", "2 messages to a peer", "1 run was killed", "mDNS", "rounds 0 to 6", "And 4 more such gaps",
			"Writing was interrupted", "1 line was of kinds", "3 lines of it cannot be read", "none for pictures"} {
			if !strings.Contains(text, part) {
				t.Errorf("least %d: %q is not said in\n%s", least, part, text)
			}
		}
		if strings.Contains(text, "class means") != (least > 0) || strings.Contains(text, "features of single samples") != (least != 1) {
			t.Errorf("least %d:\n%s", least, text)
		}
		checkPage(t, text)
	}
}

// checkPage checks that a text is of lines that fit a page and steer nothing.
func checkPage(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if n := utf8.RuneCountInString(line); n > lineWidth {
			t.Errorf("%d characters in %q", n, line)
		}
		if at := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); at >= 0 {
			t.Errorf("%q has what is not to be printed", line)
		}
	}
}

// Whatever an entry is, it is shown without harm.
func FuzzAuditEntry(f *testing.F) {
	for _, e := range []p2p.Sent{
		{Kind: p2p.KindHeadRows, To: []federation.PeerID{"one"}, Bytes: 100, Round: 3, Claims: []string{"cat"}},
		{Kind: p2p.KindTraffic, Protocol: "/x/gossip/1", Bytes: 1, HeadRows: p2p.Share{Count: 1, Bytes: 1 << 63}},
	} {
		b, err := json.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"kind":"head rows","round":18446744073709551615}`))
	f.Add([]byte(`{"kind":"\u001b[2J","to":["\u0007"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := newAccount(time.Time{})
		l := store.LedgerLine{Entry: b}
		var out bytes.Buffer
		for range 2 {
			if err := errors.Join(a.add(l), printLine(&out, l)); err != nil {
				t.Fatal(err)
			}
		}
		a.finish()
		if err := printAudit(&out, auditReport{Ledger: true, account: *a, Least: 5}); err != nil {
			t.Fatal(err)
		}
		for _, r := range strings.ReplaceAll(out.String(), "\n", "") {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q in %q", r, out.String())
			}
		}
	})
}

// Whatever a log of imports is, reading it does no harm, and no line counts
// twice.
func FuzzReadImports(f *testing.F) {
	f.Add([]byte(`{"time":"2026-01-02T09:00:00Z","bytes":1000,"outcome":"stored","dropped":["PatientName"]}` + "\n"))
	f.Add([]byte("\n\n{}"))
	f.Add(append(bytes.Repeat([]byte("x"), 2*maxReadLine), "\nhalf"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, readName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := readImports(dir, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Count(b, []byte("\n"))
		if len(b) > 0 && b[len(b)-1] != '\n' {
			lines++
		}
		got := r.Bad
		for _, o := range r.Outcomes {
			got += o.Files
		}
		if got > lines || got < lines && !bytes.Contains(b, []byte("{")) {
			t.Fatalf("%d lines of %d", got, lines)
		}
		if !slices.IsSorted(r.Dropped) || len(r.Dropped) > maxDropped || len(r.Outcomes) > maxOutcomes {
			t.Fatalf("%+v", r)
		}
		var out bytes.Buffer
		printRead(&out, r)
		for _, x := range strings.ReplaceAll(out.String(), "\n", "") {
			if !unicode.IsPrint(x) {
				t.Fatalf("%q in %q", x, out.String())
			}
		}
	})
}

func TestReadImports(t *testing.T) {
	if r, err := readImports("", time.Time{}); r != nil || err != nil {
		t.Error(r, err)
	}
	dir := t.TempDir()
	if r, err := readImports(dir, time.Time{}); r != nil || err != nil {
		t.Error(r, err)
	}
	log := `{"time":"2026-01-02T09:00:00Z","bytes":10,"outcome":"stored","dropped":["B","A"]}
{"time":"2026-01-03T09:00:00Z","bytes":20,"outcome":"stored","dropped":["A"]}
` + strings.Repeat("x", maxReadLine+5) + `
{"time":"2026-01-04T09:00:00Z","bytes":30,"outcome":"refused"}
{"time":"2026-01-04T09:00:00Z","byt`
	if err := os.WriteFile(filepath.Join(dir, readName), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return time.Date(2026, 1, n, 9, 0, 0, 0, time.UTC) }
	r, err := readImports(dir, time.Time{})
	want := []importRow{{"stored", 2, 30, day(2), day(3)}, {"refused", 1, 30, day(4), day(4)}}
	if err != nil || !reflect.DeepEqual(r.Outcomes, want) || !slices.Equal(r.Dropped, []string{"A", "B"}) || r.Bad != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = readImports(dir, day(3)); err != nil || r.Outcomes[0].Files != 1 || len(r.Dropped) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}
