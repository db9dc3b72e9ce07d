package kernel

import (
	"fmt"
	"sync"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// Gemm computes C += A*B for row-major A [m x k] (row stride lda),
// B [k x n] (ldb) and C [m x n] (ldc). Each element of C starts from its old
// value and takes in its k products in ascending order, one rounding per
// product and one per sum. C must not overlap A or B.
//
// It panics if a size is negative, a stride is smaller than its row, or a
// slice is too short.
func Gemm(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	if nothing(m, n, k) {
		return
	}
	mustHold("A", m, k, a, lda)
	mustHold("B", k, n, b, ldb)
	mustHold("C", m, n, c, ldc)
	gemmBlocks(cpu.Active(), m, n, k, a, lda, 1, b, ldb, c, ldc)
}

// GemmTN is [Gemm] with A transposed: a holds [k x m] with row stride lda.
// The result has the bits that Gemm gives for the transpose of a.
func GemmTN(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	if nothing(m, n, k) {
		return
	}
	mustHold("A", k, m, a, lda)
	mustHold("B", k, n, b, ldb)
	mustHold("C", m, n, c, ldc)
	gemmBlocks(cpu.Active(), m, n, k, a, 1, lda, b, ldb, c, ldc)
}

// GemmNT is [Gemm] with B transposed: b holds [n x k] with row stride ldb.
// The result has the bits that Gemm gives for the transpose of b.
func GemmNT(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	if nothing(m, n, k) {
		return
	}
	mustHold("A", m, k, a, lda)
	mustHold("B", n, k, b, ldb)
	mustHold("C", m, n, c, ldc)
	gemmNT(cpu.Active(), m, n, k, a, lda, b, ldb, c, ldc)
}

// nothing reports whether the product has no terms, and panics if a size is
// negative.
func nothing(m, n, k int) bool {
	if m < 0 || n < 0 || k < 0 {
		panic(fmt.Sprintf("kernel: negative size in matrix product m=%d n=%d k=%d", m, n, k))
	}
	return m == 0 || n == 0 || k == 0
}

// mustHold panics unless x holds a rows x cols matrix, neither of them 0.
// The assembly relies on it to stay within the slices.
func mustHold(name string, rows, cols int, x []float32, stride int) {
	if stride < cols {
		panic(fmt.Sprintf("kernel: matrix %s has rows of %d but a stride of %d", name, cols, stride))
	}
	// A division, because (rows-1)*stride may overflow.
	if len(x) < cols || rows-1 > (len(x)-cols)/stride {
		panic(fmt.Sprintf("kernel: matrix %s is %d x %d with stride %d but its slice has only %d elements",
			name, rows, cols, stride, len(x)))
	}
}

const (
	// Blocks of A are blockM x blockK: a quarter of a MiB, which stays in the
	// second-level cache while B passes by. The blockK rows of B beside it
	// stay in the cache even if their stride is a large power of two. A call
	// of an assembly routine, which cannot be preempted, works through one
	// such block and packN columns.
	blockM = 512
	blockK = 128

	// packN columns of B are packed at a time: three of the widest registers.
	packN = 48
)

// packs recycles the scratch of gemmNT.
var packs = sync.Pool{New: func() any { return new([blockK * packN]float32) }}

// gemmBlocks computes C += A*B where the element (i, p) of A is
// a[i*ars+p*acs].
func gemmBlocks(on cpu.Path, m, n, k int, a []float32, ars, acs int, b []float32, ldb int, c []float32, ldc int) {
	for i := 0; i < m; i += blockM {
		mm := min(blockM, m-i)
		for p := 0; p < k; p += blockK {
			gemm(on, mm, n, min(blockK, k-p), a[i*ars+p*acs:], ars, acs, b[p*ldb:], ldb, c[i*ldc:], ldc)
		}
	}
}

// gemmNT transposes B piece by piece into a scratch. Pieces are visited with
// ascending k, so that the order of the sums is that of Gemm.
func gemmNT(on cpu.Path, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	pack := packs.Get().(*[blockK * packN]float32)
	for p := 0; p < k; p += blockK {
		kk := min(blockK, k-p)
		for j := 0; j < n; j += packN {
			nn := min(packN, n-j)
			transpose(on, nn, kk, b[j*ldb+p:], ldb, pack[:], packN)
			gemmBlocks(on, m, nn, kk, a[p:], lda, 1, pack[:], packN, c[j:], ldc)
		}
	}
	packs.Put(pack)
}
