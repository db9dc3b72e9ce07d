package nn

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// TestFixtures runs the networks of testdata, which docs/compare/fixtures.py
// makes, forward and backward. They are a small stand-in for the golden
// fixtures, which are not part of the project.
func TestFixtures(t *testing.T) {
	for _, name := range []string{"residual", "inverted", "attention", "series"} {
		t.Run(name, func(t *testing.T) {
			g, err := onnx.ReadFile(filepath.Join("testdata", name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			want := readArchive(t, filepath.Join("testdata", name+".npz"))
			x, labels := want["input"], want["labels"].ints()
			for _, o := range []Options{{Workers: 1}, {Workers: 2, Exact: true}} {
				forward, err := Compile(g, x.extents(), o)
				if err != nil {
					t.Fatal(err)
				}
				within(t, "output", forward.Forward(x.float32s()), want["output"].values, 2e-5)

				p := tapeOf(t, g, x.extents(), o)
				columns := p.output.size() / len(labels)
				targets := make([]float32, len(labels)*columns)
				if err := OneHot(targets, labels, columns, 0); err != nil {
					t.Fatal(err)
				}
				loss := CrossEntropy{}.Gradient(p.outputGrad(), p.Forward(x.float32s()), targets, len(labels), columns)
				if w := want["loss"].values[0]; math.Abs(loss-w) > 1e-5*w {
					t.Errorf("loss %v, want %v", loss, w)
				}
				p.backward()
				within(t, "gradient of the input", p.input.grad, want["input_grad"].values, 1e-4)
				seen := 0
				for _, q := range p.params {
					if w, ok := want["grad/"+q.Name]; ok {
						within(t, "gradient of "+q.Name, q.Grad, w.values, 1e-4)
						seen++
					}
				}
				if n := len(want) - 5; seen != n {
					t.Errorf("%d parameters have gradients, want %d", seen, n)
				}
			}
		})
	}
}
