package p2p

import (
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/federation"
)

// signed returns an update as pubsub sends it, signed by identity.
func signed(t testing.TB, m *federation.Manifest, identity Identity, u *federation.Update) *pb.Message {
	t.Helper()
	message := &pb.Message{
		From:  []byte(identity.id),
		Data:  encode(t, m, u),
		Seqno: []byte{1},
		Topic: proto.String(gossipTopic(m.ID())),
	}
	b, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	if message.Signature, err = identity.key.Sign(append([]byte(pubsub.SignPrefix), b...)); err != nil {
		t.Fatal(err)
	}
	return message
}

func TestAnotherDaemonWithOurIdentity(t *testing.T) {
	m := testManifest("impostor")
	identity := testIdentity(t)
	var log logBuffer
	n := start(t, Config{Manifest: m, Identity: identity, Log: log.logger()})
	a := newRawAttacker(t, m, n)
	const line = "another daemon publishes under this identity"
	ignored := uint64(0)
	send := func(seq uint64, forged bool) {
		t.Helper()
		message := signed(t, m, identity, testUpdate(m, n.ID(), seq, 1))
		if forged {
			message.Signature[0]++
		}
		a.send(&pb.RPC{Publish: []*pb.Message{message}})
		ignored++
		eventually(t, "it is ignored", func() bool { return n.Stats().Ignored == ignored })
	}
	send(7, false) // of an earlier run: we have not published yet
	publish(t, n, testUpdate(m, n.ID(), 10, 1))
	send(9, false)
	send(10, false)
	send(11, true) // by anybody
	if s := n.Stats(); s.Impostors != 0 || log.count(line) != 0 {
		t.Fatalf("%d impostors seen where there are none", s.Impostors)
	}
	send(11, false)
	send(12, false)
	send(10, false)
	if s := n.Stats(); s.Impostors != 2 || log.count(line) != 1 {
		t.Errorf("%d impostors, said %d times", s.Impostors, log.count(line))
	}
	publish(t, n, testUpdate(m, n.ID(), 13, 1))
}
