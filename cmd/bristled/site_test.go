package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/site"
	"github.com/bristle-fl/bristled/store"
)

// ear is a member of the federation that only listens.
type ear struct {
	mu   sync.Mutex
	rows []federation.Rows // of updates and of class means
	from map[federation.PeerID]int
}

func (e *ear) note(from federation.PeerID, rows federation.Rows) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rows = append(e.rows, rows)
	e.from[from]++
}

func listen(t *testing.T, manifest string) (*ear, *p2p.Network) {
	t.Helper()
	m, err := federation.ReadManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p2p.CreateIdentity(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := p2p.Start(context.Background(), p2p.Config{Identity: id, Manifest: m, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	e := &ear{from: map[federation.PeerID]int{}}
	var ears sync.WaitGroup
	ears.Go(func() {
		for u := range n.Updates() {
			e.note(u.Sender, u.Rows)
		}
	})
	ears.Go(func() {
		for p := range n.Prototypes() {
			e.note(p.Sender, p.Means)
		}
	})
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		ears.Wait()
	})
	return e, n
}

// TestTwoSites: two hospitals go through both phases as processes, and a third
// member, who listens, and the ledgers say that nothing fine-tuned has left.
func TestTwoSites(t *testing.T) {
	if testing.Short() {
		t.Skip("starts daemons")
	}
	if runtime.GOOS == "windows" {
		t.Skip("no sockets of that kind there")
	}
	dir := t.TempDir()
	drawDigits(t, filepath.Join(dir, "a-data"), 1, 0, 24, 3, 8)
	drawDigits(t, filepath.Join(dir, "b-data"), 2, 0, 24, 3, 8)
	bristled(t, dir, "model", "new", "lenet", "--classes", "2", "-o", "lenet.onnx")
	bristled(t, dir, "init", "--dir", "a", "--classes", "3,8", "--data", "a-data", "--mdns=false")
	bristled(t, dir, "init", "--dir", "b", "--join", "a/federation.json", "--data", "b-data", "--mdns=false")
	heard, network := listen(t, filepath.Join(dir, "a", "federation.json"))
	var sites sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		sites.Go(func() {
			cmd := exec.Command("bristled", "site", "--dir", name, "--data", name+"-data", "--network", "lenet.onnx", "--rounds", "8", "--parts", "3",
				"--probe", "1", "--epochs", "2", "--bootstrap", "100", "--interval", "300ms", "--deadline", "3s",
				"--listen", "/ip4/127.0.0.1/tcp/0", "--peers", network.Addrs()[0], "-o", name+"-run")
			cmd.Dir = dir
			var said bytes.Buffer
			cmd.Stderr = &said
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("site %s: %v\n%s", name, err, said.String())
			}
			for _, want := range []string{"local head ", "federated head ", "private model ", "What left: bristled audit --dir " + name} {
				if !strings.Contains(string(out), want) {
					t.Errorf("site %s does not say %q:\n%s", name, want, out)
				}
			}
		})
	}
	sites.Wait()
	if t.Failed() {
		return
	}
	heard.mu.Lock()
	defer heard.mu.Unlock()
	if len(heard.from) != 2 {
		t.Fatalf("heard from %d sites", len(heard.from))
	}
	for _, name := range []string{"a", "b"} {
		checkNothingFitted(t, filepath.Join(dir, name+"-run"), heard.rows)
		r := readResults(t, filepath.Join(dir, name+"-run"))
		if len(r.Arms) != 3 || r.Offline || !r.HeldOut || r.Final.Arm != privateName {
			t.Errorf("site %s: %d arms, final %+v", name, len(r.Arms), r.Final)
		}
		checkLeft(t, dir, name)
	}
}

// checkNothingFitted compares what was heard with the private model: no row
// points where one of the model's does, which also shows in int8.
func checkNothingFitted(t *testing.T, run string, heard []federation.Rows) {
	t.Helper()
	net, err := onnx.ReadFile(filepath.Join(run, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for name, c := range net.Consts {
		for _, rows := range heard {
			if len(c.Dims) < 2 || c.Len()%rows.Features != 0 {
				continue
			}
			for own := range slices.Chunk(c.F32, rows.Features) {
				for i := range rows.Classes {
					compared++
					if cos := cosine(own, rows.Row(i)); math.Abs(cos) > .9 {
						t.Fatalf("what was sent has cosine %v to the private model's %s", cos, name)
					}
				}
			}
		}
	}
	if compared == 0 {
		t.Fatal("nothing was compared")
	}
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb+1e-30)
}

// checkLeft checks that the ledger is whole, that it has no kind of message but
// those of the federated phase, and that all traffic is much less than the
// private model.
func checkLeft(t *testing.T, dir, name string) {
	t.Helper()
	bristled(t, dir, "audit", "--dir", name, "--verify")
	kinds, total := map[p2p.Kind]bool{}, uint64(0)
	for _, e := range ledgerOf(t, filepath.Join(dir, name)) {
		kinds[e.Kind] = true
		if e.Kind == p2p.KindTraffic {
			total += e.Bytes
		}
	}
	for kind := range kinds {
		switch kind {
		case p2p.KindHeadRows, p2p.KindMeansOffered, p2p.KindMeans, p2p.KindTraffic, p2p.KindStart, p2p.KindStop:
		default:
			t.Errorf("site %s sent %q", name, kind)
		}
	}
	info, err := os.Stat(filepath.Join(dir, name+"-run", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if !kinds[p2p.KindHeadRows] || total == 0 || total > uint64(info.Size())/2 {
		t.Errorf("site %s sent %d bytes in all; its private model has %d", name, total, info.Size())
	}
}

func readResults(t *testing.T, run string) site.Results {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(run, site.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := site.ReadResults(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ledgerOf(t *testing.T, dir string) (entries []p2p.Sent) {
	t.Helper()
	_, err := store.ReadLedger(home(dir).audit(), func(l store.LedgerLine) error {
		var e p2p.Sent
		if err := json.Unmarshal(l.Entry, &e); err != nil {
			return err
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
