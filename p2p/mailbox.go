package p2p

import (
	"sync"

	"github.com/bristle-fl/bristled/federation"
)

// mailbox holds the updates that nobody has read yet: the newest of each
// sender. A peer integrates the newest only, so an older one that is replaced
// is no loss, whereas a queue that drops its oldest would lose quiet senders
// to busy ones. A sender keeps its place when its update is replaced.
//
// It is as large as the table of senders. That may have new senders while the
// reader sleeps: then the update that waits longest gives way.
type mailbox struct {
	size int

	mu     sync.Mutex
	queue  []federation.PeerID // in order of each sender's first unread update
	newest map[federation.PeerID]*federation.Update
	filled chan struct{} // holds a token while there may be something to take
}

func newMailbox(size int) *mailbox {
	return &mailbox{
		size:   size,
		newest: map[federation.PeerID]*federation.Update{},
		filled: make(chan struct{}, 1),
	}
}

// put adds an update and reports whether an unread one gave way.
func (m *mailbox) put(u *federation.Update) (replaced bool) {
	m.mu.Lock()
	_, waits := m.newest[u.Sender]
	replaced = waits
	if !waits {
		if len(m.queue) >= m.size {
			delete(m.newest, m.queue[0])
			m.queue = m.queue[1:]
			replaced = true
		}
		m.queue = append(m.queue, u.Sender)
	}
	m.newest[u.Sender] = u
	m.mu.Unlock()
	select {
	case m.filled <- struct{}{}:
	default:
	}
	return replaced
}

// take removes the first update, nil if there is none.
func (m *mailbox) take() *federation.Update {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) == 0 {
		m.queue = nil // what append grew
		return nil
	}
	sender := m.queue[0]
	m.queue = m.queue[1:]
	u := m.newest[sender]
	delete(m.newest, sender)
	return u
}
