package experiment

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// golden is an experiment with a little of everything, and the hashes of what it
// leaves on every machine.
const golden = `
peers: {honest: 6, liars: 2}
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
  attack: [fp-perm, "alie:optimised"]
`

func TestGoldenSweep(t *testing.T) {
	f, err := Parse([]byte(golden))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "results")
	if _, err := Sweep(t.Context(), f, &Library{Workers: 1}, Options{Dir: dir, Workers: 1, Version: "golden"}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"results.csv":  "bbf8790c8f5d510b",
		"curves.csv":   "e05ca5def33affb5",
		"heads.sha256": "b95ac2f626c98360",
	} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(b))[:16]; got != want {
			t.Errorf("%s has the hash %s, want %s:\n%s", file, got, want, b)
		}
	}
}

// TestNoTemporaryFiles: where nobody crashes, nothing is written but results; a
// container need not have a /tmp.
func TestNoTemporaryFiles(t *testing.T) {
	f, err := Parse([]byte("{peers: {honest: 2}, data: {train: 100, test: 10}, partition: {kind: iid, train: 1, probe: 1}, iterations: 1, evaluate: 1}"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "results")
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	if _, err := Sweep(t.Context(), f, &Library{Workers: 1}, Options{Dir: dir, Workers: 1, Version: "golden"}); err != nil {
		t.Fatal(err)
	}
}
