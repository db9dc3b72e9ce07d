package p2p

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/bristle-fl/bristled/federation"
)

const (
	// trafficEvery is how often the traffic is recorded.
	trafficEvery = time.Minute

	// How many entries others can cause, and make the ledger grow: answers
	// with this peer's class means, all who ask together.
	answerRate  = 2 // per second in the long run
	answerBurst = 256
)

// recorder writes to the ledger of a network.
type recorder struct {
	ledger  Ledger // nil: none
	answers *rate.Limiter
	begun   bool // the start is recorded
}

// record writes entries down. Without a ledger it does nothing.
func (r *recorder) record(entries ...Sent) error {
	if r.ledger == nil {
		return nil
	}
	if err := r.ledger.Record(entries); err != nil {
		return fmt.Errorf("%w: %w", ErrNotRecorded, err)
	}
	return nil
}

// sentMessage is an entry about bytes of this peer.
func sentMessage(kind Kind, b []byte, to []peer.ID) Sent {
	ids := make([]federation.PeerID, len(to))
	for i, p := range to {
		ids[i] = peerID(p)
	}
	slices.Sort(ids)
	return Sent{Kind: kind, To: ids, Bytes: uint64(len(b)), SHA256: sha256.Sum256(b)}
}

// recordUpdate records an update that is about to be published as b, if it may
// be published at all.
func (n *Network) recordUpdate(u *federation.Update, b []byte) error {
	if n.recorder.ledger == nil {
		return nil
	}
	n.publishing.Lock()
	err := n.mayPublish(u)
	n.publishing.Unlock()
	if err != nil {
		return err
	}
	sent := sentMessage(KindHeadRows, b, n.topic.ListPeers())
	sent.Seq, sent.Round, sent.Epoch = u.Seq, u.Round, u.Epoch
	sent.Rows, sent.Claims = len(u.Rows.Classes), n.classNames(u.Claims)
	return n.recorder.record(sent)
}

// recordOffer records a set that others may ask for from now on.
func (n *Network) recordOffer(p *federation.Prototypes, b []byte) error {
	sent := sentMessage(KindMeansOffered, b, nil)
	sent.Epoch, sent.Means, sent.Samples = p.Epoch, n.classNames(p.Means.Classes), p.Samples
	return n.recorder.record(sent)
}

// recordAnswer records that a reader gets this peer's set, and reports whether
// it may.
func (n *Network) recordAnswer(reader peer.ID, b []byte) bool {
	if n.recorder.ledger == nil {
		return true
	}
	if !n.recorder.answers.AllowN(time.Now(), 1) {
		return false // it will ask again, or somebody else
	}
	if err := n.recorder.record(sentMessage(KindMeans, b, []peer.ID{reader})); err != nil {
		n.chatter.warn("a peer asks for this peer's prototypes and gets none", "peer", reader, "error", err)
		return false
	}
	return true
}

func (n *Network) classNames(classes []int) []string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = n.manifest.Classes[c]
	}
	return names
}

// beginRecords records the start, before anything can be sent, and goes on to
// record the traffic until the network closes.
func (n *Network) beginRecords(config Config) error {
	if n.recorder.ledger == nil {
		return nil
	}
	if err := n.recorder.record(Sent{Kind: KindStart, Listen: config.Listen, MDNS: config.MDNS}); err != nil {
		return fmt.Errorf("starting network: %w", err)
	}
	n.recorder.begun = true
	n.tasks.Go(func() {
		tick := time.NewTicker(trafficEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := n.recordTraffic(); err != nil {
					n.log.Error("what was sent in the last minute is not in the ledger yet; trying again", "in", trafficEvery, "error", err)
				}
			case <-n.ctx.Done():
				return
			}
		}
	})
	return nil
}

// recordTraffic records what was sent since the last time, and what more there
// is to say. What cannot be recorded is kept for the next time.
func (n *Network) recordTraffic(more ...Sent) error {
	flows := n.traffic.tally.take()
	entries := append(entriesOf(flows), more...)
	if len(entries) == 0 {
		return nil
	}
	err := n.recorder.record(entries...)
	if err != nil {
		n.traffic.tally.giveBack(flows)
	}
	return err
}

// endRecords records the rest, when nothing can be sent any more.
func (n *Network) endRecords() error {
	if !n.recorder.begun {
		return nil
	}
	return n.recordTraffic(Sent{Kind: KindStop})
}
