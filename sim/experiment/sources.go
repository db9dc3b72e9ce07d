package experiment

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/cohort"
	"github.com/bristle-fl/bristled/learner/data"
)

// load returns the samples of a source and the frozen network that they go
// through. Only images are scaled to what that takes.
func (l *Library) load(ctx context.Context, s Source, root string) (train, test data.Set, b *learner.Backbone, err error) {
	if s.Source == "images" {
		if b, err = l.backbone(s, root, train); err == nil {
			train, test, err = l.images(ctx, s, root, b.Input())
		}
		return train, test, b, err
	}
	if s.Source == "digits" {
		if train, err = l.draw(ctx, 1, s.Train); err == nil {
			test, err = l.draw(ctx, 2, cmp.Or(s.Test, drawnTest))
		}
	} else {
		train, test, err = read(s, root)
	}
	if err != nil {
		return train, test, nil, err
	}
	if s.Transpose {
		train, test = transpose(train), transpose(test)
	}
	b, err = l.backbone(s, root, train)
	return train, test, b, err
}

// draw returns digits that are drawn by code.
func (l *Library) draw(ctx context.Context, seed uint64, n int) (data.Set, error) {
	digits := data.Digits(seed)
	set := digits.Set(0, 0)
	for len(set.Samples) < n {
		if err := ctx.Err(); err != nil {
			return set, err
		}
		set.Samples = append(set.Samples, digits.Set(len(set.Samples), min(chunk, n-len(set.Samples))).Samples...)
		if l.Progress != nil {
			l.Progress("drawing digits", len(set.Samples), n)
		}
	}
	return set, nil
}

// read returns the samples of a source with files of its own.
func read(s Source, root string) (train, test data.Set, err error) {
	if root == "" {
		return train, test, fmt.Errorf("%w: say where %s lies, with data.dir in the file or --data", ErrNoData, s.Source)
	}
	kind := map[string]struct {
		is   func(string) bool
		read func(string) (data.Set, data.Set, error)
		dirs []string
	}{
		"mnist":   {data.IsMNIST, data.ReadMNIST, []string{"mnist"}},
		"cifar10": {data.IsCIFAR10, data.ReadCIFAR10, []string{"cifar10"}},
		"wisdm":   {data.IsWISDM, data.ReadWISDM, []string{"wisdm", filepath.Join("wisdm", "wisdm51-phone-accel")}},
	}[s.Source]
	for _, dir := range append([]string{"."}, kind.dirs...) {
		if dir = filepath.Join(root, dir); kind.is(dir) {
			return kind.read(dir)
		}
	}
	return train, test, fmt.Errorf("%w: neither %s nor its folder %s holds the files of %s", ErrNoData, root, kind.dirs[0], s.Source)
}

// transpose swaps rows and columns of every picture.
func transpose(set data.Set) data.Set {
	channels, height, width := set.Shape[0], set.Shape[1], set.Shape[2]
	out := data.Set{Shape: [3]int{channels, width, height}, Classes: set.Classes, Samples: slices.Clone(set.Samples)}
	for i := range out.Samples {
		from := set.Samples[i].Pixels
		to := make([]uint8, len(from))
		for c := range channels {
			for y := range height {
				for x := range width {
					to[(c*width+x)*height+y] = from[(c*height+y)*width+x]
				}
			}
		}
		out.Samples[i].Pixels = to
	}
	return out
}

// images reads a collection of images, scaled to the given shape, in an order
// that their names and classes do not decide. What it calls train and val is
// trained on. In one without a test split, the images of a fifth of the patients
// are the test set.
func (l *Library) images(ctx context.Context, s Source, root string, shape [3]int) (train, test data.Set, err error) {
	if root == "" {
		return train, test, fmt.Errorf("%w: say where the images lie, with data.dir in the file or --data", ErrNoData)
	}
	// Beside other data sets they lie in a folder named after the source.
	if beside := filepath.Join(root, s.Source); l.Dir != "" && isDir(beside) {
		root = beside
	}
	c, err := cohort.Open(cohort.Source{Dir: root, Labels: within(root, s.Labels)})
	if err != nil {
		return train, test, err
	}
	progress := func(done, total int) {
		if l.Progress != nil {
			l.Progress("reading images", done, total)
		}
	}
	if s.Transpose {
		shape[1], shape[2] = shape[2], shape[1]
	}
	all, err := c.Load(ctx, shape, max(1, l.Workers), progress)
	if err != nil {
		return train, test, err
	}
	if n := len(all.Skipped); n > 0 {
		return train, test, fmt.Errorf("%d images cannot be read, the first because: %w", n, all.Skipped[0])
	}
	split := func(i int) string { return all.Origins[i].Split }
	if !slices.ContainsFunc(all.Origins, func(o cohort.Origin) bool { return o.Split == cohort.Test }) {
		held := heldOut(all.Set)
		split = func(i int) string {
			if held[all.Set.Samples[i].Owner] {
				return cohort.Test
			}
			return cohort.Train
		}
	}
	order := make([]int, len(all.Origins))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return bytes.Compare(all.Origins[i].Hash[:], all.Origins[j].Hash[:]) })
	train = data.Set{Shape: shape, Classes: all.Set.Classes}
	test = train
	for _, i := range order {
		to := &train
		if split(i) == cohort.Test {
			to = &test
		}
		to.Samples = append(to.Samples, all.Set.Samples[i])
	}
	if len(train.Samples) == 0 || len(test.Samples) == 0 {
		return train, test, fmt.Errorf("%w: %d images to train on and %d to test: more patients are needed, or splits", data.ErrEmpty, len(train.Samples), len(test.Samples))
	}
	if s.Transpose {
		train, test = transpose(train), transpose(test)
	}
	return train, test, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// heldOut chooses a fifth of the owners, by the hash of their names.
