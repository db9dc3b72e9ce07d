package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// within fails unless max|got-want| <= tolerance * max|want|.
func within(t testing.TB, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	var worst, largest float64
	for i, v := range got {
		d := math.Abs(float64(v) - want[i])
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		worst = max(worst, d)
		largest = max(largest, math.Abs(want[i]))
	}
	if worst > tolerance*largest {
		t.Errorf("%s: off by %.3g of %.3g, more than %g", what, worst, largest, tolerance)
	}
}

// gradientsOf returns the gradients of the mean loss on a batch by parameter
// name, that with respect to the input, and the loss.
func gradientsOf(n *Net, x []float32, labels []int) (grads map[string][]float32, dx []float32, loss float64) {
	t := NewTrainer(n, TrainerOptions{Workers: 1})
	loss = t.gradients(x, labels)
	sum := t.shards[0].gradient
	for _, s := range t.shards[1:t.used] {
		for i, g := range s.gradient.flat {
			sum.flat[i] += g
		}
	}
	grads = map[string][]float32{}
	for i, p := range n.params {
		grads[p.name] = sum.of(i)
	}
	// The trainer has no use for the input's gradient, so ask once more,
	// one sample at a time.
	in := n.in.size()
	dx = make([]float32, len(x))
	for i := range labels {
		t.workers[0].backprop(x[i*in:(i+1)*in], labels[i:i+1], len(labels), n.memory.like(), dx[i*in:(i+1)*in])
	}
	return grads, dx, loss
}

// reference gives, slowly and in float64, the output of a layer for one sample.
func reference(l layer, p tensors, x []float64) []float64 {
	y := make([]float64, l.output().size())
	switch l := l.(type) {
	case *conv:
		l.connections(func(out, in, w int) { y[out] += float64(p.of(l.weight)[w]) * x[in] })
		for i := range y {
			if l.bias >= 0 {
				y[i] += float64(p.of(l.bias)[i/(l.out.height*l.out.width)])
			}
		}
	case *dense:
		for o := range y {
			if l.bias >= 0 {
				y[o] = float64(p.of(l.bias)[o])
			}
			for i, v := range x {
				y[o] += float64(p.of(l.weight)[o*l.in+i]) * v
			}
		}
	case *maxPool:
		for i := range y {
			y[i] = math.Inf(-1)
		}
		l.connections(func(out, in int) { y[out] = max(y[out], x[in]) })
	case *leakyReLU:
		for i, v := range x {
			y[i] = v
			if v <= 0 {
				y[i] = v * float64(l.slope)
			}
		}
	case *relu:
		for i, v := range x {
			y[i] = max(v, 0)
		}
	case *flatten:
		copy(y, x)
	default:
		panic("no reference")
	}
	return y
}

// referenceBackward adds to dp, and returns, the gradients for one sample.
func referenceBackward(l layer, p tensors, dp [][]float64, x, y, dy []float64) []float64 {
	dx := make([]float64, len(x))
	switch l := l.(type) {
	case *conv:
		l.connections(func(out, in, w int) {
			dx[in] += float64(p.of(l.weight)[w]) * dy[out]
			dp[l.weight][w] += x[in] * dy[out]
		})
		for i, d := range dy {
			if l.bias >= 0 {
				dp[l.bias][i/(l.out.height*l.out.width)] += d
			}
		}
	case *dense:
		for o, d := range dy {
			if l.bias >= 0 {
				dp[l.bias][o] += d
			}
			for i, v := range x {
				dx[i] += float64(p.of(l.weight)[o*l.in+i]) * d
				dp[l.weight][o*l.in+i] += v * d
			}
		}
	case *maxPool:
		taken := make([]bool, len(y))
		l.connections(func(out, in int) {
			if !taken[out] && x[in] == y[out] {
				taken[out] = true
				dx[in] += dy[out]
			}
		})
	case *leakyReLU:
		for i, v := range x {
			dx[i] = dy[i]
			if v <= 0 {
				dx[i] *= float64(l.slope)
			}
		}
	case *relu:
		for i, v := range x {
			if v > 0 {
				dx[i] = dy[i]
			}
		}
	case *flatten:
		copy(dx, dy)
	default:
		panic("no reference")
	}
	return dx
}

// connections calls f for each pair of an output and an input and the weight
// between them.
func (l *conv) connections(f func(out, in, w int)) {
	for k := range l.out.channels {
		for c := range l.in.channels {
			for i := range l.kernel[0] {
				for j := range l.kernel[1] {
					w := ((k*l.in.channels+c)*l.kernel[0]+i)*l.kernel[1] + j
					l.places(l.in, l.out, i, j, func(out, in int) {
						f(k*l.out.height*l.out.width+out, c*l.in.height*l.in.width+in, w)
					})
				}
			}
		}
	}
}

