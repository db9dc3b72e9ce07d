package f32

// strip is one call of the depthwise micro-kernel: m outputs of n channels,
//
//	y[t][c] = epilogue(sum over i < rows, j < cols of w[i][j][c] * x[t][i][j][c])
//
// with every sum in ascending order of (i, j). Element c of x[t][i][j] is
// x[x0 + t*xm + i*xrow + j*xcol + c], where the steps may be negative, that
// of w[i][j] is w[i*wrow + j*wcol + c], that of y[t] is y[t*ym + c].
type strip struct {
	m, n       int
	rows, cols int
	x          []float32
	x0, xm     int
	xrow, xcol int
	w          []float32
	wrow, wcol int
	y          []float32
	ym         int
	add        bool // whether the sums start from y instead of 0

	bias     []float32 // from the first channel, or nil
	residual []float32 // from the first element, steps as y, or nil
	clip     bool
	lo, hi   float32
}

// stripChannels is how many channels the portable kernel sums at a time.
const stripChannels = 16

// stripGeneric is the micro-kernel in portable Go. Exactly, each product is
// rounded before it is added.
func stripGeneric(s *strip, exact bool) {
	for t := range s.m {
		for c := 0; c < s.n; c += stripChannels {
			s.lanes(t, c, min(stripChannels, s.n-c), exact)
		}
	}
}

func (s *strip) lanes(t, c, n int, exact bool) {
	var sums [stripChannels]float32
	acc := sums[:n]
	y := s.y[t*s.ym+c:][:n]
	if s.add {
		copy(acc, y)
	}
	for i := range s.rows {
		for j := range s.cols {
			x := s.x[s.x0+t*s.xm+i*s.xrow+j*s.xcol+c:][:n]
			w := s.w[i*s.wrow+j*s.wcol+c:][:n]
			if exact {
				for l := range acc {
					acc[l] += float32(x[l] * w[l])
				}
			} else {
				for l := range acc {
					acc[l] += x[l] * w[l]
				}
			}
		}
	}
	copy(y, acc)
	if s.bias != nil {
		for l, b := range s.bias[c : c+n] {
			y[l] += b
		}
	}
	if s.residual != nil {
		for l, r := range s.residual[t*s.ym+c:][:n] {
			y[l] += r
		}
	}
	if s.clip {
		clipRow(y, s.lo, s.hi)
	}
}
