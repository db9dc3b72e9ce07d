package node

import (
	"fmt"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
)

// The defaults of a new federation beside its rule's.
const (
	// featureRMS is the root mean square that features are scaled to.
	// Between 0.5 and 2 it hardly matters; see docs/measurements.md.
	featureRMS = 1
	// stepsPerRound is how many minibatches a peer trains between two
	// exchanges. Five reach in 20 rounds what one reaches in 100, for a
	// fifth of the traffic.
	stepsPerRound = 5
	// leastPrototype is the least number of samples that a class mean is
	// published of. A mean of k samples is one of them plus (k-1)/k of something
	// else: below five, too much of each is in it. The experiments that the
	// rule was tuned with have ten.
	leastPrototype = 5
)

// Found returns the manifest of a new federation with every constant at its
// default; under bristle+, peers publish prototypes. rawRMS is the root mean square of the backbone's features; 0 takes
// the figure in the backbone's file.
func Found(name string, classes []string, b *learner.Backbone, rawRMS float64, prepare federation.Prepare, rule string) (*federation.Manifest, error) {
	spec, err := aggregation.Defaults(rule)
	if err != nil {
		return nil, err
	}
	if rawRMS == 0 {
		rawRMS = b.RawRMS()
	}
	if rawRMS == 0 {
		return nil, fmt.Errorf("the backbone's file does not state the root mean square of its features: measure it on some samples")
	}
	m := &federation.Manifest{
		Name:    name,
		Classes: classes,
		Backbone: federation.BackboneSpec{
			SHA256:   b.Hash(),
			Features: b.Features(),
			Input:    b.Input(),
			Prepare:  prepare,
			RawRMS:   rawRMS,
			RMS:      featureRMS,
		},
		Rule: spec,
		// But for the steps, the settings of the MNIST experiments of the
		// Bristle paper's author (docs/bristle.md, b).
		Training: federation.TrainingSpec{LearningRate: 1e-3, L2: 5e-3, Batch: 5, Steps: stepsPerRound, Probe: 10},
		Wire:     federation.WireSpec{Rows: federation.RowsInt8, MaxPeers: 64},
	}
	if spec.Name == aggregation.DefaultRule {
		m.Prototypes = federation.PrototypeSpec{Use: true, Least: leastPrototype}
	}
	m.Wire.MaxMessage = m.MaxUpdateSize()
	return m, m.Validate()
}
