package experiment

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/sim"
)

// Limits of what a file may ask for.
const (
	maxPeers      = 20_000
	maxSamples    = 1_000_000
	maxIterations = 100_000
	maxText       = 1024 // bytes of one text
)

// field is one setting by its dotted path.
type field struct {
	path string
	set  func(*Settings, *yaml.Node) error
	// parse, if set, refuses a text that is no rule or no attack.
	parse func(string) error
}

// fields returns all settings, in the order of the documentation.
func fields() []field {
	return []field{
		word("data.source", func(s *Settings) *string { return &s.Data.Source }, names(Sources())...),
		text("data.dir", func(s *Settings) *string { return &s.Data.Dir }),
		text("data.backbone", func(s *Settings) *string { return &s.Data.Backbone }),
		text("data.labels", func(s *Settings) *string { return &s.Data.Labels }),
		flag("data.transpose", func(s *Settings) *bool { return &s.Data.Transpose }),
		whole("data.train", func(s *Settings) *int { return &s.Data.Train }, 1, maxSamples),
		whole("data.test", func(s *Settings) *int { return &s.Data.Test }, 0, maxSamples),
		number("features_rms", func(s *Settings) *float64 { return &s.Data.RMS }, 1e-6, 1e6),
		whole("peers.honest", func(s *Settings) *int { return &s.Peers.Honest }, 1, maxPeers),
		whole("peers.liars", func(s *Settings) *int { return &s.Peers.Liars }, 0, maxPeers),
		word("partition.kind", func(s *Settings) *string { return &s.Partition.Kind }, names(Partitions())...),
		whole("partition.classes", func(s *Settings) *int { return &s.Partition.Classes }, 1, federation.MaxClasses),
		number("partition.alpha", func(s *Settings) *float64 { return &s.Partition.Alpha }, 1e-3, 1e6),
		whole("partition.shards", func(s *Settings) *int { return &s.Partition.Shards }, 1, 10_000),
		whole("partition.size", func(s *Settings) *int { return &s.Partition.Size }, 1, maxSamples),
		whole("partition.owners", func(s *Settings) *int { return &s.Partition.Owners }, 0, 10_000),
		whole("partition.train", func(s *Settings) *int { return &s.Partition.Train }, 1, maxSamples),
		whole("partition.probe", func(s *Settings) *int { return &s.Partition.Probe }, 0, 10_000),
		flag("partition.allow_missing", func(s *Settings) *bool { return &s.Partition.AllowMissing }),
		flag("partition.reuse", func(s *Settings) *bool { return &s.Partition.Reuse }),
		spec("rule", func(s *Settings) *string { return &s.Rule }, func(text string) error { _, err := parseRule(text); return err }),
		spec("attack", func(s *Settings) *string { return &s.Attack }, func(text string) error { _, err := parseAttack(text); return err }),
		flag("prototypes.use", func(s *Settings) *bool { return &s.Prototypes.Use }),
		whole("prototypes.least", func(s *Settings) *int { return &s.Prototypes.Least }, 1, 10_000),
		number("prototypes.noise", func(s *Settings) *float64 { return &s.Prototypes.Noise }, 0, 10),
		number("training.learning_rate", func(s *Settings) *float64 { return &s.Training.LearningRate }, 1e-9, 1),
		number("training.l2", func(s *Settings) *float64 { return &s.Training.L2 }, 0, 1),
		whole("training.batch", func(s *Settings) *int { return &s.Training.Batch }, 1, 65_536),
		whole("training.steps", func(s *Settings) *int { return &s.Training.Steps }, 1, 10_000),
		word("topology.kind", func(s *Settings) *string { return &s.Topology.Kind }, names(Topologies())...),
		whole("topology.k", func(s *Settings) *int { return &s.Topology.K }, 1, maxPeers),
		number("topology.p", func(s *Settings) *float64 { return &s.Topology.P }, 0, 1),
		text("topology.file", func(s *Settings) *string { return &s.Topology.File }),
		number("link.latency", func(s *Settings) *float64 { return &s.Link.Latency }, 0, 1e6),
		number("link.jitter", func(s *Settings) *float64 { return &s.Link.Jitter }, 0, 1e6),
		number("link.loss", func(s *Settings) *float64 { return &s.Link.Loss }, 0, 1),
		number("link.bandwidth", func(s *Settings) *float64 { return &s.Link.Bandwidth }, 0, 1e12),
		number("life.churn", func(s *Settings) *float64 { return &s.Life.Churn }, 0, 1),
		whole("life.away", func(s *Settings) *int { return &s.Life.Away }, 1, maxIterations),
		flag("life.crash", func(s *Settings) *bool { return &s.Life.Crash }),
		{path: "life.peers", set: setLives},
		whole("iterations", func(s *Settings) *int { return &s.Iterations }, 1, maxIterations),
		whole("evaluate", func(s *Settings) *int { return &s.Evaluate }, 1, maxIterations),
		whole("max_age", func(s *Settings) *int { return &s.MaxAge }, 0, maxIterations),
		word("rows", func(s *Settings) *federation.RowFormat { return &s.Rows }, federation.RowsInt8, federation.RowsFloat32),
	}
}

func whole(path string, at func(*Settings) *int, low, high int) field {
	return field{path: path, set: func(s *Settings, n *yaml.Node) error { return readWhole(n, path, at(s), low, high) }}
}

func number(path string, at func(*Settings) *float64, low, high float64) field {
	return field{path: path, set: func(s *Settings, n *yaml.Node) error { return readNumber(n, path, at(s), low, high) }}
}

func flag(path string, at func(*Settings) *bool) field {
	return field{path: path, set: func(s *Settings, n *yaml.Node) error { return readFlag(n, path, at(s)) }}
}

