package nn

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// FuzzCompile compiles what a file holds for a small input, and runs what is
// quick to run: no bytes make either panic, and what is refused is refused
// with a typed error.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.onnx"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(2), uint8(8))
	}
	cases := quantizedCases()
	for i := range cases {
		g, _ := cases[i].graph(rand.New(rand.NewPCG(1, uint64(i))), i%2 == 0, 0)
		b, err := onnx.Marshal(g)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(2), uint8(5))
	}
	f.Fuzz(func(t *testing.T, b []byte, batch, extent uint8) {
		g, err := onnx.Unmarshal(b)
		if err != nil || len(g.Inputs) == 0 {
			return
		}
		var in []int
		for i, d := range g.Inputs[0].Dims {
			switch {
			case d > 64:
				return
			case d < 0 && i == 0:
				d = int(batch % 4)
			case d < 0:
				d = int(extent % 33)
			}
			in = append(in, d)
		}
		p, err := Compile(g, in, Options{Workers: 1})
		var unsupported *graph.UnsupportedError
		switch {
		case err == nil:
			if quick(t, g, in) {
				runHostile(p, g, rand.New(rand.NewPCG(1, 1)))
			}
		case !errors.As(err, &unsupported) && !errors.Is(err, graph.ErrCorrupt):
			t.Fatalf("an error without a type: %v", err)
		}
	})
}

// quick reports whether a pass takes few products.
func quick(t *testing.T, g *graph.Graph, in []int) bool {
	static, err := graph.Specialize(g, map[string][]int{g.Inputs[0].Name: in}, graph.Options{KeepQDQ: true})
	if err != nil {
		t.Fatal(err)
	}
	products := int64(0)
	for _, layer := range graph.Count(static) {
		products += layer.MACs
	}
	return products < 1<<24
}
