package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/sim/attack"
	"github.com/bristle-fl/bristled/store"
)

// world is a running experiment.
type world struct {
	Experiment
	honest  []*member
	liars   []*liar
	numbers map[federation.PeerID]int // of honest peers
	test    *learner.Probe
	rules   []aggregation.Rule // one per worker: a rule keeps scratch only
	trials  []aggregation.Rule // another, for what liars try
	whole   bool               // whether whole heads travel
	agenda  agenda
	sets    []published // all that ever were, as gossip carries them to everybody
	spoke   [][]bool    // by worker: whose updates the peer at work kept in this round

	bytes, sent, count int
	ruleNanos, rounds  atomic.Int64
	told, idle         atomic.Int64 // rounds with updates, and those of them in which the rule could not run
}

// member is one honest peer.
type member struct {
	*node.Peer
	config node.Config
	rule   *borrowed
	number int
	life   Life
	seq    uint64
	mail   []letter
	last   int64 // when it last worked
	busy   int64 // until when its line is taken
	before federation.Head

	update *federation.Update // of the last round
	size   int

	heard    int         // of world.sets
	offers   []offer     // sets that it may yet keep
	fresh    []published // liars' sets that nobody else has seen
	liarSets map[int]shown
	store    *store.Store
}

// liar is one Byzantine peer.
type liar struct {
	*node.Peer
	attack.Attack
	number int // among all peers
	seq    uint64
	busy   int64
	update *federation.Update
	size   int
	set    *federation.Prototypes // what it would publish if it were honest
}

// shown is the set that a liar shows to a peer, none if it has no means.
type shown struct {
	hash  federation.Hash
	epoch uint64
}

// letter is a message on its way: an update of an honest peer, or word of a
// liar, which decides what to say when it is read.
type letter struct {
	at     int64
	from   int
	seq    uint64
	update *federation.Update // nil from a liar
}

// borrowed is a rule that stands in for the one of whichever worker runs the
// peer, so that a thousand peers need scratch for as many rules as there are
// workers.
type borrowed struct{ aggregation.Rule }

// newWorld makes the peers.
func newWorld(e Experiment) (*world, error) {
	w := &world{Experiment: e, numbers: map[federation.PeerID]int{}}
	w.Workers = max(1, w.Workers)
	if len(e.Honest) == 0 || e.Iterations < 1 {
		return nil, fmt.Errorf("an experiment of %d honest peers and %d iterations shows nothing", len(e.Honest), e.Iterations)
	}
	if err := e.Link.check(); err != nil {
		return nil, err
	}
	if err := e.checkJoins(); err != nil {
		return nil, err
	}
	w.test = learner.NewProbe(e.Test, e.Manifest.Backbone.Features)
	for range w.Workers {
		w.spoke = append(w.spoke, make([]bool, len(e.Honest)+len(e.Liars)))
		for _, to := range []*[]aggregation.Rule{&w.rules, &w.trials} {
			r, err := aggregation.New(e.Manifest.Rule)
			if err != nil {
				return nil, err
			}
			*to = append(*to, r)
		}
	}
	w.whole = w.rules[0].WholeHead()
	for i, h := range e.Honest {
		m := &member{number: i, rule: &borrowed{w.rules[0]}, liarSets: map[int]shown{}}
		if i < len(e.Life) {
			m.life = e.Life[i]
		}
		if err := m.life.check(i); err != nil {
			return nil, err
		}
		m.config = w.config(i, h, m.rule)
		var err error
		if m.Peer, err = node.NewPeer(m.config); err != nil {
			return nil, fmt.Errorf("peer %d: %w", i, err)
		}
		w.numbers[m.ID()] = i
		if err := w.openStore(m); err != nil {
			return nil, w.close(err)
		}
		if len(e.Liars) > 0 {
			m.before = federation.NewHead(len(e.Manifest.Classes), e.Manifest.Backbone.Features)
		}
		w.honest = append(w.honest, m)
		w.agenda.add(int64(m.life.Join)*unit, i)
	}
	for i, h := range e.Liars {
		l, err := w.newLiar(i, h)
		if err != nil {
			return nil, w.close(fmt.Errorf("liar %d: %w", i, err))
		}
		w.liars = append(w.liars, l)
		w.agenda.add(0, l.number)
	}
	return w, nil
}

