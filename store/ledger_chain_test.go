package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A crash leaves some first part of what was being written, whatever that was:
// lines, the notice of an earlier crash, or the first line of a day. All that
// was written before stays, the ledger goes on, and its chain is whole.
func TestLedgerSurvivesAnyCrash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir := rapidDir(t)
		now := ledgerDay
		opts := LedgerOptions{Now: func() time.Time { return now }, FreeSpace: func(string) (uint64, error) { return 1 << 40, nil }}
		var want []int // what must be there
		torn := 0
		for range rapid.IntRange(1, 6).Draw(t, "lives") {
			now = now.Add(time.Duration(rapid.IntRange(-1, 30).Draw(t, "hours")) * time.Hour)
			before := contents(t, dir)
			l, err := OpenLedger(dir, opts)
			if err != nil {
				t.Fatal(err)
			}
			noted := contents(t, dir)
			if rapid.Bool().Draw(t, "crash while opening") && noted.text != before.text {
				// The notice itself is cut off.
				shorten(t, dir, noted, rapid.IntRange(0, len(noted.text)-len(before.text)-1).Draw(t, "of the notice")+len(before.text))
				closeLedger(t, l)
				continue
			}
			if len(noted.text) > len(before.text)+1 { // more than the end of a line
				torn++
			}
			for range rapid.IntRange(0, 4).Draw(t, "appends") {
				batch := rapid.IntRange(1, 3).Draw(t, "batch")
				var entries []any
				for i := range batch {
					entries = append(entries, sent{len(want) + i, strings.Repeat("w", rapid.IntRange(0, 40).Draw(t, "width"))})
				}
				start := contents(t, dir)
				if err := l.Append(entries...); err != nil {
					t.Fatal(err)
				}
				whole := contents(t, dir)
				if !rapid.Bool().Draw(t, "crash") {
					for range batch {
						want = append(want, len(want))
					}
					continue
				}
				// Lines of it that were whole are there, also without their end.
				from := 0
				if whole.name == start.name {
					from = len(start.text)
				}
				at := rapid.IntRange(from, len(whole.text)).Draw(t, "at")
				shorten(t, dir, whole, at)
				if lines := whole.text[from:min(at+1, len(whole.text))]; at > from {
					for range strings.Count(lines, "\n") {
						want = append(want, len(want))
					}
				}
				break
			}
			closeLedger(t, l)
		}
		l, err := OpenLedger(dir, opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(sent{len(want), "last"}); err != nil {
			t.Fatal(err)
		}
		closeLedger(t, l)
		want = append(want, len(want))
		var got []int
		notices := 0
		c, err := ReadLedger(dir, func(l LedgerLine) error {
			if l.Torn != nil {
				notices++
				return nil
			}
			var s sent
			err := json.Unmarshal(l.Entry, &s)
			got = append(got, s.N)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || c.Broken != 0 || c.Unfinished != 0 || c.Torn != notices || notices < torn {
			t.Fatalf("entries %v, want %v; at least %d interruptions, chain %+v", got, want, torn, c)
		}
	})
}

// newest is the newest file of a ledger and what is in it.
type newest struct{ name, text string }

func contents(t *rapid.T, dir string) newest {
	names, err := ledgerFiles(dir)
	if err != nil || len(names) == 0 {
		return newest{}
	}
	name := names[len(names)-1]
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return newest{name, string(b)}
}

func shorten(t *rapid.T, dir string, n newest, to int) {
	if err := os.Truncate(filepath.Join(dir, n.name), int64(to)); err != nil {
		t.Fatal(err)
	}
}

