package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// tinyCIFAR makes a directory with two training pictures and one for testing,
// each of one colour.
func tinyCIFAR(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, colours := range map[string][][4]byte{
		"data_batch_1.bin": {{3, 10, 20, 30}, {5, 40, 50, 60}},
		"test_batch.bin":   {{9, 70, 80, 90}},
	} {
		var file []byte
		for _, c := range colours {
			file = append(file, c[0])
			for _, p := range c[1:] {
				file = append(file, slices.Repeat([]byte{p}, 32*32)...)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tinyWISDM makes a directory with three subjects of one window each.
func tinyWISDM(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for subject := range 3 {
		var file []byte
		for i := range 100 {
			file = fmt.Appendf(file, "%d,B,%d,%d,9.8,0;\n", subject, i*50_000_000, i%7)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("data_%d_accel_phone.txt", subject)), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAlbumOfCIFAR(t *testing.T) {
	dir := tinyCIFAR(t)
	a, err := openAlbum(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.pictures) != 3 || a.test != 1 || a.pictures[2].name != "test_batch/0" || a.pictures[1].label != 5 || a.series() {
		t.Errorf("%d pictures, %d for testing, %+v", len(a.pictures), a.test, a.pictures[2])
	}
	// A network for larger pictures gets them enlarged, in the same colours.
	for _, shape := range [][3]int{{3, 32, 32}, {3, 40, 36}} {
		pixels, err := a.load(1, shape)
		plane := shape[1] * shape[2]
		if err != nil || len(pixels) != 3*plane {
			t.Fatalf("%v: %d bytes, %v", shape, len(pixels), err)
		}
		if middle := plane/2 + shape[2]/2; pixels[middle] != 40 || pixels[plane+middle] != 50 || pixels[2*plane+middle] != 60 {
			t.Errorf("%v: colour %d %d %d", shape, pixels[middle], pixels[plane+middle], pixels[2*plane+middle])
		}
	}
	set, skipped, err := readData(dir, []string{"ship", "truck", "cat", "dog", "frog", "deer", "bird", "horse", "airplane", "automobile"}, [3]int{3, 32, 32}, "")
	if err != nil || len(skipped) > 0 || len(set.Samples) != 2 || set.Samples[0].Label != 2 || set.Samples[1].Label != 3 {
		t.Errorf("a peer's samples %v, %v, %v", set.Samples, skipped, err)
	}
}

func TestAlbumOfWISDM(t *testing.T) {
	a, err := openAlbum(tinyWISDM(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.pictures) != 3 || a.test != 1 || !a.series() || a.classes[a.pictures[0].label] != "jogging" {
		t.Errorf("%d series, %d for testing", len(a.pictures), a.test)
	}
	if pixels, err := a.load(0, [3]int{3, 1, 298}); err != nil || len(pixels) != 3*298 {
		t.Errorf("%d bytes, %v", len(pixels), err)
	}
	if _, err := a.load(0, [3]int{3, 32, 32}); err == nil || !strings.Contains(err.Error(), "series of 3 axes and 298 steps") {
		t.Errorf("as a picture: %v", err)
	}
	n := &network{path: "net.onnx", graph: &graph.Graph{Inputs: []graph.Value{{Dims: []int{-1, 3, 298}}}}}
	if shape, err := n.shapeFor(a, []int{3, 298}); err != nil || shape != [3]int{3, 1, 298} {
		t.Errorf("a network for series takes %v, %v", shape, err)
	}
	if _, err := n.shapeFor(&album{}, []int{3, 298}); err == nil {
		t.Error("a network for series was given pictures")
	}
}

func TestGiveWeights(t *testing.T) {
	from, err := zoo.New("bristle_wisdm", zoo.Options{Seed: 3, Classes: 4})
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Marshal(from.Consts, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, broken := filepath.Join(dir, "weights.safetensors"), filepath.Join(dir, "broken")
	for name, content := range map[string][]byte{path: file, broken: file[:100]} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	made := filepath.Join(dir, "net.onnx")
	if err := makeModel(&out, "bristle_wisdm", newModelFlags{output: made, classes: 4, weights: path}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "The weights are those of "+path) {
		t.Errorf("it says %s", &out)
	}
	n, err := readNetwork(made)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(n.graph.Consts["layer3.weight"].F32, from.Consts["layer3.weight"].F32) {
		t.Error("the network has other weights")
	}
	for name, c := range map[string]struct {
		flags newModelFlags
		says  string
	}{
		"no file":     {newModelFlags{weights: path + "x"}, "--weights " + path + "x: no such file"},
		"broken":      {newModelFlags{weights: broken}, "--weights " + broken + ": "},
		"of no use":   {newModelFlags{weights: path, classes: 5}, "same number of classes"},
		"nothing new": {newModelFlags{weights: path, classes: 4, output: made}, "is there already"},
	} {
		if c.flags.output == "" {
			c.flags.output = filepath.Join(dir, "other.onnx")
		}
		if err := makeModel(&out, "bristle_wisdm", c.flags); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
