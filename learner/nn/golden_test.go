package nn

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func loadGolden(t testing.TB, name string) *Net {
	t.Helper()
	b, err := os.ReadFile(golden(t, name))
	if err != nil {
		t.Fatal(err)
	}
	n, err := Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Tolerances are those of the fixtures' description.
func TestGoldenNetworks(t *testing.T) {
	for _, name := range []string{"lenet", "lenet_preact", "mlp"} {
		t.Run(name, func(t *testing.T) {
			n := loadGolden(t, name+".onnx")
			x, labels := readNPY(t, name+".input.npy").float32s(), readNPY(t, name+".labels.npy").ints()

			within(t, "output", NewRunner(n, len(labels)).Forward(x, len(labels)), readNPY(t, name+".output.npy").values, 2e-5)
			features := NewRunner(n.Backbone(), len(labels)).Forward(x, len(labels))
			within(t, "features", features, readNPY(t, name+".features.npy").values, 2e-5)

			grads, dx, loss := gradientsOf(n, x, labels)
			want := readNPY(t, name+".loss.npy").values[0]
			if math.Abs(loss-want) > 1e-5*want {
				t.Errorf("loss %v, want %v", loss, want)
			}
			within(t, "gradient of the input", dx, readNPY(t, name+".input_grad.npy").values, 1e-4)
			wantGrads := readNPZ(t, name+".grads.npz")
			if len(wantGrads) != len(grads) {
				t.Errorf("%d parameters, want %d", len(grads), len(wantGrads))
			}
			for _, p := range n.Params() {
				want, ok := wantGrads[p.Name]
				if !ok {
					t.Fatalf("parameter %q is none of the fixture's", p.Name)
				}
				if got := pythonTuple(p.Shape); got != want.shape {
					t.Errorf("shape of %s: %s, want %s", p.Name, got, want.shape)
				}
				within(t, "gradient of "+p.Name, grads[p.Name], want.values, 1e-4)
			}
		})
	}
}

func pythonTuple(shape []int) string {
	s := strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", ", ")
	if len(shape) == 1 {
		s += ","
	}
	return "(" + s + ")"
}

func TestGoldenAdam(t *testing.T) {
	for _, c := range []struct {
		name string
		l2   float32
	}{{"optim_adam", 0}, {"optim_adam_l2", 0.01}} {
		t.Run(c.name, func(t *testing.T) {
			n := loadGolden(t, "mlp.onnx")
			z := readNPZ(t, c.name+".npz")
			x, labels := z["x"].float32s(), z["labels"].ints()
			tr := NewTrainer(n, TrainerOptions{Workers: 2, L2: c.l2})
			for step := range 3 {
				const batch, in = 4, 64
				loss, err := tr.Step(x[step*batch*in:(step+1)*batch*in], labels[step*batch:(step+1)*batch], float32(z["lr"].values[step]))
				if err != nil {
					t.Fatal(err)
				}
				if want := z["loss"].values[step]; math.Abs(float64(loss)-want) > 1e-5*want {
					t.Errorf("step %d: loss %v, want %v", step+1, loss, want)
				}
				for _, p := range n.Params() {
					want := z[fmt.Sprintf("step%d/%s", step+1, p.Name)].values
					for i, v := range p.Data {
						if math.Abs(float64(v)-want[i]) > 2e-6 {
							t.Fatalf("step %d: %s[%d] = %v, want %v", step+1, p.Name, i, v, want[i])
						}
					}
				}
			}
		})
	}
}

// Networks that are more than a chain of our layers name what is missing.
func TestGoldenUnsupported(t *testing.T) {
	for name, ops := range map[string][]string{
		"mlp_tied":        {"Tanh"},
		"resnet":          {"BatchNormalization"},
		"resnet_folded":   {"Add"},
		"mobilenetv2_op9": {"Conv", "Clip"},
		"squeezenet":      {"MaxPool"}, // ceil_mode
		"har1d_folded":    {"Conv"},    // one-dimensional
		"vit":             {"Constant", "Shape", "Reshape"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(golden(t, name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(b)
			var u *UnsupportedError
			if !errors.As(err, &u) || !slices.Contains(ops, u.Op) && u.Op != "" {
				t.Errorf("error %v, want an UnsupportedError about one of %q", err, ops)
			}
			t.Log(err)
		})
	}
}
