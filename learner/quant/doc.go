// Package quant turns a float32 network into one of bytes and runs it.
//
// [Calibrate] watches the float32 network at work and notes the [Ranges] of
// its values. [Quantize] writes them into the graph as pairs of
// QuantizeLinear and DequantizeLinear ("QDQ"), a form of ONNX that other
// tools run as well. [Compile] turns such a graph, ours or another tool's,
// into a [Program] of integer arithmetic.
//
// # Arithmetic
//
// Activations are unsigned bytes with one scale and zero point per tensor;
// weights are signed bytes, symmetric, with one scale per output channel;
// sums are int32. A sum becomes a byte by a fixed-point multiplication. So
// between the quantized input and the quantized output of a convolutional
// network there is no floating point, and every architecture and every kernel
// path gives the same bits. What a network computes in between in float32
// (normalisations and attention of transformers) uses functions that are
// correct to the bit everywhere as well.
//
// # What always holds
//
//   - A result does not depend on the number of workers, nor on what else is
//     in the batch.
//   - A [Program] allocates nothing after its first pass.
//   - No graph, however broken, makes it panic: errors wrap
//     [graph.ErrCorrupt], are a [*graph.UnsupportedError], or say what to do.
package quant
