package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
)

// file returns a file with that header and data.
func file(header, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func some() map[string]*graph.Tensor {
	return map[string]*graph.Tensor{
		"w":     graph.Floats([]float32{1, 2, 3, 4}, 2, 2),
		"count": graph.Ints([]int64{-7}),
		"i32":   {Type: graph.Int32, Dims: []int{1}, I32: []int32{5}},
		"i8":    {Type: graph.Int8, Dims: []int{3}, I8: []int8{-1, 0, 1}},
		"u8":    {Type: graph.Uint8, Dims: []int{0, 3}, U8: []uint8{}},
		"bool":  {Type: graph.Bool, Dims: []int{1, 2}, Bool: []bool{true, false}},
	}
}

func scalar(t *graph.Tensor) *graph.Tensor {
	if len(t.Dims) == 0 {
		t.Dims = []int{}
	}
	return t
}

func TestRoundTrip(t *testing.T) {
	tensors, metadata := some(), map[string]string{"format": "pt", "é": "\"\n"}
	b, err := safetensors.Marshal(tensors, metadata)
	if err != nil {
		t.Fatal(err)
	}
	got, meta, err := safetensors.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	scalar(tensors["count"])
	if !reflect.DeepEqual(got, tensors) || !reflect.DeepEqual(meta, metadata) {
		t.Errorf("got %v, %v", got, meta)
	}
	if again, err := safetensors.Marshal(got, meta); err != nil || !bytes.Equal(again, b) {
		t.Errorf("other bytes the second time, %v", err)
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, _, err := safetensors.ReadFile(path); err != nil || !reflect.DeepEqual(got, tensors) {
		t.Errorf("from a file: %v, %v", got, err)
	}
}

func TestRead(t *testing.T) {
	got, meta, err := safetensors.Read(file(`{"b":{"dtype":"BF16","shape":[1],"data_offsets":[10,12]},`+
		`"h":{"shape":[],"data_offsets":[8,10],"dtype":"F16"},`+
		`"e":{"dtype":"F32","shape":[3,0],"data_offsets":[8,8]},`+
		`"d":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]}}  `,
		"\x00\x00\x00\x00\x00\x00\xf8\x3f"+"\x00\x3c"+"\x00\x40"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]*graph.Tensor{
		"d": graph.Floats([]float32{1.5}, 1, 1), "h": scalar(graph.Floats([]float32{1})),
		"e": graph.Floats([]float32{}, 3, 0), "b": graph.Floats([]float32{2}, 1),
	}
	if !reflect.DeepEqual(got, want) || meta != nil {
		t.Errorf("got %v, %v", got, meta)
	}
	if got, _, err := safetensors.Read(file("{}", "")); err != nil || len(got) != 0 {
		t.Errorf("nothing: %v, %v", got, err)
	}
}

// one returns a header with one tensor.
func one(dtype, shape string, begin, end int) string {
	return fmt.Sprintf(`{"w":{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}}`, dtype, shape, begin, end)
}

func TestCorrupt(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":                 nil,
		"seven bytes":           make([]byte, 7),
		"no header":             make([]byte, 8),
		"header past the end":   file("{}", "")[:9],
		"header of 2^63":        append(bytes.Repeat([]byte{0xff}, 8), "{}"...),
		"header too long":       append(binary.LittleEndian.AppendUint64(nil, 100_000_001), "{}"...),
		"space first":           file(" {}", ""),
		"no JSON":               file("{", ""),
		"a list":                file("[]", ""),
		"more JSON":             file("{}{}", ""),
		"more text":             file("{} x", ""),
		"no UTF-8":              file("{\"__metadata__\":{\"a\":\"\xff\"}}", ""),
		"a tensor twice":        file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""),
		"twice by an escape":    file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0077":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""),
		"a key twice":           file(`{"w":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""),
		"metadata twice":        file(`{"__metadata__":{"a":"b","a":"c"}}`, ""),
		"metadata of numbers":   file(`{"__metadata__":{"a":1}}`, ""),
		"an unknown key":        file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}`, ""),
		"no type":               file(`{"w":{"shape":[0],"data_offsets":[0,0]}}`, ""),
		"no shape":              file(`{"w":{"dtype":"U8","data_offsets":[0,0]}}`, ""),
		"no place":              file(`{"w":{"dtype":"U8","shape":[0]}}`, ""),
		"three offsets":         file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}`, ""),
		"a negative extent":     file(one("U8", "[-1]", 0, 0), ""),
		"a fraction":            file(one("U8", "[1.0]", 0, 1), "a"),
		"an exponent":           file(one("U8", "[1e0]", 0, 1), "a"),
		"a text for a number":   file(one("U8", `["1"]`, 0, 1), "a"),
		"many extents":          file(one("U8", "["+strings.Repeat("1,", 500_000)+"1]", 0, 1), "a"),
		"a nested shape":        file(one("U8", `[[1]]`, 0, 1), "a"),
		"too few bytes":         file(one("F32", "[2]", 0, 4), "aaaa"),
		"too many bytes":        file(one("U8", "[3]", 0, 4), "aaaa"),
		"overflow":              file(one("U8", "[4294967296,4294967296]", 0, 0), ""),
		"a billion":             file(one("F32", "[1000000000]", 0, 4), "aaaa"),
		"past the end":          file(one("U8", "[4]", 0, 4), "aaa"),
		"backwards":             file(one("U8", "[1]", 1, 0), "a"),
		"a gap before":          file(one("U8", "[1]", 1, 2), "aa"),
		"bytes behind":          file(one("U8", "[1]", 0, 1), "aa"),
		"overlap":               file(`{"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, "aaa"),
		"the same bytes":        file(`{"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "aa"),
		"NaN":                   file(one("F32", "[1]", 0, 4), "\xff\xff\xff\xff"),
		"a bool of 2":           file(one("BOOL", "[1]", 0, 1), "\x02"),
		"deep":                  file(strings.Repeat("{\"a\":", 100_000), ""),
		"a list for a tensor":   file(`{"w":[]}`, ""),
		"nothing for a tensor":  file(`{"w":null}`, ""),
		"an offset of 2^63":     file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,9223372036854775808]}}`, ""),
		"a comma at the end":    file(`{"w":{"dtype":"U8","shape":[0,],"data_offsets":[0,0]}}`, ""),
		"the header is cut off": file(`{"w":{"dtype":"U8","shape":[0],"data_offs`, ""),
	} {
		if got, _, err := safetensors.Read(b); !errors.Is(err, safetensors.ErrCorrupt) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	_, _, err := safetensors.Read(file(one("F8_E4M3", "[1]", 0, 1), "a"))
	if _, ok := errors.AsType[*graph.UnsupportedError](err); !ok {
		t.Errorf("float8: %v", err)
	}
	if _, _, err := safetensors.ReadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestBounded(t *testing.T) {
	entries := strings.Repeat(`"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`, 20_000)
	numbers := make([]any, 20_000)
	for i := range numbers {
		numbers[i] = i
	}
	for name, b := range map[string][]byte{
		"tensors": file("{"+strings.TrimSuffix(fmt.Sprintf(entries, numbers...), ",")+"}", ""),
		"extents": file(one("U8", "["+strings.Repeat("1,", 63)+"1]", 0, 1), "a"),
		"weights": file(one("BF16", "[500000]", 0, 1_000_000), strings.Repeat("a", 1_000_000)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := safetensors.Read(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(1<<20+64*len(b)) {
			t.Errorf("%s: %d bytes took %d", name, len(b), got)
		}
	}
}

func TestMarshalRefuses(t *testing.T) {
	for name, x := range map[string]*graph.Tensor{
		"short":        {Type: graph.Float32, Dims: []int{2}, F32: []float32{1}},
		"none":         nil,
		"float64":      {Type: graph.Float64},
		"__metadata__": graph.Floats([]float32{1}),
	} {
		if b, err := safetensors.Marshal(map[string]*graph.Tensor{name: x}, nil); err == nil {
			t.Errorf("%s: %d bytes", name, len(b))
		}
	}
}

func TestBind(t *testing.T) {
	g := &graph.Graph{
		Consts: map[string]*graph.Tensor{"w": graph.Floats(make([]float32, 4), 2, 2), "i8": some()["i8"], "shape": graph.Ints([]int64{1}, 1)},
		Fixed:  map[string]bool{"shape": true},
	}
	tensors := some()
	if err := safetensors.Bind(g, tensors); err != nil {
		t.Fatal(err)
	}
	if g.Consts["w"] != tensors["w"] || g.Consts["shape"].I64[0] != 1 {
		t.Error("the graph has other weights")
	}
	g.Consts["v"], g.Consts["i32"], g.Consts["u8"] = tensors["w"], tensors["w"], graph.Floats(nil, 0, 3)
	before := g.Clone()
	err := safetensors.Bind(g, tensors)
	m, ok := errors.AsType[*safetensors.MismatchError](err)
	if !ok || !reflect.DeepEqual(m.Missing, []string{"v"}) || len(m.Misfits) != 2 || m.Examined != 5 {
		t.Errorf("error %#v", err)
	}
	if !reflect.DeepEqual(g.Consts, before.Consts) {
		t.Error("the graph changed")
	}
	for _, want := range []string{"1 missing (v)", "i32: int32 [1], not float32 [2 2]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// Kernels of convolutions over time may have one more axis of extent 1.
func TestBindBroad(t *testing.T) {
	g := &graph.Graph{Consts: map[string]*graph.Tensor{"w": graph.Floats(make([]float32, 6), 2, 3)}}
	stored := graph.Floats([]float32{1, 2, 3, 4, 5, 6}, 2, 3, 1)
	if err := safetensors.Bind(g, map[string]*graph.Tensor{"w": stored}); err != nil {
		t.Fatal(err)
	}
	if w := g.Consts["w"]; !reflect.DeepEqual(w.Dims, []int{2, 3}) || w.F32[5] != 6 || len(stored.Dims) != 3 {
		t.Errorf("got %v, and the file's has extents %v", w, stored.Dims)
	}
	for _, dims := range [][]int{{3, 2, 1}, {6}, {1, 6}, {2, 3, 2}} {
		other := graph.Floats(make([]float32, graph.Size(dims)), dims...)
		if err := safetensors.Bind(g, map[string]*graph.Tensor{"w": other}); err == nil {
			t.Errorf("%v was taken for [2 3]", dims)
		}
	}
}

func TestShared(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "..", "shared", "data", "models", "safetensors", "*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Skip("no models beside the repository")
	}
	for _, path := range files {
		tensors, meta, err := safetensors.ReadFile(path)
		if err != nil || len(tensors) == 0 || meta["format"] != "pt" {
			t.Errorf("%s: %d tensors, %v, %v", filepath.Base(path), len(tensors), meta, err)
		}
	}
}

func FuzzSafetensors(f *testing.F) {
	whole, err := safetensors.Marshal(some(), map[string]string{"a": "b"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(file(one("F16", "[2]", 0, 4), "aaaa"))
	f.Add(file(one("BOOL", "[]", 0, 1), "\x01"))
	f.Add(file(`{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\u0077":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		tensors, meta, err := safetensors.Read(b)
		if err != nil {
			if _, ok := errors.AsType[*graph.UnsupportedError](err); !ok && !errors.Is(err, safetensors.ErrCorrupt) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		first, err := safetensors.Marshal(tensors, meta)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := safetensors.Read(first)
		if err != nil || !reflect.DeepEqual(tensors, again) {
			t.Fatalf("another reading of what was written, %v", err)
		}
	})
}
