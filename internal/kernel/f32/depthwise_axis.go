package f32

// convAxis is one dimension of a depthwise convolution, or of one phase of its
// gradient: output o lies at start+o*step and sums over taps k in ascending
// order the input at first + o*stride + k*delta, as far as that is one of the
// limit inputs there are, times the weight at kernel position
// tap0 + k*tapStep.
type convAxis struct {
	outs, start, step    int
	first, stride, delta int
	limit                int
	taps, tap0, tapStep  int
}

// taken returns the range of the taps of output o that find an input.
func (a *convAxis) taken(o int) (from, to int) {
	at := a.first + o*a.stride
	if a.delta > 0 {
		return inside(at, a.delta, a.limit, a.taps)
	}
	// Seen from the other end the steps are positive.
	return inside(a.limit-1-at, -a.delta, a.limit, a.taps)
}

// interior returns the range of outputs all of whose taps find an input.
func (a *convAxis) interior() (from, to int) {
	low, high := a.first, a.first // what output 0 reads
	if reach := (a.taps - 1) * a.delta; reach < 0 {
		low += reach
	} else {
		high += reach
	}
	// Where low+o*stride >= 0 and high+o*stride < limit.
	from, _ = inside(low, a.stride, a.limit, a.outs)
	to = 0
	if high < a.limit {
		to = min(a.outs, (a.limit-1-high)/a.stride+1)
	}
	from = min(from, a.outs)
	return from, max(from, to)
}

// forwardAxis is a dimension of the forward direction.
func forwardAxis(in, out, kernel, stride, pad, dilation int) convAxis {
	return convAxis{
		outs: out, step: 1,
		first: -pad, stride: stride, delta: dilation, limit: in,
		taps: kernel, tapStep: 1,
	}
}

// backwardAxis is a dimension of the gradient of the inputs phase,
// phase+stride, ...: they are those that the same kernel positions read.
// Input i was read through position k by output (i+pad-k*dilation)/stride, if
// that is a whole number.
func backwardAxis(in, out, kernel, stride, pad, dilation, phase int) convAxis {
	a := convAxis{outs: (in - phase + stride - 1) / stride, start: phase, step: stride, stride: 1, limit: out, delta: -1, tapStep: 1}
	for a.tap0 < min(kernel, stride) && (phase+pad-a.tap0*dilation)%stride != 0 {
		a.tap0++
	}
	if a.tap0 == min(kernel, stride) {
		a.tap0 = 0 // no tap at all
		return a
	}
	for a.tapStep*dilation%stride != 0 {
		a.tapStep++
	}
	a.taps = (kernel-1-a.tap0)/a.tapStep + 1
	a.delta = -a.tapStep * dilation / stride
	a.first = (phase + pad - a.tap0*dilation) / stride
	return a
}
