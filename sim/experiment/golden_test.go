package experiment

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/bristle-fl/bristled/internal/wholefile"
)

// golden is an experiment with a little of everything, and the hashes of what it
// leaves on every machine.
const golden = `
peers: {honest: 6, liars: 2}
seeds: [1]
partition: {kind: dirichlet, alpha: 2, train: 16, probe: 2, allow_missing: true}
data: {train: 600, test: 60}
topology: {kind: small-world, k: 4, p: 0.3}
link: {latency: 0.4, jitter: 0.8, loss: 0.1}
life: {churn: 0.1, away: 2, crash: true, peers: [{peer: 0, speed: 0.5}, {peer: 5, join: 2}]}
prototypes: {use: true, least: 1, noise: 0.05}
iterations: 6
evaluate: 3
sweep:
  rule: [bristle+, "nnm(f=2)|krum(f=2)", geometric-median]
  attack: [fp-perm, "alie:optimised", "window(prototypes=false)"]
`

func TestGoldenSweep(t *testing.T) {
	f, err := Parse([]byte(golden))
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{1, 3} {
		dir := filepath.Join(t.TempDir(), "results")
		// All workers on one cell.
		if _, err := Sweep(t.Context(), f, library(), Options{Dir: dir, Workers: workers, Parallel: 1, Version: "golden"}); err != nil {
			t.Fatal(err)
		}
		for file, want := range map[string]string{
			"results.csv":  "17ac718de6252d15",
			"curves.csv":   "0981f66a45e1a5f8",
			"heads.sha256": "aeb1d4294c79d164",
		} {
			b, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(b))[:16]; got != want {
				t.Errorf("on %d workers %s has the hash %s, want %s:\n%s", workers, file, got, want, b)
			}
		}
	}
}

// TestNoTemporaryFiles: nothing is written but to the results, even where peers
// crash; a container need not have a /tmp.
func TestNoTemporaryFiles(t *testing.T) {
	f, err := Parse([]byte("{peers: {honest: 2}, data: {train: 100, test: 10}, partition: {kind: iid, train: 1, probe: 1}, iterations: 2, life: {peers: [{peer: 0, away: [{from: 0, to: 1, crash: true}]}]}}"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "results")
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	if _, err := Sweep(t.Context(), f, &Library{Workers: 1}, Options{Dir: dir, Workers: 1, Version: "golden"}); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, wholefile.Unfinished+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}
