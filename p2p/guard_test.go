package p2p

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(time.Now)
		p, q := peer.ID("p"), peer.ID("q")
		for i := range maxStrikes {
			if g.Contains(p) || !g.InterceptPeerDial(p) || !g.InterceptSecured(0, p, nil) {
				t.Fatalf("banned after %d strikes", i)
			}
			if banned := g.strike(p); banned != (i == maxStrikes-1) {
				t.Fatalf("strike %d: %v", i, banned)
			}
		}
		if !g.Contains(p) || g.InterceptPeerDial(p) || g.InterceptSecured(0, p, nil) || len(g.bans()) != 1 {
			t.Error("not banned")
		}
		if g.strike(p) {
			t.Error("banned twice")
		}
		if g.Contains(q) {
			t.Error("banned for another")
		}
		time.Sleep(banTime)
		if g.Contains(p) || len(g.bans()) != 0 {
			t.Error("still banned")
		}
		// Strikes are forgotten.
		for range 3 * maxStrikes {
			if g.strike(q) {
				t.Fatal("banned for rare strikes")
			}
			time.Sleep(strikeMemory + 1)
		}
		// And so are offenders, when there are too many.
		for i := range 2 * maxOffenders {
			g.strike(peer.ID(string(rune('a' + i))))
		}
		if got := g.offenders.Len(); got != maxOffenders {
			t.Errorf("%d offenders are remembered", got)
		}
	})
}
