package p2p

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/federation"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// testManifest is a small valid federation; the name tells two apart.
func testManifest(name string) *federation.Manifest {
	m := &federation.Manifest{
		Name:    name,
		Classes: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
		Backbone: federation.BackboneSpec{
			SHA256: federation.Hash{1}, Features: 16, Input: [3]int{1, 28, 28},
			Prepare: federation.PrepareCentre, RawRMS: 1, RMS: 1,
		},
		Rule:     federation.RuleSpec{Name: "mean"},
		Training: federation.TrainingSpec{LearningRate: 0.001, Batch: 10, Steps: 1, Probe: 1},
		Wire:     federation.WireSpec{Rows: federation.RowsFloat32, MaxPeers: 32},
	}
	m.Wire.MaxMessage = m.MaxUpdateSize()
	return m
}

// testUpdate is an update of classes 0 to classes-1.
func testUpdate(m *federation.Manifest, sender federation.PeerID, seq uint64, classes int) *federation.Update {
	head := federation.NewHead(len(m.Classes), m.Backbone.Features)
	for i := range head.Weights {
		head.Weights[i] = float32(seq) + float32(i%7)
	}
	claims := make([]int, classes)
	for c := range claims {
		claims[c] = c
	}
	return &federation.Update{
		Federation: m.ID(), Sender: sender, Seq: seq, Round: seq,
		Claims: claims, Rows: head.Select(claims),
	}
}

func testIdentity(t testing.TB) Identity {
	t.Helper()
	identity, err := CreateIdentity(filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// logBuffer keeps what a network logs.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, nil))
}

// start starts a network on loopback TCP, unless config says otherwise, and
// closes it with the test.
func start(t testing.TB, config Config) *Network {
	t.Helper()
	if config.Identity.key == nil {
		config.Identity = testIdentity(t)
	}
	if config.Listen == nil {
		config.Listen = []string{"/ip4/127.0.0.1/tcp/0"}
	}
	n, err := Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

const patience = 15 * time.Second // much longer than anything takes

// eventually waits until ok, and fails the test when that takes too long.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after %v: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// members waits until n publishes to exactly count peers.
func members(t testing.TB, n *Network, count int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s has %d members", n.ID(), count), func() bool {
		have := 0
		for _, p := range n.Peers() {
			if p.Member {
				have++
			}
		}
		return have == count
	})
}

// next returns the next update that n hands out.
func next(t testing.TB, n *Network) *federation.Update {
	t.Helper()
	select {
	case u, ok := <-n.Updates():
		if !ok {
			t.Fatal("updates are closed")
		}
		return u
	case <-time.After(patience):
		t.Fatalf("no update after %v; %+v", patience, n.Stats())
	}
	return nil
}

func publish(t testing.TB, n *Network, u *federation.Update) {
	t.Helper()
	if err := n.Publish(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// find returns what n knows of the peer with this ID.
func find(n *Network, id federation.PeerID) PeerInfo {
	for _, p := range n.Peers() {
		if p.ID == id {
			return p
		}
	}
	return PeerInfo{}
}

// message is what a validator gets.
func message(origin Identity, topic string, data []byte) *pubsub.Message {
	return &pubsub.Message{Message: &pb.Message{From: []byte(origin.id), Data: data, Topic: proto.String(topic)}, ReceivedFrom: origin.id}
}
