package onnx_test

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// refer makes a tensor one of another file; pairs are keys and values.
func refer(t *tensor, pairs ...string) {
	t.RawData, t.DataLocation, t.ExternalData = nil, onnxpb.TensorProto_EXTERNAL, nil
	for i := 0; i < len(pairs); i += 2 {
		t.ExternalData = append(t.ExternalData, &onnxpb.StringStringEntryProto{Key: pairs[i], Value: pairs[i+1]})
	}
}

// folderWith writes files into a new folder and returns it.
func folderWith(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Weights in two other files, longer than one reading.
func TestExternalData(t *testing.T) {
	const long = 100_000
	weights := make([]byte, 0, 4*long+32)
	want := make([]float32, long)
	for i := range want {
		want[i] = float32(i % 1000)
		weights = binary.LittleEndian.AppendUint32(weights, 0)
	}
	for i := range want {
		if _, err := binary.Encode(weights[4*i:], binary.LittleEndian, want[i]); err != nil {
			t.Fatal(err)
		}
	}
	var fc []byte
	b := edited(t, func(m *model) {
		fc = m.Graph.Initializer[3].RawData
		refer(m.Graph.Initializer[3], "location", "deep/fc.bin", "offset", "3")
		m.Graph.Initializer[1].Dims = []int64{long}
		refer(m.Graph.Initializer[1], "location", "./weights.bin", "offset", "0", "length", "400000", "checksum", "x")
		refer(m.Graph.Initializer[5], "location", "nowhere.bin")
		constant := m.Graph.Node[0].Attribute[0].T
		refer(constant, "location", "weights.bin", "offset", "400000", "length", "16")
	})
	weights = binary.LittleEndian.AppendUint64(weights, 7)
	weights = binary.LittleEndian.AppendUint64(weights, 9)
	dir := folderWith(t, map[string][]byte{"m.onnx": b, "weights.bin": weights, "deep/fc.bin": append([]byte("abc"), fc...)})
	g, err := onnx.ReadFile(filepath.Join(dir, "m.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g.Consts["conv.weight"].F32, want) {
		t.Error("conv.weight has other numbers")
	}
	if got := g.Consts["fc.weight"]; !reflect.DeepEqual(got, small().Consts["fc.weight"]) {
		t.Errorf("fc.weight is %v", got)
	}
	if got := g.Consts["shape"].I64; !reflect.DeepEqual(got, []int64{7, 9}) {
		t.Errorf("shape is %v", got)
	}
}

func TestExternalDataRefused(t *testing.T) {
	outside := folderWith(t, map[string][]byte{"secret": make([]byte, 64)})
	for name, pairs := range map[string][]string{
		"no location":      {"offset", "0"},
		"upwards":          {"location", "../secret"},
		"absolute":         {"location", filepath.Join(outside, "secret")},
		"up and down":      {"location", "sub/../../secret"},
		"the folder":       {"location", "."},
		"a subfolder":      {"location", "sub"},
		"a link outwards":  {"location", "link"},
		"a folder's link":  {"location", "up/secret"},
		"missing":          {"location", "missing"},
		"past the end":     {"location", "data", "offset", "60"},
		"far past the end": {"location", "data", "offset", "9223372036854775807"},
		"before the start": {"location", "data", "offset", "-1"},
		"another length":   {"location", "data", "length", "12"},
		"no number":        {"location", "data", "offset", "0x0"},
		"NaN":              {"location", "nan"},
		"zero byte":        {"location", "da\x00ta"},
	} {
		t.Run(name, func(t *testing.T) {
			b := edited(t, func(m *model) { refer(m.Graph.Initializer[1], pairs...) })
			dir := folderWith(t, map[string][]byte{"m.onnx": b, "data": make([]byte, 64), "sub/data": nil, "nan": []byte(strings.Repeat("\xff", 64))})
			if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "link")); err != nil {
				t.Skip(err)
			}
			if err := os.Symlink(outside, filepath.Join(dir, "up")); err != nil {
				t.Skip(err)
			}
			if g, err := onnx.ReadFile(filepath.Join(dir, "m.onnx")); err == nil {
				t.Errorf("read %v", g)
			} else if name == "missing" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A small file of zeros cannot be the weights of thousand tensors.
func TestExternalDataShared(t *testing.T) {
	b := edited(t, func(m *model) {
		refer(m.Graph.Initializer[1], "location", "data")
		for i := range 3 {
			w := proto.CloneOf(m.Graph.Initializer[1])
			w.Name += strings.Repeat("x", i+1)
			refer(w, "location", "./data")
			m.Graph.Initializer = append(m.Graph.Initializer, w)
		}
	})
	dir := folderWith(t, map[string][]byte{"m.onnx": b, "data": make([]byte, 40)})
	if _, err := onnx.ReadFile(filepath.Join(dir, "m.onnx")); !errors.Is(err, graph.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
}

func TestReadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := onnx.ReadFile(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := onnx.ReadFile(dir); err == nil {
		t.Error("a folder was read")
	}
	long := filepath.Join(dir, "long")
	if err := os.WriteFile(long, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(long, 1<<31); err != nil {
		t.Skip(err)
	}
	if _, err := onnx.ReadFile(long); err == nil {
		t.Error("2 GiB were read")
	}
}
