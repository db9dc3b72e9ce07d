package npy_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/npy"
)

func TestWrite(t *testing.T) {
	// As NumPy 2 writes numpy.save of float32 [[1, 2, 3]].
	var b bytes.Buffer
	if err := npy.Write(&b, []int{1, 3}, []float32{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	want := "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }" +
		strings.Repeat(" ", 58) + "\n\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40"
	if b.String() != want {
		t.Errorf("got  %q\nwant %q", b.String(), want)
	}
	for _, c := range []struct {
		dims  []int
		shape string
	}{{nil, "()"}, {[]int{1}, "(1,)"}, {[]int{1, 1, 1}, "(1, 1, 1)"}} {
		b.Reset()
		if err := npy.WriteUint8(&b, c.dims, []byte{7}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "'shape': "+c.shape+", }") || (b.Len()-1)%64 != 0 {
			t.Errorf("%v: %q", c.dims, b.String())
		}
	}
	if err := npy.Write(&b, []int{2}, []float32{1}); err == nil {
		t.Error("a number is missing and there is no error")
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 4).Draw(t, "dims")
		n := graph.Size(dims)
		floats, bytes8 := make([]float32, n), make([]byte, n)
		for i := range floats {
			floats[i], bytes8[i] = float32(i)-3.5, byte(i)
		}
		var b bytes.Buffer
		if err := npy.Write(&b, dims, floats); err != nil {
			t.Fatal(err)
		}
		if got, err := npy.Read(b.Bytes()); err != nil || !reflect.DeepEqual(got, graph.Floats(floats, append([]int{}, dims...)...)) && len(dims) > 0 {
			t.Fatalf("%v, %v", got, err)
		}
		b.Reset()
		if err := npy.WriteUint8(&b, dims, bytes8); err != nil {
			t.Fatal(err)
		}
		if got, err := npy.Read(b.Bytes()); err != nil || !bytes.Equal(got.U8, bytes8) || got.Len() != n {
			t.Fatalf("%v, %v", got, err)
		}
	})
}

// file returns a file of version 1.
func file(dict, data string) []byte {
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(dict)))
	return append(append(b, dict...), data...)
}

func dict(descr, order, shape string) string {
	return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n"
}

func TestRead(t *testing.T) {
	head := dict("|i1", "False", "(2,)")
	two := "\x93NUMPY\x02\x00" + string(rune(len(head))) + "\x00\x00\x00" + head + "\xff\x05"
	for name, c := range map[string]struct {
		b    []byte
		want *graph.Tensor
	}{
		"f8 in column-major order of one axis": {file(dict("<f8", "True", "(1,)"), "\x00\x00\x00\x00\x00\x00\xf8\x3f"), graph.Floats([]float32{1.5}, 1)},
		"f2":                                   {file(dict("<f2", "False", "(1, 1)"), "\x00\x3c"), graph.Floats([]float32{1}, 1, 1)},
		"scalar":                               {file(dict("<i4", "False", "()"), "\xff\xff\xff\xff"), &graph.Tensor{Type: graph.Int32, Dims: []int{}, I32: []int32{-1}}},
		"empty":                                {file(dict("<i8", "False", "(0, 3)"), ""), &graph.Tensor{Type: graph.Int64, Dims: []int{0, 3}, I64: []int64{}}},
		"bool":                                 {file(dict("|b1", "False", "(2,)"), "\x00\x01"), &graph.Tensor{Type: graph.Bool, Dims: []int{2}, Bool: []bool{false, true}}},
		"version 2":                            {[]byte(two), &graph.Tensor{Type: graph.Int8, Dims: []int{2}, I8: []int8{-1, 5}}},
	} {
		if got, err := npy.Read(c.b); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, c.want)
		}
	}
	nan := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	if got, err := npy.Read(file(dict("<f4", "False", "(1,)"), string(nan))); err != nil || got.F32[0] == got.F32[0] {
		t.Errorf("NaN: %v, %v", got, err)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":         nil,
		"cut magic":     []byte("\x93NUM"),
		"version 9":     []byte("\x93NUMPY\x09\x00aaaaaaa"),
		"cut header":    file(dict("<f4", "False", "(1,)"), "")[:30],
		"long header":   []byte("\x93NUMPY\x02\x00\x00\x00\x01\x00aaaa"),
		"big-endian":    file(dict(">f4", "False", "(1,)"), "aaaa"),
		"objects":       file(dict("|O", "False", "(1,)"), "aaaa"),
		"complex":       file(dict("<c8", "False", "(1,)"), "aaaaaaaa"),
		"column-major":  file(dict("<f4", "True", "(1, 1)"), "aaaa"),
		"too few":       file(dict("<f4", "False", "(2,)"), "aaaa"),
		"too many":      file(dict("<f4", "False", "(1,)"), "aaaaa"),
		"overflow":      file(dict("<f4", "False", "(4294967296, 4294967296)"), ""),
		"long extent":   file(dict("<f4", "False", "(99999999999999999999,)"), ""),
		"two commas":    file(dict("<f4", "False", "(1,,)"), "aaaa"),
		"only a comma":  file(dict("<f4", "False", "(,,)"), "aaaa"),
		"spaced digits": file(dict("<f4", "False", "(1 1,)"), "aaaa"),
		"a bool of 2":   file(dict("|b1", "False", "(1,)"), "\x02"),
	} {
		if got, err := npy.Read(b); !errors.Is(err, npy.ErrFormat) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func archive(t testing.TB, method uint16, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: members[i], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(members[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadArchive(t *testing.T) {
	one := string(file(dict("<f4", "False", "(1,)"), "\x00\x00\x80\x3f"))
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		got, err := npy.ReadArchive(archive(t, method, "a.npy", one, "b/c.npy", one))
		want := map[string]*graph.Tensor{"a": graph.Floats([]float32{1}, 1), "b/c": graph.Floats([]float32{1}, 1)}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v", got, err)
		}
	}
	for name, b := range map[string][]byte{
		"no archive": []byte(one),
		"no array":   archive(t, zip.Store, "a.npy", "text"),
		"twice":      archive(t, zip.Store, "a.npy", one, "a", one),
	} {
		if got, err := npy.ReadArchive(b); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestGolden(t *testing.T) {
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
	files, err := filepath.Glob(filepath.Join(dir, "..", "shared", "data", "golden", "*.np[yz]"))
	if err != nil || len(files) == 0 {
		t.Skip("golden fixtures are not beside the repository")
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".npz") {
			_, err = npy.ReadArchive(b)
		} else {
			_, err = npy.Read(b)
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(dict("<f4", "False", "(1,)"), "aaaa"))
	f.Add(file(dict("|u1", "True", "(2, 1)"), "aa"))
	f.Add([]byte("\x93NUMPY\x02\x00\x39\x00\x00\x00" + dict("|i1", "False", "(2,)") + "\xff\x05"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := npy.Read(b)
		if err != nil {
			if !errors.Is(err, npy.ErrFormat) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if n := len(x.F32) + len(x.I64) + len(x.I32) + len(x.I8) + len(x.U8) + len(x.Bool); n != x.Len() {
			t.Fatalf("shape %v with %d elements", x.Dims, n)
		}
	})
}

func FuzzReadArchive(f *testing.F) {
	f.Add(archive(f, zip.Deflate, "a.npy", string(file(dict("<f4", "False", "(1,)"), "aaaa"))))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = npy.ReadArchive(b) })
}
