package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

// source answers what the commands ask of a peer: over the socket while the
// daemon runs, from its store otherwise. Before the first round, verdicts and
// head are [errNoRound].
type source interface {
	Report() (report, error)
	// Verdicts returns those of a round, of the last one for 0, and the
	// round's number.
	Verdicts(round uint64) (uint64, []aggregation.Verdict, error)
	Head() (federation.Head, error)
}

var (
	// errNotRunning says that nobody answers at the socket.
	errNotRunning = errors.New("no daemon answers")

	errNoRound = errors.New("this peer has not finished a round yet: start it with `bristled run`, or wait for its first round")
)

// openSource finds out whether the peer's daemon runs.
func openSource(ctx context.Context, p *peer) (source, func(), error) {
	socket := p.settings.Socket
	r := newRemote(ctx, socket)
	_, err := r.Report()
	if err == nil {
		return r, func() {}, nil
	}
	if !errors.Is(err, errNotRunning) {
		return nil, nil, fmt.Errorf("ask the daemon at %s: %w", socket, err)
	}
	if _, err := os.Stat(p.home.store()); errors.Is(err, fs.ErrNotExist) {
		return &stored{p, nil}, func() {}, nil // and looking makes none
	}
	s, err := store.Open(p.home.store(), store.Options{Federation: p.manifest.ID(), Keep: p.settings.Keep})
	switch {
	case errors.Is(err, store.ErrLocked):
		return nil, nil, fmt.Errorf("a daemon has %s open, but none answers at %s: it is starting or stopping, or was given another --socket", p.home.store(), socket)
	case err != nil:
		return nil, nil, fmt.Errorf("no daemon answers at %s, and what it stored cannot be read: %w", socket, err)
	}
	return &stored{p, s}, func() { s.Close() }, nil
}

// remote asks the daemon.
type remote struct {
	ctx    context.Context
	client *http.Client
}

func newRemote(ctx context.Context, socket string) *remote {
	return &remote{ctx: ctx, client: &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true, // one question each
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
		},
	}}
}

func (r *remote) get(path string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, "http://bristled"+path, nil)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		return fmt.Errorf("%w: %w", errNotRunning, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return read(resp.Body)
	case http.StatusTooEarly:
		return errNoRound
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<12))
	return errors.New(strings.TrimSpace(string(text)))
}

func (r *remote) Report() (rep report, err error) {
	err = r.get("/status", func(body io.Reader) error { return json.NewDecoder(body).Decode(&rep) })
	return rep, err
}

// numbered is the answer to a question for verdicts.
type numbered struct {
	Round    uint64                `json:"round"`
	Verdicts []aggregation.Verdict `json:"verdicts"`
}

func (r *remote) Verdicts(round uint64) (uint64, []aggregation.Verdict, error) {
	var n numbered
	err := r.get(fmt.Sprintf("/verdicts?round=%d", round), func(body io.Reader) error { return json.NewDecoder(body).Decode(&n) })
	return n.Round, n.Verdicts, err
}

// Head reads the shape as two numbers and then the weights.
func (r *remote) Head() (h federation.Head, err error) {
	err = r.get("/head", func(body io.Reader) error {
		var shape [2]uint32
		if err := binary.Read(body, binary.LittleEndian, &shape); err != nil {
			return err
		}
		h = federation.NewHead(int(shape[0]), int(shape[1]))
		return binary.Read(body, binary.LittleEndian, h.Weights)
	})
	return h, err
}

// stored reads the store of a daemon that does not run.
type stored struct {
	peer  *peer
	store *store.Store // nil: the peer has never run
}

func (s *stored) Report() (report, error) {
	identity, err := p2p.LoadIdentity(s.peer.home.identity())
	if err != nil {
		return report{}, err
	}
	r := s.peer.report(identity.ID())
	if r.Last, err = lastRecord(s.store); err != nil {
		return r, err
	}
	r.Banned, err = s.peer.accusations(s.store)
	return r, err
}

func (s *stored) Verdicts(round uint64) (uint64, []aggregation.Verdict, error) {
	return readVerdicts(s.store, round)
}

func (s *stored) Head() (federation.Head, error) {
	last, err := latest(s.store)
	if err != nil {
		return federation.Head{}, err
	}
	return last.Head, nil
}

// latest is the last committed round; without one, errNoRound.
func latest(s *store.Store) (*store.Round, error) {
	if s == nil {
		return nil, errNoRound
	}
	last, err := s.Latest()
	if errors.Is(err, store.ErrEmpty) {
		return nil, errNoRound
	}
	return last, err
}

// lastRecord is the record of the last committed round, nil before the first.
func lastRecord(s *store.Store) (*node.Record, error) {
	last, err := latest(s)
	if errors.Is(err, errNoRound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &node.Record{Round: last.Number, Time: last.Time} // what is left of a damaged one
	if len(last.Record) > 0 {
		if err := json.Unmarshal(last.Record, r); err != nil {
			return nil, fmt.Errorf("the stored record of round %d: %w", last.Number, err)
		}
	}
	return r, nil
}

// readVerdicts reads those of a round, of the last one for 0.
func readVerdicts(s *store.Store, round uint64) (uint64, []aggregation.Verdict, error) {
	last, err := latest(s)
	if err != nil {
		return 0, nil, err
	}
	if round == 0 {
		round = last.Number
	}
	b, err := s.Verdicts(round)
	if errors.Is(err, store.ErrNotKept) {
		return 0, nil, fmt.Errorf("there are no verdicts of round %d: the last round is %d, and `keep` says how many before it are kept", round, last.Number)
	}
	if err != nil {
		return 0, nil, err
	}
	var v []aggregation.Verdict
	if err := json.Unmarshal(b, &v); err != nil {
		return 0, nil, fmt.Errorf("the stored verdicts of round %d: %w", round, err)
	}
	return round, v, nil
}
