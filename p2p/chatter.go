package p2p

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often each line may be logged that other peers can provoke: identities
// cost nothing, so one line for each is no bound.
const (
	chatterEvery = 5 * time.Second
	chatterBurst = 100
)

// chatter logs what other peers cause. Each message has a budget of its own,
// so that a peer that connects a thousand times does not hide that another is
// banned. What is beyond the budget is logged as debugging.
type chatter struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	budgets map[string]*rate.Limiter // by message; those are constants
}

func newChatter(log *slog.Logger, now func() time.Time) *chatter {
	return &chatter{log: log, now: now, budgets: map[string]*rate.Limiter{}}
}

func (c *chatter) info(msg string, args ...any) { c.say(slog.LevelInfo, msg, args...) }
func (c *chatter) warn(msg string, args ...any) { c.say(slog.LevelWarn, msg, args...) }

func (c *chatter) say(level slog.Level, msg string, args ...any) {
	c.mu.Lock()
	budget, ok := c.budgets[msg]
	if !ok {
		budget = rate.NewLimiter(rate.Every(chatterEvery), chatterBurst)
		c.budgets[msg] = budget
	}
	c.mu.Unlock()
	if level > slog.LevelDebug && !budget.AllowN(c.now(), 1) {
		level = slog.LevelDebug
	}
	c.log.Log(context.Background(), level, msg, args...)
}
