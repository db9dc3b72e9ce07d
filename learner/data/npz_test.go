package data

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner/nn/npy"
)

// array is a file of NumPy's; int64 says that its elements are, else they are
// bytes.
func array(t testing.TB, dims []int, elements []uint8, int64s bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := npy.WriteUint8(&b, dims, elements); err != nil {
		t.Fatal(err)
	}
	if !int64s {
		return b.Bytes()
	}
	out := bytes.Replace(b.Bytes()[:b.Len()-len(elements)], []byte("|u1"), []byte("<i8"), 1)
	for _, v := range elements {
		out = binary.LittleEndian.AppendUint64(out, uint64(int64(int8(v))))
	}
	return out
}

// archive packs named members in the order of their names.
func archive(t testing.TB, members map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		w, err := z.Create(strings.TrimRight(name, "+"))
		if err == nil {
			_, err = w.Write(members[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// count returns n bytes from 0 on.
func count(n int) []uint8 {
	out := make([]uint8, n)
	for i := range out {
		out[i] = uint8(i)
	}
	return out
}

func TestReadNPZ(t *testing.T) {
	dir := t.TempDir()
	grey := write(t, filepath.Join(dir, "grey.npz"), archive(t, map[string][]byte{
		"train_images.npy": array(t, []int{3, 2, 4}, count(24), false),
		"train_labels.npy": array(t, []int{3, 1}, []uint8{2, 0, 2}, false),
		"test_images.npy":  array(t, []int{1, 2, 4}, count(8), false),
		"test_labels.npy":  array(t, []int{1}, []uint8{3}, true),
		"notes.npy":        []byte("nobody reads this"),
	}))
	train, val, test, err := ReadNPZ(grey)
	if err != nil {
		t.Fatal(err)
	}
	shape := [3]int{1, 2, 4}
	if train.Shape != shape || val.Shape != shape || test.Shape != shape || len(train.Samples) != 3 || len(val.Samples) != 0 || len(test.Samples) != 1 {
		t.Errorf("shapes %v %v %v, %d, %d and %d samples", train.Shape, val.Shape, test.Shape, len(train.Samples), len(val.Samples), len(test.Samples))
	}
	for _, s := range []Set{train, val, test} {
		if strings.Join(s.Classes, " ") != "0 1 2 3" {
			t.Errorf("classes %v", s.Classes)
		}
	}
	if s := train.Samples[1]; s.Label != 0 || !bytes.Equal(s.Pixels, count(16)[8:]) || s.Owner != "" || cap(s.Pixels) != 8 {
		t.Errorf("sample 1 is %v", s)
	}
	if test.Samples[0].Label != 3 {
		t.Errorf("label %d", test.Samples[0].Label)
	}

	colour := write(t, filepath.Join(dir, "colour.npz"), archive(t, map[string][]byte{
		"train_images.npy": array(t, []int{2, 1, 2, 3}, count(12), false),
		"train_labels.npy": array(t, []int{2}, []uint8{0, 1}, true),
		"val_images.npy":   array(t, []int{0, 1, 2, 3}, nil, false),
		"val_labels.npy":   array(t, []int{0, 1}, nil, false),
	}))
	train, val, _, err = ReadNPZ(colour)
	if err != nil || train.Shape != [3]int{3, 1, 2} || !bytes.Equal(train.Samples[1].Pixels, []uint8{6, 9, 7, 10, 8, 11}) || len(val.Samples) != 0 {
		t.Errorf("%v, %v", train, err)
	}
}

func TestReadNPZErrors(t *testing.T) {
	members := func(kv ...any) []byte {
		m := map[string][]byte{
			"train_images.npy": array(t, []int{2, 2, 2}, count(8), false),
			"train_labels.npy": array(t, []int{2, 1}, []uint8{0, 1}, false),
			"test_images.npy":  array(t, []int{2, 2, 2}, count(8), false),
			"test_labels.npy":  array(t, []int{2, 1}, []uint8{0, 1}, true),
		}
		for i := 0; i < len(kv); i += 2 {
			if m[kv[i].(string)] = nil; kv[i+1] == nil {
				delete(m, kv[i].(string))
			} else {
				m[kv[i].(string)] = kv[i+1].([]byte)
			}
		}
		return archive(t, m)
	}
	good := members()
	flipped := slices.Clone(members("train_images.npy", bytes.Repeat([]byte("x"), 40)))
	flipped[bytes.Index(flipped, []byte("train_images.npy"))+18] ^= 0x55
	for _, c := range []struct {
		name string
		file []byte
		err  error
		says string
	}{
		{"no archive", []byte("PK, but nothing else"), ErrFormat, "MedMNIST"},
		{"empty", nil, ErrFormat, "MedMNIST"},
		{"cut off", good[:len(good)-30], ErrFormat, "whole .npz file"},
		{"no pictures", members("train_images.npy", nil), fs.ErrNotExist, "train_images"},
		{"no labels", members("train_labels.npy", nil), fs.ErrNotExist, "train_labels"},
		{"no labels to test", members("test_labels.npy", nil), fs.ErrNotExist, "test_labels"},
		{"no pictures to test", members("test_images.npy", nil), fs.ErrNotExist, "test_images"},
		{"twice", members("test_images.npy+", good), ErrFormat, "two arrays test_images"},
		{"no samples", members("train_images.npy", array(t, []int{0, 2, 2}, nil, false), "train_labels.npy", array(t, []int{0}, nil, false)), ErrEmpty, "train_images"},
		{"no array", members("test_images.npy", []byte("text")), ErrFormat, "test_images: not the expected format: read array"},
		{"array cut off", members("test_images.npy", array(t, []int{2, 2, 2}, count(8), false)[:130]), ErrFormat, "test_images"},
		{"two dimensions", members("train_images.npy", array(t, []int{2, 4}, count(8), false)), ErrFormat, "train_images: not the expected format: an array of uint8 [2 4]"},
		{"four channels", members("train_images.npy", array(t, []int{1, 1, 2, 4}, count(8), false)), ErrFormat, "[1 1 2 4]"},
		{"pictures of int64", members("train_images.npy", array(t, []int{2, 2, 2}, count(8), true)), ErrFormat, "int64"},
		{"no pixels", members("train_images.npy", array(t, []int{2, 0, 2}, nil, false)), ErrFormat, "2x0 pixels"},
		{"too wide", members("train_images.npy", array(t, []int{2, 1, 4097}, make([]uint8, 2*4097), false)), ErrTooLarge, "4097x1 pixels"},
		{"other size to test", members("test_images.npy", array(t, []int{2, 2, 3}, count(12), false)), ErrMismatch, "test_images"},
		{"a label too few", members("train_labels.npy", array(t, []int{1, 1}, []uint8{0}, false)), ErrMismatch, "train_labels: pictures and labels do not match: 1 labels, but 2 pictures"},
		{"several labels", members("train_labels.npy", array(t, []int{2, 14}, make([]uint8, 28), false)), ErrFormat, "one label per picture"},
		{"labels of a cube", members("train_labels.npy", array(t, []int{2, 1, 1}, make([]uint8, 2), false)), ErrFormat, "[2 1 1]"},
		{"a negative label", members("train_labels.npy", array(t, []int{2}, []uint8{0, 255}, true)), ErrLabel, "label -1 of picture 1"},
		{"a huge label", members("train_labels.npy", bytes.Replace(array(t, []int{2}, []uint8{0, 7}, true), []byte{7, 0, 0, 0}, []byte{7, 0, 9, 0}, 1)), ErrLabel, "label 589831"},
		{"labels of floats", members("train_labels.npy", bytes.Replace(array(t, []int{2}, []uint8{0, 1}, true), []byte("<i8"), []byte("<f8"), 1)), ErrFormat, "float32"},
		{"damaged", flipped, nil, "train_images"},
		{"promises 3 GiB", promising(t, 3<<30), ErrTooLarge, "train_images: too large"},
		{"promises a byte less", promising(t, int64(len(array(t, []int{2, 2, 2}, count(8), false)))-1), nil, "train_images"},
		{"promises 1 GiB and has little", promising(t, 1<<30), ErrTruncated, "train_images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, filepath.Join(t.TempDir(), "x.npz"), c.file)
			train, _, _, err := ReadNPZ(path)
			var fe *FileError
			if !errors.As(err, &fe) || fe.Path != path || c.err != nil && !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) || len(train.Samples) > 0 {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, _, _, err := ReadNPZ(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
	if _, _, _, err := ReadNPZ(t.TempDir()); !errors.Is(err, ErrFormat) {
		t.Errorf("a folder: %v", err)
	}
	for name, raw := range map[string][]byte{"no archive": []byte("text"), "other arrays": members("train_images.npy", nil)} {
		if _, _, _, err := ReadNPZ(write(t, filepath.Join(t.TempDir(), "x.npz"), raw)); err == nil {
			t.Errorf("%s is taken for a set", name)
		}
	}
}

// promising is an archive whose pictures are said to have so many bytes.
func promising(t testing.TB, size int64) []byte {
	t.Helper()
	pictures := array(t, []int{2, 2, 2}, count(8), false)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "train_images.npy", Method: zip.Store, CRC32: crc32.ChecksumIEEE(pictures),
		CompressedSize64: uint64(len(pictures)), UncompressedSize64: uint64(size)})
	if err == nil {
		_, err = w.Write(pictures)
	}
	if err == nil {
		w, err = z.Create("train_labels.npy")
	}
	if err == nil {
		_, err = w.Write(array(t, []int{2}, []uint8{0, 1}, false))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is written comes back.
func TestNPZRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, h, w := rapid.IntRange(1, 6).Draw(rt, "n"), rapid.IntRange(1, 5).Draw(rt, "h"), rapid.IntRange(1, 5).Draw(rt, "w")
		channels := rapid.SampledFrom([]int{1, 3}).Draw(rt, "channels")
		dims, size := []int{n, h, w}, h*w*channels
		if channels == 3 {
			dims = append(dims, 3)
		}
		pixels := rapid.SliceOfN(rapid.Byte(), n*size, n*size).Draw(rt, "pixels")
		labels := rapid.SliceOfN(rapid.ByteRange(0, 127), n, n).Draw(rt, "labels")
		raw := archive(t, map[string][]byte{
			"train_images.npy": array(t, dims, pixels, false),
			"train_labels.npy": array(t, []int{n}, labels, rapid.Bool().Draw(rt, "int64")),
		})
		sets, err := decodeNPZ(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			rt.Fatal(err)
		}
		for i, s := range sets[0].Samples {
			if s.Label != int(labels[i]) || len(s.Pixels) != size {
				rt.Fatalf("sample %d is %v", i, s)
			}
			for k, v := range s.Pixels {
				c, at := k/(h*w), k%(h*w)
				if want := pixels[i*size+at*channels+c]; v != want {
					rt.Fatalf("sample %d, channel %d, pixel %d is %d, want %d", i, c, at, v, want)
				}
			}
		}
	})
}

func TestReadRealNPZ(t *testing.T) {
	path := shared(t, "medmnist/pneumoniamnist.npz")
	train, val, test, err := ReadNPZ(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set  Set
		want string
	}{"train": {train, "[1214 3494]"}, "val": {val, "[135 389]"}, "test": {test, "[234 390]"}} {
		counts := make([]int, 2)
		for _, s := range c.set.Samples {
			counts[s.Label]++
		}
		if got := fmt.Sprint(counts); got != c.want || c.set.Shape != oneByte28 || strings.Join(c.set.Classes, " ") != "0 1" {
			t.Errorf("%s: counts %s, want %s; shape %v, classes %v", name, got, c.want, c.set.Shape, c.set.Classes)
		}
	}
}

func FuzzDecodeNPZ(f *testing.F) {
	f.Add(archive(f, map[string][]byte{
		"train_images.npy": array(f, []int{3, 1, 2}, count(6), false),
		"train_labels.npy": array(f, []int{3, 1}, []uint8{2, 0, 2}, true),
		"val_images.npy":   array(f, []int{1, 1, 2}, count(2), false),
		"val_labels.npy":   array(f, []int{1}, []uint8{3}, false),
	}))
	f.Add(promising(f, 100))
	f.Fuzz(checkNPZ)
}

// FuzzDecodeArrays gets past the check sums of archives.
func FuzzDecodeArrays(f *testing.F) {
	f.Add(array(f, []int{3, 1, 2}, count(6), false), array(f, []int{3, 1}, []uint8{2, 0, 2}, true))
	f.Add(array(f, []int{1, 1, 2, 3}, count(6), false), array(f, []int{1}, []uint8{2}, false))
	f.Add(array(f, []int{0, 1, 2, 3}, nil, false), array(f, []int{0}, nil, false))
	f.Fuzz(func(t *testing.T, images, labels []byte) {
		checkNPZ(t, archive(t, map[string][]byte{
			"train_images.npy": images, "train_labels.npy": labels,
			"test_images.npy": images, "test_labels.npy": labels,
		}))
	})
}

// checkNPZ fails if an archive is read and what comes out is not a set.
func checkNPZ(t *testing.T, raw []byte) {
	sets, err := decodeNPZ(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return
	}
	if len(sets[0].Samples) == 0 {
		t.Fatal("nothing to train with and no error")
	}
	for _, set := range sets {
		for _, s := range set.Samples {
			if len(s.Pixels) != set.Shape[0]*set.Shape[1]*set.Shape[2] || len(s.Pixels) == 0 || s.Label < 0 || s.Label >= len(set.Classes) || set.Shape != sets[0].Shape {
				t.Fatalf("shape %v, %d pixels, label %d of %d classes", set.Shape, len(s.Pixels), s.Label, len(set.Classes))
			}
		}
	}
}
