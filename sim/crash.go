package sim

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
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
// now, or now if it is there. One that is just back has lost its mail and, after
// a crash, all that its store does not know.
func (w *world) absent(m *member, now int64) (int64, error) {
	for _, a := range m.life.Away {
		from, to := int64(a.From)*unit, int64(a.To)*unit
		if now >= from && now < to {
			return to, nil
		}
		if now != to {
			continue
		}
		m.mail = slices.DeleteFunc(m.mail, func(l letter) bool { return l.at < now })
		if !a.Crash {
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
	}
	return now, nil
}