// connections calls f for each pair of an output and an input in its window,
// for each output in the order of the window.
func (l *maxPool) connections(f func(out, in int)) {
	for c := range l.in.channels {
		for i := range l.kernel[0] {
			for j := range l.kernel[1] {
				l.places(l.in, l.out, i, j, func(out, in int) {
					f(c*l.out.height*l.out.width+out, c*l.in.height*l.in.width+in)
				})
			}
		}
	}
}

// places calls f for every window whose place (i, j) is inside the input.
func (w window) places(in, out shape, i, j int, f func(out, in int)) {
	for o := range out.height {
		for v := range out.width {
			y, x := o*w.stride[0]+i-w.before[0], v*w.stride[1]+j-w.before[1]
			if y >= 0 && y < in.height && x >= 0 && x < in.width {
				f(o*out.width+v, y*in.width+x)
			}
		}
	}
}

// drawWindow draws a geometry that fits into in.
func drawWindow(t *rapid.T, in shape, padding func(kernel int) int) window {
	var w window
	for a, extent := range [2]int{in.height, in.width} {
		w.kernel[a] = rapid.IntRange(1, 5).Draw(t, "kernel")
		w.stride[a] = rapid.IntRange(1, 4).Draw(t, "stride")
		w.before[a] = rapid.IntRange(0, padding(w.kernel[a])).Draw(t, "before")
		w.after[a] = rapid.IntRange(0, padding(w.kernel[a])).Draw(t, "after")
		if extent+w.before[a]+w.after[a] < w.kernel[a] {
			w.kernel[a], w.before[a], w.after[a] = 1, 0, 0
		}
	}
	return w
}

// drawLayer draws a layer and a network with its parameters.
func drawLayer(t *rapid.T) (layer, *Net) {
	extent := rapid.IntRange(1, 9)
	n := &Net{in: shape{rapid.IntRange(1, 3).Draw(t, "channels"), extent.Draw(t, "height"), extent.Draw(t, "width"), false}}
	var l layer
	ok := true
	switch rapid.IntRange(0, 6).Draw(t, "layer") {
	case 0, 1:
		w := drawWindow(t, n.in, func(int) int { return 6 })
		channels := rapid.IntRange(1, 4).Draw(t, "filters")
		bias := -1
		weight := n.add("w", make([]float32, channels*n.in.channels*w.kernel[0]*w.kernel[1]), channels, n.in.channels, w.kernel[0], w.kernel[1])
		if rapid.Bool().Draw(t, "bias") {
			bias = n.add("b", make([]float32, channels), channels)
		}
		l, ok = newConv(n.in, w, channels, weight, bias)
	case 2:
		l, ok = newMaxPool(n.in, drawWindow(t, n.in, func(kernel int) int { return kernel - 1 }))
	case 3:
		n.in.height, n.in.width = n.in.height+1, n.in.width+1
		l, ok = newMaxPool(n.in, quarter)
	case 4:
		l = &leakyReLU{n.in, 0.25}
	case 5:
		l = &relu{n.in}
	default:
		n.in = flat(n.in.size())
		d := &dense{n.in.channels, rapid.IntRange(1, 7).Draw(t, "outputs"), 0, -1}
		n.add("w", make([]float32, d.in*d.out), d.out, d.in)
		if rapid.Bool().Draw(t, "bias") {
			d.bias = n.add("b", make([]float32, d.out), d.out)
		}
		l = d
	}
	if !ok {
		t.Fatal("the drawn layer does not fit its input")
	}
	n.layers = []layer{l}
	return l, n
}

// All numbers are small multiples of 1/4, so that float32 sums are exact in
// any order and the comparison can be too, at ties and zeros as elsewhere.
func TestLayersAreTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 8 {
			compareLayer(t)
		}
	})
}

