package p2p

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
)

// A key that shows one set to one end of the line and another to the other end
// is found out by all, with evidence that anybody can check.
func TestEquivocatorIsFoundOutByAll(t *testing.T) {
	for _, maxPeers := range []int{floodPeers, floodPeers + 1} {
		m := prototypeManifest("equivocation")
		m.Wire.MaxPeers = maxPeers
		var log logBuffer
		a := start(t, Config{Manifest: m, Log: log.logger()})
		b := start(t, Config{Manifest: m, Peers: a.Addrs()})
		c := start(t, Config{Manifest: m, Peers: b.Addrs()})
		members(t, b, 2)
		left, right := newAttacker(t, m, a), newAttacker(t, m, c)
		liar := testIdentity(t)
		// Under one sequence number, so that each end takes the other's
		// version for an old update; in every round, since gossip may lose one.
		seq, round := uint64(4), 0
		for _, n := range []*Network{a, b, c} {
			eventually(t, "it is shut out", func() bool {
				if round++; round%100 == 1 {
					seq++
					left.send(encode(t, m, naming(m, testSet(m, liar.ID(), 1, 1), seq)), asIdentity(liar))
					right.send(encode(t, m, naming(m, testSet(m, liar.ID(), 1, 2), seq)), asIdentity(liar))
				}
				return find(n, liar.ID()).Equivocated
			})
			proof := <-n.Equivocations()
			if proof.Key != liar.ID() {
				t.Errorf("%s is accused", proof.Key)
			}
			if key, err := VerifyEvidence(m, proof.Evidence); err != nil || key != liar.ID() {
				t.Errorf("the evidence shows %q, %v", key, err)
			}
		}
		if n := log.count("shutting it out for good"); n != 1 {
			t.Errorf("said %d times", n)
		}
		// It is not listened to any more, nor after a restart, and can not
		// connect.
		before := a.Stats()
		round = 0
		eventually(t, "it is blocked", func() bool {
			if round++; round%100 == 1 {
				seq++
				left.send(encode(t, m, naming(m, testSet(m, liar.ID(), 2, 3), seq)), asIdentity(liar))
			}
			return a.Stats().Blocked > before.Blocked
		})
		again := start(t, Config{Manifest: m, Equivocated: []federation.PeerID{liar.ID()}})
		members(t, start(t, Config{Manifest: m, Peers: again.Addrs()}), 1)
		s := start(t, Config{Manifest: m, Identity: liar, Peers: again.Addrs()})
		eventually(t, "it is turned away", func() bool { return !find(again, s.ID()).Connected })
		if _, err := Start(t.Context(), Config{Identity: liar, Manifest: m, Equivocated: []federation.PeerID{"nobody"}}); err == nil {
			t.Error("a key that is none was taken")
		}
	}
}

// While a key is being convicted both its versions are forwarded and neither is
// handed on: gossip may have lost the first message of either, as it does with
// what comes just before a mesh forms.
func TestBothVersionsAreForwarded(t *testing.T) {
	m := prototypeManifest("both versions")
	n := start(t, Config{Manifest: m})
	liar := testIdentity(t)
	for seq, fill := range []float32{1, 2, 1, 2} {
		u := naming(m, testSet(m, liar.ID(), 1, fill), uint64(seq+1))
		said := message(liar, gossipTopic(m.ID()), encode(t, m, u))
		if got := n.validate(t.Context(), n.self+"x", said); got != pubsub.ValidationAccept {
			t.Errorf("version %v under number %d: %v", fill, seq+1, got)
		}
		if handedOn := said.ValidatorData != nil; handedOn != (seq == 0) {
			t.Errorf("version %v under number %d: handed on: %v", fill, seq+1, handedOn)
		}
	}
}

// Against a slow reference: all that was ever said of each epoch.
func TestCommitmentsAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newTestSenders(t, 2, nil)
		s.admit("a", 1, true)
		type said struct {
			epoch uint64
			set   byte
		}
		var kept []said // ascending
		for i := range rapid.IntRange(0, 40).Draw(t, "messages") {
			epoch, set := rapid.Uint64Range(0, 8).Draw(t, "epoch"), byte(rapid.IntRange(1, 2).Draw(t, "set"))
			m := &pb.Message{Seqno: []byte{byte(i)}}
			against := s.commit("a", &federation.Update{Epoch: epoch, Prototypes: federation.Hash{set}}, m)
			at := slices.IndexFunc(kept, func(k said) bool { return k.epoch == epoch })
			want := at >= 0 && kept[at].set != set
			if (against != nil) != want {
				t.Fatalf("epoch %d, set %d after %v: contradiction %v", epoch, set, kept, against != nil)
			}
			if at < 0 && epoch > 0 {
				kept = append(kept, said{epoch, set})
				slices.SortFunc(kept, func(a, b said) int { return int(a.epoch) - int(b.epoch) })
				kept = kept[max(0, len(kept)-epochsKept):]
			}
		}
		if s.commit("stranger", &federation.Update{Epoch: 1}, nil) != nil {
			t.Fatal("something is known of a stranger")
		}
	})
}

