// Package learner is what a peer does with its own data.
//
// A [Backbone] turns samples into feature vectors. It is frozen, so each
// sample's features are computed once and kept in a [Cache]; a round of
// training is then a few small matrix products. A [Trainer] trains the head,
// the softmax layer on top of the features, and keeps the two copies of its
// weights that stop a peer from forgetting classes it never sees. A [Probe]
// holds samples that were not trained on and says how good a head is at each
// class; aggregation rules judge received heads by it. [Pretrain] makes the
// backbone that is embedded in the binary.
//
// # What always holds
//
//   - Nothing in this package touches a network. Samples enter; features,
//     heads and scores leave.
//   - Head arithmetic (logits, loss gradients, Adam, F1) has one order of
//     operations: the same samples and seed give the same bits on every
//     architecture and with any number of workers.
//   - A sample in the probe is never in the training set of the same split
//     (see [Split]).
//
// The layer graph is in learner/nn, the readers of data in learner/data.
package learner
