package node

import (
	"context"
	"errors"
	"slices"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/store"
)

const (
	// vouchPause is for how many rounds a daemon keeps news of its vouches to
	// itself: sets come in bursts when peers start.
	vouchPause = 3

	// vouchAgain is after how many rounds it says the same again, for those
	// who have come since: gossip keeps nothing. Between that and
	// vouchAgain+vouchJitter, so that peers that began together do not all
	// speak at once.
	vouchAgain  = 20
	vouchJitter = 10

	// maxUnproven is how many bans wait for the store at most, while the disk
	// is full. Beyond that they last until the restart.
	maxUnproven = 64
)

// social is what a daemon has said to others about prototypes, and about others.
type social struct {
	// committed is the own set in the newest round on disk. No other is named
	// in an update: a peer that crashed and forgot what it said would say
	// something else under the same epoch.
	committed *federation.Prototypes
	published *federation.Prototypes // the newest that gossip has

	vouched uint64 // newest sequence number of vouches that were sent
	news    uint64 // sequence number of the newest vouches that say something new
	again   uint64 // round from which on they are sent again
	quiet   uint64 // round until which they are not sent

	disputed []int // classes that the last round warned of
	unproven []store.Ban
}

// name lets an update name the own set if that is on disk and others can ask for
// it, and otherwise none.
func (d *Daemon) name(ctx context.Context, u *federation.Update) {
	set := d.social.committed
	if set == nil || u.Epoch != set.Epoch || u.Prototypes != set.Hash() {
		u.Prototypes, u.Epoch = federation.Hash{}, 0
		return
	}
	if d.social.published == set {
		return
	}
	if err := d.cfg.Gossip.PublishPrototypes(ctx, set); err != nil {
		d.cfg.Log.Warn("this peer's prototypes are not available to others; trying again in the next round", "error", err)
		u.Prototypes, u.Epoch = federation.Hash{}, 0
		return
	}
	d.social.published = set
}

// vouch says what this peer thinks of the sets of others, if that is new or was
// said long ago. seq is that of the round's update; vouches are counted apart.
func (d *Daemon) vouch(ctx context.Context, seq uint64) {
	s, round := &d.social, d.cfg.Peer.Rounds()
	v := d.cfg.Peer.Vouches(seq)
	if v == nil {
		return
	}
	s.news = max(s.news, v.Seq)
	isNew := s.news > s.vouched && round >= s.quiet
	if !isNew && round < s.again {
		return
	}
	now := *v
	now.Seq = seq
	if err := d.cfg.Gossip.PublishVouches(ctx, &now); err != nil {
		if ctx.Err() == nil {
			d.cfg.Log.Warn("the vouches of this peer were not sent", "error", err)
		}
		return
	}
	s.vouched, s.quiet = seq, round+vouchPause
	s.again = round + vouchAgain + (d.cfg.Peer.cfg.Seed+seq)%vouchJitter
}

func (d *Daemon) receivePrototypes(p *federation.Prototypes) {
	if err := d.cfg.Peer.ReceivePrototypes(p); err != nil {
		d.cfg.Log.Debug("prototypes not kept", "sender", p.Sender, "error", err)
		d.suspect(p.Sender, err)
	}
}

func (d *Daemon) receiveVouches(v *federation.Vouches) {
	if err := d.cfg.Peer.ReceiveVouches(v); err != nil {
		d.cfg.Log.Debug("vouches not kept", "sender", v.Sender, "error", err)
	}
}

// suspect convicts a key if the peer has found it out by what it knows from
// before a restart. Of that there are no signatures any more.
func (d *Daemon) suspect(key federation.PeerID, err error) {
	if errors.Is(err, ErrEquivocation) {
		d.convict(key, nil)
	}
}

// convict stops listening to a key for good and says so once.
func (d *Daemon) convict(key federation.PeerID, evidence []byte) {
	d.cfg.Peer.Ban(key)
	d.cfg.Log.Warn("a peer has named two sets of prototypes for one epoch: nothing of it counts any more", "peer", key, "evidence", len(evidence))
	if len(d.social.unproven) < maxUnproven {
		d.social.unproven = append(d.social.unproven, store.Ban{Key: key, Time: d.cfg.Clock.Now(), Evidence: evidence})
	}
}

// accuse writes down what convict found. What cannot be written now waits for
// the next round.
func (d *Daemon) accuse() {
	s := &d.social
	s.unproven = slices.DeleteFunc(s.unproven, func(b store.Ban) bool {
		err := d.cfg.Journal.Ban(b)
		switch {
		case errors.Is(err, store.ErrTooManyBans):
			d.cfg.Log.Warn("a ban lasts until the restart only", "peer", b.Key, "error", err)
			return true
		case err != nil:
			d.cfg.Log.Error("the evidence against a peer is not on disk yet; trying again in the next round", "peer", b.Key, "error", err)
		}
		return err == nil
	})
}

// alarm warns of classes that have come into dispute.
func (d *Daemon) alarm(disputes []aggregation.Dispute) {
	m := d.cfg.Peer.Manifest()
	var now []int
	for _, x := range disputes {
		now = append(now, x.Class)
		if !slices.Contains(d.social.disputed, x.Class) {
			d.cfg.Log.Warn("the prototypes of a class disagree: somebody may be lying about it, or the class looks different at different peers",
				"class", m.Classes[x.Class], "agreeing", x.Share)
		}
	}
	d.social.disputed = now
}
