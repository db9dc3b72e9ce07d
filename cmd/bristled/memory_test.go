package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// idleMemory is what a daemon with little to do may take.
const idleMemory = 64 << 20

// TestIdleMemory looks at daemons with small data directories after a minute
// of their default pace, in which little happens.
func TestIdleMemory(t *testing.T) {
	if os.Getenv("BRISTLED_LONG") == "" {
		t.Skip("takes more than a minute: set BRISTLED_LONG=1")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc here")
	}
	dir := t.TempDir()
	listen := []string{"--listen", "/ip4/127.0.0.1/tcp/0,/ip4/127.0.0.1/udp/0/quic-v1"}
	drawDigits(t, filepath.Join(dir, "one-data"), 1, 0, 20, 0, 1, 2, 3)
	drawDigits(t, filepath.Join(dir, "two-data"), 2, 0, 20, 2, 3, 4, 5)
	bristled(t, dir, "init", "--dir", "one", "--classes", "0,1,2,3,4,5,6,7,8,9", "--data", "one-data")
	bristled(t, dir, "init", "--dir", "two", "--join", "one/federation.json", "--data", "two-data")
	one := daemon(t, filepath.Join(dir, "one"), listen...)
	two := daemon(t, filepath.Join(dir, "two"), append(listen, "--peers", one.mustStatus(t).Addresses[0])...)
	eventually(t, "they hear each other", func() bool { return one.active(t) == 1 && two.active(t) == 1 })
	time.Sleep(time.Minute)
	for _, p := range []*process{one, two} {
		rss := p.rss(t)
		t.Logf("%s: %.1f MiB in round %d", filepath.Base(p.dir), float64(rss)/(1<<20), p.round(t))
		if rss > idleMemory {
			t.Errorf("an idle daemon takes %d MiB, more than %d", rss>>20, idleMemory>>20)
		}
		p.interrupt(t)
	}
}

// rss is the memory that a process takes, in bytes.
func (p *process) rss(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Process.Pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		t.Fatalf("no VmRSS in %s", b)
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
