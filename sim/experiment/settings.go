package experiment

import (
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/sim"
)

// Settings are everything that one cell's result depends on, beside its seed. The
// JSON names are those of the file; what a file does not give has the value of
// the main row of the Bristle experiments (docs/bristle.md, b and e).
type Settings struct {
	Data       Source                   `json:"data"`
	Peers      Peers                    `json:"peers"`
	Partition  Partition                `json:"partition"`
	Rule       string                   `json:"rule"`   // as aggregation.Parse reads it
	Attack     string                   `json:"attack"` // as attack.Parse reads it
	Prototypes federation.PrototypeSpec `json:"prototypes"`
	// Training has no probe of its own: Partition.Probe is it.
	Training   federation.TrainingSpec `json:"training"`
	Topology   Topology                `json:"topology"`
	Link       sim.Link                `json:"link"`
	Life       Life                    `json:"life"`
	Iterations int                     `json:"iterations"`
	Evaluate   int                     `json:"evaluate"` // after every so many iterations
	// MaxAge is for how many rounds an update is used; 0: as the daemon does it.
	MaxAge int                  `json:"max_age"`
	Rows   federation.RowFormat `json:"rows"`
}

// Source is which data an experiment is on.
type Source struct {
	Source string `json:"source"` // digits, mnist, cifar10, wisdm or images
	// Dir is where the data lie, and Backbone is the file of the frozen network,
	// empty for the built-in one: ONNX, or the safetensors of one of the networks
	// that learner.Transfer knows.
	Dir      string `json:"-"`
	Backbone string `json:"backbone"`
	Train    int    `json:"train"` // samples that hands are dealt from
	Test     int    `json:"test"`  // samples of the test set; 0: all
	// Labels is the CSV file about a directory of images.
	Labels string `json:"-"`
	// Transpose swaps rows and columns of every picture: for networks that were
	// trained on EMNIST, whose pictures are so.
	Transpose bool `json:"transpose,omitempty"`
	// RMS is the root mean square that features are scaled to.
	RMS float64 `json:"features_rms"`
}

// Peers says how many there are.
type Peers struct {
	Honest int `json:"honest"`
	Liars  int `json:"liars"`
}

// Partition says who holds what.
type Partition struct {
	// Kind is iid, windows, dirichlet, shards or owner.
	Kind string `json:"kind"`
	// Classes is the number of consecutive classes of a window: peer i holds
	// those from i on.
	Classes int     `json:"classes"`
	Alpha   float64 `json:"alpha"`            // of the Dirichlet distribution
	Shards  int     `json:"shards"`           // of each peer
	Size    int     `json:"size"`             // samples of a shard
	Owners  int     `json:"owners,omitempty"` // of each peer; 0: one
	// Train is the number of training samples per class and peer, under
	// dirichlet per peer; shards have their size instead.
	Train int `json:"train"`
	Probe int `json:"probe"` // held-out samples per class that a peer holds
	// Reuse deals samples again when all of a class have been dealt: peers then
	// share them. For crowds that no data suffice for.
	Reuse bool `json:"reuse"`
	// AllowMissing allows classes that no honest peer holds.
	AllowMissing bool `json:"allow_missing"`
}

// Topology says who sends to whom.
type Topology struct {
	// Kind is all, random, round-robin, hops, ring, regular, erdos-renyi,
	// small-world or file.
	Kind string  `json:"kind"`
	K    int     `json:"k"`
	P    float64 `json:"p"`
	File string  `json:"-"`
	// Links has the SHA-256 of a file's links, which is what the result depends
	// on.
	Links string `json:"links"`
	list  *linkList
}

// Life says when peers are there.
type Life struct {
	Churn float64 `json:"churn"` // probability per iteration that a peer leaves
	Away  int     `json:"away"`  // for so many iterations
	Crash bool    `json:"crash"` // losing what its store does not have
	// Peers are the lives of particular peers, which churn does not touch.
	Peers []PeerLife `json:"peers"`
}

// PeerLife is the life of one honest peer.
type PeerLife struct {
	Peer int      `json:"peer"`
	Life sim.Life `json:"life"`
}

// defaults returns the main row: ten peers with four consecutive classes each and
// nobody who lies.
func defaults() Settings {
	return Settings{
		Data:       Source{Source: "digits", Train: 10_000, RMS: 1},
		Peers:      Peers{Honest: 10},
		Partition:  Partition{Kind: "windows", Classes: 4, Alpha: .5, Shards: 2, Size: 20, Train: 10, Probe: 10},
		Rule:       "bristle+",
		Attack:     "none",
		Prototypes: federation.PrototypeSpec{Least: 2},
		Training:   federation.TrainingSpec{LearningRate: 1e-3, L2: 5e-3, Batch: 5, Steps: 1},
		Topology:   Topology{Kind: "all", K: 4, P: .1},
		Life:       Life{Away: 10},
		Iterations: 300,
		Evaluate:   10,
		Rows:       federation.RowsInt8,
	}
}
