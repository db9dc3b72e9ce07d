package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

func TestPruning(t *testing.T) {
	dir := ramDir(t)
	big := func(n uint64) *Round { // its verdicts are a file
		r := testRound(n, 10, 800)
		rng := rand.New(rand.NewPCG(n, 2))
		r.Verdicts = make([]byte, 2*inlineLimit)
		for i := range r.Verdicts {
			r.Verdicts[i] = byte(rng.Uint32())
		}
		return r
	}
	s, err := Open(dir, Options{Federation: testFederation, Keep: 20})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 30; n++ {
		if err := s.Commit(big(n)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(first, last uint64) {
		t.Helper()
		rounds := s.Rounds(math.MaxInt)
		if len(rounds) != int(last-first)+1 || rounds[0] != first || rounds[len(rounds)-1] != last {
			t.Fatalf("rounds %v, want %d to %d", rounds, first, last)
		}
		for n := uint64(1); n <= last; n++ {
			record, err := s.Record(n)
			verdicts, err2 := s.Verdicts(n)
			switch {
			case n < first && (!errors.Is(err, ErrNotKept) || !errors.Is(err2, ErrNotKept)):
				t.Errorf("round %d is still there: %v, %v", n, err, err2)
			case n >= first && (!bytes.Equal(record, big(n).Record) || !bytes.Equal(verdicts, big(n).Verdicts)):
				t.Errorf("round %d: %s, %v, %v", n, record, err, err2)
			}
		}
		files, err := os.ReadDir(filepath.Join(dir, "blobs"))
		if err != nil {
			t.Fatal(err)
		}
		if want := 2 + len(rounds); len(files) != want {
			t.Errorf("%d files, want two states and %d verdicts", len(files), len(rounds))
		}
	}
	check(11, 30)

	// With a smaller Keep the next commit catches up.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{Federation: testFederation, Keep: 3}); err != nil {
		t.Fatal(err)
	}
	check(11, 30)
	if err := s.Commit(big(31)); err != nil {
		t.Fatal(err)
	}
	check(29, 31)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestManyRoundsArePrunedBitByBit(t *testing.T) {
	var x index
	for n := uint64(1); n <= 1000; n++ {
		x.note(key{kindRecord, n})
	}
	for n := uint64(1001); len(x.records) > 10; n++ {
		doomed := x.doomed(n, 10)
		if len(doomed) > 2*maxPrune {
			t.Fatalf("%d keys in one commit", len(doomed))
		}
		for _, k := range doomed {
			x.forget(k)
		}
		x.note(key{kindRecord, n})
		if n > 1010 {
			t.Fatalf("%d rounds are left", len(x.records))
		}
	}
}

// The largest commit that stays out of files is one transaction.
func TestLargestInlineCommit(t *testing.T) {
	dir := ramDir(t)
	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	full := func(n uint64) *Round {
		r := testRound(n, 10, 200)
		rng := rand.New(rand.NewPCG(n, 3))
		r.Record = make([]byte, inlineLimit)
		for i := range r.Record {
			r.Record[i] = byte(rng.Uint32())
		}
		r.Verdicts = slices.Clone(r.Record)
		slices.Reverse(r.Verdicts)
		r.Optimizer = Optimizer{}
		r.Head = federation.NewHead(1, int(inlineLimit-stateSize(r))/4+10*200)
		return r
	}
	if got := stateSize(full(1)); got > inlineLimit || got < inlineLimit-3 {
		t.Fatalf("a state of %d bytes, want %d", got, inlineLimit)
	}
	last := uint64(maxPrune + 50)
	for n := uint64(1); n < last; n++ {
		r := testRound(n, 0, 0)
		if n%50 == 0 {
			r = full(n)
		}
		if err := s.Commit(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, Options{Federation: testFederation, Keep: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(full(last)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Latest()
	if err != nil || !sameRound(got, full(last)) {
		t.Errorf("another round, %v", err)
	}
	rounds := s.Rounds(math.MaxInt)
	if len(rounds) != int(last)-maxPrune {
		t.Errorf("%d rounds are left, want all but the %d that one commit prunes", len(rounds), maxPrune)
	}
	for _, n := range rounds {
		want := testRound(n, 0, 0)
		if n%50 == 0 || n == last {
			want = full(n)
		}
		if record, err := s.Record(n); err != nil || !bytes.Equal(record, want.Record) {
			t.Errorf("record of round %d: %v", n, err)
		}
		if verdicts, err := s.Verdicts(n); err != nil || !bytes.Equal(verdicts, want.Verdicts) {
			t.Errorf("verdicts of round %d: %v", n, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Months of rounds do not fill the disk, and what is kept of them stays good
// through flushes and compactions.
func TestManyCommitsStaySmall(t *testing.T) {
	commits := uint64(3000)
	if testing.Short() {
		commits = 600
	}
	const keep = 500
	dir := ramDir(t)
	s, err := Open(dir, Options{Federation: testFederation, Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := func(n uint64) (b []byte) {
		rng := rand.New(rand.NewPCG(n, 5))
		peers := 30
		if n%20 == 0 {
			peers = 300 // as large as is written inline, or larger
		}
		for i := range peers {
			b = fmt.Appendf(b, `{"peer":%d,"distance":%.6f,"f1":[%.4f,%.4f,%.4f],"weight":[%.4f,%.4f,%.4f]}`,
				i, rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64())
		}
		return b
	}
	r := testRound(0, 10, 800)
	largest, total := int64(0), int64(0)
	for range commits {
		r.Number++
		r.Verdicts = verdicts(r.Number)
		total += int64(len(r.Verdicts))
		if err := s.Commit(r); err != nil {
			t.Fatal(err)
		}
		if r.Number%50 == 0 {
			largest = max(largest, used(t, dir))
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mean := total / int64(commits)
	t.Logf("%d rounds with %d bytes of state and %d of verdicts: at most %.1f MB, %.1f MB when closed",
		commits, stateSize(r), mean, float64(largest)/1e6, float64(used(t, dir))/1e6)
	// Two states, the verdicts kept, and what Badger maps and has not yet
	// compacted.
	if bound := 2*stateSize(r) + keep*mean + 12<<20; largest > bound {
		t.Errorf("the store grew to %d bytes, more than %d", largest, bound)
	}
	s = open(t, dir)
	got, err := s.Latest()
	if err != nil || !sameRound(got, r) {
		t.Errorf("another round, %v", err)
	}
	rounds := s.Rounds(math.MaxInt)
	if len(rounds) != keep {
		t.Errorf("%d rounds, want %d", len(rounds), keep)
	}
	for _, n := range rounds {
		if got, err := s.Verdicts(n); err != nil || !bytes.Equal(got, verdicts(n)) {
			t.Errorf("verdicts of round %d: %v", n, err)
		}
	}
}
