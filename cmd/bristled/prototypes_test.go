package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
)

// twin is one of two networks of a peer that says one thing here and another
// there.
func twin(t *testing.T, identity p2p.Identity, m *federation.Manifest, victim string, fill float32) (say func(seq uint64)) {
	t.Helper()
	n, err := p2p.Start(context.Background(), p2p.Config{Identity: identity, Manifest: m, Peers: []string{victim}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	head := federation.NewHead(len(m.Classes), m.Backbone.Features)
	for i := range head.Weights {
		head.Weights[i] = fill * float32(i%7)
	}
	set := &federation.Prototypes{
		Federation: m.ID(), Sender: identity.ID(), Epoch: 1, Samples: []int{10, 10}, Means: head.Select([]int{0, 1}),
	}
	if err := n.PublishPrototypes(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	return func(seq uint64) {
		// After it is found out, nobody listens and nothing fails.
		_ = n.Publish(t.Context(), &federation.Update{
			Federation: m.ID(), Sender: identity.ID(), Seq: seq, Round: seq, Claims: []int{0, 1}, Rows: head.Select([]int{0, 1}),
			Prototypes: set.Hash(), Epoch: 1,
		})
	}
}

// Three peers exchange class means. One that shows different ones to two of
// them is banned by all, for good and with evidence; and one that comes late
// learns what the others know.
func TestPrototypesBetweenDaemons(t *testing.T) {
	if testing.Short() {
		t.Skip("starts daemons")
	}
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	dir := t.TempDir()
	peer := func(name string) string { return filepath.Join(dir, name) }
	holds := map[string][]int{"a": {0, 1, 2}, "b": {1, 2, 3}, "c": {2, 3, 0}, "d": {0, 1, 3}}
	for i, name := range []string{"a", "b", "c", "d"} {
		drawDigits(t, peer(name+"-data"), uint64(i), 0, 24, holds[name]...)
		args := []string{"init", "--dir", peer(name), "--data", peer(name + "-data"), "--listen", "/ip4/127.0.0.1/tcp/0", "--mdns=false"}
		if name == "a" {
			args = append(args, "--name", "four", "--classes", "0,1,2,3")
		} else {
			args = append(args, "--join", home(peer("a")).manifest())
		}
		bristled(t, dir, args...)
	}
	quick := []string{"--interval", "50ms", "--deadline", "1s"}
	// In a line: a - b - c.
	a := daemon(t, peer("a"), quick...)
	address := func(p *process) string { return p.mustStatus(t).Addresses[0] }
	b := daemon(t, peer("b"), append(quick, "--peers", address(a))...)
	c := daemon(t, peer("c"), append(quick, "--peers", address(b))...)
	know := func(p *process, n int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%s knows the prototypes of %d others", p.dir, n), func() bool {
			r, err := p.status()
			return err == nil && r.Last != nil && r.Last.Prototypes == n
		})
	}
	for _, p := range []*process{a, b, c} {
		know(p, 2)
	}
	if r := b.mustStatus(t); r.Traffic.Prototypes != 2 {
		t.Errorf("%+v", r.Traffic)
	}

	m, err := federation.ReadManifest(home(peer("a")).manifest())
	if err != nil {
		t.Fatal(err)
	}
	liar, err := p2p.CreateIdentity(peer("liar"))
	if err != nil {
		t.Fatal(err)
	}
	left, right := twin(t, liar, m, address(a), 1), twin(t, liar, m, address(c), 2)
	convicted := func(p *process) bool {
		r, err := p.status()
		return err == nil && slices.ContainsFunc(r.Banned, func(a accusation) bool { return a.Peer == liar.ID() && a.Proven })
	}
	seq := uint64(0)
	for _, p := range []*process{a, b, c} {
		eventually(t, p.dir+" has the evidence", func() bool {
			seq++
			left(seq)
			right(seq)
			return convicted(p)
		})
		know(p, 2)
		if n := strings.Count(readFile(t, p.log), "nothing of it counts any more"); n != 1 {
			t.Errorf("%s said so %d times", p.dir, n)
		}
	}
	if out := bristled(t, dir, "status", "--dir", a.dir); !strings.Contains(out, "two sets, evidence is kept") || !strings.Contains(out, string(liar.ID())) {
		t.Errorf("status says\n%s", out)
	}

	// Neither a restart nor a late comer changes that.
	a.interrupt(t)
	if out := bristled(t, dir, "status", "--dir", a.dir); !strings.Contains(out, "two sets, evidence is kept") {
		t.Errorf("status of the stopped daemon says\n%s", out)
	}
	a = daemon(t, peer("a"), append(quick, "--peers", address(b))...)
	if !convicted(a) {
		t.Error("forgotten after a restart")
	}
	know(a, 2)
	d := daemon(t, peer("d"), append(quick, "--peers", address(c))...)
	know(d, 3)
	know(a, 3)
	for _, p := range []*process{a, b, c, d} {
		p.interrupt(t)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStatusOfPrototypes(t *testing.T) {
	var many []accusation
	for i := range 12 {
		many = append(many, accusation{Peer: federation.PeerID(fmt.Sprintf("12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ%02d", i)), Proven: i > 0})
	}
	r := report{
		Classes: []string{"cat", "dog"}, Prototypes: federation.PrototypeSpec{Use: true, Least: 5},
		Last:   &node.Record{Prototypes: 3, Disputes: []aggregation.Dispute{{Class: 1, Share: .607}}},
		Banned: many,
	}
	var out bytes.Buffer
	if err := printReport(&out, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nprototypes  of 3 other peers\n",
		"\nALARM       class dog: only 0.61 of the prototype mass agrees\n",
		"\n            somebody may be lying about it, or the class looks different at different peers\n",
		"\nbanned      12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ00  two sets, no evidence is left\n",
		"HyQ01  two sets, evidence is kept\n",
		"\n            and 2 more, see --json\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	for line := range strings.Lines(out.String()) {
		if len(line) > lineWidth+1 {
			t.Errorf("a long line: %s", line)
		}
	}
	r.Prototypes.Use = false
	out.Reset()
	if err := printReport(&out, r); err != nil || !strings.Contains(out.String(), "prototypes  not used in this federation\n") {
		t.Errorf("%s, %v", out.String(), err)
	}
}
