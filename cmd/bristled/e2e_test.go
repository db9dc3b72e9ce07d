package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

// eventually waits until ok, and fails the test when that takes too long. The
// time is for a machine that does other things too.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patientlyFor); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%v went by without this: %s", patientlyFor, what)
		}
	}
}

// bristled runs the program in dir until it ends, which must be well.
func bristled(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("bristled", args...) // the test binary: see TestMain
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bristled %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return string(out)
}

// process is a running daemon.
type process struct {
	*exec.Cmd
	dir string // of the peer
	log string // file
}

// daemon starts the peer in dir. What it logs is in the file dir.log, after
// what it logged in earlier lives.
func daemon(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{dir: dir, log: dir + ".log"}
	log, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.Cmd = exec.Command("bristled", append([]string{"run", "--dir", dir, "--log-level", "debug"}, args...)...)
	p.Stderr = log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
		if t.Failed() {
			b, _ := os.ReadFile(p.log)
			t.Logf("the end of %s:\n%s", p.log, b[max(0, len(b)-4000):])
		}
	})
	eventually(t, dir+" runs", func() bool {
		r, err := p.status()
		return err == nil && r.Running
	})
	return p
}

func (p *process) status() (report, error) {
	return newRemote(context.Background(), filepath.Join(p.dir, "bristled.sock")).Report()
}

// mustStatus is the status of a daemon that runs.
func (p *process) mustStatus(t *testing.T) report {
	t.Helper()
	r, err := p.status()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (p *process) round(t *testing.T) uint64 {
	t.Helper()
	if r := p.mustStatus(t); r.Last != nil {
		return r.Last.Round
	}
	return 0
}

// active is how many others a daemon goes by.
func (p *process) active(t *testing.T) int {
	t.Helper()
	if r := p.mustStatus(t); r.Last != nil {
		return r.Last.Active
	}
	return 0
}

// id is the name of the peer, whether it runs or not.
func (p *process) id(t *testing.T) federation.PeerID {
	t.Helper()
	identity, err := p2p.LoadIdentity(home(p.dir).identity())
	if err != nil {
		t.Fatal(err)
	}
	return identity.ID()
}

// heardFrom is the newest number that a daemon heard from a sender.
func (p *process) heardFrom(t *testing.T, sender federation.PeerID) uint64 {
	t.Helper()
	for _, other := range p.mustStatus(t).Peers {
		if other.ID == sender {
			return other.LastSeq
		}
	}
	return 0
}

// interrupt sends the daemon a Ctrl-C and waits for its end, which must be a
// good one.
func (p *process) interrupt(t *testing.T) {
	t.Helper()
	start := time.Now()
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%s ended with %v after Ctrl-C", p.dir, err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("%s took %v to stop", p.dir, took)
	}
}