func closeLedger(t *rapid.T, l *Ledger) {
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// rapidDir returns a new directory in memory, if there is such a thing, that is
// removed after one check.
func rapidDir(t *rapid.T) string {
	parent := "/dev/shm"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "bristled-ledger-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Any byte that is changed, and any line that is removed, repeated, moved or
// put in, breaks the chain, but for the last line: nothing stands behind it.
func TestLedgerShowsWhatWasChanged(t *testing.T) {
	dir := t.TempDir()
	now := ledgerDay
	for day := range 3 {
		now = ledgerDay.AddDate(0, 0, day)
		l := openLedger(t, dir, &now)
		for n := range 4 {
			must(t, l.Append(sent{10*day + n, "something"}))
		}
		must(t, l.Close())
		if day == 1 { // with an interruption
			path := filepath.Join(dir, "2026-01-03.jsonl")
			must(t, os.WriteFile(path, append(readFile(t, dir, "2026-01-03.jsonl"), `{"time":"20`...), 0o600))
		}
	}
	if lines, c := readAll(t, dir); c.Broken != 0 || c.Torn != 1 || len(lines) != 13 {
		t.Fatalf("%d lines, %+v", len(lines), c)
	}
	files := []string{"2026-01-02.jsonl", "2026-01-03.jsonl", "2026-01-04.jsonl"}
	original := map[string][]byte{}
	for _, name := range files {
		original[name] = readFile(t, dir, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := rapidDir(t)
		name := rapid.SampledFrom(files).Draw(t, "file")
		lines := bytes.SplitAfter(original[name], []byte("\n"))
		lines = lines[:len(lines)-1]
		keep := len(lines)
		if name == files[2] {
			keep-- // the last one
		}
		at := rapid.IntRange(0, keep-1).Draw(t, "line")
		what := rapid.SampledFrom([]string{"byte", "remove", "repeat", "swap", "put in", "empty", "file"}).Draw(t, "what")
		switch what {
		case "byte":
			line := slices.Clone(lines[at])
			line[rapid.IntRange(0, len(line)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
			lines[at] = line
		case "remove":
			if name == files[0] && at == 0 {
				return // the chain begins later: see below
			}
			lines = slices.Delete(lines, at, at+1)
		case "repeat":
			lines = slices.Insert(lines, at, lines[at])
		case "swap":
			other := rapid.IntRange(0, keep-1).Draw(t, "other")
			if bytes.Equal(lines[at], lines[other]) {
				return
			}
			lines[at], lines[other] = lines[other], lines[at]
		case "put in":
			lines = slices.Insert(lines, at, []byte(`{"time":"2026-01-02T10:00:00Z","prev":"`+strings.Repeat("0", 64)+`","entry":{}}`+"\n"))
		case "empty":
			lines = slices.Insert(lines, at, []byte("\n"))
		case "file":
			if name != files[1] {
				return
			}
			lines = nil
		}
		for _, other := range files {
			b := original[other]
			if other == name {
				b = bytes.Join(lines, nil)
			}
			if other == name && what == "file" {
				continue
			}
			if err := os.WriteFile(filepath.Join(changed, other), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := ReadLedger(changed, func(LedgerLine) error { return nil })
		if err != nil || c.Broken == 0 || len(c.Breaks) == 0 {
			t.Fatalf("%s: %+v, %v", what, c, err)
		}
		// A ledger that was changed goes on all the same, and still shows it:
		// at its very end as an interrupted write.
		l, err := OpenLedger(changed, LedgerOptions{Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.Append(sent{99, "on"}), l.Close()); err != nil {
			t.Fatal(err)
		}
		if after, err := ReadLedger(changed, func(LedgerLine) error { return nil }); err != nil || after.Broken+after.Torn != c.Broken+c.Torn {
			t.Fatalf("%s: from %+v to %+v, %v", what, c, after, err)
		}
	})

	// Where the beginning was moved away, the first line says so.
	must(t, os.Remove(filepath.Join(dir, files[0])))
	if _, c := readAll(t, dir); c.Broken != 0 || c.Before != sumLine(original[files[0]][bytes.LastIndexByte(original[files[0]][:len(original[files[0]])-1], '\n')+1:]) {
		t.Errorf("%+v", c)
	}
}

// A ledger with many breaks lists some.
func TestLedgerListsSomeBreaks(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "2026-01-02.jsonl"),
		bytes.Repeat([]byte(`{"time":"2026-01-02T10:00:00Z","prev":"`+strings.Repeat("0", 64)+`","entry":{}}`+"\n"), 100), 0o600))
	lines, c := readAll(t, dir)
	if len(lines) != 100 || c.Broken != 99 || len(c.Breaks) != maxBreaks {
		t.Errorf("%d lines, %d breaks, %d listed", len(lines), c.Broken, len(c.Breaks))
	}
	if got := c.Breaks[0].String(); !strings.HasPrefix(got, "2026-01-02.jsonl, line 2: it does not follow") {
		t.Error(got)
	}
}

// Whatever a file holds, it is read without harm, what is there stays, and the
// ledger goes on behind it or says why not.
func FuzzLedger(f *testing.F) {
	line := `{"time":"2026-01-02T10:00:00Z","prev":"` + strings.Repeat("0", 64) + `","entry":{}}` + "\n"
	f.Add([]byte(line))
	f.Add([]byte(line + line[:40]))
	f.Add([]byte("\x00\x00\n" + line))
	f.Add([]byte(`{"time":"2026-01-02T10:00:00Z","prev":"` + strings.Repeat("f", 64) + `","torn":{"bytes":3,"sha256":"` + strings.Repeat("0", 64) + `"}}` + "\n"))
	f.Add(bytes.Repeat([]byte("x"), maxLedgerLine+2))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "2026-01-02.jsonl"), b, 0o600))
		_, before := readAll(t, dir)
		now := ledgerDay
		l, err := OpenLedger(dir, LedgerOptions{Now: func() time.Time { return now }})
		if errors.Is(err, ErrLedgerDamaged) && len(b) > maxLedgerTail {
			return
		}
		must(t, err)
		must(t, errors.Join(l.Append(sent{7, "fuzz"}), l.Close()))
		lines, after := readAll(t, dir)
		if !bytes.HasPrefix(readFile(t, dir, "2026-01-02.jsonl"), b) {
			t.Fatal("what was there has been changed")
		}
		last := lines[len(lines)-1]
		if string(last.Entry) != `{"n":7,"what":"fuzz"}` || after.Unfinished != 0 {
			t.Fatalf("the last line is %s, chain %+v", last.Entry, after)
		}
		// What goes on is in order; what was wrong before still is, as a
		// break or as a notice. A line may have lacked nothing but its end.
		notices := after.Torn - before.Torn
		more := after.Lines - before.Lines - 1 - notices
		if notices > 1 || more < 0 || more > 1 || more+notices > 1 ||
			after.Broken > before.Broken+more || after.Broken < before.Broken-notices {
			t.Fatalf("from %+v to %+v", before, after)
		}
		must(t, openLedger(t, dir, &now).Close())
		if _, again := readAll(t, dir); again.Last != after.Last {
			t.Fatalf("opened again: from %+v to %+v", after, again)
		}
	})
}
