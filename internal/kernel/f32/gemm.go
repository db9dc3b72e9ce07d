package f32

import (
	"fmt"

	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// Gemm multiplies matrices by packed matrices. The zero value is ready. It
// belongs to one goroutine at a time and allocates nothing after its first
// product.
type Gemm struct {
	task func(task, worker int)
	p    *pool.Pool
	m    int
	a    []float32
	lda  int
	b    *Packed
	c    []float32
	ldc  int
	e    Epilogue

	depth, nblocks, mblock, nblock int
}

// aBlock is how much of A, in numbers, is worked on at a time: a quarter of a
// MiB, which stays in the second-level cache while the panels of B pass by.
const aBlock = 1 << 16

// Packed computes C = e(A*B) for A [m x B.K], whose element (i, p) is
// a[i*lda+p], and row-major C [m x B.N] with row stride ldc, which is also
// that of e.Residual. C must overlap neither A nor e.Residual. It panics if a
// size or stride is out of range or a slice is too short.
func (g *Gemm) Packed(p *pool.Pool, m int, a []float32, lda int, b *Packed, c []float32, ldc int, e Epilogue) {
	n, k := b.N, b.K
	if m < 0 {
		panic(fmt.Sprintf("f32: matrix product of %d rows", m))
	}
	if m == 0 || n == 0 {
		return
	}
	mustReach("A", m, k, a, lda, 1)
	mustReach("C", m, n, c, ldc, 1)
	if ldc < n {
		panic(fmt.Sprintf("f32: matrix C has rows of %d but a stride of %d", n, ldc))
	}
	e.mustHold(m, n, ldc)
	if g.task == nil {
		g.task = g.work
	}
	g.p, g.m, g.a, g.lda, g.b, g.c, g.ldc, g.e = p, m, a, lda, b, c, ldc, e

	g.depth = evenly(k, 512)
	g.mblock, g.nblock = split(p.Workers(), m, n, b.nr, min(rowsPerCall(g.depth), max(14, aBlock/max(g.depth, 1)/14*14)), k)
	g.nblocks = (n + g.nblock - 1) / g.nblock
	p.Run((m+g.mblock-1)/g.mblock*g.nblocks, g.task)
	g.p, g.a, g.b, g.c, g.e = nil, nil, nil, nil, Epilogue{}
}

// evenly returns the length of the fewest pieces of n that are no longer than
// most and about equal.
func evenly(n, most int) int {
	pieces := max(1, (n+most-1)/most)
	return (n + pieces - 1) / pieces
}

// crowded reports whether rows so far apart compete for the same places of
// the first-level cache, of which there are fewer than a tile has rows. Then a
// copy with other strides is worth its time if it is used often enough.
func crowded(stride int) bool { return stride%512 == 0 }

// space copies rows of n numbers from stride lds to stride ldd.
func space(dst []float32, ldd, rows, n int, src []float32, lds int) {
	for i := range rows {
		copy(dst[i*ldd:][:n], src[i*lds:])
	}
}

// mustHold panics unless the epilogue suits a result of m x n.
func (e *Epilogue) mustHold(m, n, ldc int) {
	if e.Bias != nil && len(e.Bias) < n {
		panic(fmt.Sprintf("f32: bias of %d for %d columns", len(e.Bias), n))
	}
	if e.Residual != nil {
		mustReach("residual", m, n, e.Residual, ldc, 1)
	}
}

// split chooses blocks of an m x n result for a number of workers: at most
// rows rows by a multiple of nr columns. It makes several blocks per worker,
// so that none waits long for the last, unless these would be too small to be
// worth a handover.
func split(workers, m, n, nr, rows, k int) (mblock, nblock int) {
	blocks := (m + rows - 1) / rows
	mblock = (m + blocks - 1) / blocks
	if mblock > 14 {
		mblock = (mblock + 13) / 14 * 14
	}
	panels := (n + nr - 1) / nr
	nblock = panels * nr
	if workers == 1 {
		return mblock, nblock
	}
	const worth = 1 << 18 // multiplications
	want := int(min(float64(4*workers), 1+float64(m)*float64(n)*float64(k)/worth))
	for want > blocks && mblock > 56 {
		mblock = (mblock/2 + 13) / 14 * 14
		blocks = (m + mblock - 1) / mblock
	}
	if want > blocks {
		groups := min(panels, (want+blocks-1)/blocks)
		nblock = (panels + groups - 1) / groups * nr
	}
	return mblock, nblock
}

func (g *Gemm) work(task, worker int) {
	i0, j0 := task/g.nblocks*g.mblock, task%g.nblocks*g.nblock
	b := g.b
	j1 := min(j0+g.nblock, b.N)
	t := tile{m: min(g.mblock, g.m-i0), segs: 1, acs: 1, ldb: b.nr, ldc: g.ldc}
	t.even(g.lda)
	for k := 0; k == 0 || k < b.K; k += max(g.depth, 1) {
		t.k = min(g.depth, b.K-k)
		t.add = k > 0
		last := k+t.k == b.K
		if t.k > 0 {
			t.a = g.a[i0*g.lda+k:]
			if crowded(g.lda) && j1-j0 >= 128 {
				t.even(g.depth + 16)
				t.a = g.p.Floats(worker, t.m*t.ars)
				space(t.a, t.ars, t.m, t.k, g.a[i0*g.lda+k:], g.lda)
			}
		}
		for j := j0; j < j1; j += b.nr {
			t.n = min(b.nr, j1-j)
			t.b = b.panel(j, k)
			t.c = g.c[i0*g.ldc+j:]
			if last {
				t.finish(&g.e, j, i0*g.ldc+j)
			}
			runTile(b.on, &t)
		}
	}
}
