package sim

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

// TestLive runs real hosts with real stores, and looks at what they left on
// disk.
func TestLive(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := small(t, "bristle+")
	e.Honest, e.Liars = e.Honest[:4], e.Liars[:1]
	e.Iterations = 5
	dir := t.TempDir()
	var mu sync.Mutex
	rounds := map[int][]uint64{}
	r, traffic, err := RunLive(t.Context(), Live{
		Experiment: e, Dir: dir, Log: slog.New(slog.DiscardHandler),
		OnRound: func(peer int, head federation.Head, r node.Record) {
			mu.Lock()
			defer mu.Unlock()
			rounds[peer] = append(rounds[peer], r.Round)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Accuracy) != 4 || len(r.Heads) != 4 || r.Worst() <= 0 {
		t.Errorf("result %+v", r)
	}
	// Three int8 rows of 48 features, and some header.
	if b := traffic.UpdateBytes; b < 3*(48+4) || b > 300 {
		t.Errorf("an update has %v bytes", b)
	}
	if traffic.WireBytes < 4*traffic.UpdateBytes {
		t.Errorf("%v bytes on the wire for %v to each of four others", traffic.WireBytes, traffic.UpdateBytes)
	}
	seen := map[federation.PeerID]bool{}
	for i := range 5 {
		if i < 4 && (len(rounds[i]) < 5 || !slices.IsSorted(rounds[i])) {
			t.Errorf("peer %d ran the rounds %v", i, rounds[i])
		}
		home := filepath.Join(dir, []string{"peer-00", "peer-01", "peer-02", "peer-03", "peer-04"}[i])
		id, err := p2p.LoadIdentity(filepath.Join(home, "identity.key"))
		if err != nil {
			t.Fatal(err)
		}
		if seen[id.ID()] {
			t.Errorf("peer %d shares its identity", i)
		}
		seen[id.ID()] = true
		s, err := store.Open(filepath.Join(home, "store"), store.Options{Federation: e.Manifest.ID()})
		if err != nil {
			t.Fatal(err)
		}
		last, err := s.Latest()
		if err != nil {
			t.Fatal(err)
		}
		if i < 4 && last.Number < 5 {
			t.Errorf("the store of peer %d ends at round %d", i, last.Number)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLiveCanBeStopped(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := small(t, "bristle+")
	e.Honest, e.Liars, e.Iterations = e.Honest[:2], nil, 1<<30
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	_, _, err := RunLive(ctx, Live{
		Experiment: e, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		OnRound: func(int, federation.Head, node.Record) { once.Do(cancel) },
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a stopped run says %v", err)
	}
	_, _, err = RunLive(t.Context(), Live{Experiment: e, Dir: filepath.Join(os.DevNull, "x"), Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Error("peers were made where nothing can be written")
	}
}
