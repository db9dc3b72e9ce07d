package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/store"
)

// Gossip carries updates between peers. Delivery is not reliable and not
// ordered; what arrives has been decoded and checked against the manifest.
type Gossip interface {
	Publish(ctx context.Context, u *federation.Update) error
	Updates() <-chan *federation.Update

	// PublishPrototypes makes a set available to whoever sees an update that
	// names it, which it precedes. Prototypes brings the sets that the updates
	// of others name, each once.
	PublishPrototypes(ctx context.Context, p *federation.Prototypes) error
	Prototypes() <-chan *federation.Prototypes

	// Equivocations brings the keys that have named two sets for one epoch,
	// each once. Nothing of theirs comes afterwards.
	Equivocations() <-chan *federation.Equivocation
}

// Journal keeps rounds on disk.
type Journal interface {
	// Commit writes a round as a whole or not at all.
	Commit(*store.Round) error
	// NextSeq returns a number that it never returned before, not even
	// before a crash.
	NextSeq() (uint64, error)
	// Ban remembers for ever what a key has done.
	Ban(store.Ban) error
}

// Clock tells time and waits; the daemon has no other source of either.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// RealClock is the machine's clock.
type RealClock struct{}

// Now returns the current time.
func (RealClock) Now() time.Time { return time.Now() }

