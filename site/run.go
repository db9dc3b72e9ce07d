package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bristle-fl/bristled/internal/wholefile"
	"github.com/bristle-fl/bristled/learner/finetune"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// The files of a run's directory, beside what an interrupted run goes on from.
const (
	ReportFile  = "report.html"
	ResultsFile = "results.json"
	PictureFile = "report.png"
	modelFile   = "model.onnx"
	cardFile    = "model-card.md"
)

// The metadata of a fitted network, beside those of the network it was made of.
const (
	MetaClasses = "classes"    // their names in the order of the outputs, one a line
	MetaArm     = "finetuning" // the arm
)

// Fitted is a network that was written.
type Fitted struct {
	Final
	Net *graph.Graph
}

// Final trains a plan on some of the images, nil for all, and writes the
// network, which puts out one logit per class, as model.onnx. The plan was not
// chosen here, so nothing was tuned on test folds.
func (e Experiment) Final(ctx context.Context, name string, train []int) (Fitted, error) {
	f := Fitted{Final: Final{File: modelFile, Card: cardFile, Arm: name}}
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return f, fmt.Errorf("make the directory of the run: %w", err)
	}
	if train == nil {
		train = make([]int, len(e.Set.Samples))
		for i := range train {
			train[i] = i
		}
	}
	var err error
	if f.Net, err = e.fit(ctx, name, train, filepath.Join(e.Dir, "final.checkpoint")); err != nil {
		return f, err
	}
	file, err := onnx.Marshal(f.Net)
	if err != nil {
		return f, err
	}
	sum := sha256.Sum256(file)
	f.SHA256 = hex.EncodeToString(sum[:])
	return f, keep(filepath.Join(e.Dir, modelFile), file)
}

// fit trains a plan on some of the images and returns the network. What is
// there of an interrupted training is gone on from.
func (e Experiment) fit(ctx context.Context, name string, train []int, checkpoint string) (*graph.Graph, error) {
	net, err := e.network(e.Seed)
	if err != nil {
		return nil, err
	}
	plan, err := e.plan(name, net)
	if err != nil {
		return nil, err
	}
	steps := (len(train) + plan.Batch - 1) / plan.Batch
	r, err := finetune.Train(ctx, net, plan, e.Set, train, finetune.Options{
		Seed: e.Seed, Workers: e.Workers, Memory: e.Memory, Checkpoint: checkpoint,
		Progress: func(p finetune.Progress) {
			if e.Progress != nil {
				e.Progress((p.Epoch-1)*steps+p.Step, p.Epochs*steps)
			}
		},
	})
	if err != nil {
		return nil, e.named(err)
	}
	r.Net.Metadata[MetaArm] = name
	var classes bytes.Buffer
	for _, c := range e.Set.Classes {
		fmt.Fprintln(&classes, c)
	}
	r.Net.Metadata[MetaClasses] = classes.String()
	if err := os.Remove(checkpoint); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return r.Net, nil
}

// WriteRun writes the results, the report, a picture of it and the model card
// into the run's directory. Images are shown in the report, by their names.
func WriteRun(dir string, r Results, images map[string][]byte) error {
	var results, page, picture bytes.Buffer
	if err := WriteResults(&results, r); err != nil {
		return err
	}
	if err := WriteHTML(&page, r, images); err != nil {
		return err
	}
	files := map[string][]byte{ResultsFile: results.Bytes(), ReportFile: page.Bytes()}
	if len(r.Arms) > 0 {
		if err := WritePicture(&picture, r); err != nil {
			return err
		}
		files[PictureFile] = picture.Bytes()
	}
	if r.Final.Card != "" {
		files[r.Final.Card] = []byte(ModelCard(r))
	}
	for name, b := range files {
		if err := keep(filepath.Join(dir, name), b); err != nil {
			return err
		}
	}
	return nil
}

// keep writes a file of a run, which is nobody else's business.
func keep(path string, b []byte) error {
	if err := wholefile.Write(path, 0o600, b); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
