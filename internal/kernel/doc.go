// Package kernel is the float32 arithmetic of the project: matrix products
// ([Gemm], [GemmNT], [GemmTN]), ordered vector sums ([Dot],
// [SquaredDistance], [Axpy]), one optimizer step ([Adam]), and an exponential
// and a logarithm of its own ([Exp], [Log]).
//
// # What always holds
//
//   - Exact in its order. Every function states the order of its operations,
//     each of which is rounded to float32 on its own (to float64 inside Exp
//     and Log). Nothing is fused, reassociated or flushed to zero, so that
//     the result has the same bits on every architecture, path and compiler,
//     and a verdict can be replayed anywhere. The one exception is the sign
//     and payload of a NaN that an operation makes.
//   - Paths. At the start of the program the best of several implementations
//     is chosen: AVX-512 or AVX2 assembly on amd64, portable Go elsewhere and
//     as the definition that the tests hold the others to. Package cpu tells
//     which.
//   - Lengths are checked once, up front; a slice that is too short is an
//     error of the programmer and panics. The assembly touches nothing outside
//     the slices.
//   - No allocation in steady state, no goroutines, no state but a pool of
//     scratch memory. All functions may be called concurrently.
//
// # The shape of the assembly
//
// A matrix product keeps a tile of C in registers, lanes along n, while k
// ascends: 8 x 48 elements with AVX-512, 6 x 16 with AVX2. A is read through
// two strides, which makes its transpose free, and B in place, which
// measurements favour over packing as long as a block of it stays in the
// cache; only a transposed B is packed. A product and its sum are two
// instructions, so a core that issues two 512-bit operations per cycle can do
// at most 16 multiply-adds per cycle.
package kernel
