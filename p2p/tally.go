package p2p

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/bristle-fl/bristled/federation"
)

// maxFlows is how many pairs of a peer and a protocol are told apart between
// two records of the traffic. Identities cost nothing: beyond that, peers share
// one entry per protocol.
const maxFlows = 1024

// tally is what was sent to whom since the last record. It is called on every
// write, never on what is received.
type tally struct {
	mu    sync.Mutex
	flows map[flowKey]*flow
}

type flowKey struct {
	to       peer.ID // empty: to many
	protocol protocol.ID
}

// flow is what a [KindTraffic] entry tells.
type flow struct {
	writes, bytes          uint64
	rows, means, forwarded Share
}

func newTally() *tally { return &tally{flows: map[flowKey]*flow{}} }

// at returns the flow of a key. t.mu is held.
func (t *tally) at(k flowKey) *flow {
	f := t.flows[k]
	if f == nil && len(t.flows) >= maxFlows {
		k.to = ""
		f = t.flows[k]
	}
	if f == nil {
		f = &flow{}
		t.flows[k] = f
	}
	return f
}

// wrote counts one write to a stream.
func (t *tally) wrote(size int64, p protocol.ID, to peer.ID) {
	if size <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.at(flowKey{to, p})
	f.writes++
	f.bytes += uint64(size)
}

// message counts a message that was among what was written. Of kinds that are
// nothing of this peer's own it was forwarded.
func (t *tally) message(kind Kind, size int, p protocol.ID, to peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.at(flowKey{to, p})
	share := &f.forwarded
	switch kind {
	case KindHeadRows:
		share = &f.rows
	case KindMeans:
		share = &f.means
	}
	share.add(Share{1, uint64(size)})
}

// take returns all flows and begins anew.
func (t *tally) take() map[flowKey]*flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	flows := t.flows
	t.flows = map[flowKey]*flow{}
	return flows
}

// giveBack adds flows that were taken.
func (t *tally) giveBack(flows map[flowKey]*flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, g := range flows {
		f := t.at(k)
		f.writes += g.writes
		f.bytes += g.bytes
		f.rows.add(g.rows)
		f.means.add(g.means)
		f.forwarded.add(g.forwarded)
	}
}

// entriesOf returns an entry for each flow, in order of peers and protocols.
func entriesOf(flows map[flowKey]*flow) []Sent {
	keys := slices.SortedFunc(maps.Keys(flows), func(a, b flowKey) int {
		return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.protocol, b.protocol))
	})
	entries := make([]Sent, len(keys))
	for i, k := range keys {
		f := flows[k]
		entries[i] = Sent{
			Kind: KindTraffic, Protocol: string(k.protocol), Bytes: f.bytes, Writes: f.writes,
			HeadRows: f.rows, MeansSent: f.means, Forwarded: f.forwarded,
		}
		if k.to != "" {
			entries[i].To = []federation.PeerID{peerID(k.to)}
		}
	}
	return entries
}

// SendRPCCompleted is called when an RPC was handed to a connection.
func (t tracer) SendRPCCompleted(rpc *pubsub.RPC, to peer.ID, _ time.Duration) {
	n := t.n
	if n.traffic.tally == nil {
		return
	}
	for _, m := range rpc.GetPublish() {
		kind := Kind("")
		if string(m.GetFrom()) == string(n.self) {
			kind = KindHeadRows
		}
		n.traffic.tally.message(kind, len(m.GetData()), n.protocol, to)
	}
}

// countAnswer notes a set that was handed to a connection.
func (n *Network) countAnswer(to peer.ID, own bool, size int) {
	if n.traffic.tally == nil {
		return
	}
	kind := Kind("")
	if own {
		kind = KindMeans
	}
	n.traffic.tally.message(kind, size, prototypesProtocol(n.federation), to)
}
