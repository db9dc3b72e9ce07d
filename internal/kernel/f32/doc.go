// Package f32 is float32 arithmetic at the speed of the machine: matrix
// products, convolutions forward and backward, pooling, element-wise
// functions, normalisations and reductions. Unlike the package above it, the
// products may fuse a multiplication and a sum, and may sum in another order
// on another path; so results differ between paths by rounding. Where a
// caller asks for it ([Geometry.Exact], [Product.Exact]), products are those
// of the package above: the same bits everywhere, at half the speed.
//
// # What always holds
//
//   - Images are channels-last: batch, row, column, channel.
//   - A result depends on the path but not on the number of workers.
//   - Nothing is allocated after the first call on an object or a pool.
//   - Slices are checked before the assembly sees them; one that is too short
//     is an error of the programmer and panics.
package f32