func name(i int) federation.PeerID { return federation.PeerID(fmt.Sprintf("peer-%05d", i)) }

func (w *world) config(i int, h Hand, rule aggregation.Rule) node.Config {
	return node.Config{
		ID: name(i), Manifest: w.Manifest, Rule: rule, WholeHead: w.whole,
		Train: h.Train, Probe: h.Probe, Seed: w.Seed<<16 + uint64(i), MaxAge: w.MaxAge,
	}
}

// newLiar makes a liar, which trains alone and never integrates, as in the
// Bristle experiments: what it says is the best that a liar can know.
func (w *world) newLiar(i int, h Hand) (_ *liar, err error) {
	l := &liar{number: len(w.Honest) + i, Attack: attack.Honest{}}
	if w.Attack != nil {
		if l.Attack, err = w.Attack(i, len(w.Liars)); err != nil {
			return nil, err
		}
	}
	spec, err := aggregation.Defaults("local")
	if err != nil {
		return nil, err
	}
	alone, err := aggregation.New(spec)
	if err != nil {
		return nil, err
	}
	if l.Peer, err = node.NewPeer(w.config(l.number, relabel(l.Attack, h, len(w.Manifest.Classes)), alone)); err != nil {
		return nil, err
	}
	l.set = l.Peer.Prototypes()
	return l, nil
}

// relabel returns a hand labelled as the attack has it, sharing features.
func relabel(a attack.Attack, h Hand, classes int) Hand {
	lie := func(s learner.Samples) learner.Samples {
		lied := learner.Samples{Features: s.Features, Labels: make([]int, len(s.Labels))}
		for i, c := range s.Labels {
			lied.Labels[i] = a.Label(c, classes)
		}
		return lied
	}
	return Hand{Train: lie(h.Train), Probe: lie(h.Probe)}
}

