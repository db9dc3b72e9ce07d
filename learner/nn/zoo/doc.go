// Package zoo makes the usual architectures as graphs with random weights.
//
// Weights have the names of the state_dict of the same model in torchvision
// (or in the place that Info says), so that [safetensors.Bind] gives a graph
// weights from there. Graphs have operator set 13, an input "input" of
// [batch, channels, height, width], an output "output" of [batch, classes],
// and any batch. Batch normalisation is a node of its own, and works with its
// running statistics.
//
// [safetensors.Bind]: https://pkg.go.dev/github.com/bristle-fl/bristled/learner/nn/safetensors#Bind
package zoo
