package p2p

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
)

// The slow reference: a list of all updates, from which the older ones of the
// same sender are taken out when a newer one comes.
func TestMailbox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 3 // of four senders
		m := newMailbox[federation.Update](size)
		var want []*federation.Update
		seq := uint64(0)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "take") {
				got := m.take()
				if len(want) == 0 {
					if got != nil {
						t.Fatalf("took %+v from an empty mailbox", got)
					}
					continue
				}
				if got != want[0] {
					t.Fatalf("took %+v, want %+v", got, want[0])
				}
				want = want[1:]
				continue
			}
			seq++
			u := &federation.Update{
				Sender: federation.PeerID(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "sender")),
				Seq:    seq,
			}
			replaced := false
			for i, old := range want {
				if old.Sender == u.Sender {
					want[i], replaced = u, true
				}
			}
			if !replaced {
				if len(want) == size {
					want, replaced = want[1:], true
				}
				want = append(want, u)
			}
			if got := m.put(u.Sender, u); got != replaced {
				t.Fatalf("replaced: %v, want %v", got, replaced)
			}
			select {
			case <-m.filled:
			default:
				t.Fatal("nobody is told")
			}
		}
	})
}
