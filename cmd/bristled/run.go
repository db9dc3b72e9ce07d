package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

func newRun() *cobra.Command {
	var dir string
	var rounds uint64
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a peer: train, gossip, integrate, for ever",
		Long: `Run starts the daemon of the peer in --dir and goes on until Ctrl-C. It watches
the data directory and learns from samples as they arrive. After a crash or a
power cut it resumes at its last committed round.`,
		Example: `  bristled run --dir peer
  bristled run --dir peer --listen /ip4/127.0.0.1/tcp/4002 --interval 1s
  BRISTLED_LOG_LEVEL=debug bristled run --dir peer`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := loadSettings(cmd, dir)
			if err != nil {
				return err
			}
			p, err := openPeer(dir, s)
			if err != nil {
				return err
			}
			log := newLog(cmd.ErrOrStderr(), s.Log)
			for _, remark := range strayEnv(os.Environ()) {
				log.Warn(remark)
			}
			err = runDaemon(cmd.Context(), p, rounds, log, func(c *learner.Cache) (supply, error) { return openShelf(p, c, log) })
			if err != nil && errors.Is(err, cmd.Context().Err()) {
				log.Info("stopped before the first round of this run")
				return nil
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "peer", "the peer's directory")
	cmd.Flags().Uint64Var(&rounds, "rounds", 0, "stop after so many rounds in all; 0: go on")
	addSettingFlags(cmd.Flags())
	return cmd
}

// garbage is how much memory a daemon may use beyond what it needs, in
// percent. Nearly all of it is features, which the collector passes over, so
// that collecting often is cheap; Go's default would let the daemon grow to
// twice its size before it looks.
const garbage = 25

// supply is where a daemon's samples come from.
type supply interface {
	// read returns the samples as they are now.
	read(ctx context.Context) (node.Samples, error)
	// follow sends them again when they have changed, until stop is called.
	follow(ctx context.Context) (fresh <-chan node.Samples, stop func())
	close()
}

