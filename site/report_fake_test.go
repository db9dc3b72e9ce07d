package site

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// fake makes up the results of a fine-tuning with that many arms.
func fake(arms int) Results {
	rng := rand.New(rand.NewPCG(1, 2))
	r := Results{
		Title: "Pneumonia, north wing", Version: "v1.2.3", Commit: "0123abcd", Machine: "a processor, linux/amd64, go1.26",
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Finished: time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC),
		Seed: 7, Folds: 5, Runs: 2, Epochs: 20, ProbeEpochs: 10, Bootstrap: 2000, Offline: true,
		Settings: []Setting{{"batch", "8"}, {"dropout", "0.1"}},
		Data: DataSheet{
			Source: "a folder of DICOM files", Classes: []string{"normal", "pneumonia"}, Images: []int{1240, 860}, Patients: []int{900, 700}, People: 1203,
			Splits: []Split{{"site A", 1000, 600}, {"site B", 1100, 603}}, Sizes: []string{"1024 × 1024 (2000)", "512 × 512 (100)"},
			Skipped: []string{"3 files: JPEG 2000 is not read"}, Shape: [3]int{1, 224, 224}, Notes: []string{"MONOCHROME1 was inverted in 12 files."},
		},
		Backbone: Backbone{
			File: "resnet18.onnx", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Parameters: 11689512,
			Input: [3]int{3, 224, 224}, Groups: []string{"head", "layer4", "layer3", "layer2", "layer1"}, Pretrained: "chest radiographs of another hospital",
		},
	}
	names := []string{"probe", "full", "progressive", "progressive+probe", "progressive+probe+cutmix"}
	level := []float64{.71, .761, .775, .779, .783}
	for i := range arms {
		a := Arm{
			Name: names[i%5] + strings.Repeat("'", i/5), About: "A way to train.", Prefix: "int8, cached", Trained: 1000 * (i + 1), Total: 11177538,
			SecondsPerRun: 40 * float64(i*i+1), Memory: uint64(1+i) * 120_000_000, ProbeEpochs: []int{30, 0, 0, 10, 10}[i%5],
		}
		for j, name := range []string{"AUROC", "balanced accuracy", "F1", "sensitivity", "specificity", "ECE"} {
			m := level[i%5] - .03*float64(j)
			a.Metrics = append(a.Metrics, Metric{name, m, .05, m - .04, m + .035})
		}
		a.Confusion = [][]float64{{900.5 + float64(i), 339.5 - float64(i)}, {200, 660}}
		for k := range 200 {
			x := float64(k) / 199
			a.ROC = append(a.ROC, [2]float64{x, math.Pow(x, (1-level[i%5])/level[i%5])})
		}
		for k := range 8 {
			c := .53 + .06*float64(k)
			a.Reliability = append(a.Reliability, Bin{c, c * (1 - .02*float64(i)), 10 + 30*k*k})
		}
		for e := 1; e <= 30; e++ {
			a.Loss = append(a.Loss, EpochPoint{e, .7*math.Exp(-float64(e)/float64(8+2*i)) + .02*rng.Float64(), .03, 1e-3 * math.Sin(float64(e)/30*math.Pi)})
		}
		p := a.ProbeEpochs
		switch names[i%5] {
		case "probe":
			a.Phases = []Phase{{"head", 0, 30, 1e-3, 1e-4, false}, {"layer4", 0, 30, 0, 0, true}, {"layer3", 0, 30, 0, 0, true}, {"layer2", 0, 30, 0, 0, true}, {"layer1", 0, 30, 0, 0, true}}
		case "full":
			for k, g := range r.Backbone.Groups {
				a.Phases = append(a.Phases, Phase{g, 0, 30, []float64{1e-3, 2.5e-4}[min(k, 1)], 1e-4, false})
			}
		default:
			main := float64(30 - p)
			if p > 0 {
				a.Phases = append(a.Phases, Phase{"head", 0, p, 1e-3, 1e-4, false})
			}
			a.Phases = append(a.Phases, Phase{"head", p, 30, 1e-3, 1e-5, false})
			for k, from := range []float64{.1, .3, .6} {
				at := p + int(from*main)
				a.Phases = append(a.Phases, Phase{r.Backbone.Groups[k+1], 0, at, 0, 0, true}, Phase{r.Backbone.Groups[k+1], at, 30, []float64{5e-4, 2.5e-4, 1e-4}[k], 1e-4, false})
			}
			a.Phases = append(a.Phases, Phase{"layer1", 0, 30, 0, 0, true})
		}
		r.Arms = append(r.Arms, a)
	}
	for i := range min(arms, len(names)) {
		for j := range i {
			d := level[i] - level[j]
			r.Pairs = append(r.Pairs, Pair{names[i], names[j], "AUROC", d, d - .02, d + .02, math.Exp(-d * 120)})
		}
	}
	if arms > 0 {
		r.Final = Final{"model.onnx", "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752", "model.md", r.Arms[arms-1].Name}
	}
	return r
}

// brief makes results small enough to read their report as text.
func brief(arms int) Results {
	r := fake(arms)
	for i := range r.Arms {
		a := &r.Arms[i]
		a.Metrics = a.Metrics[:2]
		a.ROC = [][2]float64{{0, 0}, {.25, .5 + .1*float64(i)}, {1, 1}}
		a.Reliability = a.Reliability[2:4]
		a.Loss = a.Loss[:3]
	}
	return r
}

