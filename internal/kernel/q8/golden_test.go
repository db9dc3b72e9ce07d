package q8

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// goldenOp describes a case of quant_ops.json.
type goldenOp struct {
	X    []int `json:"x_shape"`
	W    []int `json:"w_shape"`
	Y    []int `json:"y_shape"`
	Conv *struct{ Stride, Padding, Dilation, Groups int }
	ReLU bool
	XS   float64 `json:"x_scale"`
	XZ   uint8   `json:"x_zero_point"`
	YS   float64 `json:"y_scale"`
	YZ   uint8   `json:"y_zero_point"`
}

// geometry returns that of a dense layer, a convolution of a line or one of
// an image.
func (o *goldenOp) geometry() Geometry {
	if o.Conv == nil {
		return Geometry{1, 1, o.X[0], o.X[1], 1, o.X[0], o.W[0], 1, 1, 1, 1, 0, 0, 1, 1, 1}
	}
	c := o.Conv
	if len(o.X) == 3 {
		return Geometry{o.X[0], 1, o.X[2], o.X[1], 1, o.Y[2], o.W[0], 1, o.W[2],
			1, c.Stride, 0, c.Padding, 1, c.Dilation, c.Groups}
	}
	return Geometry{o.X[0], o.X[2], o.X[3], o.X[1], o.Y[2], o.Y[3], o.W[0], o.W[2], o.W[3],
		c.Stride, c.Stride, c.Padding, c.Padding, c.Dilation, c.Dilation, c.Groups}
}

// lastChannels brings [batch][channel][pixel] into our layout.
func lastChannels(x []uint8, batch, channels int) []uint8 {
	pixels := len(x) / batch / channels
	y := make([]uint8, batch*pixels*Stride(channels))
	for n := range batch {
		for c := range channels {
			for p := range pixels {
				y[(n*pixels+p)*Stride(channels)+c] = x[(n*channels+c)*pixels+p]
			}
		}
	}
	return y
}

func TestGoldenOperators(t *testing.T) {
	var ops map[string]*goldenOp
	goldenJSON(t, "quant_ops.json", &ops)
	data := npz(t, "quant_ops.npz")
	for name, op := range ops {
		g := op.geometry()
		batch := op.X[0] // of a dense layer, one pixel each: the same order either way
		r := Requant{Bias: words(data[name+".bias_i32"]), Zero: op.YZ, Hi: 255}
		if op.ReLU {
			r.Lo = op.YZ
		}
		scales := numbers(data[name+".w_scale"])
		for _, s := range scales {
			m, shift, err := Fixed(op.XS * float64(s) / op.YS)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			r.Multiplier, r.Shift = append(r.Multiplier, m), append(r.Shift, shift)
		}
		x := lastChannels(data[name+".x_q"], batch, g.InC)
		want := lastChannels(data[name+".y_q"], batch, g.OutC)
		sums := words(data[name+".acc_i32"])
		for _, on := range cpu.Available() {
			c, err := newConv(on, g, signed(data[name+".w_q"]), op.XZ, r)
			if err != nil {
				t.Fatalf("%s on %v: %v", name, on, err)
			}
			got := make([]uint8, g.output())
			c.Forward(pool.New(1), got, x)
			clearPadding(got, g.OutC)
			if !slices.Equal(got, want) {
				t.Errorf("%s on %v: bytes differ", name, on)
			}
			if c.deep != nil {
				continue
			}
			ones := slices.Repeat([]float32{1}, g.OutC)
			floats := make([]float32, len(sums))
			c.ForwardFloat(pool.New(1), floats, x, ones)
			pixels := len(sums) / batch / g.OutC
			for i, v := range floats {
				n, p, o := i/g.OutC/pixels, i/g.OutC%pixels, i%g.OutC
				if s := sums[(n*g.OutC+o)*pixels+p] + r.Bias[o]; v != float32(s) {
					t.Fatalf("%s on %v: sum %d is %v, not %d", name, on, i, v, s)
				}
			}
		}
	}
}

func TestGoldenActivations(t *testing.T) {
	data := npz(t, "quant_activations.npz")
	for member := range data {
		name, isX := strings.CutSuffix(member, ".x")
		if !isX {
			continue
		}
		x, scale := numbers(data[member]), numbers(data[name+".scale"])[0]
		zero := uint8(words(data[name+".zero_point"])[0])
		for _, on := range cpu.Available() {
			q := make([]uint8, len(x))
			quantizeOn(on, q, x, 1/scale, zero)
			if !slices.Equal(q, data[name+".q"]) {
				t.Errorf("%s on %v: bytes differ", name, on)
			}
			back := make([]float32, len(x))
			dequantizeOn(on, back, q, scale, zero)
			for i, want := range numbers(data[name+".dq"]) {
				if math.Float32bits(back[i]) != math.Float32bits(want) {
					t.Errorf("%s on %v: number %d is %v, not %v", name, on, i, back[i], want)
					break
				}
			}
		}
	}
}
