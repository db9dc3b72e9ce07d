package nn

import (
	"math/rand/v2"

	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// dropoutOp drops a share of its input and scales up the rest (Srivastava et
// al., 2014), anew in every forward pass.
type dropoutOp struct {
	share  float32
	seed   uint64
	source *rand.PCG
	rng    *rand.Rand
	mask   []float32 // 0 or 1/(1-share)
}

func newDropout(share float32, seed uint64, size int) *dropoutOp {
	source := rand.NewPCG(seed, 0)
	return &dropoutOp{share, seed, source, rand.New(source), make([]float32, size)}
}

// reseed makes what is dropped next depend on the step alone, so that training
// can be resumed.
func (o *dropoutOp) reseed(step uint64) { o.source.Seed(o.seed, step) }

func (o *dropoutOp) reads() reads { return reads{} }

func (o *dropoutOp) forward(s *step, _ *pool.Pool) {
	keep := 1 / (1 - o.share)
	for i := range o.mask {
		o.mask[i] = keep
		if o.rng.Float32() < o.share {
			o.mask[i] = 0
		}
	}
	f32.Mul(s.y, s.x[0], o.mask)
}

func (o *dropoutOp) backward(s *step, _ *pool.Pool) {
	if s.dx[0] != nil {
		f32.Mul(s.dx[0], s.dy, o.mask)
	}
}
