package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
)

// What [Peer.Receive] and [Peer.ReceivePrototypes] say of a sender whose
// prototypes contradict each other, or its updates.
var (
	ErrEquivocation = errors.New("two sets of prototypes of one epoch from one key: it is not listened to any more")
	ErrBanned       = errors.New("from a key that has shown two sets of prototypes for one epoch")
	ErrFewClaims    = errors.New("claims fewer classes than its sender published prototypes of")
	ErrNoPrototypes = errors.New("the federation has no prototypes: its manifest does not ask for them")
)

const (
	// maxSets is of how many peers a peer keeps the prototypes: enough to know
	// every class many times over, and few enough to compare all with all.
	maxSets = 64

	// maxBanned is how many keys a peer refuses. A key costs nothing: one that
	// is forgotten for newer ones is as good as one that was never seen.
	maxBanned = 1024

	// firstNegatives is how many rounds, counted from 1, pass before pseudo-samples
	// take part in training. In the first ones rows are too raw to be told what
	// they are not.
	firstNegatives = 5

	// pseudoProbe is how many pseudo-samples of each foreign class are added to
	// the probe.
	pseudoProbe = 10
)

// knowledge is what a peer knows of class means, its own and those of others.
type knowledge struct {
	own    aggregation.OwnMeans // without noise
	set    *ownSet              // published; nil without any
	last   *ownSet              // the newest that ever was
	sets   map[federation.PeerID]*otherSet
	heard  map[federation.PeerID]commitment // of the senders of sets and updates that are held
	banned []federation.PeerID              // the oldest first
	stale  bool                             // something came since learn

	aggregation.Knowledge
	pseudo *learner.Probe
	negate *learner.Pseudo
}

type ownSet struct {
	*federation.Prototypes
	hash    federation.Hash
	encoded []byte // once it was asked for
}

// otherSet is the newest set of a sender.
type otherSet struct {
	*federation.Prototypes
	encoded []byte // once it was asked for
}

// commitment is what a sender has bound itself to.
type commitment struct {
	epoch uint64
	hash  federation.Hash
}

// commitment is what the own updates say.
func (k *knowledge) commitment() commitment {
	if k.set == nil {
		return commitment{}
	}
	return commitment{k.set.Epoch, k.set.hash}
}

// learnOwn computes the own set from the training samples. A set that says
// something else than the last one has a new epoch: one above all that this peer
// can have used, even if it has lost its last set, because no epoch is above the
// number of rounds plus one.
func (p *Peer) learnOwn() {
	m, k := p.cfg.Manifest, &p.known
	if !m.Prototypes.Use {
		return
	}
	k.stale = true
	// What came of the old samples is let go with them.
	k.pseudo, k.negate = nil, nil
	p.trainer.SetNegatives(nil)
	means := learner.ClassMeans(p.cfg.Train, m.Backbone.Features)
	own := means.Published(m.Prototypes.Least, 0, [32]byte{})
	k.own = aggregation.OwnMeans{Means: own.Rows, Samples: own.Samples, Variance: own.Variance}
	k.set = nil
	if len(own.Classes) == 0 {
		return
	}
	public := means.Published(m.Prototypes.Least, m.Prototypes.Noise*m.Backbone.RMS, p.noiseKey())
	set := &federation.Prototypes{Federation: p.id, Sender: p.cfg.ID, Samples: public.Samples, Means: public.Rows}
	if k.last != nil {
		set.Epoch = k.last.Epoch
	}
	hash := set.Hash()
	if k.last == nil || hash != k.last.hash {
		set.Epoch = max(set.Epoch, p.rounds) + 1
		hash = set.Hash()
	}
	k.set = &ownSet{Prototypes: set, hash: hash}
	k.last = k.set
}

// noiseKey is Config.NoiseKey, or one that follows from the seed.
func (p *Peer) noiseKey() [32]byte {
	key := p.cfg.NoiseKey
	if key == ([32]byte{}) {
		binary.LittleEndian.PutUint64(key[:], p.cfg.Seed)
	}
	return key
}

// Prototypes returns the set that this peer publishes, nil if there is none. A
// new one must be committed with the peer's round before it is published: a peer
// that forgets what it said, and says something else, is banned by all.
func (p *Peer) Prototypes() *federation.Prototypes {
	if p.known.set == nil {
		return nil
	}
	return p.known.set.Prototypes
}

// commit notes what a sender says that its set is, and stops listening to one
// that says two things about one epoch. Both are signed, and a peer that keeps
// the rules says one thing only, so nobody can be framed; what comes late is of
// an older epoch, and proves nothing here.
func (p *Peer) commit(from federation.PeerID, said commitment) error {
	k := &p.known
	last, known := k.heard[from]
	switch {
	case said.epoch == 0 || said.epoch < last.epoch:
		return nil
	case known && said.epoch == last.epoch && said.hash != last.hash:
		p.Ban(from)
		return fmt.Errorf("%s, epoch %d: %w", from, said.epoch, ErrEquivocation)
	}
	if k.heard == nil {
		k.heard = map[federation.PeerID]commitment{}
	}
	k.heard[from] = said
	return nil
}

// Ban drops what came from a key and refuses what comes from now on.
func (p *Peer) Ban(key federation.PeerID) {
	k := &p.known
	if key == p.cfg.ID || slices.Contains(k.banned, key) {
		return
	}
	if len(k.banned) == maxBanned {
		k.banned = slices.Delete(k.banned, 0, 1)
	}
	k.banned = append(k.banned, key)
	k.stale = k.stale || k.sets[key] != nil
	delete(k.sets, key)
	delete(k.heard, key)
	delete(p.inbox, key)
}

