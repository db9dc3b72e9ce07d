package node

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/store"
)

// wire is a gossip between daemons of one process that loses nothing.
type wire struct {
	mu    sync.Mutex
	ports []*port
}

type port struct {
	wire *wire
	in   chan *federation.Update
	fail error
	sent []uint64

	named  []commitment // by the updates that were sent
	sets   chan *federation.Prototypes
	proofs chan *federation.Equivocation
}

func (w *wire) port() *port {
	p := &port{
		wire: w, in: make(chan *federation.Update, 1000),
		sets: make(chan *federation.Prototypes, 1000), proofs: make(chan *federation.Equivocation, 10),
	}
	w.ports = append(w.ports, p)
	return p
}

func (p *port) Publish(_ context.Context, u *federation.Update) error {
	p.wire.mu.Lock()
	defer p.wire.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.sent = append(p.sent, u.Seq)
	p.named = append(p.named, commitment{u.Epoch, u.Prototypes})
	for _, other := range p.wire.ports {
		if other != p {
			other.in <- u
		}
	}
	return nil
}

func (p *port) Updates() <-chan *federation.Update { return p.in }

// PublishPrototypes brings the set to the others at once; that updates name it
// is for the tests to see.
func (p *port) PublishPrototypes(_ context.Context, set *federation.Prototypes) error {
	p.wire.mu.Lock()
	defer p.wire.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	for _, other := range p.wire.ports {
		if other != p {
			other.sets <- set
		}
	}
	return nil
}

func (p *port) Prototypes() <-chan *federation.Prototypes      { return p.sets }
func (p *port) Equivocations() <-chan *federation.Equivocation { return p.proofs }

// notebook is a journal in memory that can refuse.
type notebook struct {
	seq    uint64
	refuse int // commits
	rounds []uint64
	tries  int
	bans   []store.Ban
	noBans int // bans to refuse
}

var errFull = errors.New("no space")

func (n *notebook) NextSeq() (uint64, error) { n.seq++; return n.seq, nil }

func (n *notebook) Ban(b store.Ban) error {
	if n.noBans > 0 {
		n.noBans--
		return errFull
	}
	n.bans = append(n.bans, b)
	return nil
}

func (n *notebook) Commit(r *store.Round) error {
	n.tries++
	if n.refuse > 0 {
		n.refuse--
		return errFull
	}
	n.rounds = append(n.rounds, r.Number)
	return nil
}

// bench is a daemon with its parts.
type bench struct {
	*Daemon
	cfg  DaemonConfig
	port *port
	book *notebook
	seen []Record
}

func newBench(t *testing.T, w *wire, name string, change func(*DaemonConfig), classes ...int) *bench {
	t.Helper()
	b := &bench{port: w.port(), book: &notebook{}}
	b.cfg = DaemonConfig{
		Peer:     newPeer(t, manifest(t, "bristle+", 4, 24), name, uint64(len(w.ports)), classes...),
		Gossip:   b.port,
		Journal:  b.book,
		Clock:    RealClock{},
		Log:      slog.New(slog.DiscardHandler),
		Deadline: 10 * time.Second,
		Interval: time.Second,
		Rounds:   5,
		OnRound:  func(r Record, _ []aggregation.Verdict) { b.seen = append(b.seen, r) },
	}
	if change != nil {
		change(&b.cfg)
	}
	b.Daemon = NewDaemon(b.cfg)
	return b
}

// together runs daemons in virtual time and returns how long they took.
func together(t *testing.T, daemons ...*bench) time.Duration {
	t.Helper()
	start := time.Now()
	var all sync.WaitGroup
	for _, d := range daemons {
		all.Go(func() {
			if err := d.Run(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

func TestDaemonsRunRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		a, b := newBench(t, w, "a", nil, 0, 1, 2), newBench(t, w, "b", nil, 1, 2, 3)
		took := together(t, a, b)
		// Neither has to wait for a deadline, since each hears the other, nor
		// for a sixth round.
		if want := 4 * time.Second; took != want {
			t.Errorf("five rounds took %v, want %v", took, want)
		}
		for _, d := range []*bench{a, b} {
			if want := []uint64{1, 2, 3, 4, 5}; !slices.Equal(d.book.rounds, want) || !slices.Equal(d.port.sent, want) {
				t.Errorf("committed %v, sent %v", d.book.rounds, d.port.sent)
			}
			last, trouble := d.Last()
			if trouble != nil || last.Round != 5 || last.Active != 1 || last.Train != 30 || last.Probe != 30 || last.ProbeAccuracy == 0 {
				t.Errorf("status is %+v, %v", last, trouble)
			}
			if !slices.Equal(d.Head().Weights, d.cfg.Peer.Head().Weights) {
				t.Error("the head that is shown is not the peer's")
			}
		}
	})
}

func TestLonePeerWaitsForTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBench(t, &wire{}, "a", nil, 0, 1)
		if took := together(t, d); took != 50*time.Second {
			t.Errorf("five rounds took %v", took)
		}
		for _, r := range d.seen {
			if !r.Deadline || r.Active != 0 {
				t.Errorf("record %+v", r)
			}
		}
	})
}

// TestDepartedPeerIsNotWaitedFor: its update counts for twenty rounds, but
// only the first few wait for another one.
func TestDepartedPeerIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		long := func(c *DaemonConfig) { c.Rounds = 15 }
		a, b := newBench(t, w, "a", long, 0, 1), newBench(t, w, "b", long, 0, 1)
		gone := newBench(t, w, "gone", func(c *DaemonConfig) { c.Rounds = 2 }, 0, 1)
		took := together(t, a, b, gone)
		if most := 15*time.Second + (patience+1)*10*time.Second; took > most {
			t.Errorf("fifteen rounds took %v, more than %v", took, most)
		}
		if last := a.seen[14]; last.Active != 2 {
			t.Errorf("in the last round %d updates count", last.Active)
		}
	})
}

