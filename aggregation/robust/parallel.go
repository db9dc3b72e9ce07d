package robust

import (
	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// chunk is how many columns are worked on at a time: so many that a piece of
// each of 64 vectors stays in the second-level cache. It is part of the
// definition of every sum over columns: such a sum is made for each chunk in
// float32, and those of the chunks are added in ascending order in float64.
const chunk = 1024

// team is the goroutines of one rule. Its zero value works alone.
type team struct {
	pool *pool.Pool
	run1 func(task, worker int) // made once, because a closure allocates
	body func(from, to, worker int)
	d    int
}

// newTeam returns a team of the given number of goroutines, 1 if there are
// fewer.
func newTeam(workers int) team { return team{pool: pool.New(max(1, workers))} }

// run calls f(task, worker) for every task from 0 to tasks-1, in any order and
// on several goroutines. f should be made once, lest every call allocate it.
func (t *team) run(tasks int, f func(task, worker int)) {
	if t.pool == nil {
		for i := range tasks {
			f(i, 0)
		}
		return
	}
	t.pool.Run(tasks, f)
}

// columns calls f(from, to, worker) for every chunk of d columns.
func (t *team) columns(d int, f func(from, to, worker int)) {
	if t.run1 == nil {
		t.run1 = func(task, worker int) {
			from := task * chunk
			t.body(from, min(from+chunk, t.d), worker)
		}
	}
	t.d, t.body = d, f
	t.run((d+chunk-1)/chunk, t.run1)
	t.body = nil
}

// mixer makes weighted sums of vectors.
type mixer struct {
	team
	shares  []float64
	dst     []float32
	vectors [][]float32
	mix     func(from, to, worker int)
}

func newMixer(workers int) mixer { return mixer{team: newTeam(workers)} }

// sum sets dst to the sum of shares[i]*vectors[i] in ascending order of i; a
// share is rounded to float32, vectors with a share of 0 are passed over. dst
// is none of the vectors.
func (m *mixer) sum(dst []float32, shares []float64, vectors [][]float32) {
	if m.mix == nil {
		m.mix = func(from, to, _ int) {
			out := m.dst[from:to]
			clear(out)
			for i, share := range m.shares {
				if share != 0 {
					kernel.Axpy(float32(share), m.vectors[i][from:to], out)
				}
			}
		}
	}
	m.dst, m.shares, m.vectors = dst, shares, vectors
	m.columns(len(dst), m.mix)
	m.dst, m.shares, m.vectors = nil, nil, nil
}

// grow returns a slice of n elements, s if it is large enough. Their values
// are whatever was there.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
