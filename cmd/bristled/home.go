package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
)

// home is a peer's directory.
type home string

func (h home) config() string   { return filepath.Join(string(h), configName) }
func (h home) manifest() string { return filepath.Join(string(h), "federation.json") }
func (h home) identity() string { return filepath.Join(string(h), "identity.key") }
func (h home) store() string    { return filepath.Join(string(h), "store") }
func (h home) features() string { return filepath.Join(string(h), "features") }

// peer is what every command that works with a peer reads first.
type peer struct {
	home     home
	settings settings
	manifest *federation.Manifest
}

// openBackbone reads the file, or takes the embedded backbone if there is no
// name.
func openBackbone(path string) (*learner.Backbone, error) {
	if path == "" {
		return learner.DefaultBackbone()
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("backbone: %w", err)
	}
	if info.Size() > maxBackbone {
		return nil, fmt.Errorf("backbone %s: the file has %d MiB, more than the %d MiB that bristled reads", path, info.Size()>>20, maxBackbone>>20)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("backbone: %w", err)
	}
	backbone, err := learner.LoadBackbone(b)
	if err != nil {
		return nil, fmt.Errorf("backbone %s: %w", path, err)
	}
	return backbone, nil
}

// maxBackbone is the largest ONNX file that is read.
const maxBackbone = 1 << 28

// openPeer reads what the peer's directory says.
func openPeer(dir string, s settings) (*peer, error) {
	p := &peer{home: home(dir), settings: s}
	var err error
	if p.manifest, err = federation.ReadManifest(p.home.manifest()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: get the federation's manifest from another peer, or start over with `bristled init`", err)
		}
		return nil, err
	}
	return p, nil
}

// backbone reads the peer's backbone, which must be the federation's.
func (p *peer) backbone() (*learner.Backbone, error) {
	b, err := openBackbone(p.settings.Backbone)
	if err != nil {
		return nil, err
	}
	return b, fits(b, p.manifest)
}

// fits says whether b is the backbone that the manifest pins, and what to do
// if not.
func fits(b *learner.Backbone, m *federation.Manifest) error {
	if err := b.Check(m); err != nil {
		return fmt.Errorf("%w, and name it with --backbone", err)
	}
	return nil
}

// scale is what raw features are multiplied with.
func (p *peer) scale() float64 { return p.manifest.Backbone.RMS / p.manifest.Backbone.RawRMS }

// workers returns how many goroutines may compute features.
func (p *peer) workers() int {
	if p.settings.Workers > 0 {
		return p.settings.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// readData reads a data directory: the files of a collection, or a folder per class.
// Without classes, the data decide what the classes are.
func readData(dir string, classes []string, input [3]int, prepare federation.Prepare) (set data.Set, skipped []error, err error) {
	if dir == "" {
		return data.Set{}, nil, errors.New("no data: name a directory with one folder of pictures per class in `data` or --data")
	}
	if c, ok := collectionIn(dir); ok {
		train, _, err := c.read(dir)
		if err != nil {
			return data.Set{}, nil, err
		}
		if classes == nil {
			return train, nil, nil
		}
		if err := relabel(&train, classes); err != nil {
			return data.Set{}, nil, fmt.Errorf("%s: %w", dir, err)
		}
		return train, nil, nil
	}
	return data.ReadFolder(dir, classes, input, string(prepare))
}

// relabel makes a federation's labels of those of a collection, whose classes
// may be numbers: label 7 is the class that is called 7, wherever it stands. In
// a federation without such names, it is the class in place 7.
func relabel(set *data.Set, classes []string) error {
	place := make([]int, len(set.Classes))
	named := 0
	for label, name := range set.Classes {
		place[label] = slices.Index(classes, name)
		if place[label] >= 0 {
			named++
		}
	}
	switch {
	case named == len(place):
		for i := range set.Samples {
			set.Samples[i].Label = place[set.Samples[i].Label]
		}
	case named > 0 || len(place) > len(classes):
		return fmt.Errorf("the labels go from 0 to %d, but the federation's classes are %s: these data belong to another federation",
			len(place)-1, strings.Join(classes, ", "))
	}
	set.Classes = classes
	return nil
}