// step lets the given peers work one round each, in the order of the Bristle
// node loop (docs/bristle.md, a1): integrate what came, train, send. What is
// sent now is read later, whoever comes first, so that they work side by side.
func (w *world) step(now int64, peers []int) error {
	cut, _ := slices.BinarySearch(peers, len(w.honest))
	honest, liars := peers[:cut], peers[cut:]
	awake := honest[:0:0]
	for _, i := range honest {
		m := w.honest[i]
		back, err := w.absent(m, now)
		if err != nil {
			return fmt.Errorf("peer %d: %w", i, err)
		}
		if back > now {
			w.agenda.add(back, i)
			continue
		}
		m.last = now
		awake = append(awake, i)
		w.agenda.add(now+m.life.period(), i)
	}
	err := w.parallel(len(awake), func(worker, k int) error {
		m := w.honest[awake[k]]
		if err := w.round(worker, m, now); err != nil {
			return fmt.Errorf("peer %d: %w", m.number, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = w.parallel(len(liars), func(_, k int) (err error) {
		l := w.liars[liars[k]-len(w.honest)]
		l.Integrate() //nolint:errcheck // local merges nothing
		l.Train(w.Manifest.Training.Steps)
		l.Learned(l.Rounds()-1, l.Head())
		l.seq++
		if l.update, err = l.Peer.Update(l.seq); err == nil {
			l.update, l.size, err = w.wire(l.update)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, i := range awake {
		m := w.honest[i]
		own, err := w.publish(m)
		if err != nil {
			return fmt.Errorf("peer %d: %w", i, err)
		}
		n := w.send(now, i, m.seq, m.Rounds()-1, m.size, &m.busy, m.update)
		w.bytes, w.sent, w.count = w.bytes+m.size, w.sent+n*(m.size+own), w.count+1
	}
	for _, i := range liars {
		l := w.liars[i-len(w.honest)]
		w.agenda.add(now+unit, i)
		w.send(now, i, l.seq, l.Rounds()-1, l.size, &l.busy, nil)
	}
	return nil
}

// send posts a message to all targets of a peer and returns how many there are.
func (w *world) send(now int64, from int, seq, round uint64, size int, busy *int64, u *federation.Update) int {
	targets := w.Topology.targets(from, round, len(w.honest), nil)
	for _, to := range targets {
		m := w.honest[to]
		if int64(m.life.Join)*unit > now {
			continue
		}
		rng := rand.New(rand.NewPCG(w.Seed^uint64(now), uint64(from)<<32|uint64(to)))
		at, lost := w.Link.transit(now, busy, size, rng)
		if !lost {
			m.mail = append(m.mail, letter{at, from, seq, u})
		}
	}
	return len(targets)
}

// round is one round of an honest peer.
func (w *world) round(worker int, m *member, now int64) error {
	m.rule.Rule = w.rules[worker]
	if err := w.read(worker, m, now); err != nil {
		return err
	}
	w.hear(worker, m)
	if m.before.Weights != nil {
		copy(m.before.Weights, m.Head().Weights)
	}
	start := time.Now()
	result, err := m.Integrate()
	w.ruleNanos.Add(int64(time.Since(start)))
	w.rounds.Add(1)
	if err != nil {
		return err
	}
	w.note(result.Verdicts)
	if w.Verdicts != nil {
		if err := w.Verdicts(m.number, m.Rounds(), result); err != nil {
			return err
		}
	}
	if err := w.commit(m); err != nil {
		return err
	}
	m.Train(w.Manifest.Training.Steps)
	m.seq++
	u, err := m.Update(m.seq)
	if err != nil {
		return err
	}
	m.update, m.size, err = w.wire(u)
	return err
}

// note counts a round with updates, and whether the rule could run.
func (w *world) note(verdicts []aggregation.Verdict) {
	if len(verdicts) == 0 {
		return
	}
	w.told.Add(1)
	// The rule gives this reason to all that it could have used, or to none.
	if slices.ContainsFunc(verdicts, func(v aggregation.Verdict) bool {
		return v.Reason == aggregation.TooFew || v.Reason == aggregation.TooManyHeads
	}) {
		w.idle.Add(1)
	}
}

// read gives a peer the mail that has arrived: first what is honest, so that
// liars know what they answer to.
func (w *world) read(worker int, m *member, now int64) error {
	byTime := func(a, b letter) int { return int(max(-1, min(1, a.at-b.at))) }
	if !slices.IsSortedFunc(m.mail, byTime) {
		slices.SortStableFunc(m.mail, byTime)
	}
	n := 0
	for n < len(m.mail) && m.mail[n].at <= now {
		n++
	}
	spoke := w.spoke[worker]
	clear(spoke)
	lies := map[int]letter{}
	for _, l := range m.mail[:n] {
		if l.update == nil {
			lies[l.from] = l // the newest
			continue
		}
		if kept(m.Receive(l.update)) {
			spoke[l.from] = true
		}
	}
	m.mail = slices.Delete(m.mail, 0, n)
	if len(lies) == 0 {
		return nil
	}
	return w.lie(worker, m, lies)
}

// kept reports whether a peer kept what it got. What it says of the rest is no
// failure of the simulation: old, surplus, or from a key that it has dropped.
func kept(err error) bool { return err == nil }

// wire sends an update through the wire format.
func (w *world) wire(u *federation.Update) (*federation.Update, int, error) {
	b, err := u.Encode(w.Manifest)
	if err != nil {
		return nil, 0, err
	}
	u, err = federation.DecodeUpdate(w.Manifest, b)
	return u, len(b), err
}

// parallel calls f for 0..n-1 on the workers. No call depends on another, so
// the result does not depend on the number of workers.
func (w *world) parallel(n int, f func(worker, i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var pool sync.WaitGroup
	for worker := range min(w.Workers, n) {
		pool.Go(func() {
			for i := int(next.Add(1) - 1); i < n; i = int(next.Add(1) - 1) {
				errs[i] = f(worker, i)
			}
		})
	}
	pool.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *world) ruleTime() time.Duration {
	return time.Duration(w.ruleNanos.Load() / max(1, w.rounds.Load()))
}

// close closes the stores and returns the first error.
func (w *world) close(err error) error {
	for _, m := range w.honest {
		if m.store != nil {
			err = errors.Join(err, m.store.Close())
		}
	}
	return err
}
