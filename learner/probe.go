package learner

import (
	"sync"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// Probe is a set of labelled features that heads are judged on: a peer's own
// held-out samples, or a test set. Several goroutines may use it.
type Probe struct {
	labels   []int
	features []float32 // transposed: width x samples, so that lanes run over samples
	width    int
}

// scratch is what a probe needs while it scores. Of a thousand peers in one process
// only as many score at once as there are processors, so it is lent.
type scratch struct {
	rows     []float32 // of several heads, one after the other
	products []float32 // rows x samples
	logits   []float32 // of one head: classes x samples
	tally    tally
}

// shelf is where scratch lies that nobody uses.
var shelf struct {
	sync.Mutex
	free []*scratch
}

func borrow() *scratch {
	shelf.Lock()
	defer shelf.Unlock()
	n := len(shelf.free)
	if n == 0 {
		return new(scratch)
	}
	w := shelf.free[n-1]
	shelf.free = shelf.free[:n-1]
	return w
}

func (w *scratch) giveBack() {
	shelf.Lock()
	defer shelf.Unlock()
	shelf.free = append(shelf.free, w)
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

// F1 scores every candidate: the base head with the candidate's rows plugged
// in. out[i][c] becomes the F1 of class c under candidate i, 0 where it is
// undefined. A candidate without rows scores the base head itself.
func (p *Probe) F1(base federation.Head, candidates []federation.Rows, out [][]float64) {
	w := borrow()
	defer w.giveBack()
	n := len(p.labels)
	w.rows = append(w.rows[:0], base.Weights...)
	total := base.Classes
	for _, rows := range candidates {
		w.rows = append(w.rows, rows.Weights...)
		total += len(rows.Classes)
	}
	w.products = p.multiply(w.products, w.rows, total)
	plug := w.products[base.Classes*n:]
	for i, rows := range candidates {
		w.logits = append(w.logits[:0], w.products[:base.Classes*n]...)
		for k, c := range rows.Classes {
			copy(w.logits[c*n:(c+1)*n], plug[k*n:(k+1)*n])
		}
		plug = plug[len(rows.Classes)*n:]
		w.count(p.labels, base.Classes)
		for c := range out[i] {
			out[i][c] = w.tally.f1(c)
		}
	}
}

// Scores judges one head in full.
func (p *Probe) Scores(h federation.Head) Scores {
	w := borrow()
	defer w.giveBack()
	w.logits = p.multiply(w.logits, h.Weights, h.Classes)
	w.count(p.labels, h.Classes)
	return w.tally.scores()
}

// Accuracies sets out[i] to the accuracy of the i-th head, as [Probe.Scores] has it.
// All heads are of one shape. Together they read the features once, which counts
// where these do not fit a cache.
func (p *Probe) Accuracies(heads []federation.Head, out []float64) {
	if len(heads) == 0 {
		return
	}
	w := borrow()
	defer w.giveBack()
	classes, n := heads[0].Classes, len(p.labels)
	w.rows = w.rows[:0]
	for _, h := range heads {
		w.rows = append(w.rows, h.Weights...)
	}
	w.products = p.multiply(w.products, w.rows, len(heads)*classes)
	for i := range heads {
		w.logits = append(w.logits[:0], w.products[i*classes*n:(i+1)*classes*n]...)
		w.count(p.labels, classes)
		out[i] = w.tally.scores().Accuracy
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
func (w *scratch) count(labels []int, classes int) {
	n := len(labels)
	w.tally.reset(classes)
	for s, truth := range labels {
		best, top := 0, w.logits[s]
		for c := 1; c < classes; c++ {
			if z := w.logits[c*n+s]; z > top {
				best, top = c, z
			}
		}
		w.tally.add(truth, best)
	}
}
