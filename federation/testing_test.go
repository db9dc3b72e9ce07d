package federation

import (
	"fmt"
	"math"

	"pgregory.net/rapid"
)

// testManifest returns a valid manifest with three classes and four features.
func testManifest() *Manifest {
	m := &Manifest{
		Name:    "glyphs",
		Classes: []string{"zero", "one", "two"},
		Backbone: BackboneSpec{
			SHA256:   Hash{1, 2, 3},
			Features: 4,
			Input:    [3]int{1, 28, 28},
			Prepare:  PrepareCentre,
			RawRMS:   0.75,
			RMS:      1,
		},
		Rule:       RuleSpec{Name: "bristle+", Constants: map[string]float64{"eta": 0.5, "clip": 1.5}},
		Training:   TrainingSpec{LearningRate: 1e-3, L2: 5e-3, Batch: 5, Steps: 1, Probe: 10},
		Wire:       WireSpec{Rows: RowsInt8, MaxMessage: 4096, MaxPeers: 256},
		Prototypes: PrototypeSpec{Use: true, Least: 3, Noise: .25},
	}
	return m
}

// sized returns a valid manifest of another size.
func sized(classes, features int, rows RowFormat) *Manifest {
	m := testManifest()
	m.Classes = make([]string, classes)
	for i := range m.Classes {
		m.Classes[i] = fmt.Sprint("class ", i)
	}
	m.Backbone.Features = features
	m.Wire.Rows = rows
	m.Wire.MaxMessage = min(m.MaxUpdateSize(), MaxMessage)
	return m
}

// testUpdate returns a valid update for m that claims class 1 and sends all
// rows.
func testUpdate(m *Manifest) *Update {
	h := NewHead(len(m.Classes), m.Backbone.Features)
	all := make([]int, h.Classes)
	for c := range all {
		all[c] = c
	}
	for i := range h.Weights {
		h.Weights[i] = float32(i-5) / 8
	}
	return &Update{
		Federation: m.ID(), Sender: "12D3KooWpeer", Seq: 7, Round: 300,
		Claims: []int{1}, Rows: h.Select(all),
		Prototypes: Hash{7}, Epoch: 2,
	}
}

// drawManifest draws a valid manifest of at most 200 classes and 40 features.
func drawManifest(t *rapid.T) *Manifest {
	format := rapid.SampledFrom([]RowFormat{RowsInt8, RowsFloat32}).Draw(t, "rows")
	return sized(rapid.IntRange(2, 200).Draw(t, "classes"), rapid.IntRange(1, 40).Draw(t, "features"), format)
}

// drawUpdate draws a valid update of m.
func drawUpdate(t *rapid.T, m *Manifest) *Update {
	u := &Update{
		Federation: m.ID(),
		Sender:     PeerID(rapid.StringMatching(`[!-~]{1,128}`).Draw(t, "sender")),
		Seq:        rapid.Uint64Min(1).Draw(t, "seq"),
		Round:      rapid.Uint64().Draw(t, "round"),
	}
	if rapid.Bool().Draw(t, "prototypes") {
		u.Prototypes, u.Epoch = Hash{rapid.Byte().Draw(t, "hash"), 1}, rapid.Uint64Min(1).Draw(t, "epoch")
	}
	u.Rows.Features = m.Backbone.Features
	first := rapid.IntRange(0, len(m.Classes)-1).Draw(t, "first claim")
	for c := range m.Classes {
		claim := c == first || rapid.Bool().Draw(t, "claim")
		if claim {
			u.Claims = append(u.Claims, c)
		}
		if claim || rapid.Bool().Draw(t, "row") {
			u.Rows.Classes = append(u.Rows.Classes, c)
			u.Rows.Weights = append(u.Rows.Weights, drawRow(t, m.Backbone.Features)...)
		}
	}
	return u
}

// drawRow draws a row: ordinary numbers, any finite ones, or zeros.
func drawRow(t *rapid.T, features int) []float32 {
	one := rapid.Float32Range(-2, 2)
	switch rapid.IntRange(0, 9).Draw(t, "kind of row") {
	case 0:
		one = rapid.Just(float32(0))
	case 1, 2, 3:
		one = rapid.Map(rapid.Uint32(), func(bits uint32) float32 {
			if v := math.Float32frombits(bits); v-v == 0 {
				return v
			}
			return math.Float32frombits(bits &^ (0xff << 23)) // a subnormal one
		})
	}
	return rapid.SliceOfN(one, features, features).Draw(t, "row")
}
