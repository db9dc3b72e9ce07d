package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/site"
)

// results returns what is known before anything is trained.
func (f *finetuneFlags) results(net *network, shape [3]int, img *images) site.Results {
	r := site.Results{
		Title: f.title, Version: version(), Commit: commit(), Machine: machine(), Seed: f.seed, Folds: f.folds, Runs: f.runs, Epochs: f.epochs, ProbeEpochs: f.probe,
		Bootstrap: f.bootstrap, Offline: true,
		Data:     f.sheet(img),
		Backbone: f.backboneSheet(net, shape),
	}
	r.Settings = f.settings()
	return r
}

// settings lists what else was set.
func (t *tuning) settings() []site.Setting {
	list := []site.Setting{{Name: "Augmentation", Value: t.augment}, {Name: "CutMix, where an arm has it", Value: "on " + t.cutmix}}
	if len(t.hidden) > 0 {
		list = append(list, site.Setting{Name: "Hidden layers of the head", Value: fmt.Sprint(t.hidden)})
	}
	if t.memory != "" {
		list = append(list, site.Setting{Name: "Memory limit", Value: t.memory})
	}
	return list
}

// sheet says what the images are, without naming patients or files.
func (t *tuning) sheet(img *images) site.DataSheet {
	set := img.Set
	d := site.DataSheet{
		Source: filepath.Base(t.data), Classes: set.Classes, Shape: set.Shape,
		Images: make([]int, len(set.Classes)), Patients: make([]int, len(set.Classes)),
	}
	if t.split != "" {
		d.Source += ", split " + t.split
	}
	people, perClass := map[string]bool{}, map[string]bool{}
	sizes := map[string]int{}
	for i, s := range set.Samples {
		d.Images[s.Label]++
		people[s.Owner] = true
		if key := fmt.Sprint(s.Label, " ", s.Owner); !perClass[key] {
			perClass[key] = true
			d.Patients[s.Label]++
		}
		size := img.Origins[i].Size
		sizes[fmt.Sprintf("%dx%d", size.X, size.Y)]++
	}
	d.People = len(people)
	for name, n := range sizes {
		d.Sizes = append(d.Sizes, fmt.Sprintf("%s (%d)", name, n))
	}
	slices.Sort(d.Sizes)
	if most := 10; len(d.Sizes) > most {
		d.Sizes = append(d.Sizes[:most], fmt.Sprintf("and %d more sizes", len(d.Sizes)-most))
	}
	if n := len(img.Skipped); n > 0 {
		d.Skipped = []string{fmt.Sprintf("%d files could not be read; `bristled data inspect` says why", n)}
	}
	if img.cohort.LeftOut > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("%d rows without a label were left out", img.cohort.LeftOut))
	}
	if img.cohort.Mixed > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("%d patients have images of several classes", img.cohort.Mixed))
	}
	return d
}

func (f *finetuneFlags) backboneSheet(net *network, shape [3]int) site.Backbone {
	b := site.Backbone{File: filepath.Base(net.path), Input: shape, Pretrained: f.pretrains}
	if file, err := os.ReadFile(net.path); err == nil {
		sum := sha256.Sum256(file)
		b.SHA256 = hex.EncodeToString(sum[:])
	}
	if static, err := specialized(net.graph, 1, graph.Options{KeepParams: true}); err == nil {
		params, _ := graph.Total(graph.Count(static))
		b.Parameters = int(params)
	}
	return b
}