func compareLayer(t *rapid.T) {
	l, n := drawLayer(t)
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	quarters := func(x []float32) []float32 {
		for i := range x {
			x[i] = float32(rng.IntN(33)-16) / 4
		}
		return x
	}
	quarters(n.memory.flat)
	size, out := n.in.size(), l.output().size()
	tape := newTape(n)
	samples := rapid.IntRange(1, tape.block).Draw(t, "samples")
	x, dy := quarters(make([]float32, samples*size)), quarters(make([]float32, samples*out))

	y := make([]float32, samples*out)
	transpose(y, tape.forward(x, samples), out, samples)
	g, dx := n.memory.like(), make([]float32, samples*size)
	quarters(g.flat) // gradients are added
	quarters(dx)     // dx is overwritten
	wantG := make([][]float64, len(n.params))
	for i := range n.params {
		wantG[i] = wide(g.of(i))
	}
	d := make([]float32, max(len(dx), len(dy)))
	transpose(d, dy, samples, out)
	tape.backward(samples, g, d, make([]float32, len(d)), dx)

	for s := range samples {
		xs := wide(x[s*size : (s+1)*size])
		want := reference(l, n.memory, xs)
		for i, v := range want {
			if got := y[s*out+i]; float64(got) != v {
				t.Fatalf("%T %+v: output %d of sample %d is %v, want %v", l, l, i, s, got, v)
			}
		}
		wantDX := referenceBackward(l, n.memory, wantG, xs, want, wide(dy[s*out:(s+1)*out]))
		for i, v := range wantDX {
			if got := dx[i*samples+s]; float64(got) != v {
				t.Fatalf("%T %+v: gradient of input %d of sample %d is %v, want %v", l, l, i, s, got, v)
			}
		}
	}
	for i := range n.params {
		for j, v := range wantG[i] {
			if got := g.of(i)[j]; float64(got) != v {
				t.Fatalf("%T %+v: gradient of parameter %d[%d] is %v, want %v", l, l, i, j, got, v)
			}
		}
	}
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// A network with every kind of layer, awkward windows, and a bias and none.
func awkward(seed uint64) *Net {
	rng := rand.New(rand.NewPCG(seed, 1))
	n := &Net{in: shape{channels: 2, height: 11, width: 9}}
	push := func(l layer) { n.layers = append(n.layers, l) }
	c1, _ := newConv(n.in, window{[2]int{3, 4}, [2]int{1, 2}, [2]int{1, 0}, [2]int{0, 2}}, 3,
		n.add("first.weight", uniform(rng, 3*2*12, 0.4), 3, 2, 3, 4), n.add("first.bias", uniform(rng, 3, 0.2), 3))
	push(c1)
	push(&leakyReLU{c1.out, 0.1})
	p, _ := newMaxPool(c1.out, window{[2]int{3, 2}, [2]int{2, 1}, [2]int{1, 0}, [2]int{0, 1}})
	push(p)
	c2, _ := newConv(p.out, window{[2]int{2, 2}, [2]int{1, 1}, [2]int{}, [2]int{}}, 4,
		n.add("second.weight", uniform(rng, 4*3*4, 0.5), 4, 3, 2, 2), -1)
	push(c2)
	push(&relu{c2.out})
	push(&flatten{c2.out})
	hidden := &dense{c2.out.size(), 6, n.add("hidden.weight", uniform(rng, c2.out.size()*6, 0.4), 6, c2.out.size()), n.add("hidden.bias", uniform(rng, 6, 0.2), 6)}
	push(hidden)
	push(&relu{hidden.output()})
	push(&dense{6, 5, n.add("last.weight", uniform(rng, 30, 0.8), 5, 6), -1})
	return n
}

// The gradients are the slopes of the loss, calculated without any of the
// code under test.
func TestGradientsAreSlopes(t *testing.T) {
	n := awkward(1)
	x, labels := batch(n, 11, 2)
	loss := func() float64 {
		var sum float64
		for s, label := range labels {
			v := wide(x[s*n.in.size() : (s+1)*n.in.size()])
			for _, l := range n.layers {
				v = reference(l, n.memory, v)
			}
			var z float64
			for _, e := range v {
				z += math.Exp(e)
			}
			sum += math.Log(z) - v[label]
		}
		return sum / float64(len(labels))
	}
	// Small enough that no kink is near, large enough for float32 parameters;
	// what is left of it after rounding is measured.
	slope := func(v *float32) float64 {
		const step = 1.0 / (1 << 18)
		old := *v
		*v = old + step
		up := loss()
		above := float64(*v)
		*v = old - step
		down := loss()
		below := float64(*v)
		*v = old
		return (up - down) / (above - below)
	}
	slopes := func(x []float32) []float64 {
		s := make([]float64, len(x))
		for i := range x {
			s[i] = slope(&x[i])
		}
		return s
	}
	grads, dx, got := gradientsOf(n, x, labels)
	if want := loss(); math.Abs(got-want) > 1e-6*want {
		t.Errorf("loss %v, want %v", got, want)
	}
	for _, p := range n.Params() {
		within(t, p.Name, grads[p.Name], slopes(p.Data), 1e-5)
	}
	within(t, "input", dx[:3*n.in.size()], slopes(x[:3*n.in.size()]), 1e-5)
}
