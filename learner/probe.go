package learner

import (
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// Probe is a set of labelled features that heads are judged on: a peer's own
// held-out samples, or a test set. It is not safe for concurrent use.
type Probe struct {
	labels   []int
	features []float32 // transposed: width x samples, so that lanes run over samples
	width    int

	rows     []float32 // of several heads, one after the other
	products []float32 // rows x samples
	logits   []float32 // of one head: classes x samples
	tally    tally
}

// NewProbe copies the samples, whose vectors have the given width.
func NewProbe(s Samples, width int) *Probe {
	n := len(s.Labels)
	p := &Probe{labels: s.Labels, width: width, features: make([]float32, n*width)}
	for i := range n {
		for j := range width {
			p.features[j*n+i] = s.Features[i*width+j]
		}
	}
	return p
}

// Share returns a probe of the same samples that may be used by another
// goroutine.
func (p *Probe) Share() *Probe {
	return &Probe{labels: p.labels, features: p.features, width: p.width}
}

// F1 scores every candidate: the base head with the candidate's rows plugged
// in. out[i][c] becomes the F1 of class c under candidate i, 0 where it is
// undefined. A candidate without rows scores the base head itself.
func (p *Probe) F1(base federation.Head, candidates []federation.Rows, out [][]float64) {
	n := len(p.labels)
	p.rows = append(p.rows[:0], base.Weights...)
	total := base.Classes
	for _, rows := range candidates {
		p.rows = append(p.rows, rows.Weights...)
		total += len(rows.Classes)
	}
	p.products = p.multiply(p.products, p.rows, total)
	plug := p.products[base.Classes*n:]
	for i, rows := range candidates {
		p.logits = append(p.logits[:0], p.products[:base.Classes*n]...)
		for k, c := range rows.Classes {
			copy(p.logits[c*n:(c+1)*n], plug[k*n:(k+1)*n])
		}
		plug = plug[len(rows.Classes)*n:]
		p.count(base.Classes)
		for c := range out[i] {
			out[i][c] = p.tally.f1(c)
		}
	}
}

// Scores judges one head in full.
func (p *Probe) Scores(h federation.Head) Scores {
	p.logits = p.multiply(p.logits, h.Weights, h.Classes)
	p.count(h.Classes)
	return p.tally.scores()
}

// Accuracies sets out[i] to the accuracy of the i-th head, as [Probe.Scores] has it.
// All heads are of one shape. Together they read the features once, which counts
// where these do not fit a cache.
func (p *Probe) Accuracies(heads []federation.Head, out []float64) {
	if len(heads) == 0 {
		return
	}
	classes, n := heads[0].Classes, len(p.labels)
	p.rows = p.rows[:0]
	for _, h := range heads {
		p.rows = append(p.rows, h.Weights...)
	}
	p.products = p.multiply(p.products, p.rows, len(heads)*classes)
	for i := range heads {
		p.logits = append(p.logits[:0], p.products[i*classes*n:(i+1)*classes*n]...)
		p.count(classes)
		out[i] = p.tally.scores().Accuracy
	}
}

// multiply returns rows x features, written into dst's memory when it is
// large enough.
func (p *Probe) multiply(dst, rows []float32, m int) []float32 {
	n := len(p.labels)
	if cap(dst) < m*n {
		dst = make([]float32, m*n)
	}
	dst = dst[:m*n]
	clear(dst)
	kernel.Gemm(m, n, p.width, rows, p.width, p.features, n, dst, n)
	return dst
}

// count takes the highest logit of every sample, the lowest class on ties.
func (p *Probe) count(classes int) {
	n := len(p.labels)
	p.tally.reset(classes)
	for s, truth := range p.labels {
		best, top := 0, p.logits[s]
		for c := 1; c < classes; c++ {
			if z := p.logits[c*n+s]; z > top {
				best, top = c, z
			}
		}
		p.tally.add(truth, best)
	}
}
