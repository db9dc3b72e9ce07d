package node

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/store"
)

// Errors of [Peer.Receive]. None of them says that the sender is hostile.
var (
	ErrStale    = errors.New("an update at least as new was received before")
	ErrOwn      = errors.New("update is this peer's own")
	ErrTooMany  = errors.New("updates of as many senders as the manifest allows are held")
	ErrNoClaims = errors.New("no familiar class: there are no training samples")
)

// defaultMaxAge is how many of its own rounds a peer goes on using the newest
// update of a sender that has fallen silent. Links fail for a while; but a peer
// that left must not be integrated for ever.
const defaultMaxAge = 20

// patience is for how many rounds after its last update a sender is waited
// for. One message may be lost; a peer that is switched off must not slow
// everybody down for as long as its update counts.
const patience = 2

// Config is what a [Peer] is made of.
type Config struct {
	ID       federation.PeerID
	Manifest *federation.Manifest
	// Rule merges what is received. Rules keep scratch memory: one per peer.
	Rule aggregation.Rule
	// WholeHead says that the federation's rule needs every row to travel.
	WholeHead bool
	Train     learner.Samples
	Probe     learner.Samples
	Seed      uint64
	// MaxAge is for how many of its own rounds the peer goes on using the
	// newest update of a sender that has fallen silent; 0: for 20.
	MaxAge uint64
	// NoiseKey is what the noise on published class means follows from: a
	// secret, because who knows it can take the noise away. Zero: it follows from
	// the seed, which is enough for a simulation.
	NoiseKey [32]byte
}

// Peer is the state of one peer between two rounds. It is not safe for
// concurrent use.
type Peer struct {
	cfg     Config
	id      federation.ID
	trainer *learner.Trainer
	probe   *learner.Probe
	judged  []int // familiar classes with samples in the probe
	known   knowledge
	inbox   map[federation.PeerID]received
	senders map[federation.PeerID]sender
	rounds  uint64
}

// received is an update with the own round in which it came.
type received struct {
	*federation.Update
	at uint64
}

// sender is what is known of a peer whose update came, however long ago.
type sender struct {
	seq uint64 // of its newest update
	at  uint64 // own round in which that came
}

// NewPeer returns a peer whose head is all zeros.
func NewPeer(cfg Config) (*Peer, error) {
	m := cfg.Manifest
	p := &Peer{
		cfg:     cfg,
		id:      m.ID(),
		trainer: learner.NewTrainer(m.Training, len(m.Classes), m.Backbone.Features, !cfg.Rule.Consolidates(), cfg.Seed),
		inbox:   map[federation.PeerID]received{},
		senders: map[federation.PeerID]sender{},
	}
	return p, p.SetSamples(cfg.Train, cfg.Probe)
}

// SetSamples replaces the training set and the probe.
func (p *Peer) SetSamples(train, probe learner.Samples) error {
	if err := p.trainer.SetSamples(train); err != nil {
		return fmt.Errorf("training set: %w", err)
	}
	p.probe = learner.NewProbe(probe, p.cfg.Manifest.Backbone.Features)
	p.cfg.Train, p.cfg.Probe = train, probe // the old ones are let go
	p.learnOwn()
	p.judged = []int{}
	for _, c := range p.trainer.Familiar() {
		if slices.Contains(probe.Labels, c) {
			p.judged = append(p.judged, c)
		}
	}
	return nil
}

// ID returns the peer's name.
func (p *Peer) ID() federation.PeerID { return p.cfg.ID }

// Manifest returns the federation's manifest.
func (p *Peer) Manifest() *federation.Manifest { return p.cfg.Manifest }

// Rounds returns the number of rounds that were integrated.
func (p *Peer) Rounds() uint64 { return p.rounds }

// Head returns the consolidated head, sharing memory with the peer.
func (p *Peer) Head() federation.Head { return p.trainer.Consolidated() }

// Familiar returns the classes with training samples, ascending.
func (p *Peer) Familiar() []int { return p.trainer.Familiar() }

// Scores judges the head on the peer's own probe.
func (p *Peer) Scores() learner.Scores { return p.probe.Scores(p.Head()) }

// Train takes local steps and takes back the familiar rows.
func (p *Peer) Train(steps int) {
	if p.rounds > firstNegatives {
		p.trainer.SetNegatives(p.known.negate)
	}
	p.trainer.Train(steps)
}

// Update returns the update to publish under a sequence number: the rows that
// the federation's rule wants to travel. The rows are copies.
func (p *Peer) Update(seq uint64) (*federation.Update, error) {
	claims := p.Familiar()
	if len(claims) == 0 {
		return nil, ErrNoClaims
	}
	rows := claims
	if p.cfg.WholeHead {
		rows = make([]int, len(p.cfg.Manifest.Classes))
		for c := range rows {
			rows[c] = c
		}
	}
	own := p.known.commitment()
	return &federation.Update{
		Federation: p.id,
		Sender:     p.cfg.ID,
		Seq:        seq,
		Round:      p.rounds,
		Claims:     slices.Clone(claims),
		Rows:       p.Head().Select(rows),
		Prototypes: own.hash,
		Epoch:      own.epoch,
	}, nil
}

