package p2p

import (
	"errors"

	"github.com/bristle-fl/bristled/federation"
)

// ErrNotRecorded says that the ledger did not take something: what cannot be
// recorded is not sent.
var ErrNotRecorded = errors.New("not sent, because it could not be recorded in the ledger")

// Ledger writes down what leaves a peer.
type Ledger interface {
	// Record returns when all entries will survive a crash, or an error, and
	// then none of them need be there. It is called without any lock held,
	// also by several goroutines at once.
	Record(entries []Sent) error
}

// Kind says what an entry of a [Ledger] is about.
type Kind string

// The kinds of entries. Those of messages come before anything is sent, so that
// the ledger has at least what has left; those of traffic come afterwards, and
// make up all bytes of all streams.
const (
	// KindHeadRows is an update of this peer. To has the members that it is
	// connected to at that moment; who comes within seconds may ask for it.
	KindHeadRows Kind = "head rows"

	// KindMeansOffered is a set of prototypes of this peer that others may
	// ask for from now on. Nothing is sent yet.
	KindMeansOffered Kind = "class means offered"

	// KindMeans is the answer to one who asked for that set.
	KindMeans Kind = "class means"

	// KindTraffic is all that was sent to one peer in one protocol since the
	// last such entry, messages of the kinds above included. To is empty
	// where there were too many peers to tell apart.
	KindTraffic Kind = "traffic"

	// KindStart and KindStop begin and end a run. A start without a stop in
	// front of the next one was killed, and its last minute of traffic is
	// missing.
	KindStart Kind = "start"
	KindStop  Kind = "stop"
)

// Sent is one entry of a [Ledger]. Fields that a kind does not have are empty.
type Sent struct {
	Kind Kind `json:"kind"`
	// To is who it was sent to, ascending.
	To     []federation.PeerID `json:"to,omitempty"`
	Bytes  uint64              `json:"bytes,omitempty"`  // of the message, or of the traffic
	SHA256 federation.Hash     `json:"sha256,omitzero"`  // of the message
	Seq    uint64              `json:"seq,omitempty"`    // of an update
	Round  uint64              `json:"round,omitempty"`  // of an update
	Epoch  uint64              `json:"epoch,omitempty"`  // of class means, or those that an update names
	Rows   int                 `json:"rows,omitempty"`   // of weights in an update
	Claims []string            `json:"claims,omitempty"` // classes that an update says this peer has data of
	Means  []string            `json:"means,omitempty"`  // classes of offered means
	// Samples is, per class of Means, of how many samples the mean is.
	Samples []int `json:"samples,omitempty"`

	// Traffic: the protocol, empty while two peers agree on one; how many
	// writes it took; and what of Bytes was messages, counted when they were
	// handed to the connection. What is left of Bytes is signatures, control
	// messages, and messages that a broken connection cut off.
	Protocol  string `json:"protocol,omitempty"`
	Writes    uint64 `json:"writes,omitempty"`
	HeadRows  Share  `json:"head_rows,omitzero"`
	MeansSent Share  `json:"class_means,omitzero"`
	Forwarded Share  `json:"forwarded,omitzero"` // of other peers: updates, class means

	// A start: the configured addresses, and whether the peer announces
	// itself in the local network, whose packets are not counted.
	Listen []string `json:"listen,omitempty"`
	MDNS   bool     `json:"mdns,omitempty"`
}

// Share is a part of some traffic.
type Share struct {
	Count uint64 `json:"count"` // of messages
	Bytes uint64 `json:"bytes"`
}

func (s *Share) add(t Share) {
	s.Count += t.Count
	s.Bytes += t.Bytes
}
