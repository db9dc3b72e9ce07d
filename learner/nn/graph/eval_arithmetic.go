package graph

import "math"

// evalBinary is arithmetic of two inputs. Floats are computed in float64 and
// rounded once, which is what float32 would give.
func evalBinary(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	a, b := grown(in[0], dims), grown(in[1], dims)
	if typ == Float32 {
		f := floatPairs[n.Op]
		out := newTensor(typ, dims)
		for i := range out.F32 {
			out.F32[i] = float32(f(float64(a.F32[i]), float64(b.F32[i])))
		}
		return out, nil
	}
	f := intPairs[n.Op]
	if n.Op == "Mod" && n.Int("fmod", 0) != 0 {
		f = func(a, b int64) int64 { return a % b }
	}
	x, y := toInt64(a), toInt64(b)
	out := make([]int64, len(x))
	for i := range out {
		if y[i] == 0 && (n.Op == "Div" || n.Op == "Mod") {
			return nil, Corrupt("a division by 0")
		}
		out[i] = f(x[i], y[i])
	}
	return fromInt64(out, typ, dims), nil
}

var floatPairs = map[string]func(a, b float64) float64{
	"Add": func(a, b float64) float64 { return a + b },
	"Sub": func(a, b float64) float64 { return a - b },
	"Mul": func(a, b float64) float64 { return a * b },
	"Div": func(a, b float64) float64 { return a / b },
	"Mod": math.Mod,
	"Max": math.Max,
	"Min": math.Min,
	"Pow": math.Pow,
	"PRelu": func(a, b float64) float64 {
		if a < 0 {
			return a * b
		}
		return a
	},
}

var intPairs = map[string]func(a, b int64) int64{
	"Add": func(a, b int64) int64 { return a + b },
	"Sub": func(a, b int64) int64 { return a - b },
	"Mul": func(a, b int64) int64 { return a * b },
	"Div": func(a, b int64) int64 { return a / b },
	"Mod": func(a, b int64) int64 {
		r := a % b
		if r != 0 && r < 0 != (b < 0) {
			r += b
		}
		return r
	},
	"Max": func(a, b int64) int64 { return max(a, b) },
	"Min": func(a, b int64) int64 { return min(a, b) },
	"Pow": func(a, b int64) int64 {
		if b < 0 {
			return toInt(math.Pow(float64(a), float64(b)))
		}
		out := int64(1)
		for ; b > 0; b >>= 1 {
			if b&1 == 1 {
				out *= a
			}
			a *= a
		}
		return out
	},
}

// evalPow has its exponent as an attribute or as a second input.
func evalPow(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	if len(in) == 2 {
		return evalBinary(n, in, dims, typ)
	}
	e := n.Float("exponent", 1)
	if typ == Float32 {
		return evalBinary(n, []*Tensor{in[0], scalar(e)}, dims, typ)
	}
	if float32(toInt(float64(e))) != e {
		return nil, &UnsupportedError{Reason: "a power of integers with a fraction"}
	}
	return evalBinary(n, []*Tensor{in[0], fromInt64([]int64{toInt(float64(e))}, typ, nil)}, dims, typ)
}

func evalCompare(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	a, b, out := grown(in[0], dims), grown(in[1], dims), newTensor(typ, dims)
	if a.Type == Float32 {
		compareAll(n.Op, a.F32, b.F32, out.Bool)
	} else {
		compareAll(n.Op, toInt64(a), toInt64(b), out.Bool)
	}
	return out, nil
}

func compareAll[T float32 | int64](op string, a, b []T, out []bool) {
	for i, x := range a {
		switch y := b[i]; op {
		case "Equal":
			out[i] = x == y
		case "Less":
			out[i] = x < y
		case "LessOrEqual":
			out[i] = x <= y
		case "Greater":
			out[i] = x > y
		case "GreaterOrEqual":
			out[i] = x >= y
		}
	}
}

func evalLogic(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	a, out := grown(in[0], dims).Bool, newTensor(typ, dims)
	if n.Op == "Not" {
		for i, v := range a {
			out.Bool[i] = !v
		}
		return out, nil
	}
	b := grown(in[1], dims).Bool
	for i, v := range a {
		switch n.Op {
		case "And":
			out.Bool[i] = v && b[i]
		case "Or":
			out.Bool[i] = v || b[i]
		case "Xor":
			out.Bool[i] = v != b[i]
		}
	}
	return out, nil
}

func evalUnary(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	if typ == Float32 {
		f, out := floatFunction(n), newTensor(typ, dims)
		for i, v := range in[0].F32 {
			out.F32[i] = float32(f(float64(v)))
		}
		return out, nil
	}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if n.Op == "Clip" {
		low, high = toInt(math.Ceil(float64(n.Float("min", 0)))), toInt(math.Floor(float64(n.Float("max", 0))))
	}
	out := make([]int64, Size(dims))
	for i, v := range toInt64(in[0]) {
		switch n.Op {
		case "Neg":
			v = -v
		case "Abs":
			v = max(v, -v)
		case "Sign":
			v = min(1, max(-1, v))
		case "Relu":
			v = max(0, v)
		}
		out[i] = min(max(v, low), high)
	}
	return fromInt64(out, typ, dims), nil
}

var floatFunctions = map[string]func(float64) float64{
	"Relu":       func(x float64) float64 { return math.Max(x, 0) },
	"Sigmoid":    func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	"HardSwish":  func(x float64) float64 { return x * math.Max(0, math.Min(1, x/6+0.5)) },
	"Tanh":       math.Tanh,
	"Softplus":   func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
	"Softsign":   func(x float64) float64 { return x / (1 + math.Abs(x)) },
	"Exp":        math.Exp,
	"Log":        math.Log,
	"Sqrt":       math.Sqrt,
	"Reciprocal": func(x float64) float64 { return 1 / x },
	"Erf":        math.Erf,
	"Sin":        math.Sin,
	"Cos":        math.Cos,
	"Neg":        func(x float64) float64 { return -x },
	"Abs":        math.Abs,
	"Sign": func(x float64) float64 {
		if x > 0 {
			return 1
		} else if x < 0 {
			return -1
		}
		return x
	},
	"Floor": math.Floor,
	"Ceil":  math.Ceil,
	"Round": math.RoundToEven,
}

// floatFunction returns the function of a node with one input.
func floatFunction(n *Node) func(float64) float64 {
	alpha, beta := float64(n.Float("alpha", 0)), float64(n.Float("beta", 0))
	gamma := float64(n.Float("gamma", 1))
	switch n.Op {
	case "LeakyRelu":
		return func(x float64) float64 {
			if x < 0 {
				return alpha * x
			}
			return x
		}
	case "Elu", "Selu":
		return func(x float64) float64 {
			if x < 0 {
				x = alpha * math.Expm1(x)
			}
			return gamma * x
		}
	case "HardSigmoid":
		return func(x float64) float64 { return math.Max(0, math.Min(1, alpha*x+beta)) }
	case "Clip":
		low, high := float64(n.Float("min", 0)), float64(n.Float("max", 0))
		return func(x float64) float64 { return math.Min(math.Max(x, low), high) }
	case "Gelu":
		if n.Text("approximate", "none") == "tanh" {
			return func(x float64) float64 {
				return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
			}
		}
		return func(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }
	}
	return floatFunctions[n.Op]
}
