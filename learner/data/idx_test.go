package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// idx encodes an IDX file.
func idx(magic uint32, body []byte, dims ...uint32) []byte {
	out := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		out = binary.BigEndian.AppendUint32(out, d)
	}
	return append(out, body...)
}

func gzipped(t testing.TB, raw []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func write(t testing.TB, path string, content []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	threePictures = idx(magicImages, []byte("abcdefABCDEF012345"), 3, 2, 3)
	threeLabels   = idx(magicLabels, []byte{2, 0, 1}, 3)
)

func TestReadIDX(t *testing.T) {
	for name, pack := range map[string]func([]byte) []byte{
		"plain": func(b []byte) []byte { return b },
		"gzip":  func(b []byte) []byte { return gzipped(t, b) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			// The content tells what is packed, not the name.
			images := write(t, filepath.Join(dir, "images"), pack(threePictures))
			labels := write(t, filepath.Join(dir, "labels.gz"), threeLabels)
			set, err := ReadIDX(images, labels)
			if err != nil {
				t.Fatal(err)
			}
			if set.Shape != [3]int{1, 2, 3} || len(set.Samples) != 3 || strings.Join(set.Classes, " ") != "0 1 2" {
				t.Fatalf("got shape %v, %d samples, classes %v", set.Shape, len(set.Samples), set.Classes)
			}
			if s := set.Samples[1]; string(s.Pixels) != "ABCDEF" || s.Label != 0 {
				t.Errorf("second sample is %q labelled %d", s.Pixels, s.Label)
			}
		})
	}
}

func TestReadIDXErrors(t *testing.T) {
	for _, c := range []struct {
		name           string
		images, labels []byte
		classes        []string
		want           error
		at             string // the file that the error must name
	}{
		{"no magic", []byte{0, 0}, threeLabels, nil, ErrTruncated, "images"},
		{"labels for pictures", threeLabels, threeLabels, nil, ErrFormat, "images"},
		{"pictures for labels", threePictures, threePictures, nil, ErrFormat, "labels"},
		{"header cut", threePictures[:10], threeLabels, nil, ErrTruncated, "images"},
		{"body cut", threePictures[:len(threePictures)-1], threeLabels, nil, ErrTruncated, "images"},
		{"gzip cut", gzipped(t, threePictures)[:30], threeLabels, nil, ErrTruncated, "images"},
		{"gzip damaged", append(gzipped(t, threePictures)[:44], 1, 2, 3, 4, 5, 6, 7, 8), threeLabels, nil, ErrFormat, "images"},
		{"too long", append(bytes.Clone(threePictures), 1), threeLabels, nil, ErrMismatch, "images"},
		{"labels cut", threePictures, threeLabels[:9], nil, ErrTruncated, "labels"},
		{"another count", threePictures, idx(magicLabels, []byte{1}, 1), nil, ErrMismatch, "labels"},
		{"label out of range", threePictures, threeLabels, []string{"a", "b"}, ErrLabel, "labels"},
		{"nothing", idx(magicImages, nil, 0, 2, 3), idx(magicLabels, nil, 0), nil, ErrEmpty, "images"},
		{"huge side", idx(magicImages, nil, 1, 1<<31, 1), threeLabels, nil, ErrTooLarge, "images"},
		{"huge count", idx(magicImages, nil, 1<<31, 28, 28), threeLabels, nil, ErrTooLarge, "images"},
		{"empty pictures", idx(magicImages, nil, 3, 0, 3), threeLabels, nil, ErrTooLarge, "images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := ReadIDX(write(t, filepath.Join(dir, "images"), c.images), write(t, filepath.Join(dir, "labels"), c.labels), c.classes...)
			var fe *FileError
			if !errors.Is(err, c.want) || !errors.As(err, &fe) {
				t.Fatalf("got %v, want a FileError that wraps %q", err, c.want)
			}
			if filepath.Base(fe.Path) != c.at || fe.Hint == "" {
				t.Errorf("error names %s with hint %q, want %s and a hint", fe.Path, fe.Hint, c.at)
			}
		})
	}
}

func TestReadMNIST(t *testing.T) {
	dir := t.TempDir()
	if IsMNIST(dir) {
		t.Error("an empty folder passes for MNIST")
	}
	if _, _, err := ReadMNIST(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty folder: %v", err)
	}
	write(t, filepath.Join(dir, "train-images-idx3-ubyte.gz"), gzipped(t, threePictures))
	write(t, filepath.Join(dir, "train-labels-idx1-ubyte"), threeLabels)
	write(t, filepath.Join(dir, "t10k-images-idx3-ubyte"), idx(magicImages, []byte("abcdef"), 1, 2, 3))
	write(t, filepath.Join(dir, "t10k-labels-idx1-ubyte.gz"), gzipped(t, idx(magicLabels, []byte{9}, 1)))
	train, test, err := ReadMNIST(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !IsMNIST(dir) || len(train.Samples) != 3 || len(test.Samples) != 1 || len(train.Classes) != 10 || test.Samples[0].Label != 9 {
		t.Errorf("got %d training and %d test samples of %d classes", len(train.Samples), len(test.Samples), len(train.Classes))
	}
	write(t, filepath.Join(dir, "t10k-images-idx3-ubyte"), idx(magicImages, []byte("abcd"), 1, 2, 2))
	if _, _, err := ReadMNIST(dir); !errors.Is(err, ErrMismatch) {
		t.Errorf("test pictures of another shape: %v", err)
	}
}

// shared returns where a folder of real data lies beside the repository, or
// skips.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no data beside the repository: ", err)
	}
	return dir
}

func TestReadRealMNIST(t *testing.T) {
	train, test, err := ReadMNIST(shared(t, "mnist"))
	if err != nil {
		t.Fatal(err)
	}
	if len(train.Samples) != 60000 || len(test.Samples) != 10000 || train.Samples[0].Label != 5 || test.Samples[0].Label != 7 {
		t.Errorf("got %d and %d samples, first labels %d and %d", len(train.Samples), len(test.Samples), train.Samples[0].Label, test.Samples[0].Label)
	}
}

func FuzzDecodeIDX(f *testing.F) {
	f.Add(threePictures, true)
	f.Add(threeLabels, false)
	f.Add(gzipped(f, threePictures), true)
	f.Add(gzipped(f, threeLabels)[:20], false)
	f.Add(idx(magicImages, nil, 1<<31, 28, 28), true)
	f.Add([]byte{0x1f, 0x8b}, true)
	f.Fuzz(func(t *testing.T, raw []byte, images bool) {
		magic, want := uint32(magicLabels), 1
		if images {
			magic, want = magicImages, 3
		}
		dims, body, err := decodeIDX(bytes.NewReader(raw), magic)
		if err != nil {
			if dims != nil || body != nil {
				t.Fatal("an error came with data")
			}
			return
		}
		size := 1
		for _, d := range dims {
			size *= d
		}
		if len(dims) != want || len(body) != size {
			t.Fatalf("dimensions %v, but %d bytes", dims, len(body))
		}
	})
}
