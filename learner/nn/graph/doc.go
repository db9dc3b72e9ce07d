// Package graph is a network as data: nodes with operators and attributes of
// ONNX, constants, inputs and outputs, and no arithmetic but that of
// constants. Readers make graphs, passes turn them into simpler ones, and
// learner/nn and learner/quant compile them into programs.
//
// # From a file to a program
//
// [Specialize] turns a [Graph] of opset 7 to 21 into a [Static]: the normal
// form for one shape of its inputs. [FoldBatchNorm] and [Fuse] simplify that
// further; each is optional. [Count], [CutPoints], [Head], [Split] and [Cut]
// tell what a network costs and where it can be divided.
//
// # The normal form
//
// Every value has a known shape and type. Whatever depends on shapes and
// constants only is a constant. Nothing in it depends on the opset:
//
//   - Every node has one output, and only the operators below. Attributes
//     are complete: none is left to its default. Axes count from 0.
//   - Identity stands only where an output of the graph is an input, a
//     constant or another output. Dropout and Constant are gone.
//   - Reshape: data and a constant Int64 shape, complete. It stands for
//     Flatten, Squeeze and Unsqueeze too, and for a Transpose that moves only
//     axes of extent 1.
//   - Expand: data and a constant Int64 shape, that of the result. Tile:
//     attribute repeats, one per axis.
//   - Transpose: perm. Concat: axis, two inputs or more, none empty.
//   - Slice: attributes starts, ends, axes (rising) and steps, only of axes
//     that it changes; starts and ends within the axis; with a negative step,
//     end is -1 if element 0 is taken. Split is one Slice per output.
//   - Gather: axis; the indices are a constant Int64 and not negative.
//   - Pad: attributes pads (begins, then ends; none negative), mode
//     (constant, reflect or edge) and value, a float32 whatever the type.
//   - Conv: kernel_shape, strides, dilations, pads, group; one to three
//     spatial axes. Pads may be longer than the kernel.
//   - MaxPool and AveragePool: kernel_shape, strides, dilations, pads, and
//     count_include_pad (0 or 1) of the latter. Pads may be longer at the
//     end where ceil_mode was set. Every window has an element of the input
//     in it. The extents of the result are floor((in + pads - span)/stride)+1.
//   - GlobalAveragePool, GlobalMaxPool: no attributes. ReduceMean over rows
//     and columns of a value with four axes is a GlobalAveragePool.
//   - ReduceMean, ReduceSum, ReduceMax, ReduceMin, ReduceProd: axes (rising,
//     at least one) and keepdims (0 or 1).
//   - Gemm: transA, transB (0 or 1), alpha, beta; the third input may be
//     absent. MatMul: both operands have two axes or more.
//   - BatchNormalization: five inputs, epsilon; by its running statistics.
//     LayerNormalization: two or three inputs, axis, epsilon; scale and bias
//     have the extents of the axes from axis on.
//   - Softmax, LogSoftmax: along the one axis.
//   - Add, Sub, Mul, Div, Max, Min, PRelu: two inputs, which broadcast. Mod:
//     fmod. Pow: one input and attribute exponent, or two inputs.
//   - Clip: min and max, infinite where absent. LeakyRelu, Elu, Selu,
//     HardSigmoid: alpha, gamma, beta. Gelu: approximate (none or tanh).
//     Relu, Sigmoid, HardSwish, Tanh, Softplus, Softsign, Exp, Log, Sqrt,
//     Reciprocal, Erf, Sin, Cos, Neg, Abs, Sign, Floor, Ceil, Round: none.
//   - Equal, Less, LessOrEqual, Greater, GreaterOrEqual, And, Or, Xor, Not,
//     Where, Cast (to), ScatterND: only of data that no constant decides.
//   - QuantizeLinear, DequantizeLinear: axis, -1 with one scale for all.
//
// Fuse adds two operators of the domain [Domain]: Silu, x*sigmoid(x), and
// Linear, x*W + b with x [..., K], W [K, N] and b [N].
//
// # What always holds
//
//   - No graph makes a pass panic. Memory and work of Specialize are bounded
//     by a multiple of the model's constants and a constant.
//   - A value that the original graph has too keeps its name, except an
//     output that is but another name: the maker takes that one. New values
//     have names that the original graph has not.
//   - Constants that a trainable initializer went into are not in
//     Graph.Fixed; all others are.
package graph
