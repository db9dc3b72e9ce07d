//go:build !amd64 && !arm64

package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

func runTile(_ cpu.Path, t *tile) { tileGeneric(t) }

func runStrip(_ cpu.Path, exact bool, s *strip) { stripGeneric(s, exact) }

func interleaveTo(_ cpu.Path, rows, cols int, src []float32, lds int, dst []float32, at, ldd int) {
	interleaveGeneric(rows, cols, src, lds, dst, at, ldd)
}