// logged returns the last number that a pattern's group finds in the log.
func (p *process) logged(t *testing.T, pattern string) uint64 {
	t.Helper()
	b, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(pattern).FindAllSubmatch(b, -1)
	if len(all) == 0 {
		t.Fatalf("nothing in %s matches %s", p.log, pattern)
	}
	n, err := strconv.ParseUint(string(all[len(all)-1][1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// drawDigits writes pictures of digits into one folder per class.
func drawDigits(t *testing.T, dir string, seed uint64, from, to int, classes ...int) {
	t.Helper()
	digits := data.Digits(seed)
	for _, c := range classes {
		folder := filepath.Join(dir, strconv.Itoa(c))
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for i := from; i < to; i++ {
			if err := writePNG(filepath.Join(folder, fmt.Sprintf("%04d.png", i)), digits.Draw(i, c).Pixels); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// accuracy asks a peer about pictures, which lie in folders named after what
// they show, and returns the share of right answers.
func accuracy(t *testing.T, dir string, pictures []string) float64 {
	t.Helper()
	var answers []prediction
	out := bristled(t, dir, append([]string{"predict", "--dir", dir, "--json"}, pictures...)...)
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, a := range answers {
		if a.Class == filepath.Base(filepath.Dir(a.File)) {
			right++
		}
	}
	return float64(right) / float64(len(pictures))
}

// history is what a peer's store says about all of its rounds.
func history(t *testing.T, dir string) (records []node.Record, verdicts [][]aggregation.Verdict) {
	t.Helper()
	m, err := federation.ReadManifest(home(dir).manifest())
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(home(dir).store(), store.Options{Federation: m.ID()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, n := range s.Rounds(100_000) {
		var r node.Record
		var v []aggregation.Verdict
		for _, part := range []struct {
			read func(uint64) ([]byte, error)
			into any
		}{{s.Record, &r}, {s.Verdicts, &v}} {
			b, err := part.read(n)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, part.into); err != nil {
				t.Fatal(err)
			}
		}
		records, verdicts = append(records, r), append(verdicts, v)
	}
	return records, verdicts
}

// Three peers of one federation in three processes. None of them holds more
// than half of the classes; the second is killed while it learns. It must go
// on where it was, say nothing twice, and all must come to know every class.
func TestThreeDaemons(t *testing.T) {
	if testing.Short() {
		t.Skip("starts daemons and waits for what they learn")
	}
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	dir := t.TempDir()
	peer := func(name string) string { return filepath.Join(dir, name) }
	names := []string{"a", "b", "c"}
	holds := map[string][]int{"a": {0, 2, 3, 4}, "b": {0, 1, 5, 6}, "c": {1, 2, 7, 8, 9}}
	for i, name := range names {
		drawDigits(t, peer(name+"-data"), uint64(i), 0, 24, holds[name]...)
	}
	test := testPictures(t, peer("test"))

	bristled(t, dir, "init", "--dir", "a", "--name", "digits", "--classes", "0,1,2,3,4,5,6,7,8,9", "--data", "a-data")
	for _, name := range names[1:] {
		bristled(t, dir, "init", "--dir", name, "--join", "a/federation.json", "--data", name+"-data")
	}
	run := func(name string, others ...*process) *process {
		var addresses []string
		for _, o := range others {
			addresses = append(addresses, o.mustStatus(t).Addresses...)
		}
		return daemon(t, peer(name), "--listen", "/ip4/127.0.0.1/tcp/0", "--mdns=false",
			"--interval", "100ms", "--deadline", "1s", "--peers", strings.Join(addresses, ","))
	}
	a := run("a")
	b := run("b", a)
	c := run("c", a, b)

	// In the middle of it, one is killed.
	var committed uint64
	eventually(t, "a and c hear b, and b has run some rounds", func() bool {
		committed = b.round(t)
		return a.active(t) == 2 && c.active(t) == 2 && committed >= 5
	})
	if err := b.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = b.Wait()
	id := b.id(t)
	said := max(a.heardFrom(t, id), c.heardFrom(t, id))
	if said < committed {
		t.Fatalf("b was killed after round %d, and others heard no more than number %d", committed, said)
	}

	// It resumes at its last committed round, with numbers nobody has heard.
	b = run("b", a, c)
	killed := b.logged(t, `msg=resumed round=(\d+) `)
	if killed < committed {
		t.Errorf("b was in round %d by its status and resumed at %d", committed, killed)
	}
	if r := b.round(t); r < committed {
		t.Errorf("after its restart b says that it is in round %d, before it was in %d", r, committed)
	}
	for _, p := range []*process{a, c} {
		eventually(t, p.dir+" hears b again", func() bool { return p.heardFrom(t, id) > said })
	}

	// All learn what they have no data of: alone they could not be right more
	// often than they hold classes.
	for i, p := range []*process{a, b, c} {
		var foreign []string
		for class, pictures := range test {
			if !slices.Contains(holds[names[i]], class) {
				foreign = append(foreign, pictures...)
			}
		}
		var all, unseen float64
		eventually(t, p.dir+" knows all ten digits", func() bool {
			all, unseen = accuracy(t, p.dir, slices.Concat(test...)), accuracy(t, p.dir, foreign)
			return all > 0.9 && unseen > 0.8
		})
		t.Logf("%s: accuracy %.2f in all, %.2f on digits that it has no data of", names[i], all, unseen)
	}

	// Pictures that come while it runs are learned, and so are classes.
	before := *c.mustStatus(t).Last
	drawDigits(t, peer("c-data"), 2, 0, 12, 3)
	drawDigits(t, peer("c-data"), 2, 24, 30, 7)
	eventually(t, "c learns the new pictures", func() bool {
		last := c.mustStatus(t).Last
		return slices.Equal(last.Familiar, []int{1, 2, 3, 7, 8, 9}) && last.Train == before.Train+8+4 && last.Probe == before.Probe+4+2
	})

	for _, p := range []*process{a, b, c} {
		p.interrupt(t)
	}
	checkHistory(t, peer("b"), killed, said)
	for _, name := range []string{"a", "c"} {
		checkHeard(t, peer(name), id)
	}
}

// testPictures draws ten pictures of each digit that nobody trains on.
func testPictures(t *testing.T, dir string) (byClass [][]string) {
	drawDigits(t, dir, 99, 0, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	for class := range 10 {
		var pictures []string
		for i := range 10 {
			pictures = append(pictures, filepath.Join(dir, strconv.Itoa(class), fmt.Sprintf("%04d.png", i)))
		}
		byClass = append(byClass, pictures)
	}
	return byClass
}

// checkHistory checks a peer that was killed: it has run every round once,
// and after the kill it has published under numbers above those that others
// had heard.
func checkHistory(t *testing.T, dir string, killed, said uint64) {
	t.Helper()
	records, _ := history(t, dir)
	seq := uint64(0)
	for i, r := range records {
		if r.Round != uint64(i)+1 {
			t.Errorf("%s: the record of round %d follows that of round %d", dir, r.Round, i)
		}
		if r.Seq <= seq || r.Round > killed && r.Seq <= said {
			t.Errorf("%s: round %d published number %d after %d; others had heard %d before the kill after round %d", dir, r.Round, r.Seq, seq, said, killed)
		}
		seq = r.Seq
	}
	if len(records) <= int(killed) {
		t.Errorf("%s: %d rounds in all, %d of them before the kill", dir, len(records), killed)
	}
}

// checkHeard checks what a peer integrated from a sender: numbers never go
// back, and one number is one update.
func checkHeard(t *testing.T, dir string, sender federation.PeerID) {
	t.Helper()
	_, rounds := history(t, dir)
	var last aggregation.Verdict
	heard := 0
	for i, verdicts := range rounds {
		for _, v := range verdicts {
			if v.Sender != sender {
				continue
			}
			heard++
			if v.Seq < last.Seq || v.Seq == last.Seq && v.Round != last.Round || v.Round < last.Round {
				t.Errorf("%s, round %d: number %d of the sender's round %d follows %d of %d", dir, i+1, v.Seq, v.Round, last.Seq, last.Round)
			}
			last = v
		}
	}
	if heard == 0 {
		t.Errorf("%s never heard %s", dir, sender)
	}
}
