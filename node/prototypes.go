package node

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
)

// What [Peer.Receive] and [Peer.ReceivePrototypes] say of a sender that shows
// different prototypes to different peers.
var (
	ErrEquivocation = errors.New("two sets of prototypes of one epoch from one key: it is not listened to any more")
	ErrBanned       = errors.New("from a key that has shown two sets of prototypes for one epoch")
)

const (
	// maxSets is of how many peers a peer keeps the prototypes: enough to know
	// every class many times over, and few enough to compare all with all.
	maxSets = 64

	// firstNegatives is the own round from which on pseudo-samples take part in
	// training. In the first ones rows are too raw to be told what they are not.
	firstNegatives = 5

	// pseudoProbe is how many pseudo-samples of each foreign class are added to
	// the probe.
	pseudoProbe = 10
)

// knowledge is what a peer knows of class means, its own and those of others.
type knowledge struct {
	own    aggregation.OwnMeans
	set    *federation.Prototypes // published; nil without any
	hash   federation.Hash        // of set
	sets   map[federation.PeerID]*federation.Prototypes
	heard  map[federation.PeerID]commitment // by updates or sets
	banned map[federation.PeerID]bool
	said   map[federation.PeerID]*federation.Vouches
	stale  bool // something came since learn

	aggregation.Knowledge
	trust   map[federation.Hash]uint8 // Knowledge.Trust at first hand, as it is published
	vouches *federation.Vouches
	pseudo  *learner.Probe
	negate  *learner.Pseudo
}

// commitment is what a sender has bound itself to.
type commitment struct {
	epoch uint64
	hash  federation.Hash
}

func (k *knowledge) epoch() uint64 {
	if k.set == nil {
		return 0
	}
	return k.set.Epoch
}

// learnOwn computes the own set from new training samples. The same samples
// give the same set, and then the epoch stays.
func (p *Peer) learnOwn() {
	m, k := p.cfg.Manifest, &p.known
	if k.sets == nil {
		k.sets, k.heard = map[federation.PeerID]*federation.Prototypes{}, map[federation.PeerID]commitment{}
		k.banned, k.said = map[federation.PeerID]bool{}, map[federation.PeerID]*federation.Vouches{}
	}
	if !m.Prototypes.Use {
		return
	}
	k.stale = true
	epoch := k.epoch()
	means := learner.ClassMeans(p.cfg.Train, m.Backbone.Features).Published(
		m.Prototypes.Least, m.Prototypes.Noise*m.Backbone.RMS, rand.New(rand.NewPCG(p.cfg.Seed, 0x70726f746f)))
	k.set, k.hash, k.own = nil, federation.Hash{}, aggregation.OwnMeans{}
	if len(means.Classes) == 0 {
		return
	}
	k.own = aggregation.OwnMeans{Means: means.Rows, Samples: means.Samples, Variance: means.Variance}
	k.set = &federation.Prototypes{Federation: p.id, Sender: p.cfg.ID, Epoch: max(1, epoch), Samples: means.Samples, Means: means.Rows}
	if k.hash = k.set.Hash(); epoch > 0 && k.hash != k.heard[p.cfg.ID].hash {
		k.set.Epoch++
		k.hash = k.set.Hash()
	}
	k.heard[p.cfg.ID] = commitment{k.set.Epoch, k.hash}
}

// Prototypes returns the set that this peer publishes, nil if there is none.
func (p *Peer) Prototypes() *federation.Prototypes { return p.known.set }

// commitment notes what a sender says that its set is, and stops listening to
// one that says two things about one epoch.
func (p *Peer) commitment(from federation.PeerID, epoch uint64, hash federation.Hash) error {
	k := &p.known
	last, known := k.heard[from]
	switch {
	case epoch == 0 || epoch < last.epoch:
		return nil
	case known && epoch == last.epoch && hash != last.hash:
		k.ban(from)
		delete(p.inbox, from)
		return fmt.Errorf("%s, epoch %d: %w", from, epoch, ErrEquivocation)
	}
	k.heard[from] = commitment{epoch, hash}
	return nil
}

