package p2p

import (
	"cmp"
	"slices"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/bristle-fl/bristled/federation"
)

// epochsKept is of how many epochs of a sender the first message is kept, so
// that another one that contradicts it is found out. Gossip brings what was
// said to others within seconds; a sender that begins a new epoch every round
// to outrun that is stopped only if its messages come in time.
const epochsKept = 4

// commitment is what a sender has bound itself to, and the message that says
// so.
type commitment struct {
	epoch   uint64
	set     federation.Hash
	message *pb.Message
}

// commit notes what origin, if it has a place in the table, commits itself to
// in a message that it signed. It returns the earlier message that says
// otherwise of the same epoch, nil if there is none.
func (s *senders) commit(origin peer.ID, u *federation.Update, m *pb.Message) (against *pb.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.table[origin]
	if entry == nil || u.Epoch == 0 {
		return nil
	}
	at, found := slices.BinarySearchFunc(entry.said, u.Epoch, func(c commitment, epoch uint64) int { return cmp.Compare(c.epoch, epoch) })
	switch {
	case found && entry.said[at].set != u.Prototypes:
		return entry.said[at].message
	case found:
		return nil
	case at == 0 && len(entry.said) == epochsKept:
		return nil // too old to compare
	}
	entry.said = slices.Insert(entry.said, at, commitment{u.Epoch, u.Prototypes, m})
	if len(entry.said) > epochsKept {
		entry.said = slices.Delete(entry.said, 0, 1)
	}
	return nil
}
