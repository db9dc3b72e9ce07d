package p2p

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTwoPeersExchangeUpdates(t *testing.T) {
	for _, listen := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		t.Run(listen, func(t *testing.T) {
			m := testManifest("two")
			a := start(t, Config{Manifest: m, Listen: []string{listen}})
			b := start(t, Config{Manifest: m, Listen: []string{listen}, Peers: a.Addrs()})
			members(t, a, 1)
			members(t, b, 1)
			for seq := uint64(1); seq <= 3; seq++ {
				// All classes with the longest rows: the largest update
				// that the manifest allows gets through.
				sent := testUpdate(m, a.ID(), seq, len(m.Classes))
				publish(t, a, sent)
				if diff := cmp.Diff(sent, next(t, b)); diff != "" {
					t.Fatal(diff)
				}
				publish(t, b, testUpdate(m, b.ID(), 10*seq, 2))
				if got := next(t, a); got.Seq != 10*seq || got.Sender != b.ID() {
					t.Fatalf("got %d of %s", got.Seq, got.Sender)
				}
			}
			if p := find(a, b.ID()); !p.Connected || p.Direction != "inbound" || p.LastSeq != 30 {
				t.Errorf("a knows of b: %+v", p)
			}
			if p := find(b, a.ID()); !p.Configured || p.Direction != "outbound" || p.LastSeq != 3 {
				t.Errorf("b knows of a: %+v", p)
			}
		})
	}
}