func runDaemon(ctx context.Context, p *peer, rounds uint64, log *slog.Logger, open func(*learner.Cache) (supply, error)) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	identity, err := p2p.LoadIdentity(p.home.identity())
	if err != nil {
		return err
	}
	journal, err := openJournal(ctx, p, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	ledger, closeLedger, err := openLedger(p, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLedger()) }()
	backbone, err := p.backbone()
	if err != nil {
		return err
	}
	cache, err := learner.OpenCache(p.home.features(), backbone, p.workers(), log)
	if err != nil {
		return err
	}
	defer cache.Close()
	shelf, err := open(cache)
	if err != nil {
		return err
	}
	defer shelf.close()
	samples, err := shelf.read(ctx)
	if err != nil {
		return err
	}
	state, err := p.newPeer(identity, samples)
	if err != nil {
		return err
	}
	if err := resume(state, journal, log); err != nil {
		return err
	}
	shutOut, err := bannedKeys(journal)
	if err != nil {
		return err
	}
	network, err := p2p.Start(ctx, p2p.Config{
		Identity:    identity,
		Manifest:    p.manifest,
		Listen:      p.settings.Listen,
		Peers:       p.settings.Peers,
		MDNS:        p.settings.MDNS,
		LastSeq:     state.LastSeq(),
		Equivocated: shutOut,
		Ledger:      ledger,
		Log:         log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	fresh, stopFollowing := shelf.follow(ctx)
	defer stopFollowing()
	daemon := node.NewDaemon(node.DaemonConfig{
		Peer:     state,
		Gossip:   network,
		Journal:  journal,
		Clock:    node.RealClock{},
		Log:      log,
		Quorum:   p.settings.Round.Quorum,
		Deadline: p.settings.Round.Deadline,
		Interval: p.settings.Round.Interval,
		Rounds:   rounds,
		Samples:  fresh,
		OnRound:  logRounds(log),
	})
	stopServing, err := (&control{p, identity.ID(), daemon, network, journal}).serve(ctx)
	if err != nil {
		return err
	}
	defer stopServing()
	log.Info("running", "peer", identity.ID(), "federation", p.manifest.Name, "id", p.manifest.ID(),
		"addresses", network.Addrs(), "round", state.Rounds(), "training", len(samples.Train.Labels), "probe", len(samples.Probe.Labels))
	if p.settings.MDNS || len(p.settings.Peers) > 0 {
		meet(ctx, network)
	}
	err = daemon.Run(ctx)
	log.Info("stopped", "round", state.Rounds())
	return err
}

// lockPatience is how long a daemon waits for the lock of its store.
const lockPatience = 3 * time.Second

// openJournal opens the store. Somebody who looks at a peer that does not run
// holds its lock for a moment, which must not keep the peer from starting.
func openJournal(ctx context.Context, p *peer, log *slog.Logger) (*store.Store, error) {
	for end := time.Now().Add(lockPatience); ; {
		s, err := store.Open(p.home.store(), store.Options{Federation: p.manifest.ID(), Log: log, Keep: p.settings.Keep})
		if !errors.Is(err, store.ErrLocked) {
			return s, err
		}
		_, asked := newRemote(ctx, p.settings.Socket).Report()
		if asked == nil || time.Now().After(end) {
			return nil, fmt.Errorf("another daemon runs the peer in %s: stop it, or make a second peer with `bristled init --dir` and another directory", p.home)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// company is how long a daemon waits for others before its first round.
const company = 3 * time.Second

// meet waits until somebody listens, or for a moment. What is published to
// nobody is lost, and daemons that start together would then wait for each
// other until the deadline of their first round.
func meet(ctx context.Context, network *p2p.Network) {
	ctx, cancel := context.WithTimeout(ctx, company)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if slices.ContainsFunc(network.Peers(), func(p p2p.PeerInfo) bool { return p.Member }) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// newPeer returns the peer's state machine at its start.
func (p *peer) newPeer(identity p2p.Identity, s node.Samples) (*node.Peer, error) {
	rule, err := aggregation.New(p.manifest.Rule)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.home.manifest(), err)
	}
	noise, err := identity.Secret("noise on prototypes")
	if err != nil {
		return nil, err
	}
	return node.NewPeer(node.Config{
		ID:        identity.ID(),
		Manifest:  p.manifest,
		Rule:      rule,
		WholeHead: rule.WholeHead(),
		Train:     s.Train,
		Probe:     s.Probe,
		Seed:      seedOf(identity.ID()),
		NoiseKey:  noise,
	})
}

// bannedKeys returns the keys that are shut out for good.
func bannedKeys(s *store.Store) ([]federation.PeerID, error) {
	bans, err := s.Bans()
	if err != nil {
		return nil, err
	}
	keys := make([]federation.PeerID, len(bans))
	for i, b := range bans {
		keys[i] = b.Key
	}
	return keys, nil
}

// seedOf gives each peer a random stream of its own that is the same after
// every start.
func seedOf(id federation.PeerID) uint64 {
	sum := sha256.Sum256([]byte(id))
	return binary.LittleEndian.Uint64(sum[:8])
}

// resume restores the last committed round, if there is one.
func resume(p *node.Peer, s *store.Store, log *slog.Logger) error {
	last, err := s.Latest()
	if errors.Is(err, store.ErrEmpty) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.Resume(last); err != nil {
		return fmt.Errorf("the stored state does not fit: %w", err)
	}
	log.Info("resumed", "round", last.Number, "committed", last.Time.Format(time.RFC3339))
	return nil
}

// logRounds returns a function that tells about every round at first and
// every hundredth later.
func logRounds(log *slog.Logger) func(node.Record, []aggregation.Verdict) {
	count := 0
	return func(r node.Record, _ []aggregation.Verdict) {
		level := slog.LevelDebug
		if count < 10 || count < 100 && count%10 == 0 || count%100 == 0 {
			level = slog.LevelInfo
		}
		count++
		log.Log(context.Background(), level, "round", "round", r.Round, "heard", r.Fresh, "active", r.Active, "used", r.Used,
			"probe_accuracy", fmt.Sprintf("%.3f", r.ProbeAccuracy), "seconds", fmt.Sprintf("%.2f", r.Seconds))
	}
}
