// Package nn is the layer graph: float32 networks that are a chain of layers,
// read from and written to ONNX, run forward, and trained by backpropagation.
// It is enough to pretrain Bristle's LeNet ([LeNet]) and to run it as the
// frozen backbone of a federation.
//
// A [Net] is its layers and their parameters. A [Runner] runs it on batches,
// a [Trainer] fits it to labelled samples, [Load] and [Net.Marshal] are its
// way from and to a file, and [Net.Backbone] cuts off the output layer, so
// that what comes out are the features that a head is trained on.
//
// Samples are laid out as in ONNX: channels, then rows, then columns, one
// sample after another.
//
// # What always holds
//
//   - Sums run in an order that depends on the network and the batch only.
//     A Runner gives a sample the same bits alone and in any batch; a Trainer
//     gives the same weights with any number of workers, on every
//     architecture and kernel path.
//   - Neither a Runner nor a Trainer allocates after its first batch.
//   - A loaded network has been checked: its shapes fit, its weights are
//     finite. Loading allocates a small multiple of the file's length and a
//     constant, whatever the bytes say.
//   - Marshal writes one byte string for one network, and Load of it gives a
//     network that marshals to the same bytes.
//
// Layers are descriptions without memory of their own; parameters, gradients
// and values are passed to them. That is what lets several goroutines run one
// network, each with its own Runner.
package nn
