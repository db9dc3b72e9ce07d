package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

// control answers at the socket of a running daemon.
type control struct {
	peer    *peer
	id      federation.PeerID
	daemon  *node.Daemon
	network *p2p.Network
	store   *store.Store
}

// serve listens at the socket until stop is called, which removes it.
func (c *control) serve(ctx context.Context) (stop func(), err error) {
	path := c.peer.settings.Socket
	l, err := listenSocket(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", c.status)
	mux.HandleFunc("GET /verdicts", c.verdicts)
	mux.HandleFunc("GET /head", c.head)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // always ends with ErrServerClosed
	}()
	return func() {
		server.Close()
		<-done
	}, nil
}

// maxSocket is the longest path of a unix socket, the end mark excluded, on
// the systems that allow least.
const maxSocket = 103

// listenSocket makes the socket, in place of one that a killed daemon left.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocket {
		return nil, fmt.Errorf("the socket's path %s has %d bytes, and systems allow %d: choose a shorter one with --socket or in the configuration", path, len(path), maxSocket)
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("socket: %s is there already and is no socket: move it away, or choose another path with --socket", path)
	default:
		if conn, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
			conn.Close()
			return nil, fmt.Errorf("socket: another daemon answers at %s: choose another path with --socket", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("socket: %w", err)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket: %w: choose another path with --socket", err)
	}
	return l, nil
}

func (c *control) status(w http.ResponseWriter, _ *http.Request) {
	rep := c.peer.report(c.id)
	last, trouble := c.daemon.Last()
	stats := c.network.Stats()
	rep.Running, rep.Version, rep.Kernel = true, version(), cpu.Active().String()
	rep.Addresses, rep.Peers, rep.Traffic = c.network.Addrs(), c.network.Peers(), &stats
	var err error
	if rep.Banned, err = c.peer.accusations(c.store); err != nil {
		fail(w, err)
		return
	}
	if rep.Last = &last; last.Round == 0 { // none since the start
		if rep.Last, err = lastRecord(c.store); err != nil {
			fail(w, err)
			return
		}
	}
	if trouble != nil {
		rep.Trouble = trouble.Error()
	}
	answer(w, rep)
}

func (c *control) verdicts(w http.ResponseWriter, r *http.Request) {
	round, err := strconv.ParseUint(r.URL.Query().Get("round"), 10, 64)
	if err != nil {
		http.Error(w, "round must be a number", http.StatusBadRequest)
		return
	}
	n := numbered{}
	if n.Round, n.Verdicts, err = readVerdicts(c.store, round); err != nil {
		fail(w, err)
		return
	}
	answer(w, n)
}

// head writes the shape and the weights.
func (c *control) head(w http.ResponseWriter, _ *http.Request) {
	if last, _ := c.daemon.Last(); last.Round == 0 {
		if _, err := latest(c.store); err != nil {
			fail(w, err)
			return
		}
	}
	h := c.daemon.Head()
	b := binary.LittleEndian.AppendUint32(nil, uint32(h.Classes))
	b = binary.LittleEndian.AppendUint32(b, uint32(h.Features))
	for _, x := range h.Weights {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	_, _ = w.Write(b) // whoever asked has gone
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
}

func fail(w http.ResponseWriter, err error) {
	code := http.StatusNotFound
	if errors.Is(err, errNoRound) {
		code = http.StatusTooEarly
	}
	http.Error(w, err.Error(), code)
}