// Receive keeps an update that has been decoded and checked, if it is newer
// than what this sender sent before.
func (p *Peer) Receive(u *federation.Update) error {
	last, known := p.senders[u.Sender]
	switch {
	case u.Sender == p.cfg.ID:
		return ErrOwn
	case slices.Contains(p.known.banned, u.Sender):
		return ErrBanned
	case known && u.Seq <= last.seq:
		return ErrStale
	case !known && len(p.senders) >= p.cfg.Manifest.Wire.MaxPeers && !p.forget():
		return ErrTooMany
	}
	if err := p.commit(u.Sender, commitment{u.Epoch, u.Prototypes}); err != nil {
		return err
	}
	if set := p.known.sets[u.Sender]; set != nil && !claimsAll(u, set.Prototypes) {
		return ErrFewClaims
	}
	p.senders[u.Sender] = sender{u.Seq, p.rounds}
	p.inbox[u.Sender] = received{u, p.rounds}
	return nil
}

// forget makes room for a new sender by giving up the one that has been
// silent longest, the first by ID if several have; but none whose update still
// counts, so that a flood of new names cannot push out those who take part. A
// sender that is forgotten could have one old update of its own replayed.
func (p *Peer) forget() bool {
	var oldest federation.PeerID
	for id, s := range p.senders {
		if o := p.senders[oldest]; oldest == "" || s.at < o.at || s.at == o.at && id < oldest {
			oldest = id
		}
	}
	if _, counts := p.inbox[oldest]; counts || oldest == "" {
		return false
	}
	delete(p.senders, oldest)
	if p.known.sets[oldest] == nil {
		delete(p.known.heard, oldest)
	}
	return true
}

// Heard returns how many senders sent something since the last integration,
// and how many are expected to: those that did in the last rounds.
func (p *Peer) Heard() (fresh, expected int) {
	for _, r := range p.inbox {
		if r.at == p.rounds {
			fresh++
		}
		if r.at+patience >= p.rounds {
			expected++
		}
	}
	return fresh, expected
}

// Integrate ends a round: it merges the newest update of every active sender
// into the head and returns what the rule said about each. The result is
// valid until the next call.
func (p *Peer) Integrate() (aggregation.Result, error) {
	maps.DeleteFunc(p.inbox, func(_ federation.PeerID, r received) bool { return r.at+p.maxAge() < p.rounds })
	p.learn()
	result, err := p.Try(p.cfg.Rule, p.Inbox())
	if err != nil {
		return aggregation.Result{}, err
	}
	p.trainer.Adopt(result.Head)
	p.rounds++
	return result, nil
}

// maxAge is Config.MaxAge or its default.
func (p *Peer) maxAge() uint64 { return cmp.Or(p.cfg.MaxAge, defaultMaxAge) }

// input is what a rule gets to merge the given updates.
func (p *Peer) input(updates []*federation.Update) aggregation.Input {
	in := aggregation.Input{
		Own:      p.Head(),
		Familiar: p.Familiar(),
		Judged:   p.judged,
		Updates:  updates,
		Probe:    p.probe,
		// From the seed and the round alone, so that a restarted peer
		// decides as it would have decided.
		Rand:  rand.New(rand.NewPCG(p.cfg.Seed, p.rounds)),
		Round: p.rounds,
		Loss:  p.trainer.Loss,
	}
	if p.known.pseudo != nil {
		in.Pseudo, in.Imagined = p.known.pseudo, p.known.Means.Classes
	}
	return in
}

// Round returns a copy of what must survive a restart, as of the last
// integration.
func (p *Peer) Round() store.Round {
	s := p.trainer.State()
	return store.Round{
		Number:    p.rounds,
		Head:      s.Consolidated,
		Optimizer: store.Optimizer{First: s.Moment1, Second: s.Moment2, Steps: s.Step},
		Peers:     p.LastSeq(),
		Sets:      p.rememberSets(),
		Banned:    slices.Sorted(slices.Values(p.known.banned)),
	}
}

// Resume goes on from a round of the same federation.
func (p *Peer) Resume(r *store.Round) error {
	err := p.trainer.Restore(learner.State{
		Consolidated: r.Head,
		Moment1:      r.Optimizer.First,
		Moment2:      r.Optimizer.Second,
		Step:         r.Optimizer.Steps,
	})
	if err != nil {
		return err
	}
	p.rounds = r.Number
	clear(p.senders)
	for id, seq := range r.Peers {
		p.senders[id] = sender{seq: seq} // silent since before the first round
	}
	clear(p.inbox)
	p.recallSets(r.Sets, r.Banned)
	return nil
}

// LastSeq returns the newest sequence number of each sender.
func (p *Peer) LastSeq() map[federation.PeerID]uint64 {
	last := make(map[federation.PeerID]uint64, len(p.senders))
	for id, s := range p.senders {
		last[id] = s.seq
	}
	return last
}