func text(path string, at func(*Settings) *string) field {
	return field{path: path, set: func(s *Settings, n *yaml.Node) error { return readText(n, path, at(s)) }}
}

// spec is a text that parse must be able to read.
func spec(path string, at func(*Settings) *string, parse func(string) error) field {
	f := text(path, at)
	f.parse = parse
	return f
}

func word[S ~string](path string, at func(*Settings) *S, words ...S) field {
	return field{path: path, set: func(s *Settings, n *yaml.Node) error {
		for _, w := range words {
			if n.Kind == yaml.ScalarNode && n.Value == string(w) {
				*at(s) = w
				return nil
			}
		}
		var known []string
		for _, w := range words {
			known = append(known, string(w))
		}
		return fault(n, "%s is %s; it is one of %s", path, show(n), nearest(n.Value, known))
	}}
}

func readWhole(n *yaml.Node, path string, to *int, low, high int) error {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < low || v > high {
		return fault(n, "%s is %s; whole numbers from %d to %d are allowed", path, show(n), low, high)
	}
	*to = v
	return nil
}

func readNumber(n *yaml.Node, path string, to *float64, low, high float64) error {
	v, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || err != nil || !(v >= low && v <= high) {
		return fault(n, "%s is %s; numbers from %v to %v are allowed", path, show(n), low, high)
	}
	*to = v + 0 // so that -0 and 0 are one cell
	return nil
}

func readFlag(n *yaml.Node, path string, to *bool) error {
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		return fault(n, "%s is %s; true and false are allowed", path, show(n))
	}
	*to = n.Value == "true"
	return nil
}

func readText(n *yaml.Node, path string, to *string) error {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || len(n.Value) > maxText {
		return fault(n, "%s is %s; a text of at most %d bytes is allowed", path, show(n), maxText)
	}
	if strings.ContainsFunc(n.Value, unicode.IsControl) {
		return fault(n, "%s is %s, with a control character in it: a text in one line is allowed", path, show(n))
	}
	*to = n.Value
	return nil
}

// readNote reads a text that may have several lines.
func readNote(n *yaml.Node, to *string) error {
	line := *n
	line.Value = strings.ReplaceAll(n.Value, "\n", " ")
	if err := readText(&line, "note", to); err != nil {
		return err
	}
	*to = n.Value
	return nil
}

// setLives reads the lives of particular peers.
func setLives(s *Settings, n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode || len(n.Content) > maxPeers {
		return fault(n, "life.peers is %s; a list of at most %d peers is allowed, such as [{peer: 0, speed: 0.2}]", show(n), maxPeers)
	}
	lives := make([]PeerLife, len(n.Content))
	for i, item := range n.Content {
		l, speed, path := &lives[i], 1.0, fmt.Sprintf("life.peers[%d]", i)
		named := false
		err := eachKey(item, path, map[string]func(*yaml.Node) error{
			"peer": func(v *yaml.Node) error {
				named = true
				return readWhole(v, path+".peer", &l.Peer, 0, maxPeers-1)
			},
			"speed": func(v *yaml.Node) error { return readNumber(v, path+".speed", &speed, 1e-3, 1000) },
			"join":  func(v *yaml.Node) error { return readWhole(v, path+".join", &l.Life.Join, 0, maxIterations) },
			"away":  func(v *yaml.Node) error { return setAbsences(&l.Life, v, path+".away") },
		})
		if err != nil {
			return err
		}
		if !named {
			return fault(item, "%s does not say which peer: add peer: 0, for the first", path)
		}
		l.Life.Speed = speed
	}
	slices.SortStableFunc(lives, func(a, b PeerLife) int { return a.Peer - b.Peer })
	for i := 1; i < len(lives); i++ {
		if lives[i].Peer == lives[i-1].Peer {
			return fault(n, "life.peers has peer %d twice", lives[i].Peer)
		}
	}
	s.Life.Peers = lives
	return nil
}

func setAbsences(l *sim.Life, n *yaml.Node, path string) error {
	if n.Kind != yaml.SequenceNode || len(n.Content) > 1000 {
		return fault(n, "%s is %s; a list of at most 1000 is allowed, such as [{from: 10, to: 20}]", path, show(n))
	}
	last := 0
	for i, item := range n.Content {
		var a sim.Absence
		at := fmt.Sprintf("%s[%d]", path, i)
		err := eachKey(item, at, map[string]func(*yaml.Node) error{
			"from":  func(v *yaml.Node) error { return readWhole(v, at+".from", &a.From, 0, maxIterations) },
			"to":    func(v *yaml.Node) error { return readWhole(v, at+".to", &a.To, 1, maxIterations) },
			"crash": func(v *yaml.Node) error { return readFlag(v, at+".crash", &a.Crash) },
		})
		if err != nil {
			return err
		}
		if a.From < last || a.To <= a.From {
			return fault(item, "%s is from %d to %d; absences ascend, do not overlap and last an iteration at least", at, a.From, a.To)
		}
		last = a.To
		l.Away = append(l.Away, a)
	}
	return nil
}

// eachKey calls what belongs to each key of a mapping.
func eachKey(n *yaml.Node, path string, keys map[string]func(*yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return fault(n, "%s is %s; it is written {key: value, ...}", path, show(n))
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := keys[key.Value]
		if !ok {
			return unknown(key, path+"."+key.Value, key.Value, sorted(keys))
		}
		if err := read(value); err != nil {
			return err
		}
	}
	return nil
}

// show writes a value for an error, short and in one line.
func show(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if n.Tag == "!!null" {
		return "empty"
	}
	if len(n.Value) > 40 {
		return strconv.Quote(strings.ToValidUTF8(n.Value[:40], "")) + "..."
	}
	return strconv.Quote(n.Value)
}
