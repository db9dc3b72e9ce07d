package store

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
)

func TestEmptyStore(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Latest(); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
	if _, err := s.Record(1); !errors.Is(err, ErrNotKept) {
		t.Error(err)
	}
	if got := s.Rounds(10); len(got) != 0 {
		t.Error(got)
	}
}

func TestCommitSurvivesReopening(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {2, 4}, {10, 800}, {1000, 50}} {
		dir := t.TempDir()
		s, err := Open(dir, Options{Federation: testFederation})
		if err != nil {
			t.Fatal(err)
		}
		var want *Round
		for n := uint64(1); n <= 5; n++ {
			want = testRound(n, size[0], size[1])
			if err := s.Commit(want); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		got, err := s.Latest()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(testRound(5, size[0], size[1]), got, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if got, want := s.Rounds(3), []uint64{3, 4, 5}; !slices.Equal(got, want) {
			t.Errorf("rounds %v, want %v", got, want)
		}
		verdicts, err := s.Verdicts(2)
		if err != nil || !bytes.Equal(verdicts, testRound(2, size[0], size[1]).Verdicts) {
			t.Errorf("verdicts %s, %v", verdicts, err)
		}
	}
}

// Whatever is committed is what Latest returns, bit by bit.
func TestCommitThenLatestIsIdentity(t *testing.T) {
	s := open(t, ramDir(t))
	n := uint64(0)
	floats := func(t *rapid.T, n int) []float32 {
		if n == 0 {
			return nil
		}
		return rapid.SliceOfN(rapid.Map(rapid.Uint32(), math.Float32frombits), n, n).Draw(t, "weights")
	}
	head := func(t *rapid.T) federation.Head {
		classes, features := rapid.IntRange(0, 5).Draw(t, "classes"), rapid.IntRange(0, 40).Draw(t, "features")
		return federation.Head{Classes: classes, Features: features, Weights: floats(t, classes*features)}
	}
	text := func(t *rapid.T, label string) []byte {
		switch rapid.IntRange(0, 9).Draw(t, label) {
		case 0:
			return nil
		case 1: // larger than what is written inline, however well packed
			b := make([]byte, 3*inlineLimit/2)
			rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return b
		}
		return rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, label)
	}
	rapid.Check(t, func(t *rapid.T) {
		n += rapid.Uint64Range(1, 3).Draw(t, "step")
		moments := rapid.IntRange(0, 100).Draw(t, "moments")
		want := &Round{
			Number: n,
			Time:   testRound(rapid.Uint64Max(1<<40).Draw(t, "time"), 0, 0).Time,
			Head:   head(t),
			Optimizer: Optimizer{
				First: floats(t, moments), Second: floats(t, moments), Steps: rapid.Uint64().Draw(t, "steps"),
			},
			Peers: rapid.MapOfN(
				rapid.Map(rapid.StringN(1, 128, 128), func(s string) federation.PeerID { return federation.PeerID(s) }),
				rapid.Uint64(), 0, 40).Draw(t, "peers"),
			Record:   text(t, "record"),
			Verdicts: text(t, "verdicts"),
		}
		if err := s.Commit(want); err != nil {
			t.Fatal(err)
		}
		got, err := s.Latest()
		if err != nil {
			t.Fatal(err)
		}
		if !sameRound(want, got) {
			t.Fatal(cmp.Diff(want, got))
		}
		if record, err := s.Record(n); err != nil || !bytes.Equal(record, want.Record) {
			t.Fatalf("record %q, %v", record, err)
		}
	})
}

// sameRound compares weights by their bits, as NaN differs from itself, and
// takes nothing for the same as an empty list.
func sameRound(a, b *Round) bool {
	var x, y bytes.Buffer
	return writeState(&x, a, setSums(a)) == nil && writeState(&y, b, setSums(b)) == nil && bytes.Equal(x.Bytes(), y.Bytes()) &&
		bytes.Equal(a.Record, b.Record) && bytes.Equal(a.Verdicts, b.Verdicts) && a.Time.Equal(b.Time)
}

func TestCommitRefuses(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Commit(testRound(7, 2, 2)); err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint64{0, 6, 7} {
		if err := s.Commit(testRound(n, 2, 2)); !errors.Is(err, ErrStale) {
			t.Errorf("round %d after 7: %v", n, err)
		}
	}
	for name, change := range map[string]func(r *Round){
		"weights":        func(r *Round) { r.Head.Weights = r.Head.Weights[1:] },
		"classes":        func(r *Round) { r.Head.Classes = -1 },
		"moments":        func(r *Round) { r.Optimizer.Second = nil },
		"empty peer":     func(r *Round) { r.Peers[""] = 1 },
		"long peer name": func(r *Round) { r.Peers[federation.PeerID(strings.Repeat("p", 129))] = 1 },
		"empty set name": func(r *Round) { r.Sets = map[federation.PeerID][]byte{"": nil} },
		"banned":         func(r *Round) { r.Banned = []federation.PeerID{"b", "a"} },
	} {
		r := testRound(8, 2, 2)
		change(r)
		if err := s.Commit(r); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	if err := s.Commit(testRound(9, 2, 2)); err != nil {
		t.Errorf("after refusals: %v", err)
	}
}

func TestNextSeqNeverRepeats(t *testing.T) {
	dir := t.TempDir()
	last := uint64(0)
	for range 4 {
		s, err := Open(dir, Options{Federation: testFederation})
		if err != nil {
			t.Fatal(err)
		}
		for i := range seqLease + 3 {
			n, err := s.NextSeq()
			if err != nil {
				t.Fatal(err)
			}
			if n <= last || n > last+seqLease || i > 0 && n != last+1 {
				t.Fatalf("%d after %d", n, last)
			}
			last = n
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	s := open(t, ramDir(t))
	if err := s.Commit(testRound(1, 10, 800)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var seen sync.Map
	for range 2 {
		wg.Go(func() {
			for {
				r, err := s.Latest()
				if err != nil || !sameRound(r, testRound(r.Number, 10, 800)) {
					t.Errorf("another round, %v", err)
				}
				n, err := s.NextSeq()
				if _, twice := seen.LoadOrStore(n, true); twice || err != nil {
					t.Errorf("sequence number %d, %v", n, err)
				}
				for _, n := range s.Rounds(3) {
					if _, err := s.Verdicts(n); err != nil && !errors.Is(err, ErrNotKept) {
						t.Error(err)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for n := uint64(2); n < 40; n++ {
		if err := s.Commit(testRound(n, 10, 800)); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func TestClosedStore(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, latest := s.Latest()
	_, seq := s.NextSeq()
	_, record := s.Record(1)
	for _, err := range []error{latest, seq, record, s.Commit(testRound(1, 1, 1))} {
		if !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
}

func TestOtherFederation(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Federation: federation.ID{9}}); !errors.Is(err, ErrOtherFederation) {
		t.Error(err)
	}
	open(t, dir)
}

func TestNewerVersion(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, labelFile), []byte(`{"schema": 3, "federation": ["new"], "more": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, Options{Federation: testFederation})
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "upgrade bristled") {
		t.Error(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("the store was touched: %v, %v", files, err)
	}
}

func TestUnreadableDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, Options{Federation: testFederation})
	if err == nil || errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

func TestBadgerTalksToLog(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := Open(t.TempDir(), Options{Federation: testFederation, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "level=DEBUG msg=\"badger: ") || strings.Contains(out.String(), "WARN") {
		t.Errorf("log:\n%s", out.String())
	}
}
