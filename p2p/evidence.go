package p2p

import (
	"errors"
	"fmt"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/federation"
)

// ErrNoEvidence says that the bytes do not show that somebody equivocated.
var ErrNoEvidence = errors.New("not evidence of equivocation")

// evidenceOf writes two messages down as [VerifyEvidence] reads them: each as
// the field 1 of a protobuf message, as pubsub sent it.
func evidenceOf(a, b *pb.Message) ([]byte, error) {
	var evidence []byte
	for _, m := range []*pb.Message{a, b} {
		raw, err := proto.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("writing evidence: %w", err)
		}
		evidence = protowire.AppendTag(evidence, 1, protowire.BytesType)
		evidence = protowire.AppendBytes(evidence, raw)
	}
	return evidence, nil
}

// VerifyEvidence says whose equivocation in the federation m the bytes prove:
// two updates with the signature of one key that name one epoch and different
// sets of prototypes. It needs nothing but the bytes, which may come from
// anyone, and the manifest. Otherwise the error wraps [ErrNoEvidence].
func VerifyEvidence(m *federation.Manifest, evidence []byte) (federation.PeerID, error) {
	first, rest, err := readWitness(m, evidence)
	if err != nil {
		return "", fmt.Errorf("%w: the first message: %w", ErrNoEvidence, err)
	}
	second, rest, err := readWitness(m, rest)
	if err != nil {
		return "", fmt.Errorf("%w: the second message: %w", ErrNoEvidence, err)
	}
	switch {
	case len(rest) > 0:
		return "", fmt.Errorf("%w: %d bytes follow the second message", ErrNoEvidence, len(rest))
	case first.Sender != second.Sender:
		return "", fmt.Errorf("%w: one message is from %s, the other from %s", ErrNoEvidence, first.Sender, second.Sender)
	case first.Epoch == 0 || first.Epoch != second.Epoch:
		return "", fmt.Errorf("%w: the messages are about the epochs %d and %d", ErrNoEvidence, first.Epoch, second.Epoch)
	case first.Prototypes == second.Prototypes:
		return "", fmt.Errorf("%w: both messages name the set %s", ErrNoEvidence, first.Prototypes)
	}
	return first.Sender, nil
}

// readWitness takes one message off b and returns the update in it, whose
// sender has signed it.
func readWitness(m *federation.Manifest, b []byte) (u *federation.Update, rest []byte, err error) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 || num != 1 || typ != protowire.BytesType {
		return nil, nil, errors.New("there is none")
	}
	raw, size := protowire.ConsumeBytes(b[n:])
	if size < 0 {
		return nil, nil, protowire.ParseError(size)
	}
	rest = b[n+size:]
	if limit := messageLimit(m); len(raw) > limit {
		return nil, nil, fmt.Errorf("it has %d bytes, more than the %d that gossip carries", len(raw), limit)
	}
	message := &pb.Message{}
	if err := proto.Unmarshal(raw, message); err != nil {
		return nil, nil, err
	}
	if topic := gossipTopic(m.ID()); message.GetTopic() != topic {
		return nil, nil, fmt.Errorf("its topic is %q, not %q", message.GetTopic(), topic)
	}
	if u, err = federation.DecodeUpdate(m, message.GetData()); err != nil {
		return nil, nil, err
	}
	from, err := peer.IDFromBytes(message.GetFrom())
	if err != nil {
		return nil, nil, fmt.Errorf("its sender: %w", err)
	}
	if u.Sender != peerID(from) {
		return nil, nil, fmt.Errorf("signed by %s in the name of %s", from, u.Sender)
	}
	key, err := keyOf(from, message)
	if err != nil {
		return nil, nil, fmt.Errorf("the key of %s: %w", from, err)
	}
	if !signedBy(key, message) {
		return nil, nil, fmt.Errorf("the signature of %s is wrong", from)
	}
	return u, rest, nil
}

// keyOf returns the public key of a message's sender: short ones are in the ID
// itself, of others it is the hash and the message brings the key.
func keyOf(from peer.ID, m *pb.Message) (crypto.PubKey, error) {
	if key, err := from.ExtractPublicKey(); err == nil {
		return key, nil
	}
	key, err := crypto.UnmarshalPublicKey(m.GetKey())
	if err == nil && !from.MatchesPublicKey(key) {
		err = errors.New("another than its ID says")
	}
	return key, err
}

// signedBy checks pubsub's signature, which covers the message without itself
// and the key.
func signedBy(key crypto.PubKey, m *pb.Message) bool {
	body := proto.CloneOf(m)
	body.Signature, body.Key = nil, nil
	b, err := proto.Marshal(body)
	if err != nil {
		return false
	}
	ok, err := key.Verify(append([]byte(pubsub.SignPrefix), b...), m.GetSignature())
	return err == nil && ok
}