func heldOut(set data.Set) map[string]bool {
	hashes := map[string][32]byte{}
	var owners []string
	for _, s := range set.Samples {
		if _, ok := hashes[s.Owner]; !ok {
			hashes[s.Owner] = sha256.Sum256([]byte(s.Owner))
			owners = append(owners, s.Owner)
		}
	}
	slices.SortFunc(owners, func(a, b string) int {
		x, y := hashes[a], hashes[b]
		return bytes.Compare(x[:], y[:])
	})
	held := map[string]bool{}
	for _, o := range owners[:(len(owners)+4)/5] {
		held[o] = true
	}
	return held
}

// transfer is one of the networks of Bristle's author.
type transfer struct {
	architecture string
	weights      string // where they lie beside the data; empty: not used unless named
	standardise  bool   // whether it wants standardised input
}

var transfers = map[string]transfer{
	"mnist":   {"bristle_mnist", "", false},
	"cifar10": {"bristle_cifar10", filepath.Join("models", "safetensors", "bristle-transfer-cifar10.safetensors"), false},
	"wisdm":   {"bristle_wisdm", filepath.Join("models", "safetensors", "bristle-transfer-wisdm.safetensors"), true},
}

// within returns where a file lies that is given relative to the data, if it is
// there, or else to the working directory.
func within(root, path string) string {
	if path != "" && !filepath.IsAbs(path) {
		if beside := filepath.Join(root, path); exists(beside) {
			return beside
		}
	}
	return path
}

// backbone returns the frozen network of a source.
func (l *Library) backbone(s Source, root string, train data.Set) (*learner.Backbone, error) {
	from := transfers[s.Source]
	path := cmp.Or(s.Backbone, from.weights)
	if path == "" {
		return learner.DefaultBackbone()
	}
	if path = within(root, path); !exists(path) {
		return nil, fmt.Errorf("%w: no backbone %s: give the file of one for %s in data.backbone", ErrNoData, path, s.Source)
	}
	file, err := readBounded(path, maxBackbone)
	if err != nil {
		return nil, err
	}
	if filepath.Ext(path) == ".safetensors" {
		if from.architecture == "" {
			return nil, fmt.Errorf("%w: data.backbone is %s; for %s it is an ONNX file", learner.ErrBackbone, path, s.Source)
		}
		if file, err = l.transferred(from, path, file, train); err != nil {
			return nil, err
		}
	}
	return learner.LoadBackbone(file)
}

// transferred makes a backbone of given weights once, and keeps it in the cache.
func (l *Library) transferred(from transfer, path string, weights []byte, train data.Set) ([]byte, error) {
	train.Samples = train.Samples[:min(calibrate, len(train.Samples))]
	made := ""
	if l.Cache != "" {
		made = filepath.Join(l.Cache, fmt.Sprintf("%s-%x.onnx", from.architecture, sha256.Sum256(append(weights, trainKey(train)...))))
		if exists(made) {
			return readBounded(made, maxBackbone)
		}
	}
	file, err := learner.Transfer(from.architecture, path, train, from.standardise)
	if err == nil && made != "" {
		err = writeFile(made, file)
	}
	return file, err
}

// trainKey names the samples that a backbone was made with.
func trainKey(set data.Set) []byte {
	sum := sha256.New()
	for _, s := range set.Samples {
		sum.Write(s.Pixels)
	}
	return sum.Sum(nil)
}

// maxBackbone bounds the file of a backbone, in bytes.
const maxBackbone = 1 << 30
