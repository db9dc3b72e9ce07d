package f32

import "github.com/bristle-fl/bristled/internal/kernel"

// workExactly computes a block of rows of one product of the batch. The order
// of an element's sum does not depend on the block it lies in.
func (g *Product) workExactly(task, worker int) {
	one, i0 := task/g.mblocks, task%g.mblocks*g.mblock
	m := min(g.mblock, g.M-i0)
	c := g.C[one*g.CStep+i0*g.LDC:]
	if !g.Accumulate {
		for i := range m {
			clear(c[i*g.LDC : i*g.LDC+g.N])
		}
	}
	if g.K == 0 {
		return
	}
	a, b := g.A[one*g.AStep+i0*g.ARow:], g.B[one*g.BStep:]
	switch {
	case g.ACol == 1 && g.ARow >= g.K && g.BCol == 1 && g.BRow >= g.N:
		kernel.Gemm(m, g.N, g.K, a, g.ARow, b, g.BRow, c, g.LDC)
	case g.ARow == 1 && g.ACol >= m && g.BCol == 1 && g.BRow >= g.N:
		kernel.GemmTN(m, g.N, g.K, a, g.ACol, b, g.BRow, c, g.LDC)
	case g.ACol == 1 && g.ARow >= g.K && g.BRow == 1 && g.BCol >= g.K:
		kernel.GemmNT(m, g.N, g.K, a, g.ARow, b, g.BCol, c, g.LDC)
	default:
		g.copied(m, a, b, c, worker)
	}
}

// copied computes m rows of strides that the package internal/kernel does not
// know, by way of copies of both matrices, some steps at a time.
func (g *Product) copied(m int, a, b, c []float32, worker int) {
	const most = 128
	depth := min(g.K, most)
	scratch := g.p.Floats(worker, (m+g.N)*depth)
	x, y := scratch[:m*depth], scratch[m*depth:]
	for k := 0; k < g.K; k += depth {
		kk := min(depth, g.K-k)
		for i := range m {
			for q := range kk {
				x[i*depth+q] = a[i*g.ARow+(k+q)*g.ACol]
			}
		}
		for q := range kk {
			for j := range g.N {
				y[q*g.N+j] = b[(k+q)*g.BRow+j*g.BCol]
			}
		}
		kernel.Gemm(m, g.N, kk, x, depth, y, g.N, c, g.LDC)
	}
}