// After is time.After.
func (RealClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Record says how one round went.
type Record struct {
	Round    uint64    `json:"round"`
	Time     time.Time `json:"time"`
	Seq      uint64    `json:"seq"`      // of the update published in this round; 0 if none was
	Fresh    int       `json:"fresh"`    // senders heard in this round
	Active   int       `json:"active"`   // senders whose newest update was considered
	Used     int       `json:"used"`     // updates that got weight in some class
	Train    int       `json:"train"`    // training samples
	Probe    int       `json:"probe"`    // held-out samples
	Familiar []int     `json:"familiar"` // classes with training samples
	// ProbeAccuracy and ProbeF1 judge the new head on the peer's own
	// held-out samples; classes that it has none of score 0.
	ProbeAccuracy float64   `json:"probe_accuracy"`
	ProbeF1       []float64 `json:"probe_f1"`
	Seconds       float64   `json:"seconds"` // the whole round
	Deadline      bool      `json:"deadline"`
	// Prototypes is of how many other peers the class means are known, and
	// Disputes are the classes about which they disagree.
	Prototypes int                   `json:"prototypes"`
	Disputes   []aggregation.Dispute `json:"disputes,omitempty"`
}

// Samples is a new training set and probe for a running daemon.
type Samples struct{ Train, Probe learner.Samples }

// DaemonConfig is what a [Daemon] needs. Peer, Gossip, Journal, Clock and Log
// must be set.
type DaemonConfig struct {
	Peer    *Peer
	Gossip  Gossip
	Journal Journal
	Clock   Clock
	Log     *slog.Logger

	// Quorum is how many senders to hear in a round before integrating; 0
	// waits for everybody who was heard in the last rounds.
	Quorum int
	// Deadline ends the collecting of a round whoever is missing.
	Deadline time.Duration
	// Interval is the least time from the start of a round to the next.
	Interval time.Duration
	// Rounds ends Run after so many rounds in total; 0 goes on for ever.
	Rounds uint64
	// Samples brings new samples as they arrive; nil if none will.
	Samples <-chan Samples
	// OnRound, if set, is called after each committed round.
	OnRound func(Record, []aggregation.Verdict)
}

// Daemon drives a [Peer] in real time.
type Daemon struct {
	cfg    DaemonConfig
	train  int // samples
	probe  int
	warned aggregation.Warning
	social social

	mu      sync.Mutex
	head    federation.Head // of the last integrated round
	last    Record
	trouble error // why the last round is not committed yet
}

// retryCommit is how long to wait before a round is tried again that could
// not be committed.
const retryCommit = 5 * time.Second

// NewDaemon returns a daemon that has not started.
func NewDaemon(cfg DaemonConfig) *Daemon {
	return &Daemon{
		cfg:   cfg,
		head:  cfg.Peer.Head().Clone(),
		train: len(cfg.Peer.cfg.Train.Labels),
		probe: len(cfg.Peer.cfg.Probe.Labels),
	}
}

// Head returns a copy of the head of the last round.
func (d *Daemon) Head() federation.Head {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.head.Clone()
}

// Last returns the record of the last integrated round and, if that round
// could not be committed yet, the reason.
func (d *Daemon) Last() (Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last, d.trouble
}

// Run runs rounds until ctx ends, which is no error, or until the configured
// number of rounds is reached.
func (d *Daemon) Run(ctx context.Context) error {
	defer d.accuse()
	for ctx.Err() == nil && (d.cfg.Rounds == 0 || d.cfg.Peer.Rounds() < d.cfg.Rounds) {
		if err := d.run(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// done says whether there is nothing left to run.
func (d *Daemon) done() bool {
	return d.cfg.Rounds > 0 && d.cfg.Peer.Rounds() >= d.cfg.Rounds
}

// run runs one round.
func (d *Daemon) run(ctx context.Context) error {
	peer, clock := d.cfg.Peer, d.cfg.Clock
	start := clock.Now()
	next := clock.After(d.cfg.Interval)
	if err := d.takeSamples(); err != nil {
		return err
	}
	peer.Train(peer.Manifest().Training.Steps)
	seq, err := d.publish(ctx)
	if err != nil {
		return err
	}
	late, err := d.collect(ctx)
	if err != nil {
		return err
	}
	fresh, _ := peer.Heard()
	result, err := peer.Integrate()
	if err != nil {
		return err
	}
	d.warn(result.Warning)
	verdicts := result.Verdicts
	// Scored before local training moves it again: this is what others' rows
	// made of the head.
	scores := peer.Scores()
	record := Record{
		Round:         peer.Rounds(),
		Time:          clock.Now(),
		Seq:           seq,
		Fresh:         fresh,
		Active:        len(verdicts),
		Train:         d.train,
		Probe:         d.probe,
		Familiar:      peer.Familiar(),
		ProbeAccuracy: scores.Accuracy,
		ProbeF1:       scores.F1,
		// A wall clock that was set back must not make a round negative.
		Seconds:    max(0, clock.Now().Sub(start).Seconds()),
		Deadline:   late,
		Prototypes: peer.KnownPrototypes(),
		Disputes:   peer.Disputes(),
	}
	for _, v := range verdicts {
		if v.Reason == "" {
			record.Used++
		}
	}
	d.alarm(record.Disputes)
	d.accuse()
	if err := d.commit(ctx, record, verdicts); err != nil {
		return err
	}
	d.social.committed = peer.Prototypes() // until then it could be forgotten
	if d.cfg.OnRound != nil {
		d.cfg.OnRound(record, verdicts)
	}
	if d.done() {
		return nil
	}
	return d.pause(ctx, next)
}

// warn says once what the rule has to say about itself.
func (d *Daemon) warn(w aggregation.Warning) {
	if w != "" && w != d.warned {
		d.cfg.Log.Warn(string(w), "rule", d.cfg.Peer.Manifest().Rule.Name)
	}
	d.warned = w
}

// takeSamples adopts the newest set of samples, if one has come.
func (d *Daemon) takeSamples() error {
	select {
	case s := <-d.cfg.Samples:
		d.train, d.probe = len(s.Train.Labels), len(s.Probe.Labels)
		return d.cfg.Peer.SetSamples(s.Train, s.Probe)
	default:
		return nil
	}
}

// publish sends the peer's update under a new sequence number. The number is
// used up before anything is sent, so a crash can lose one but never repeat
// one. That nobody could be reached is no reason to stop learning.
func (d *Daemon) publish(ctx context.Context) (uint64, error) {
	seq, err := d.cfg.Journal.NextSeq()
	if err != nil {
		d.cfg.Log.Error("no update is sent in this round: the store gave no sequence number", "error", err)
		return 0, ctx.Err()
	}
	u, err := d.cfg.Peer.Update(seq)
	if err != nil {
		return 0, fmt.Errorf("make the update to publish: %w", err)
	}
	d.name(ctx, u)
	if err := d.cfg.Gossip.Publish(ctx, u); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		d.cfg.Log.Warn("the update of this round was not sent", "round", d.cfg.Peer.Rounds(), "error", err)
	}
	return seq, nil
}

// collect receives updates until the quorum or the deadline, which it reports.
func (d *Daemon) collect(ctx context.Context) (late bool, err error) {
	deadline := d.cfg.Clock.After(d.cfg.Deadline)
	for !d.complete() {
		if late, err := d.listen(ctx, deadline); late || err != nil {
			return late, err
		}
	}
	return false, nil
}

// listen takes in one thing that comes, or reports that the end has come.
func (d *Daemon) listen(ctx context.Context, end <-chan time.Time) (ended bool, err error) {
	gossip := d.cfg.Gossip
	var open bool
	select {
	case u, more := <-gossip.Updates():
		if open = more; open {
			d.receive(u)
		}
	case p, more := <-gossip.Prototypes():
		if open = more; open {
			d.receivePrototypes(p)
		}
	case e, more := <-gossip.Equivocations():
		if open = more; open {
			d.convict(e.Key, e.Evidence)
		}
	case <-end:
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if !open {
		// The network ends with the same context as the daemon, and may be
		// the first to notice.
		return false, cmp.Or(ctx.Err(), ErrGossipEnded)
	}
	return false, nil
}

// complete says whether enough senders have been heard in this round. A peer
// that has never heard anybody waits for the deadline: it has just started,
// or is alone.
func (d *Daemon) complete() bool {
	fresh, expected := d.cfg.Peer.Heard()
	if d.cfg.Quorum > 0 {
		return fresh >= d.cfg.Quorum
	}
	return expected > 0 && fresh == expected
}

// ErrGossipEnded says that the network was closed under a running daemon.
var ErrGossipEnded = errors.New("the network has ended")

func (d *Daemon) receive(u *federation.Update) {
	if err := d.cfg.Peer.Receive(u); err != nil {
		d.cfg.Log.Debug("update not kept", "sender", u.Sender, "error", err)
		d.suspect(u.Sender, err)
	}
}

// commit writes the round, again and again until it succeeds or ctx ends.
func (d *Daemon) commit(ctx context.Context, record Record, verdicts []aggregation.Verdict) error {
	rec, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode the round's record: %w", err)
	}
	ver, err := json.Marshal(verdicts)
	if err != nil {
		return fmt.Errorf("encode the round's verdicts: %w", err)
	}
	round := d.cfg.Peer.Round()
	round.Time, round.Record, round.Verdicts = record.Time, rec, ver
	for {
		err := d.cfg.Journal.Commit(&round)
		// Not before: whoever has seen a round in the status, and no trouble
		// with it, may count on it after a crash.
		d.publishStatus(record, err)
		if err == nil {
			return nil
		}
		d.cfg.Log.Error("the round is not on disk yet; trying again", "round", record.Round, "in", retryCommit, "error", err)
		select {
		case <-d.cfg.Clock.After(retryCommit):
		case <-ctx.Done():
			return fmt.Errorf("round %d was not committed: %w", record.Round, err)
		}
	}
}

// publishStatus shows a round to those who ask from other goroutines.
func (d *Daemon) publishStatus(record Record, trouble error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	copy(d.head.Weights, d.cfg.Peer.Head().Weights)
	d.last, d.trouble = record, trouble
}

// pause keeps receiving until the next round is due.
func (d *Daemon) pause(ctx context.Context, next <-chan time.Time) error {
	for {
		if due, err := d.listen(ctx, next); due || err != nil {
			return err
		}
	}
}
