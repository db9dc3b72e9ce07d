package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/evaluation"
	"github.com/bristle-fl/bristled/learner/finetune"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// small is an experiment that takes a second: drawn digits of two classes, two
// pictures for each patient.
func small(t testing.TB, dir string) Experiment {
	t.Helper()
	net, err := zoo.New("cifar_resnet20", zoo.Options{Channels: 1, Height: 28, Width: 28, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	digits := data.Digits(3)
	set := data.Set{Shape: [3]int{1, 28, 28}, Classes: []string{"three", "eight"}}
	var names []string
	for i := range 24 {
		s := digits.Draw(i, 3+5*(i/2%2))
		s.Label, s.Owner = i/2%2, fmt.Sprint("patient ", i/2)
		set.Samples = append(set.Samples, s)
		names = append(names, fmt.Sprint("picture ", i))
	}
	now := time.Unix(0, 0)
	return Experiment{
		Net: net, Set: set, Names: names, Plans: []string{"probe", "progressive+probe"}, Probe: 2, Epochs: 2,
		Folds: 2, Runs: 2, Seed: 4, Dir: dir, Workers: 1, Now: func() time.Time { return now },
	}
}

func mustRun(t testing.TB, e Experiment) *Findings {
	t.Helper()
	f, err := e.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// said is all that findings say, as text.
func said(t testing.TB, f *Findings) string {
	t.Helper()
	arms, pairs, err := f.Summarize(1, 200, []string{"head", "layer3", "layer2", "layer1"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(struct {
		Arms  []Arm
		Pairs []Pair
	}{arms, pairs})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestExperiment: every sample is tested once in every run, by a model that saw
// nothing of its patient; and the summary has what a report shows.
func TestExperiment(t *testing.T) {
	e := small(t, t.TempDir())
	steps := 0
	e.Progress = func(done, total int) {
		if done > total {
			t.Errorf("step %d of %d", done, total)
		}
		steps = done
		if total != 2*4*4*2 { // plans, cells, epochs, batches of 12 samples
			t.Errorf("%d steps in all", total)
		}
	}
	f := mustRun(t, e)
	if steps != 2*4*4*2 {
		t.Errorf("%d steps were told of", steps)
	}
	for p := range f.Plans {
		for r, folds := range f.cells[p] {
			tested := map[int]int{}
			for _, c := range folds {
				owners := map[string]bool{}
				for _, i := range c.Test {
					tested[i]++
					owners[e.Set.Samples[i].Owner] = true
				}
				if c.Train != 24-len(c.Test) || len(owners)*2 != len(c.Test) {
					t.Errorf("plan %d, run %d: %d trained on, %d tested of %d patients", p, r, c.Train, len(c.Test), len(owners))
				}
			}
			for i := range 24 {
				if tested[i] != 1 {
					t.Errorf("plan %d, run %d: sample %d is tested %d times", p, r, i, tested[i])
				}
			}
		}
	}
	arms, pairs, err := f.Summarize(1, 200, []string{"head", "layer3", "layer2", "layer1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(arms) != 2 || len(pairs) != 1 || pairs[0].A != "progressive+probe" || pairs[0].B != "probe" {
		t.Fatalf("%d arms, pairs %+v", len(arms), pairs)
	}
	if d := arms[1].Metrics[0].Mean - arms[0].Metrics[0].Mean; math.Abs(d-pairs[0].Difference) > 1e-12 {
		t.Errorf("AUROC differs by %v, the pair says %v", d, pairs[0].Difference)
	}
	for _, a := range arms {
		var sum float64
		for _, row := range a.Confusion {
			for _, v := range row {
				sum += v
			}
		}
		if math.Abs(sum-24) > 1e-9 || len(a.Loss) != 4 || a.Memory == 0 || a.Trained == 0 || a.Total < a.Trained {
			t.Errorf("%s: %+v", a.Name, a)
		}
	}
	var thawed []string
	for _, p := range arms[1].Phases {
		thawed = append(thawed, fmt.Sprintf("%s %d-%d %v", p.Group, p.From, p.To, p.Frozen))
	}
	if got, want := strings.Join(thawed, ", "), "head 0-2 false, head 2-4 false, layer3 0-2 true, layer3 2-4 false, layer2 0-2 true, layer2 2-4 false, layer1 0-4 true"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// TestSameFindings: with any number of workers, and interrupted anywhere.
func TestSameFindings(t *testing.T) {
	want := said(t, mustRun(t, small(t, t.TempDir())))
	e := small(t, t.TempDir())
	e.Workers = 3
	if got := said(t, mustRun(t, e)); got != want {
		t.Error("three workers find something else")
	}
	e = small(t, t.TempDir())
	interrupted := 0
	for stop := 9; ; stop += 17 {
		ctx, cancel := context.WithCancel(context.Background())
		e.Progress = func(done, _ int) {
			if done >= stop {
				cancel()
			}
		}
		f, err := e.Run(ctx)
		cancel()
		if err == nil {
			if got := said(t, f); got != want {
				t.Error("after interruptions something else is found")
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		interrupted++
	}
	if interrupted < 2 {
		t.Errorf("interrupted %d times", interrupted)
	}
	if left, err := filepath.Glob(filepath.Join(e.Dir, "cells", "*.checkpoint")); err != nil || len(left) > 0 {
		t.Errorf("checkpoints stay: %v, %v", left, err)
	}
}

func TestDirectoryOfAnother(t *testing.T) {
	e := small(t, t.TempDir())
	e.Plans, e.Folds, e.Runs = []string{"probe"}, 2, 1
	mustRun(t, e)
	for name, change := range map[string]func(*Experiment){
		"seed":   func(e *Experiment) { e.Seed++ },
		"plans":  func(e *Experiment) { e.Plans = []string{"full"} },
		"epochs": func(e *Experiment) { e.Epochs++ },
		"folds":  func(e *Experiment) { e.Folds++ },
		"labels": func(e *Experiment) { e.Set.Samples[0].Label, e.Set.Samples[1].Label = 1, 1 },
		"pixels": func(e *Experiment) { e.Set.Samples[0].Pixels[300] ^= 1 },
		"owner":  func(e *Experiment) { e.Set.Samples[0].Owner = "somebody" },
		"head":   func(e *Experiment) { e.Hidden = []int{3} },
	} {
		other := small(t, e.Dir)
		other.Plans, other.Folds, other.Runs = e.Plans, e.Folds, e.Runs
		change(&other)
		if _, err := other.Run(context.Background()); !errors.Is(err, ErrOtherExperiment) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	cell := filepath.Join(e.Dir, "cells", "probe-run1-fold1.json")
	if err := os.WriteFile(cell, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(context.Background()); err == nil || !strings.Contains(err.Error(), cell) {
		t.Errorf("a damaged cell: %v", err)
	}
}

func TestDishonestData(t *testing.T) {
	e := small(t, t.TempDir())
	e.Set.Samples[5].Pixels = e.Set.Samples[0].Pixels // of another patient, of the other class
	var leak *evaluation.LeakError
	if _, err := e.Run(context.Background()); !errors.As(err, &leak) || !strings.Contains(err.Error(), "picture 0") || !strings.Contains(err.Error(), "picture 5") {
		t.Errorf("equal images of two patients: %v", err)
	}
	e = small(t, t.TempDir())
	e.Folds = 7
	var few *evaluation.ClassError
	if _, err := e.Run(context.Background()); !errors.As(err, &few) {
		t.Errorf("more folds than patients of a class: %v", err)
	}
	e = small(t, t.TempDir())
	e.Adjust = func(p *finetune.Plan) {
		for i := range p.Stages {
			p.Stages[i].Rate = 1e30
		}
	}
	if _, err := e.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "picture") || !strings.Contains(err.Error(), "progressive+probe, run 1, fold") {
		t.Errorf("a training that diverges: %v", err)
	}
}

// TestFinal: the model that is written is the one that is judged.
func TestFinal(t *testing.T) {
	e := small(t, t.TempDir())
	train, test := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, []int{12, 13, 14, 15}
	f, err := e.Final(context.Background(), "progressive+probe", train)
	if err != nil {
		t.Fatal(err)
	}
	net, err := onnx.ReadFile(filepath.Join(e.Dir, f.File))
	if err != nil {
		t.Fatal(err)
	}
	if got := net.Metadata[MetaClasses]; got != "three\neight\n" {
		t.Errorf("classes %q", got)
	}
	a, err := finetune.Predict(context.Background(), f.Net, e.Set, test, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := finetune.Predict(context.Background(), net, e.Set, test, 1)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("%v from memory, %v from the file", a, b)
	}
	models := []Judged{{Name: "one", Probabilities: a}, {Name: "other", Probabilities: b}}
	arms, pairs, err := Compare(e.Set, test, models, 1, 200)
	if err != nil {
		t.Fatal(err)
	}
	if len(arms) != 2 || len(pairs) != 1 || pairs[0].Difference != 0 {
		t.Errorf("%+v", pairs)
	}
	models[1].Probabilities = b[1:]
	if _, _, err := Compare(e.Set, test, models, 1, 200); err == nil {
		t.Error("a model that was asked about fewer images was compared")
	}
	r := Results{Title: "Digits", Folds: 2, Runs: 1, Data: DataSheet{Classes: e.Set.Classes, Images: []int{12, 12}, Patients: []int{6, 6}, Shape: e.Set.Shape}, Arms: arms, Pairs: pairs, Final: f.Final}
	r.Final.Arm = "one"
	if err := WriteRun(e.Dir, r, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ReportFile, ResultsFile, PictureFile, f.Card} {
		if info, err := os.Stat(filepath.Join(e.Dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	file, err := os.ReadFile(filepath.Join(e.Dir, ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := ReadResults(bytes.NewReader(file)); err != nil || back.Final != r.Final {
		t.Errorf("read back: %+v, %v", back.Final, err)
	}
}
