package store

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bristle-fl/bristled/federation"
)

// testFederation owns the stores of these tests.
var testFederation = federation.ID{1, 2, 3}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// testRound returns round n of a peer with a head of the given size, which is
// the same each time.
func testRound(n uint64, classes, features int) *Round {
	rng := rand.New(rand.NewPCG(n, 1))
	weights := func() []float32 {
		w := make([]float32, classes*features)
		for i := range w {
			w[i] = float32(rng.NormFloat64())
		}
		return w
	}
	r := &Round{
		Number:    n,
		Time:      time.Unix(1_700_000_000+int64(n), int64(n)).UTC(),
		Head:      federation.Head{Classes: classes, Features: features, Weights: weights()},
		Optimizer: Optimizer{First: weights(), Second: weights(), Steps: n},
		Peers:     map[federation.PeerID]uint64{},
		Record:    fmt.Appendf(nil, `{"round":%d}`, n),
		Verdicts:  fmt.Appendf(nil, `[{"round":%d,"weight":%g}]`, n, rng.Float64()),
	}
	for i := range 30 {
		r.Peers[federation.PeerID(fmt.Sprintf("12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ%02d", i))] = n + uint64(i)
	}
	r.Banned = []federation.PeerID{"liar"}
	return r
}

// withSets gives a round two sets: one that stays from round to round and one
// that changes with every fifth.
func withSets(r *Round) *Round {
	r.Sets = map[federation.PeerID][]byte{
		"stays":   bytes.Repeat([]byte("s"), 3000),
		"changes": fmt.Appendf(nil, "epoch %d", r.Number/5),
	}
	return r
}

// used returns the bytes that the files under dir take on the disk, or would
// where files have no holes.
func used(t testing.TB, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if os.IsNotExist(err) {
			return nil // the database removed it meanwhile
		}
		n += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ramDir returns a directory that is removed after the test, in memory where
// the system has such a thing: for tests whose many commits need not reach a
// disk.
func ramDir(t testing.TB) string {
	t.Helper()
	const shm = "/dev/shm"
	if free, err := freeSpace(shm); err != nil || free < 4*Reserve {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(shm, "bristled-store-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
