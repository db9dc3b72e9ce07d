package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bristle-fl/bristled/federation"
)

func init() { children["ledger"] = childLedger }

// ledgerDay is when the clocks of these tests start.
var ledgerDay = time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC)

// sent is what these tests enter.
type sent struct {
	N    int    `json:"n"`
	What string `json:"what"`
}

// openLedger opens a ledger whose clock is *now, and closes it with the test.
func openLedger(t *testing.T, dir string, now *time.Time) *Ledger {
	t.Helper()
	l, err := OpenLedger(dir, LedgerOptions{Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// readAll returns every line of a ledger.
func readAll(t *testing.T, dir string) ([]LedgerLine, Chain) {
	t.Helper()
	var lines []LedgerLine
	c, err := ReadLedger(dir, func(l LedgerLine) error {
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, c
}

// follow is the slow way to check a ledger without interruptions: whether each
// line's prev is the sum of the line before it. It returns the last sum.
func follow(t *testing.T, dir string) (lines int, last string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	last = strings.Repeat("0", 64)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text, ended := strings.CutSuffix(string(b), "\n")
		if !ended {
			t.Errorf("%s does not end with a line", f)
		}
		for line := range strings.SplitSeq(text, "\n") {
			var object map[string]any
			if err := json.Unmarshal([]byte(line), &object); err != nil {
				t.Fatalf("%s: %q: %v", f, line, err)
			}
			if object["prev"] != last {
				t.Errorf("%s: %q does not follow %s", f, line, last)
			}
			sum := sha256.Sum256([]byte(line))
			lines, last = lines+1, hex.EncodeToString(sum[:])
		}
	}
	return lines, last
}

// Entries come back in order, over days, restarts, and a clock that is set back.
func TestLedger(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	now := ledgerDay
	n := 0
	for i, after := range []time.Duration{0, time.Second, 14 * time.Hour, -72 * time.Hour, 0, 100 * time.Hour, 24 * time.Hour} {
		now = now.Add(after)
		l := openLedger(t, dir, &now)
		for range i % 3 {
			must(t, l.Append(sent{n, "<a> & \"b\""}, sent{n + 1, "\n"}))
			n += 2
		}
		must(t, l.Append())
		must(t, l.Close())
	}
	lines, c := readAll(t, dir)
	if len(lines) != n || n < 10 {
		t.Fatalf("%d lines, want %d", len(lines), n)
	}
	for i, l := range lines {
		var s sent
		must(t, json.Unmarshal(l.Entry, &s))
		if want := (sent{i, "<a> & \"b\""}); i%2 == 0 && s != want || s.N != i {
			t.Errorf("line %d is %+v", i, s)
		}
	}
	count, last := follow(t, dir)
	if c.Lines != count || c.Last.String() != last || c.Broken+c.Torn != 0 || c.Unfinished != 0 || c.Before != (federation.Hash{}) {
		t.Errorf("chain %+v, want %d lines up to %s", c, count, last)
	}
	var names []string
	for _, l := range lines {
		if len(names) == 0 || names[len(names)-1] != l.File {
			names = append(names, l.File)
			if l.Line != 1 {
				t.Errorf("%s begins with line %d", l.File, l.Line)
			}
		}
	}
	// The clock that was set back wrote into the newest file.
	if got := fmt.Sprint(names); got != "[2026-01-02.jsonl 2026-01-03.jsonl 2026-01-04.jsonl]" || c.Files != 3 {
		t.Errorf("files %s, %d", got, c.Files)
	}
	if !lines[0].Time.Equal(ledgerDay.Add(time.Second)) {
		t.Errorf("the first line is of %v", lines[0].Time)
	}
	if !bytes.Contains(readFile(t, dir, "2026-01-02.jsonl"), []byte(`"<a> & \"b\""`)) {
		t.Error("the entry is not legible")
	}
	if runtime.GOOS != "windows" {
		for path, mode := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, names[0]): 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
	}
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	return b
}

func TestLedgerRefuses(t *testing.T) {
	dir := t.TempDir()
	now := ledgerDay
	l := openLedger(t, dir, &now)
	must(t, l.Append(sent{0, "good"}))
	before := readFile(t, dir, "2026-01-02.jsonl")
	long := strings.Repeat("x", maxLedgerLine)
	if err := l.Append(sent{1, "fits"}, sent{2, long}); !errors.Is(err, ErrLongEntry) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a long entry: %v", err)
	}
	if err := l.Append(make(chan int)); err == nil {
		t.Error("a channel was entered")
	}
	now = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := l.Append(sent{3, "no such year in JSON"}); err == nil {
		t.Error("the year 10000 was entered")
	}
	now = ledgerDay
	if after := readFile(t, dir, "2026-01-02.jsonl"); !bytes.Equal(before, after) {
		t.Errorf("refused entries left\n%s", after)
	}
	must(t, l.Append(sent{1, "goes on"}))
	must(t, l.Close())
	if err := l.Append(sent{4, "late"}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	must(t, l.Close())
	if lines, c := readAll(t, dir); len(lines) != 2 || c.Broken != 0 {
		t.Errorf("%d lines, %+v", len(lines), c)
	}

	// Files that are none, and no directory at all.
	must(t, os.WriteFile(filepath.Join(dir, "notes.jsonl"), []byte("mine"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "2026-01-02"), []byte("mine"), 0o600))
	if _, c := readAll(t, dir); c.Files != 1 {
		t.Errorf("%d files", c.Files)
	}
	must(t, os.Mkdir(filepath.Join(dir, "2026-01-03.jsonl"), 0o700))
	if _, err := OpenLedger(dir, LedgerOptions{Now: time.Now}); err == nil || !strings.Contains(err.Error(), "2026-01-03.jsonl is no file") {
		t.Errorf("a directory as a file: %v", err)
	}
	if _, err := ReadLedger(filepath.Join(dir, "nowhere"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	stop := errors.New("enough")
	must(t, os.Remove(filepath.Join(dir, "2026-01-03.jsonl")))
	if _, err := ReadLedger(dir, func(LedgerLine) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
}

func TestLedgerDiskFull(t *testing.T) {
	dir := t.TempDir()
	d := &disk{}
	d.free.Store(10 * Reserve)
	now := ledgerDay
	l, err := OpenLedger(dir, LedgerOptions{Now: func() time.Time { return now }, FreeSpace: d.space})
	must(t, err)
	must(t, l.Append(sent{0, "good"}))
	d.free.Store(Reserve)
	before := listing(t, dir)
	now = now.Add(24 * time.Hour)
	for range 3 {
		if err := l.Append(sent{1, "no room"}); !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), dir) {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	if after := listing(t, dir); after != before {
		t.Errorf("a refused entry changed\n%s\nto\n%s", before, after)
	}
	d.free.Store(10 * Reserve)
	must(t, l.Append(sent{1, "room"}))
	must(t, l.Close())
	if lines, c := readAll(t, dir); len(lines) != 2 || c.Broken != 0 {
		t.Errorf("%d lines, %+v", len(lines), c)
	}
	// An interrupted write cannot be noted without room, and waits.
	cut(t, filepath.Join(dir, "2026-01-03.jsonl"), 3)
	d.free.Store(0)
	opts := LedgerOptions{Now: func() time.Time { return now }, FreeSpace: d.space}
	if _, err := OpenLedger(dir, opts); !errors.Is(err, ErrDiskFull) {
		t.Errorf("opening: %v", err)
	}
	broken := errors.New("no such device")
	opts.FreeSpace = func(string) (uint64, error) { return 0, broken }
	if _, err := OpenLedger(dir, opts); !errors.Is(err, broken) || errors.Is(err, ErrDiskFull) {
		t.Errorf("opening: %v", err)
	}
	if _, c := readAll(t, dir); c.Unfinished == 0 || c.Broken+c.Torn != 0 || c.Lines != 1 {
		t.Errorf("%+v", c)
	}
}

// cut takes n bytes off the end of a file.
func cut(t *testing.T, path string, n int64) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, info.Size()-n))
}

// A half-written line is reported, in the log and in the ledger, and stays.
func TestLedgerHalfLine(t *testing.T) {
	dir := t.TempDir()
	now := ledgerDay
	l := openLedger(t, dir, &now)
	must(t, l.Append(sent{0, "whole"}, sent{1, "half"}))
	must(t, l.Close())
	cut(t, filepath.Join(dir, "2026-01-02.jsonl"), 10)
	half := readFile(t, dir, "2026-01-02.jsonl")
	if lines, c := readAll(t, dir); len(lines) != 1 || c.Unfinished != int64(len(half)-bytes.IndexByte(half, '\n')-1) || c.Broken != 0 {
		t.Errorf("%d lines, %+v", len(lines), c)
	}
	now = now.Add(24 * time.Hour)
	var log bytes.Buffer
	l, err := OpenLedger(dir, LedgerOptions{Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	must(t, l.Append(sent{1, "again"}))
	must(t, l.Close())
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "2026-01-02.jsonl") {
		t.Errorf("logged %q", text)
	}
	if all := readFile(t, dir, "2026-01-02.jsonl"); !bytes.HasPrefix(all, half) {
		t.Error("what was there has been changed")
	}
	lines, c := readAll(t, dir)
	if len(lines) != 3 || lines[1].Torn == nil || lines[1].Entry != nil || lines[1].File != "2026-01-02.jsonl" ||
		lines[2].File != "2026-01-03.jsonl" || c.Torn != 1 || c.Broken != 0 || c.Unfinished != 0 {
		t.Errorf("lines %+v, chain %+v", lines, c)
	}
	// Once.
	must(t, openLedger(t, dir, &now).Close())
	if _, again := readAll(t, dir); again.Torn != 1 {
		t.Errorf("%+v", again)
	}
}

// What no interrupted write leaves is not written over.
func TestLedgerDamagedEnd(t *testing.T) {
	dir := t.TempDir()
	now := ledgerDay
	must(t, openLedger(t, dir, &now).Append(sent{0, "whole"}))
	path := filepath.Join(dir, "2026-01-02.jsonl")
	b := append(readFile(t, dir, "2026-01-02.jsonl"), bytes.Repeat([]byte("x"), maxLedgerTail)...)
	must(t, os.WriteFile(path, b, 0o600))
	if _, err := OpenLedger(dir, LedgerOptions{Now: time.Now}); !errors.Is(err, ErrLedgerDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if after := readFile(t, dir, "2026-01-02.jsonl"); !bytes.Equal(after, b) {
		t.Error("the file was changed")
	}
	must(t, os.Rename(path, path+".damaged"))
	must(t, openLedger(t, dir, &now).Append(sent{0, "anew"}))
	if lines, c := readAll(t, dir); len(lines) != 1 || c.Broken != 0 {
		t.Errorf("%d lines, %+v", len(lines), c)
	}
}

// Somebody reads while lines are added.
func TestLedgerIsReadWhileItGrows(t *testing.T) {
	dir := ramDir(t)
	now := ledgerDay
	l := openLedger(t, dir, &now)
	const writers, each = 4, 50
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for n := range each {
				if err := l.Append(sent{w*each + n, strings.Repeat("y", 100*w)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	grown := make(chan struct{})
	go func() {
		writing.Wait()
		close(grown)
	}()
	seen := 0
	for done := false; !done; {
		select {
		case <-grown:
			done = true
		default:
		}
		lines, c := readAll(t, dir)
		if c.Broken+c.Torn != 0 || len(lines) < seen {
			t.Fatalf("%d lines after %d, %+v", len(lines), seen, c)
		}
		seen = len(lines)
	}
	if seen != writers*each {
		t.Errorf("%d lines", seen)
	}
	if lines, last := follow(t, dir); lines != seen || last != l.last.String() {
		t.Errorf("%d lines", lines)
	}
}

// childLedger adds lines until it is killed, and prints each when it is there.
func childLedger(dir string) {
	n := 0
	_, err := ReadLedger(dir, func(l LedgerLine) error {
		if l.Torn != nil {
			return nil
		}
		n++
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Println(err)
		return
	}
	l, err := OpenLedger(dir, LedgerOptions{Now: time.Now})
	for ; err == nil; n++ {
		if err = l.Append(sent{n, strings.Repeat("z", n%1000)}); err == nil {
			fmt.Println(n)
		}
	}
	fmt.Println("failed", err)
}

// A process that is killed at any moment leaves every line that it had been
// told of.
func TestLedgerKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	last := -1
	for life := range 5 {
		cmd := child(t, "ledger", dir)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines, killAt := 0, 3+11*life
		for scan := bufio.NewScanner(out); scan.Scan(); {
			n, err := strconv.Atoi(scan.Text())
			if err != nil {
				t.Fatal(scan.Text())
			}
			last = n
			if lines++; lines == killAt {
				must(t, cmd.Process.Kill())
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		entries := 0
		all, c := readAll(t, dir)
		for _, l := range all {
			if l.Torn != nil {
				continue
			}
			var s sent
			must(t, json.Unmarshal(l.Entry, &s))
			if s.N != entries {
				t.Errorf("life %d: entry %d is %d", life, entries, s.N)
			}
			entries++
		}
		if entries != last+1 && entries != last+2 || c.Broken != 0 {
			t.Errorf("life %d: %d entries after number %d, %+v", life, entries, last, c)
		}
	}
}
