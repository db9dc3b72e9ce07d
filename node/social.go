package node

import (
	"context"
	"errors"
	"slices"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/store"
)

// maxUnproven is how many bans wait for the store at most, while the disk
// is full. Beyond that they last until the restart.
const maxUnproven = 64

// social is what a daemon has said to others about prototypes, and what it holds
// against them.
type social struct {
	// committed is the own set in the newest round on disk. No other is named
	// in an update: a peer that crashed and forgot what it said would say
	// something else under the same epoch.
	committed *federation.Prototypes
	published *federation.Prototypes // the newest that gossip has

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

func (d *Daemon) receivePrototypes(p *federation.Prototypes) {
	if err := d.cfg.Peer.ReceivePrototypes(p); err != nil {
		d.cfg.Log.Debug("prototypes not kept", "sender", p.Sender, "error", err)
		d.suspect(p.Sender, err)
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