func proof(t testing.TB, messages ...*pb.Message) []byte {
	t.Helper()
	var evidence []byte
	for _, m := range messages {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		evidence = protowire.AppendBytes(protowire.AppendTag(evidence, 1, protowire.BytesType), b)
	}
	return evidence
}

func TestEvidenceThatIsNone(t *testing.T) {
	m := prototypeManifest("evidence")
	liar, honest := testIdentity(t), testIdentity(t)
	one := func(i Identity, epoch uint64, fill float32) *pb.Message {
		return signed(t, m, i, naming(m, testSet(m, i.ID(), epoch, fill), 7))
	}
	good := proof(t, one(liar, 1, 1), one(liar, 1, 2))
	if key, err := VerifyEvidence(m, good); err != nil || key != liar.ID() {
		t.Fatalf("%q, %v", key, err)
	}
	forged := one(honest, 1, 2)
	forged.Signature[3] ^= 1
	inName := one(honest, 1, 2)
	inName.Data = encode(t, m, naming(m, testSet(m, liar.ID(), 1, 2), 7))
	elsewhere := one(liar, 1, 2)
	elsewhere.Topic = proto.String("another topic")
	hollow := signed(t, m, liar, testUpdate(m, liar.ID(), 8, 1))
	for name, evidence := range map[string][]byte{
		"nothing":            nil,
		"one message":        proof(t, one(liar, 1, 1)),
		"three messages":     proof(t, one(liar, 1, 1), one(liar, 1, 2), one(liar, 1, 3)),
		"the same set":       proof(t, one(liar, 1, 1), one(liar, 1, 1)),
		"two epochs":         proof(t, one(liar, 1, 1), one(liar, 2, 2)),
		"two keys":           proof(t, one(liar, 1, 1), one(honest, 1, 2)),
		"a forged signature": proof(t, one(honest, 1, 1), forged),
		"in another's name":  proof(t, one(liar, 1, 1), inName),
		"another topic":      proof(t, one(liar, 1, 1), elsewhere),
		"no set":             proof(t, hollow, hollow),
		"cut off":            good[:len(good)-1],
		"a longer message":   slices.Concat(good, []byte{1}),
	} {
		if key, err := VerifyEvidence(m, evidence); !errors.Is(err, ErrNoEvidence) || key != "" {
			t.Errorf("%s: shows %q, %v", name, key, err)
		}
	}
	if _, err := VerifyEvidence(prototypeManifest("another"), good); !errors.Is(err, ErrNoEvidence) {
		t.Errorf("in another federation: %v", err)
	}
}

// Evidence is what was said, byte for byte, so that it can be checked later.
func TestEvidenceIsWhatWasSigned(t *testing.T) {
	m := prototypeManifest("evidence")
	liar := testIdentity(t)
	a := signed(t, m, liar, naming(m, testSet(m, liar.ID(), 1, 1), 7))
	b := signed(t, m, liar, naming(m, testSet(m, liar.ID(), 1, 2), 8))
	got, err := evidenceOf(a, b)
	if err != nil || !bytes.Equal(got, proof(t, a, b)) {
		t.Errorf("%x, %v", got, err)
	}
}

func FuzzVerifyEvidence(f *testing.F) {
	m := prototypeManifest("fuzz")
	// The same in every process of the fuzzer.
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(make([]byte, 64)))
	if err != nil {
		f.Fatal(err)
	}
	identity, err := newIdentity(key)
	if err != nil {
		f.Fatal(err)
	}
	a := signed(f, m, identity, naming(m, testSet(m, identity.ID(), 1, 1), 7))
	b := signed(f, m, identity, naming(m, testSet(m, identity.ID(), 1, 2), 8))
	f.Add(proof(f, a, b))
	f.Add(proof(f, a))
	f.Add([]byte{10, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, evidence []byte) {
		if key, err := VerifyEvidence(m, evidence); err == nil && key != identity.ID() {
			t.Errorf("%x convicts %s", evidence, key)
		}
	})
}
