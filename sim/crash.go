package sim

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/store"
)

// openStore gives a peer that will crash a store of its own: the daemon's.
func (w *world) openStore(m *member) (err error) {
	if !m.life.crashes() {
		return nil
	}
	if w.Dir == "" {
		return errors.New("a peer crashes and there is no directory for its store")
	}
	m.store, err = store.Open(filepath.Join(w.Dir, string(m.ID())), store.Options{Federation: w.Manifest.ID()})
	return err
}

// commit keeps the state of a peer that may crash, as the daemon does after
// each integration.
func (w *world) commit(m *member) error {
	if m.store == nil {
		return nil
	}
	r := m.Round()
	r.Time = time.Unix(0, 0).UTC()
	return m.store.Commit(&r)
}

// absent returns when a peer that is away at the given time is back: later than
// now, or now if it is there. One that is just back, or was away since it last
// worked, has lost the mail of that time and, after a crash, all that its store
// does not know.
func (w *world) absent(m *member, now int64) (int64, error) {
	if back := m.life.back(now); back > now {
		return back, nil
	}
	left, crashed := m.life.wake(m.last, now, m.mail)
	m.mail = left
	if !crashed {
		return now, nil
	}
	peer, err := node.NewPeer(m.config)
	if err != nil {
		return now, err
	}
	switch round, err := m.store.Latest(); {
	case errors.Is(err, store.ErrEmpty):
	case err != nil:
		return now, fmt.Errorf("read its store after a crash: %w", err)
	default:
		if err := peer.Resume(round); err != nil {
			return now, err
		}
	}
	m.Peer = peer
	return now, nil
}
