package nn

import "github.com/bristle-fl/bristled/learner/nn/graph"

// maxRank is the most axes that a tensor has.
const maxRank = 16

// lowerings says for every operator of the normal form (see package graph)
// how it becomes steps.
var lowerings map[string]func(b *builder, n *graph.Node) error

func init() {
	lowerings = map[string]func(b *builder, n *graph.Node) error{
		"Conv": lowerConv, "Gemm": lowerGemm, "MatMul": lowerMatMul, "Linear": lowerMatMul,
		"MaxPool": lowerPool, "AveragePool": lowerPool, "GlobalAveragePool": lowerPool, "GlobalMaxPool": lowerPool,
		"BatchNormalization": lowerBatchNorm, "LayerNormalization": lowerLayerNorm,
		"Softmax": lowerSoftmax, "LogSoftmax": lowerSoftmax,
		"Reshape": lowerReshape, "Identity": lowerReshape, "Tile": lowerTile, "Transpose": lowerTranspose, "Expand": lowerExpand,
		"Concat": lowerConcat, "Slice": lowerSlice, "Pad": lowerPad, "Gather": lowerGather, "Where": lowerWhere,
		"ReduceMean": lowerReduce, "ReduceSum": lowerReduce, "ReduceMax": lowerReduce, "ReduceMin": lowerReduce,
		"QuantizeLinear": lowerQuantize, "DequantizeLinear": lowerDequantize,
		"Clip": lowerUnary, "LeakyRelu": lowerUnary, "HardSigmoid": lowerUnary, "Pow": lowerUnary,
	}
	for op := range functions {
		lowerings[op] = lowerUnary
	}
	for op := range arithmetics {
		lowerings[op] = lowerBinary
	}
}