func TestQuorum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		quorum := func(c *DaemonConfig) { c.Quorum = 1 }
		a, b := newBench(t, w, "a", quorum, 0, 1), newBench(t, w, "b", quorum, 0, 1)
		// The third is there once and falls silent; with a quorum of one
		// nobody waits for it.
		c := newBench(t, w, "c", func(c *DaemonConfig) { c.Quorum = 1; c.Rounds = 1 }, 0, 1)
		if took := together(t, a, b, c); took > 6*time.Second {
			t.Errorf("with a quorum of one, five rounds took %v", took)
		}
	})
}

// TestCommitIsTriedAgain: a full disk delays a round and loses none.
func TestCommitIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d *bench
		d = newBench(t, &wire{}, "a", func(c *DaemonConfig) {
			c.OnRound = func(r Record, _ []aggregation.Verdict) {
				if r.Round == 2 {
					d.book.refuse = 3
				}
			}
		}, 0, 1)
		go func() {
			time.Sleep(2*10*time.Second + 10*time.Second + retryCommit)
			last, trouble := d.Last()
			if last.Round != 3 || !errors.Is(trouble, errFull) {
				t.Errorf("while the disk is full, the status is round %d, %v", last.Round, trouble)
			}
		}()
		together(t, d)
		if want := []uint64{1, 2, 3, 4, 5}; !slices.Equal(d.book.rounds, want) || d.book.tries != 8 {
			t.Errorf("committed %v in %d tries", d.book.rounds, d.book.tries)
		}
		if _, trouble := d.Last(); trouble != nil {
			t.Errorf("trouble remains: %v", trouble)
		}
	})
}

func TestStoppedWhileTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBench(t, &wire{}, "a", nil, 0, 1)
		d.book.refuse = 1 << 30
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := d.Run(ctx); err != nil {
			t.Errorf("stopping is no error, got %v", err)
		}
		if len(d.book.rounds) != 0 || d.book.tries < 5 {
			t.Errorf("committed %v in %d tries", d.book.rounds, d.book.tries)
		}
	})
}

// setBack is a wall clock that jumps an hour back at every look.
type setBack struct {
	RealClock
	now time.Time
}

func (c *setBack) Now() time.Time {
	c.now = c.now.Add(-time.Hour)
	return c.now
}

func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		clock := &setBack{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
		a, b := newBench(t, w, "a", func(c *DaemonConfig) { c.Clock = clock }, 0, 1), newBench(t, w, "b", nil, 0, 1)
		if took := together(t, a, b); took != 4*time.Second {
			t.Errorf("five rounds took %v", took)
		}
		if want := []uint64{1, 2, 3, 4, 5}; !slices.Equal(a.book.rounds, want) || !slices.Equal(a.port.sent, want) {
			t.Errorf("committed %v, sent %v", a.book.rounds, a.port.sent)
		}
		for _, r := range a.seen {
			if r.Seconds < 0 {
				t.Errorf("a round took %v s", r.Seconds)
			}
		}
	})
}

func TestNetworkTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBench(t, &wire{}, "a", nil, 0, 1)
		d.port.fail = errors.New("no route")
		together(t, d) // goes on learning
		if len(d.book.rounds) != 5 {
			t.Errorf("committed %v", d.book.rounds)
		}
		gone := newBench(t, &wire{}, "a", nil, 0, 1)
		close(gone.port.in)
		if err := gone.Run(t.Context()); !errors.Is(err, ErrGossipEnded) {
			t.Errorf("with the network closed: %v", err)
		}
	})
}

func TestSamplesArriveWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		samples := make(chan Samples, 1)
		d := newBench(t, &wire{}, "a", func(c *DaemonConfig) { c.Samples = samples }, 0, 1)
		go func() {
			time.Sleep(24 * time.Second)
			samples <- Samples{clusters(5, []int{0, 1, 3}, 10, 24), clusters(6, []int{0, 1, 3}, 4, 24)}
		}()
		together(t, d)
		if got := d.seen[1].Familiar; !slices.Equal(got, []int{0, 1}) {
			t.Errorf("before, familiar with %v", got)
		}
		if r := d.seen[4]; !slices.Equal(r.Familiar, []int{0, 1, 3}) || r.Train != 30 || r.Probe != 12 {
			t.Errorf("after, the record is %+v", r)
		}
	})
}

// lookout looks at the status of a daemon while a round is being committed.
type lookout struct {
	*notebook
	daemon *bench
	seen   []uint64
}

func (l *lookout) Commit(r *store.Round) error {
	last, _ := l.daemon.Last()
	l.seen = append(l.seen, last.Round)
	return l.notebook.Commit(r)
}

func TestStatusShowsWhatACrashCannotTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lookout{notebook: &notebook{}}
		l.daemon = newBench(t, &wire{}, "a", func(c *DaemonConfig) { c.Journal = l }, 0, 1)
		together(t, l.daemon)
		if want := []uint64{0, 1, 2, 3, 4}; !slices.Equal(l.seen, want) {
			t.Errorf("during the commits the status showed rounds %v, want %v", l.seen, want)
		}
		if last, trouble := l.daemon.Last(); last.Round != 5 || trouble != nil {
			t.Errorf("in the end it shows round %d, %v", last.Round, trouble)
		}
	})
}
