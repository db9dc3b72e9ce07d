//go:build !amd64 && !arm64

package q8

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

func runTile(_ cpu.Path, t *tile) { tileGeneric(t) }

func runDeep(d *depthwise, y, x []uint8, pixels, step int) {
	d.rowGeneric(y, x, pixels, step, make([]int32, d.channels))
}

func runSum(*Sum, []uint8, []uint8, []uint8) int { return 0 }

func runTimes(*Times, []uint8, []uint8, []uint8) int { return 0 }

func maxBytes(_ cpu.Path, dst, x []uint8) { maxBytesGeneric(dst, x) }

func lookup(cpu.Path, []uint8, []uint8, *[256]uint8) int { return 0 }

func quantizeMost(cpu.Path, []uint8, []float32, float32, uint8) int { return 0 }

func dequantizeMost(cpu.Path, []float32, []uint8, float32, uint8) int { return 0 }

func addMost(cpu.Path, []int32, []uint8, int, int) int { return 0 }
