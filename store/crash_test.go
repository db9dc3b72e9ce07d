package store

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const (
	childEnv    = "BRISTLED_STORE_TEST_CHILD"
	childDirEnv = "BRISTLED_STORE_TEST_DIR"
)

// children are the processes that tests start.
var children = map[string]func(dir string){
	"open":   childOpen,
	"commit": childCommit,
}

// child starts this test binary as one of the children.
func child(t *testing.T, name, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+name, childDirEnv+"="+dir,
		"GORACE=atexit_sleep_ms=0") // or each child would take a second to end
	cmd.Stderr = os.Stderr
	return cmd
}

// childOpen says how opening the store went, and what its last round is.
func childOpen(dir string) {
	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := s.Latest()
	for _, n := range s.Rounds(1000) {
		if record, err := s.Record(n); err != nil || string(record) != string(testRound(n, 0, 0).Record) {
			fmt.Println("record of round", n, string(record), err)
		}
	}
	switch {
	case err != nil:
		fmt.Println(err)
	case uint64(len(s.Rounds(1000))) != r.Number:
		fmt.Println("opened with round", r.Number, "without some records")
	case !sameRound(r, testRound(r.Number, r.Head.Classes, r.Head.Features)):
		fmt.Println("another round", r.Number)
	default:
		fmt.Println("opened with round", r.Number)
	}
	if err := s.Close(); err != nil {
		fmt.Println(err)
	}
}

// childCommit commits rounds and takes sequence numbers until it is killed,
// and prints each when it has it.
func childCommit(dir string) {
	err := func() error {
		s, err := Open(dir, Options{Federation: testFederation, Keep: 20})
		if err != nil {
			return err
		}
		n := uint64(0)
		if r, err := s.Latest(); err == nil {
			n = r.Number
		} else if !errors.Is(err, ErrEmpty) {
			return err
		}
		for {
			n++
			for range n % 7 {
				seq, err := s.NextSeq()
				if err != nil {
					return err
				}
				fmt.Println("seq", seq)
			}
			if err := s.Commit(withSets(testRound(n, 10, 200))); err != nil {
				return err
			}
			fmt.Println("round", n)
		}
	}()
	fmt.Println("failed", err)
}

// A peer that is killed at any moment goes on from its last committed round
// and uses no sequence number twice.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	used := map[uint64]bool{}
	round, highest := uint64(0), uint64(0)
	for life := range 8 {
		cmd := child(t, "commit", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Kill it after a number of lines: now in the middle of a round, now
		// of a lease; and read what it had still printed.
		lines, killAt := 0, 5+17*life
		for scan := bufio.NewScanner(out); scan.Scan(); {
			var n uint64
			switch line := scan.Text(); {
			case strings.HasPrefix(line, "seq "):
				if _, err := fmt.Sscanf(line, "seq %d", &n); err != nil {
					t.Fatal(err)
				}
				if used[n] || n <= highest {
					t.Errorf("life %d: sequence number %d after %d", life, n, highest)
				}
				used[n] = true
				highest = max(highest, n)
			case strings.HasPrefix(line, "round "):
				if _, err := fmt.Sscanf(line, "round %d", &n); err != nil {
					t.Fatal(err)
				}
				if n != round+1 && n != round+2 { // the one in flight may have been kept
					t.Errorf("life %d: round %d after %d", life, n, round)
				}
				round = n
			default:
				t.Fatal(line)
			}
			if lines++; lines == killAt {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
	}
	if len(used) < 20 || round < 20 {
		t.Errorf("only %d sequence numbers and %d rounds", len(used), round)
	}

	s := open(t, dir)
	got, err := s.Latest()
	if err != nil {
		t.Fatal(err)
	}
	if got.Number < round || got.Number > round+1 {
		t.Errorf("round %d, the last one printed was %d", got.Number, round)
	}
	if !sameRound(got, withSets(testRound(got.Number, 10, 200))) {
		t.Error("the round is not what was committed")
	}
	if seq, err := s.NextSeq(); err != nil || seq <= highest || seq > highest+2*seqLease {
		t.Errorf("sequence number %d after %d: %v", seq, highest, err)
	}
	for _, n := range s.Rounds(20) {
		if record, err := s.Record(n); err != nil || string(record) != string(testRound(n, 1, 1).Record) {
			t.Errorf("record of round %d: %s, %v", n, record, err)
		}
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Federation: testFederation}); !errors.Is(err, ErrLocked) ||
		!strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "choose another --dir") {
		t.Errorf("opened twice in one process: %v", err)
	}
	out, err := child(t, "open", dir).Output()
	if err != nil || !strings.Contains(string(out), ErrLocked.Error()) {
		t.Errorf("opened by two processes: %s, %v", out, err)
	}
	if err := s.Commit(testRound(1, 1, 1)); err != nil {
		t.Errorf("after the others were refused: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	out, err = child(t, "open", dir).Output()
	if err != nil || string(out) != "opened with round 1\n" {
		t.Errorf("after closing: %s, %v", out, err)
	}
}
