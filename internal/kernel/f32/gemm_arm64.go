package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// The register tile of the NEON kernel.
const (
	neonRows    = 8
	neonColumns = 8
)

// runTile computes a tile on a path.
func runTile(on cpu.Path, t *tile) {
	if t.m == 0 || t.n == 0 {
		return
	}
	if on == cpu.Generic || t.k == 0 || t.segs == 0 {
		tileGeneric(t)
		return
	}
	for i := 0; i < t.m; {
		rows := neonRows
		for rows > t.m-i {
			rows /= 2
		}
		for j := 0; j < t.n; j += neonColumns {
			if t.n-j < neonColumns {
				t.neonByCopy(i, rows, j)
			} else {
				t.neon(i, rows, j, t.c[i*t.ldc+j:], t.ldc)
			}
		}
		i += rows
	}
}

// neonByCopy computes fewer than eight columns by way of a copy with eight.
func (t *tile) neonByCopy(i, rows, j int) {
	var c [neonRows * neonColumns]float32
	columns := t.n - j
	if t.add {
		for r := range rows {
			copy(c[r*neonColumns:][:columns], t.c[(i+r)*t.ldc+j:])
		}
	}
	whole := *t
	whole.bare()
	whole.neon(i, rows, j, c[:], neonColumns)
	for r := range rows {
		y := t.c[(i+r)*t.ldc+j:][:columns]
		copy(y, c[r*neonColumns:])
		t.end(i+r, j, y)
	}
}

// neon computes 8, 4, 2 or 1 rows and eight columns of a tile, from row i and
// column j, where c begins.
func (t *tile) neon(i, rows, j int, c []float32, ldc int) {
	s := neonTile{
		a: &t.a[t.row(i)], ars: 4 * t.ars, acs: 4 * t.acs, aseg: 4 * t.aseg,
		b: &t.b[j], ldb: 4 * t.ldb, bseg: 4 * t.bseg, k: t.k, segs: t.segs,
		c: &c[0], ldc: 4 * ldc, add: t.add, clip: t.clip, lo: t.lo, hi: t.hi,
	}
	if t.bias != nil {
		s.bias = &t.bias[j]
	}
	if t.residual != nil {
		s.residual = &t.residual[i*t.ldc+j]
	}
	switch rows {
	case 8:
		tile8NEON(&s)
	case 4:
		tile4NEON(&s)
	case 2:
		tile2NEON(&s)
	default:
		tile1NEON(&s)
	}
}

// neonTile is what the assembly reads. Strides are in bytes.
type neonTile struct {
	a              *float32
	ars, acs, aseg int
	b              *float32
	ldb, bseg      int
	k, segs        int // at least 1
	c              *float32
	ldc            int
	bias           *float32 // or nil
	residual       *float32 // or nil, stride as C
	lo, hi         float32
	add, clip      bool
}

// tile8NEON computes eight rows, tile4NEON four, and so on, of eight columns
// each.
//
//go:noescape
func tile8NEON(t *neonTile)

//go:noescape
func tile4NEON(t *neonTile)

//go:noescape
func tile2NEON(t *neonTile)

//go:noescape
func tile1NEON(t *neonTile)
