package nn

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

func goldenGraph(t testing.TB, name string) *graph.Graph {
	t.Helper()
	b, err := os.ReadFile(golden(t, name+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// variants lists the golden graphs with their network.
func variants(t testing.TB) map[string]string {
	all := map[string]string{}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(golden(t, "README.md")), "*.grads.npz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".grads.npz")
		network := name
		for network != "" {
			if _, err := os.Stat(filepath.Join(filepath.Dir(f), network+".input.npy")); err == nil {
				break
			}
			network = network[:max(strings.LastIndex(network, "_"), 0)]
		}
		all[name] = network
	}
	return all
}

// TestGoldenForward runs every fixture forward, with 1 and 2 workers and with
// exact products.
func TestGoldenForward(t *testing.T) {
	for name, network := range variants(t) {
		t.Run(name, func(t *testing.T) {
			g := goldenGraph(t, name)
			x := readNPY(t, network+".input.npy")
			want := readNPY(t, network+".output.npy")
			var alone []float32
			for _, o := range []Options{{Workers: 1}, {Workers: 2}, {Workers: 1, Exact: true},
				{Workers: 1, Observe: func(string, []float32) {}}} {
				p, err := Compile(g, x.extents(), o)
				if err != nil {
					t.Fatal(err)
				}
				got := slices.Clone(p.Forward(x.float32s()))
				within(t, "output", got, want.values, 2e-5)
				if !slices.Equal(got, p.Forward(x.float32s())) {
					t.Error("the second pass gives another result")
				}
				switch {
				case o.Exact:
				case alone == nil:
					alone = got
				case o.Observe == nil && !slices.Equal(got, alone):
					t.Error("two workers give another result than one")
				}
			}
		})
	}
}

// TestGoldenBatches runs the graphs with a dynamic batch at other batches.
func TestGoldenBatches(t *testing.T) {
	for _, name := range []string{"resnet_dyn", "vit_dyn"} {
		for _, batch := range []string{"batch1", "batch5"} {
			g := goldenGraph(t, name)
			x := readNPY(t, name+"."+batch+".input.npy")
			p, err := Compile(g, x.extents(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			within(t, name+" "+batch, p.Forward(x.float32s()), readNPY(t, name+"."+batch+".output.npy").values, 2e-5)
		}
	}
}

// tapeOf compiles a graph for training everything, the input's gradient
// included.
func tapeOf(t testing.TB, g *graph.Graph, input []int, o Options) *Program {
	t.Helper()
	p, err := compile(g, input, o, func(b *builder) error {
		b.trainable = func(string) bool { return true }
		b.inputGrad = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGoldenGradients(t *testing.T) {
	for name, network := range variants(t) {
		t.Run(name, func(t *testing.T) {
			g := goldenGraph(t, name)
			x, labels := readNPY(t, network+".input.npy"), readNPY(t, network+".labels.npy").ints()
			want := readNPZ(t, name+".grads.npz")
			for _, o := range []Options{{Workers: 1}, {Workers: 2}, {Workers: 1, Exact: true}} {
				p := tapeOf(t, g, x.extents(), o)
				columns := p.output.size() / len(labels)
				targets := make([]float32, len(labels)*columns)
				if err := OneHot(targets, labels, columns, 0); err != nil {
					t.Fatal(err)
				}
				for range 2 { // the second pass must not see the first
					loss := CrossEntropy{}.Gradient(p.outputGrad(), p.Forward(x.float32s()), targets, len(labels), columns)
					if w := readNPY(t, network+".loss.npy").values[0]; math.Abs(loss-w) > 1e-5*w {
						t.Errorf("loss %v, want %v", loss, w)
					}
					p.backward()
				}
				within(t, "gradient of the input", p.input.grad, readNPY(t, network+".input_grad.npy").values, 1e-4)
				seen := map[string]bool{}
				for _, q := range p.params {
					w, ok := want[q.Name]
					if !ok {
						if q.Grad != nil {
							t.Errorf("parameter %q has a gradient but is none of the fixture's", q.Name)
						}
						continue
					}
					seen[q.Name] = true
					if q.Grad == nil {
						t.Errorf("parameter %q has no gradient", q.Name)
						continue
					}
					within(t, "gradient of "+q.Name, q.Grad, w.values, 1e-4)
				}
				for q := range want {
					if !seen[q] {
						t.Errorf("no parameter %q", q)
					}
				}
			}
		})
	}
}

func TestGoldenOptimizers(t *testing.T) {
	b, err := os.ReadFile(golden(t, "optim.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases map[string]struct {
			Optimizer   string
			LR          float64
			Momentum    float64
			Nesterov    bool
			WeightDecay float64 `json:"weight_decay"`
			OneCycle    *struct {
				Total int `json:"total_steps"`
			}
		}
		OneCycle map[string]json.RawMessage `json:"onecycle_max_lr_1"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]Kind{"SGD": SGD, "Adam": Adam, "AdamW": AdamW}
	for name, c := range file.Cases {
		t.Run(name, func(t *testing.T) {
			f := readNPZ(t, "optim_"+name+".npz")
			o := TrainOptions{Batch: 4, Loss: CrossEntropy{}, Optimizer: Optimizer{
				Kind: kinds[c.Optimizer], LearningRate: c.LR, Momentum: c.Momentum, Nesterov: c.Nesterov, WeightDecay: c.WeightDecay}}
			if c.OneCycle != nil {
				o.Schedule = OneCycle{Total: c.OneCycle.Total}
			}
			tr, err := NewTrainer(goldenGraph(t, "mlp"), o)
			if err != nil {
				t.Fatal(err)
			}
			x, labels := f["x"].float32s(), f["labels"].ints()
			for i := range 3 {
				targets := make([]float32, 4*tr.Columns())
				if err := OneHot(targets, labels[4*i:4*i+4], tr.Columns(), 0); err != nil {
					t.Fatal(err)
				}
				loss, err := tr.Step(x[4*64*i:4*64*(i+1)], targets)
				if err != nil {
					t.Fatal(err)
				}
				if w := f["loss"].values[i]; math.Abs(loss-w) > 1e-5*w {
					t.Errorf("step %d: loss %v, want %v", i+1, loss, w)
				}
				for _, p := range tr.Params() {
					for j, w := range f[fmt.Sprintf("step%d/%s", i+1, p.Name)].values {
						if math.Abs(float64(p.Data[j])-w) > 2e-6 {
							t.Fatalf("step %d: %s[%d] = %v, want %v", i+1, p.Name, j, p.Data[j], w)
						}
					}
				}
			}
		})
	}
	for total, raw := range file.OneCycle {
		var want struct {
			LR       []float64 `json:"lr"`
			Momentum []float64 `json:"beta1"`
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		var n int
		if _, err := fmt.Sscan(total, &n); err != nil {
			t.Fatal(err)
		}
		if len(want.LR) != n {
			t.Fatalf("schedule of %d steps has %d", n, len(want.LR))
		}
		for i, w := range want.LR {
			if got := (OneCycle{Total: n}).Rate(i); math.Abs(got-w) > 1e-12 {
				t.Errorf("one cycle of %d, step %d: rate %v, want %v", n, i, got, w)
			}
			if got := (OneCycle{Total: n}).Momentum(i, 0); len(want.Momentum) == n && math.Abs(got-want.Momentum[i]) > 1e-12 {
				t.Errorf("one cycle of %d, step %d: momentum %v, want %v", n, i, got, want.Momentum[i])
			}
		}
	}
}
