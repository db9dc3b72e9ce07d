package zoo

import "math"

// linear is a layer over the last axis. The weight is stored as PyTorch does,
// outputs first, so a node turns it around.
func (b *builder) linear(x value, name, weight, bias string, out int) value {
	in := x.last()
	b.uniform(weight, glorot(in, out), out, in)
	turned := b.op("Transpose", name+"_weight", []int{in, out}, attrs{"perm": []int64{1, 0}}, weight)
	dims := replaced(x.dims, len(x.dims)-1, out)
	if bias == "" {
		return b.op("MatMul", name, dims, nil, x.name, turned.name)
	}
	y := b.op("MatMul", name+"_product", dims, nil, x.name, turned.name)
	return b.op("Add", name, dims, nil, b.filled(bias, 0, out), y.name)
}

// layer is linear with a bias and the usual names.
func (b *builder) layer(x value, name string, out int) value {
	return b.linear(x, name, name+".weight", name+".bias", out)
}

// layerNorm normalises over the last axis; the operator came with set 17.
func (b *builder) layerNorm(x value, name string, epsilon float32) value {
	d := x.last()
	one := replaced(x.dims, len(x.dims)-1, 1)
	last := func() attrs { return attrs{"axes": []int64{-1}} }
	mean := b.op("ReduceMean", name+"_mean", one, last(), x.name)
	centred := b.op("Sub", name+"_centred", x.dims, nil, x.name, mean.name)
	square := b.op("Pow", name+"_square", x.dims, nil, centred.name, b.scalar(2))
	variance := b.op("ReduceMean", name+"_variance", one, last(), square.name)
	positive := b.op("Add", name+"_positive", one, nil, variance.name, b.scalar(epsilon))
	deviation := b.op("Sqrt", name+"_deviation", one, nil, positive.name)
	normal := b.op("Div", name+"_normal", x.dims, nil, centred.name, deviation.name)
	scaled := b.op("Mul", name+"_scaled", x.dims, nil, normal.name, b.filled(name+".weight", 1, d))
	return b.op("Add", name, x.dims, nil, scaled.name, b.filled(name+".bias", 0, d))
}

// gelu is x times the normal distribution function at x.
func gelu(b *builder, x value) value {
	y := b.op("Div", x.name+"_gelu_scaled", x.dims, nil, x.name, b.scalar(math.Sqrt2))
	y = b.op("Erf", x.name+"_gelu_erf", x.dims, nil, y.name)
	y = b.op("Add", x.name+"_gelu_above", x.dims, nil, y.name, b.scalar(1))
	y = b.mul(x, y, x.name+"_gelu_double")
	return b.op("Mul", x.name+"_gelu", x.dims, nil, y.name, b.scalar(0.5))
}

// attention is self-attention over sequences: x and the result are
// [batch, length, width]. The names of its two layers' weights are given;
// adjust changes the weights of the heads before the softmax.
func (b *builder) attention(x value, name, qkvWeight, qkvBias, projection string, heads int, adjust func(value) value) value {
	n, d := x.dims[1], x.dims[2]
	each := d / heads
	qkv := b.linear(x, name+".qkv", qkvWeight, qkvBias, 3*d)
	part := func(what string, i int, order ...int) value {
		y := b.slice(qkv, name+"_"+what, 2, i*d, (i+1)*d, 1)
		y = b.reshape(y, name+"_"+what+"_split", -1, n, heads, each)
		return b.transpose(y, name+"_"+what+"_heads", order...)
	}
	q := part("query", 0, 0, 2, 1, 3)
	k := part("key", 1, 0, 2, 3, 1)
	v := part("value", 2, 0, 2, 1, 3)
	q = b.op("Mul", name+"_query_scaled", q.dims, nil, q.name, b.scalar(float32(1/math.Sqrt(float64(each)))))
	a := b.op("MatMul", name+"_similarity", []int{-1, heads, n, n}, nil, q.name, k.name)
	if adjust != nil {
		a = adjust(a)
	}
	a = b.op("Softmax", name+"_softmax", a.dims, attrs{"axis": int64(-1)}, a.name)
	y := b.op("MatMul", name+"_mixed", []int{-1, heads, n, each}, nil, a.name, v.name)
	y = b.transpose(y, name+"_mixed_heads", 0, 2, 1, 3)
	return b.layer(b.reshape(y, name+"_joined", -1, n, d), projection, d)
}

// perceptron is the two layers after attention.
func (b *builder) perceptron(x value, name string, hidden int) value {
	return b.layer(gelu(b, b.layer(x, name+".0", hidden)), name+".3", x.last())
}
