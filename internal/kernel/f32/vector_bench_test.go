package f32

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// opNames are the operations of BenchmarkOp with the number of vectors that
// each reads and writes.
var opNames = []struct {
	name    string
	op      vecOp
	vectors int
}{
	{"Add", opAdd, 3}, {"Relu", opClip, 2}, {"HardSwish", opHardSwish, 2}, {"ReluGrad", opReluGrad, 3},
	{"Exp", opExp, 2}, {"Sigmoid", opSigmoid, 2}, {"Silu", opSilu, 2}, {"Tanh", opTanh, 2}, {"Erf", opErf, 2},
	{"Gelu", opGelu, 2}, {"GeluGrad", opGeluGrad, 3}, {"SiluGrad", opSiluGrad, 3},
}

func BenchmarkOp(b *testing.B) {
	for _, n := range []int{4096, 197 * 3072} {
		for _, o := range opNames {
			rng := rand.New(rand.NewPCG(1, 2))
			dst, x, y := numbers(rng, n), numbers(rng, n), numbers(rng, n)
			onPaths(b, fmt.Sprintf("%s/%d", o.name, n), 4*n*o.vectors, func(on cpu.Path) {
				elementwise(on, o.op, dst, x, y, 0, 6)
			})
		}
	}
}

func onPaths(b *testing.B, name string, bytes int, f func(on cpu.Path)) {
	for _, on := range cpu.Available() {
		b.Run(fmt.Sprintf("%s/%v", name, on), func(b *testing.B) {
			b.SetBytes(int64(bytes))
			for b.Loop() {
				f(on)
			}
		})
	}
}

// BenchmarkTransformer has the sizes of ViT-B/16 at 224 x 224: one of its 12
// blocks and a layer norm.
func BenchmarkTransformer(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	const tokens, width, heads = 197, 768, 12
	x, y := numbers(rng, tokens*4*width), make([]float32, tokens*4*width)
	gamma, mean := numbers(rng, width), make([]float32, tokens)
	onPaths(b, "Gelu", 8*len(x), func(on cpu.Path) { elementwise(on, opGelu, y, x, x, 0, 0) })
	onPaths(b, "LayerNorm", 8*tokens*width, func(on cpu.Path) {
		layerNormOn(on, y, x, gamma, gamma, tokens, width, 1e-6, mean, mean)
	})
	onPaths(b, "Softmax", 8*heads*tokens*tokens, func(on cpu.Path) { softmaxOn(on, y, x, heads*tokens, tokens) })
	dx := make([]float32, len(x))
	onPaths(b, "LayerNormGrad", 12*tokens*width, func(on cpu.Path) {
		layerNormGradOn(on, dx, y[:width], y[width:2*width], x, x, gamma, mean, mean, tokens, width)
	})
}

func BenchmarkPooling(b *testing.B) {
	g := Geometry{Batch: 1, InH: 112, InW: 112, InC: 64, OutH: 56, OutW: 56, OutC: 64, KernelH: 3, KernelW: 3,
		StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1}
	rng := rand.New(rand.NewPCG(5, 6))
	x, y := numbers(rng, 112*112*64), make([]float32, 56*56*64)
	dx := make([]float32, len(x))
	MaxPool(y, x, g, 0, 56)
	bytes := 4 * (len(x) + len(y))
	onPaths(b, "Max", bytes, func(on cpu.Path) { maxPoolOn(on, y, x, &g, 0, 56) })
	onPaths(b, "MaxGrad", bytes, func(on cpu.Path) { maxPoolGradOn(on, dx, y, x, y, &g, 0, 1) })
	onPaths(b, "Average", bytes, func(on cpu.Path) { averagePoolOn(on, y, x, &g, true, 0, 56) })
	onPaths(b, "AverageGrad", bytes, func(on cpu.Path) { averagePoolGradOn(on, dx, y, &g, true, 0, 1) })
}

func BenchmarkRows(b *testing.B) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, shape := range [][2]int{{12544, 16}, {3136, 64}, {197, 768}} {
		rows, cols := shape[0], shape[1]
		x, y := numbers(rng, rows*cols), make([]float32, rows*cols)
		row, sums := numbers(rng, cols), make([]float32, cols)
		name := fmt.Sprintf("/%dx%d", rows, cols)
		onPaths(b, "Affine"+name, 8*len(x), func(on cpu.Path) { overRows(on, rowAffine, y, x, row, row, rows) })
		onPaths(b, "ColumnSums"+name, 4*len(x), func(on cpu.Path) { columnSumsOn(on, sums, x, rows) })
		onPaths(b, "ColumnDots"+name, 8*len(x), func(on cpu.Path) { columnDotsOn(on, sums, x, y, rows) })
	}
}

func BenchmarkPermute(b *testing.B) {
	for _, test := range []struct {
		name       string
		dims, perm []int
	}{
		{"image to channels last", []int{3, 224 * 224}, []int{1, 0}},
		{"to channels last", []int{64, 56 * 56}, []int{1, 0}},
		{"to channels first", []int{56 * 56, 64}, []int{1, 0}},
		{"heads", []int{197, 12, 64}, []int{1, 0, 2}},
		{"keys", []int{197, 12, 64}, []int{1, 2, 0}},
		{"shuffle", []int{28 * 28, 2, 58}, []int{0, 2, 1}},
	} {
		n := 1
		for _, d := range test.dims {
			n *= d
		}
		src, dst := counted(n), make([]float32, n)
		onPaths(b, test.name, 8*n, func(on cpu.Path) { permuteOn(on, dst, src, test.dims, test.perm) })
	}
}

func BenchmarkSGD(b *testing.B) {
	rng := rand.New(rand.NewPCG(9, 10))
	const n = 1 << 16
	w, g, v := numbers(rng, n), numbers(rng, n), numbers(rng, n)
	onPaths(b, "SGD", 20*n, func(on cpu.Path) { sgdOn(on, w, g, v, SGDStep{LearningRate: 0.1, Momentum: 0.9}) })
}
