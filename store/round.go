package store

import (
	"time"

	"github.com/bristle-fl/bristled/federation"
)

// Round is what a peer must know to go on after a restart, as it was when one
// of its rounds ended.
type Round struct {
	Number uint64    // the peer's own count of rounds
	Time   time.Time // when the round ended; read back in UTC

	// Head is the consolidated head. The copy that is trained starts from it
	// in every round, so it is nothing to remember.
	Head      federation.Head
	Optimizer Optimizer

	// Peers holds the last sequence number seen of every sender, so that
	// nobody's old update counts again after a restart.
	Peers map[federation.PeerID]uint64

	// Sets are encoded sets of prototypes by sender, this peer's own among
	// them. What could not be read back is missing: whoever made a set has it.
	Sets map[federation.PeerID][]byte

	// Banned are the senders that are not listened to any more, ascending.
	// [Store.Ban] remembers why.
	Banned []federation.PeerID

	// Record and Verdicts are the caller's account of the round, for people
	// and for replay. The store does not look inside. They outlive the rest:
	// see Options.Keep.
	Record   []byte
	Verdicts []byte
}

// Optimizer is the state of Adam: the first and second moments of each weight,
// which are equally long, and the number of steps made.
type Optimizer struct {
	First, Second []float32
	Steps         uint64
}