func (k *knowledge) ban(from federation.PeerID) {
	k.banned[from] = true
	delete(k.sets, from)
	delete(k.said, from)
	k.stale = true
}

// ReceivePrototypes keeps a set that has been decoded and checked. The error
// wraps [ErrEquivocation] if the sender has committed itself to another one for
// the same epoch.
func (p *Peer) ReceivePrototypes(set *federation.Prototypes) error {
	k := &p.known
	old := k.sets[set.Sender]
	switch {
	case set.Sender == p.cfg.ID:
		return ErrOwn
	case k.banned[set.Sender]:
		return ErrBanned
	case set.Epoch < k.heard[set.Sender].epoch:
		return ErrStale
	}
	if err := p.commitment(set.Sender, set.Epoch, set.Hash()); err != nil {
		return err
	}
	if old != nil && old.Epoch == set.Epoch {
		return ErrStale
	}
	if old == nil && len(k.sets) >= maxSets {
		return ErrTooMany
	}
	k.sets[set.Sender] = set
	k.stale = true
	return nil
}

// ReceiveVouches keeps what another peer says of sets, if it is newer than what
// it said before. Only those of whom a set is kept are heard.
func (p *Peer) ReceiveVouches(v *federation.Vouches) error {
	k := &p.known
	old := k.said[v.Sender]
	switch {
	case k.banned[v.Sender]:
		return ErrBanned
	case k.sets[v.Sender] == nil:
		return ErrTooMany
	case old != nil && v.Seq <= old.Seq:
		return ErrStale
	}
	k.said[v.Sender] = v
	k.stale = k.stale || old == nil || !maps.Equal(old.Trust, v.Trust)
	return nil
}

// Vouches returns what this peer says of the sets that it can judge at first
// hand: a new message under the given number if that has changed since the last
// call, else the last one; nil while it can judge none.
func (p *Peer) Vouches(seq uint64) *federation.Vouches {
	k := &p.known
	if len(k.trust) > 0 && (k.vouches == nil || !maps.Equal(k.trust, k.vouches.Trust)) {
		k.vouches = &federation.Vouches{Federation: p.id, Sender: p.cfg.ID, Seq: seq, Trust: k.trust}
	}
	return k.vouches
}

// Disputes returns the classes that this peer has no samples of and about which
// the prototypes of others disagree.
func (p *Peer) Disputes() []aggregation.Dispute { return p.known.Disputes }

// KnownPrototypes returns of how many other peers a set is kept.
func (p *Peer) KnownPrototypes() int { return len(p.known.sets) }

// learn makes what follows from the sets and vouches that came.
func (p *Peer) learn() {
	k := &p.known
	if k.stale {
		k.stale = false
		p.judgeSets()
	}
	if p.rounds >= firstNegatives {
		p.trainer.SetNegatives(k.negate)
	}
}

func (p *Peer) judgeSets() {
	k := &p.known
	var sets []*federation.Prototypes
	var vouches []*federation.Vouches
	for _, sender := range slices.Sorted(maps.Keys(k.sets)) {
		sets, vouches = append(sets, k.sets[sender]), append(vouches, k.said[sender])
	}
	var foreign []int
	for c := range p.cfg.Manifest.Classes {
		if _, ok := slices.BinarySearch(p.Familiar(), c); !ok {
			foreign = append(foreign, c)
		}
	}
	k.Knowledge = aggregation.Weigh(k.own, sets, vouches, foreign)
	k.trust = map[federation.Hash]uint8{}
	for j, set := range sets {
		if k.Shared[j] {
			k.trust[k.heard[set.Sender].hash] = uint8(math.Round(255 * k.Trust[j]))
		}
	}
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
