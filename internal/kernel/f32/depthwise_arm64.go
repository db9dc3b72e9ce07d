package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// runStrip computes a strip on a path, exactly with portable Go.
func runStrip(on cpu.Path, exact bool, s *strip) {
	if s.m == 0 || s.n == 0 {
		return
	}
	if exact || on == cpu.Generic || s.rows == 0 || s.cols == 0 {
		stripGeneric(s, exact)
		return
	}
	for c := 0; c < s.n&^7; c += neonColumns {
		s.neon(c)
	}
	if s.n%neonColumns != 0 {
		rest := *s
		rest.skip(s.n &^ 7)
		stripGeneric(&rest, false)
	}
}

// skip goes on by n channels.
func (s *strip) skip(n int) {
	s.n -= n
	s.x0 += n
	s.w, s.y = s.w[n:], s.y[n:]
	if s.bias != nil {
		s.bias = s.bias[n:]
	}
	if s.residual != nil {
		s.residual = s.residual[n:]
	}
}

// neon computes the eight channels from c: a tile whose rows are the outputs,
// where every column has an A of its own.
func (s *strip) neon(c int) {
	t := neonTile{
		a: &s.x[s.x0+c], ars: 4 * s.xm, acs: 4 * s.xcol, aseg: 4 * s.xrow,
		b: &s.w[c], ldb: 4 * s.wcol, bseg: 4 * s.wrow, k: s.cols, segs: s.rows,
		c: &s.y[c], ldc: 4 * s.ym, add: s.add, clip: s.clip, lo: s.lo, hi: s.hi,
	}
	if s.bias != nil {
		t.bias = &s.bias[c]
	}
	if s.residual != nil {
		t.residual = &s.residual[c]
	}
	fours := s.m &^ 3
	if fours > 0 {
		strip4NEON(&t, fours)
	}
	if fours == s.m {
		return
	}
	t.a = &s.x[s.x0+c+fours*s.xm]
	t.c = &s.y[c+fours*s.ym]
	if s.residual != nil {
		t.residual = &s.residual[c+fours*s.ym]
	}
	strip1NEON(&t, s.m-fours)
}

// strip4NEON computes m outputs, a positive multiple of four. It changes
// t.residual.
//
//go:noescape
func strip4NEON(t *neonTile, m int)

// strip1NEON computes m outputs one after the other. m may not be 0.
//
//go:noescape
func strip1NEON(t *neonTile, m int)
