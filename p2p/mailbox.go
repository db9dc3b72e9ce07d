package p2p

import (
	"context"
	"sync"

	"github.com/bristle-fl/bristled/federation"
)

// mailbox holds what nobody has read yet, updates for one: the newest of each
// sender. A peer integrates the newest only, so an older one that is replaced
// is no loss, whereas a queue that drops its oldest would lose quiet senders
// to busy ones. A sender keeps its place when its update is replaced.
//
// It is as large as the table of senders. That may have new senders while the
// reader sleeps: then the update that waits longest gives way.
type mailbox[T any] struct {
	size int

	mu     sync.Mutex
	queue  []federation.PeerID // in order of each sender's first unread update
	newest map[federation.PeerID]*T
	filled chan struct{} // holds a token while there may be something to take
}

func newMailbox[T any](size int) *mailbox[T] {
	return &mailbox[T]{
		size:   size,
		newest: map[federation.PeerID]*T{},
		filled: make(chan struct{}, 1),
	}
}

// put adds what came from a sender and reports whether something unread gave
// way.
func (m *mailbox[T]) put(from federation.PeerID, v *T) (replaced bool) {
	m.mu.Lock()
	_, waits := m.newest[from]
	replaced = waits
	if !waits {
		if len(m.queue) >= m.size {
			delete(m.newest, m.queue[0])
			m.queue = m.queue[1:]
			replaced = true
		}
		m.queue = append(m.queue, from)
	}
	m.newest[from] = v
	m.mu.Unlock()
	select {
	case m.filled <- struct{}{}:
	default:
	}
	return replaced
}

// take removes the first in the queue, nil if it is empty.
func (m *mailbox[T]) take() *T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) == 0 {
		m.queue = nil // what append grew
		return nil
	}
	sender := m.queue[0]
	m.queue = m.queue[1:]
	v := m.newest[sender]
	delete(m.newest, sender)
	return v
}

// deliver moves what is in the mailbox to the reader of a channel, which it
// closes at the end.
func deliver[T any](ctx context.Context, m *mailbox[T], out chan<- *T) {
	defer close(out)
	for {
		v := m.take()
		if v == nil {
			select {
			case <-m.filled:
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case out <- v:
		case <-ctx.Done():
			return
		}
	}
}
