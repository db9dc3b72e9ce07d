package p2p

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestChatterIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		c := newChatter(log.logger(), time.Now)
		for i := range 10 * chatterBurst {
			c.info("peer connected", "peer", i)
		}
		if got := log.count("peer connected"); got != chatterBurst {
			t.Errorf("logged %d times, want %d", got, chatterBurst)
		}
		c.warn("peer is banned")
		if log.count("peer is banned") != 1 {
			t.Error("one line hides another")
		}
		time.Sleep(chatterEvery)
		c.info("peer connected")
		c.info("peer connected")
		if got := log.count("peer connected"); got != chatterBurst+1 {
			t.Errorf("logged %d times later, want %d", got, chatterBurst+1)
		}
	})
}
