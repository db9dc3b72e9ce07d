// Package q8 is the integer arithmetic of quantized networks: convolutions,
// dense layers, pooling and element-wise functions of bytes. Every function
// gives the same bits on every architecture and kernel path and with any
// number of workers: between its inputs and outputs there are only integers.
//
// Activations are unsigned bytes, channels-last: batch, row, column, channel.
// A pixel takes [Stride] bytes, its channels rounded up to a multiple of
// four; what the bytes beyond the channels hold is of no consequence.
// Weights are signed bytes. Sums are int32 and become bytes by a fixed-point
// multiplication, see [Requant].
//
// # What always holds
//
//   - Sums cannot overflow: a constructor that finds they could returns an
//     error.
//   - Nothing is allocated after the first call on an object or a pool. An
//     object belongs to one goroutine at a time.
//   - Slices are checked before the assembly sees them; one that is too short
//     is an error of the programmer and panics.
package q8
