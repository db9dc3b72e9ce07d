package graph

// evaluator computes a node in normal form. Its inputs fit (see the rules),
// and dims and typ are those of the result.
type evaluator func(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error)

// evaluators are the operators of normal form whose value can be computed
// once all inputs are known. Reshape needs no arithmetic and has its place
// here only to be listed.
var evaluators = map[string]evaluator{
	"Reshape":   nil,
	"Transpose": evalTranspose,
	"Expand":    evalExpand,
	"Tile":      evalTile,
	"Concat":    evalConcat,
	"Slice":     evalSlice,
	"Gather":    evalGather,
	"ScatterND": evalScatterND,
	"Pad":       evalPad,
	"Where":     evalWhere,
	"Cast":      evalCast,

	"Add": evalBinary, "Sub": evalBinary, "Mul": evalBinary, "Div": evalBinary,
	"Mod": evalBinary, "Max": evalBinary, "Min": evalBinary, "Pow": evalPow,
	"PRelu": evalBinary,
	"Equal": evalCompare, "Less": evalCompare, "LessOrEqual": evalCompare,
	"Greater": evalCompare, "GreaterOrEqual": evalCompare,
	"And": evalLogic, "Or": evalLogic, "Xor": evalLogic, "Not": evalLogic,

	"Relu": evalUnary, "LeakyRelu": evalUnary, "Elu": evalUnary, "Selu": evalUnary,
	"Sigmoid": evalUnary, "HardSigmoid": evalUnary, "HardSwish": evalUnary, "Gelu": evalUnary,
	"Tanh": evalUnary, "Softplus": evalUnary, "Softsign": evalUnary,
	"Exp": evalUnary, "Log": evalUnary, "Sqrt": evalUnary, "Reciprocal": evalUnary,
	"Erf": evalUnary, "Sin": evalUnary, "Cos": evalUnary, "Neg": evalUnary, "Abs": evalUnary,
	"Sign": evalUnary, "Floor": evalUnary, "Ceil": evalUnary, "Round": evalUnary, "Clip": evalUnary,

	"ReduceMean": evalReduce, "ReduceSum": evalReduce, "ReduceMax": evalReduce,
	"ReduceMin": evalReduce, "ReduceProd": evalReduce,

	"QuantizeLinear": evalQuantize, "DequantizeLinear": evalDequantize,
}

// evaluates reports whether a node can be computed.
func evaluates(op string) bool {
	_, ok := evaluators[op]
	return ok
}

// newTensor returns a tensor of zeros.
func newTensor(typ Type, dims []int) *Tensor {
	t, n := &Tensor{Type: typ, Dims: dims}, Size(dims)
	switch typ {
	case Float32:
		t.F32 = make([]float32, n)
	case Uint8:
		t.U8 = make([]uint8, n)
	case Int8:
		t.I8 = make([]int8, n)
	case Int32:
		t.I32 = make([]int32, n)
	case Int64:
		t.I64 = make([]int64, n)
	case Bool:
		t.Bool = make([]bool, n)
	}
	return t
}

func convert[To, From uint8 | int8 | int32 | int64](from []From) []To {
	out := make([]To, len(from))
	for i, v := range from {
		out[i] = To(v)
	}
	return out
}

// toInt64 returns the elements of a tensor of integers or bools. They are the
// tensor's own if it is of Int64.
func toInt64(t *Tensor) []int64 {
	switch t.Type {
	case Int64:
		return t.I64
	case Int32:
		return convert[int64](t.I32)
	case Int8:
		return convert[int64](t.I8)
	case Uint8:
		return convert[int64](t.U8)
	}
	out := make([]int64, len(t.Bool))
	for i, v := range t.Bool {
		if v {
			out[i] = 1
		}
	}
	return out
}

// fromInt64 returns a tensor of integers, which wrap around if they do not
// fit.
func fromInt64(v []int64, typ Type, dims []int) *Tensor {
	t := &Tensor{Type: typ, Dims: dims}
	switch typ {
	case Int64:
		t.I64 = v
	case Int32:
		t.I32 = convert[int32](v)
	case Int8:
		t.I8 = convert[int8](v)
	case Uint8:
		t.U8 = convert[uint8](v)
	}
	return t
}

// toInt truncates a float to an integer, the nearest one that there is. Not a
// number is 0.
func toInt(v float64) int64 {
	switch {
	case v != v:
		return 0
	case v >= 1<<63:
		return 1<<63 - 1
	case v < -1<<63:
		return -1 << 63
	}
	return int64(v)
}

func evalCast(_ *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	from := in[0]
	switch {
	case typ == Float32:
		out := newTensor(typ, dims)
		for i, v := range toInt64(from) {
			out.F32[i] = float32(v)
		}
		return out, nil
	case typ == Bool:
		out := newTensor(typ, dims)
		if from.Type == Float32 {
			for i, v := range from.F32 {
				out.Bool[i] = v != 0
			}
			return out, nil
		}
		for i, v := range toInt64(from) {
			out.Bool[i] = v != 0
		}
		return out, nil
	case from.Type == Float32:
		v := make([]int64, len(from.F32))
		for i, f := range from.F32 {
			v[i] = toInt(float64(f))
		}
		return fromInt64(v, typ, dims), nil
	}
	return fromInt64(toInt64(from), typ, dims), nil
}
