// Package nn runs networks and trains them: a graph in, a program out.
//
// [Compile] turns a graph (package graph; package onnx reads it from a file,
// package zoo makes the standard architectures) into a [Program] for one
// shape of input: a list of steps bound to memory. [Runner] runs one on any
// number of samples. [Trainer] fits a graph's parameters in place, above a
// freeze line, with a [Loss], an [Optimizer] and a [Schedule].
//
// # How a program is made
//
// Package graph brings the graph into its normal form: static shapes, few
// operators. The builder then lowers node by node. Images are kept
// channels-last between convolutions, whatever the order in the file; bias,
// residual and rectifier become the epilogue of the product before them.
// Where a graph is quantized (QuantizeLinear and DequantizeLinear around its
// operators), the builder computes with the bytes: see bytes.go.
//
// Memory is planned once: values that are not needed at the same time share
// it. Training keeps what the backward pass reads, and nothing below the
// freeze line.
//
// # What always holds
//
//   - A pass allocates nothing after the first, and the result does not
//     depend on the number of workers.
//   - A sample's output does not depend on the rest of its batch.
//   - What is computed in integers has the same bits on every machine. So
//     has what is computed in float32 where Options.Exact asks for it; else
//     products differ by rounding between kernel paths.
//   - A graph that cannot be run is a [*graph.UnsupportedError] that names the
//     node and its operator, or wraps [graph.ErrCorrupt]. None makes Compile
//     panic.
package nn