// drawResults draws possible results.
func drawResults(t *rapid.T) Results {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "</svg><script>", "| a | b |", "1. one", "AUROC", "\u202e\x00\x1b[0m"}))
	small, share := rapid.IntRange(0, 1_000_000), rapid.Float64Range(0, 1)
	any := rapid.OneOf(share, rapid.Float64Range(-mostNumber, mostNumber), rapid.Just(math.NaN()))
	name := rapid.Map(text, func(s string) string {
		for len(s) > mostName-4 {
			s = s[:len(s)/2]
		}
		return strings.ToValidUTF8(s, "") + "."
	})
	texts, count := rapid.SliceOfN(text, 0, 3), func() int { return small.Draw(t, "count") }
	span := func() (lo, hi float64) {
		lo, hi = any.Draw(t, "low"), any.Draw(t, "high")
		if lo > hi {
			return hi, lo
		}
		return lo, hi
	}
	classes := rapid.SliceOfN(text, 0, 4).Draw(t, "classes")
	counts := func(n int) []int { return rapid.SliceOfN(small, n, n).Draw(t, "counts") }
	r := Results{
		Title: text.Draw(t, "title"), Version: text.Draw(t, "version"), Machine: text.Draw(t, "machine"), Seed: rapid.Uint64().Draw(t, "seed"),
		Folds: count(), Runs: count(), Epochs: count(), ProbeEpochs: count(), Bootstrap: count(), Offline: rapid.Bool().Draw(t, "offline"),
		Data: DataSheet{
			Source: text.Draw(t, "source"), Classes: classes, Images: counts(len(classes)), Patients: counts(len(classes)), People: count(),
			Sizes: texts.Draw(t, "sizes"), Skipped: texts.Draw(t, "skipped"), Notes: texts.Draw(t, "notes"), Shape: [3]int{count(), count(), count()},
		},
		Backbone: Backbone{File: text.Draw(t, "file"), Groups: texts.Draw(t, "groups"), Parameters: count(), Pretrained: text.Draw(t, "pretrained")},
	}
	if rapid.Bool().Draw(t, "dated") {
		r.Finished = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	}
	for range rapid.IntRange(0, 3).Draw(t, "settings") {
		r.Settings = append(r.Settings, Setting{text.Draw(t, "name"), text.Draw(t, "value")})
		r.Data.Splits = append(r.Data.Splits, Split{text.Draw(t, "split"), count(), count()})
	}
	metrics := rapid.SliceOfN(name, 0, 3).Draw(t, "metrics")
	if len(metrics) > 0 && rapid.Bool().Draw(t, "auroc") {
		metrics[0] = auroc
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "arms") {
		a := Arm{
			Name: name.Draw(t, "arm") + string(rune('a'+i)), About: text.Draw(t, "about"), Prefix: text.Draw(t, "prefix"), ProbeEpochs: rapid.IntRange(0, 50).Draw(t, "probe"),
			SecondsPerRun: rapid.Float64Range(0, mostNumber).Draw(t, "seconds"), Memory: rapid.Uint64().Draw(t, "memory"), Trained: count(), Total: count(),
		}
		for _, m := range metrics {
			lo, hi := span()
			a.Metrics = append(a.Metrics, Metric{m, any.Draw(t, "mean"), any.Draw(t, "sd"), lo, hi})
		}
		if rapid.Bool().Draw(t, "confusion") {
			for range classes {
				a.Confusion = append(a.Confusion, rapid.SliceOfN(rapid.Float64Range(0, mostNumber), len(classes), len(classes)).Draw(t, "row"))
			}
		}
		xs, ys := rapid.SliceOfN(share, 0, 5).Draw(t, "x"), rapid.SliceOfN(share, 5, 5).Draw(t, "y")
		slices.Sort(xs)
		slices.Sort(ys)
		for k, x := range xs {
			a.ROC = append(a.ROC, [2]float64{x, ys[k]})
			a.Reliability = append(a.Reliability, Bin{x, ys[k], 1 + count()})
		}
		epoch := 0
		for range rapid.IntRange(0, 4).Draw(t, "epochs") {
			epoch += rapid.IntRange(1, 40).Draw(t, "epoch")
			v := rapid.OneOf(share, rapid.Float64Range(0, mostNumber))
			a.Loss = append(a.Loss, EpochPoint{epoch, v.Draw(t, "loss"), v.Draw(t, "sd"), v.Draw(t, "rate")})
		}
		for range rapid.IntRange(0, 4).Draw(t, "phases") {
			from := rapid.IntRange(0, 100).Draw(t, "from")
			a.Phases = append(a.Phases, Phase{name.Draw(t, "group"), from, from + rapid.IntRange(1, 100).Draw(t, "to"), share.Draw(t, "rate"), share.Draw(t, "decay"), rapid.Bool().Draw(t, "frozen")})
		}
		r.Arms = append(r.Arms, a)
		for j := range i {
			lo, hi := span()
			p := rapid.OneOf(share, rapid.Just(math.NaN()))
			m := rapid.SampledFrom(append(metrics, "other")).Draw(t, "metric")
			r.Pairs = append(r.Pairs, Pair{a.Name, r.Arms[j].Name, m, any.Draw(t, "difference"), lo, hi, p.Draw(t, "p")})
		}
		if rapid.Bool().Draw(t, "final") {
			r.Final = Final{File: text.Draw(t, "file"), Arm: a.Name}
		}
	}
	return r
}