// ReceivePrototypes keeps a set that has been decoded and checked. The error
// wraps [ErrEquivocation] if the sender has committed itself to another one for
// the same epoch. If there is room for no more, the set of a sender whose updates
// count takes the place of one of a sender that sends none; what is refused with
// [ErrTooMany] may be offered again.
func (p *Peer) ReceivePrototypes(set *federation.Prototypes) error {
	k := &p.known
	from, old := set.Sender, k.sets[set.Sender]
	_, counts := p.inbox[from]
	_, sends := p.senders[from]
	said := commitment{set.Epoch, set.Hash()}
	switch {
	case !p.cfg.Manifest.Prototypes.Use:
		return ErrNoPrototypes
	case from == p.cfg.ID:
		return ErrOwn
	case slices.Contains(k.banned, from):
		return ErrBanned
	case said.epoch < k.heard[from].epoch:
		return ErrStale
	}
	room := old != nil || len(k.sets) < min(maxSets, p.cfg.Manifest.Wire.MaxPeers) || counts && p.makeRoom()
	if !room && !sends {
		return ErrTooMany
	}
	if err := p.commit(from, said); err != nil {
		return err
	}
	switch {
	case !room:
		return ErrTooMany
	case old != nil && old.Epoch == set.Epoch:
		return ErrStale
	}
	if k.sets == nil {
		k.sets = map[federation.PeerID]*otherSet{}
	}
	k.sets[from] = &otherSet{Prototypes: set}
	k.stale = true
	if held, ok := p.inbox[from]; ok && !claimsAll(held.Update, set) {
		delete(p.inbox, from)
	}
	return nil
}

// claimsAll reports whether an update claims all classes of its sender's set. What a
// peer says weighs less the more classes it claims: one that shows means of all to be
// trusted as one who knows them, and claims two to weigh as one who knows two, would
// have both. Honest peers publish means of no other classes than they claim; one that
// lost a class says so in its next set.
func claimsAll(u *federation.Update, set *federation.Prototypes) bool {
	for _, c := range set.Means.Classes {
		if _, ok := slices.BinarySearch(u.Claims, c); !ok {
			return false
		}
	}
	return true
}

// makeRoom forgets the first set whose sender has no update that counts, and
// reports whether there was one.
func (p *Peer) makeRoom() bool {
	for _, id := range slices.Sorted(maps.Keys(p.known.sets)) {
		if _, counts := p.inbox[id]; !counts {
			delete(p.known.sets, id)
			if _, sends := p.senders[id]; !sends {
				delete(p.known.heard, id)
			}
			return true
		}
	}
	return false
}

// Disputes returns the classes that this peer has no samples of and about which
// the prototypes of others disagree.
func (p *Peer) Disputes() []aggregation.Dispute { return p.known.Disputes }

// KnownPrototypes returns of how many other peers a set is kept.
func (p *Peer) KnownPrototypes() int { return len(p.known.sets) }

// learn makes what follows from the sets that came.
func (p *Peer) learn() {
	if p.known.stale {
		p.known.stale = false
		p.judgeSets()
	}
}

// rememberSets returns the encoded sets by sender, the newest own one among
// them, for [Peer.recallSets].
func (p *Peer) rememberSets() map[federation.PeerID][]byte {
	k := &p.known
	if k.last == nil && len(k.sets) == 0 {
		return nil
	}
	sets := make(map[federation.PeerID][]byte, 1+len(k.sets))
	put := func(set *federation.Prototypes, encoded *[]byte) {
		if *encoded == nil {
			b, err := set.Encode(p.cfg.Manifest)
			if err != nil {
				return // never from the decoder, and from data that others would refuse
			}
			*encoded = b
		}
		sets[set.Sender] = *encoded
	}
	for _, s := range k.sets {
		put(s.Prototypes, &s.encoded)
	}
	if k.last != nil {
		put(k.last.Prototypes, &k.last.encoded)
	}
	return sets
}

// recallSets takes up the sets of a committed round and computes the own one
// anew. A set that cannot be read is left out: it can be asked for again.
func (p *Peer) recallSets(encoded map[federation.PeerID][]byte, banned []federation.PeerID) {
	p.known = knowledge{banned: slices.Clone(banned[max(0, len(banned)-maxBanned):])}
	if !p.cfg.Manifest.Prototypes.Use {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(encoded)) {
		set, err := federation.DecodePrototypes(p.cfg.Manifest, encoded[id])
		switch {
		case err != nil || set.Sender != id:
		case id == p.cfg.ID:
			p.known.last = &ownSet{Prototypes: set, hash: set.Hash()}
		default:
			_ = p.ReceivePrototypes(set) // it refuses only what it would refuse from the network
		}
	}
	p.learnOwn()
	p.learn()
}

func (p *Peer) judgeSets() {
	k := &p.known
	sets := make([]*federation.Prototypes, 0, len(k.sets))
	for _, id := range slices.Sorted(maps.Keys(k.sets)) {
		sets = append(sets, k.sets[id].Prototypes)
	}
	var foreign []int
	for c := range p.cfg.Manifest.Classes {
		if _, ok := slices.BinarySearch(p.Familiar(), c); !ok {
			foreign = append(foreign, c)
		}
	}
	k.Knowledge = aggregation.Weigh(k.own, sets, foreign)
	k.pseudo, k.negate = nil, nil
	if len(k.Means.Classes) == 0 {
		return
	}
	k.negate = learner.NewPseudo(k.Means, p.cfg.Train)
	imagined := k.negate.Samples(pseudoProbe, p.cfg.Seed)
	k.pseudo = learner.NewProbe(learner.Samples{
		Features: slices.Concat(p.cfg.Probe.Features, imagined.Features),
		Labels:   slices.Concat(p.cfg.Probe.Labels, imagined.Labels),
	}, p.cfg.Manifest.Backbone.Features)
}
