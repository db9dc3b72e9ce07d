// Package onnx reads and writes ONNX files as graphs. It knows the format, not
// the operators: what a node means is for who compiles the graph.
//
// What [Unmarshal] and [ReadFile] return always has these properties:
//
//   - The operator set is 7 to 21, and its domain is spelt "".
//   - Nodes are in an order in which they can be run; every input of a node is
//     an input of the graph, a constant or an output of an earlier node.
//   - Names of values are unique. Every output of the graph has a maker.
//   - The slice of every tensor is as long as its shape says, and no float in
//     it is NaN. Infinities may be there: masks have them. What was float64
//     is float32, also where the graph declares its inputs.
//   - Constant nodes are constants, named in Graph.Fixed.
//   - An input that has an initializer is a constant, no input.
//
// Reading allocates at most a multiple of the file's length and a constant,
// whatever the bytes say. Errors wrap [graph.ErrCorrupt] for bytes that are no
// model or contradict themselves, and are a [*graph.UnsupportedError] for
// sound models that use what graphs do not have: subgraphs, functions, sparse
// tensors, element types such as float16.
package onnx
