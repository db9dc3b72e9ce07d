// Package graph is a network as data: nodes with operators and attributes of
// ONNX, constants, inputs and outputs, and no arithmetic but that of
// constants. Readers make graphs, passes turn them into simpler ones, and
// learner/nn and learner/quant compile them into programs.
package graph
