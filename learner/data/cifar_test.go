package data

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cifarFile encodes records whose planes have one value each.
func cifarFile(records ...[4]byte) []byte {
	var out []byte
	for _, r := range records {
		out = append(out, r[0])
		for _, p := range r[1:] {
			out = append(out, bytes.Repeat([]byte{p}, 32*32)...)
		}
	}
	return out
}

func TestReadCIFAR10(t *testing.T) {
	dir := t.TempDir()
	if IsCIFAR10(dir) {
		t.Error("an empty folder is taken for CIFAR-10")
	}
	write(t, filepath.Join(dir, "data_batch_2.bin.gz"), gzipped(t, cifarFile([4]byte{9, 1, 2, 3})))
	write(t, filepath.Join(dir, "data_batch_1.bin"), cifarFile([4]byte{3, 4, 5, 6}, [4]byte{0, 7, 8, 9}))
	// The same once more, packed: it must not count twice.
	write(t, filepath.Join(dir, "data_batch_1.bin.gz"), gzipped(t, cifarFile([4]byte{3, 4, 5, 6}, [4]byte{0, 7, 8, 9})))
	write(t, filepath.Join(dir, "batches.meta.txt"), []byte("airplane\n"))
	write(t, filepath.Join(dir, "test_batch.bin"), cifarFile([4]byte{1, 255, 0, 255}))
	if !IsCIFAR10(dir) {
		t.Error("not taken for CIFAR-10")
	}
	train, test, err := ReadCIFAR10(dir)
	if err != nil {
		t.Fatal(err)
	}
	if train.Shape != [3]int{3, 32, 32} || test.Shape != train.Shape || len(train.Classes) != 10 || train.Classes[9] != "truck" {
		t.Errorf("shape %v, classes %v", train.Shape, train.Classes)
	}
	var labels []int
	for _, s := range train.Samples {
		labels = append(labels, s.Label)
	}
	if !slices.Equal(labels, []int{3, 0, 9}) || len(test.Samples) != 1 || test.Samples[0].Label != 1 {
		t.Errorf("labels %v, %d test samples", labels, len(test.Samples))
	}
	p := train.Samples[1].Pixels
	if len(p) != 3072 || p[0] != 7 || p[1023] != 7 || p[1024] != 8 || p[3071] != 9 {
		t.Errorf("planes begin with %d, %d, %d", p[0], p[1024], p[3071])
	}
}

func TestReadCIFAR10Errors(t *testing.T) {
	good := cifarFile([4]byte{1, 1, 1, 1}, [4]byte{2, 2, 2, 2})
	packed := gzipped(t, good)
	for _, c := range []struct {
		name        string
		train, test []byte // nil: no such file
		want        error
		says        string
	}{
		{"no training batch", nil, good, fs.ErrNotExist, "data_batch_1.bin"},
		{"no test batch", good, nil, fs.ErrNotExist, "test_batch"},
		{"empty", []byte{}, good, ErrEmpty, "data_batch_1.bin"},
		{"cut off", good[:len(good)-1], good, ErrTruncated, "record 1 should have 3073 bytes, 3072"},
		{"one byte", good[:1], good, ErrTruncated, "record 0"},
		{"gzip cut off", packed[:len(packed)-9], good, ErrTruncated, "fetch it again"},
		{"gzip damaged", append(slices.Clone(packed[:len(packed)-8]), 1, 2, 3, 4, 5, 6, 7, 8), good, ErrFormat, "binary version"},
		{"gzip header alone", packed[:5], good, ErrTruncated, "data_batch_1.bin"},
		{"a label too many", cifarFile([4]byte{1}, [4]byte{10}), good, ErrLabel, "label 10 of record 1"},
		{"the test set too", good, good[:3000], ErrTruncated, "test_batch.bin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.train != nil {
				write(t, filepath.Join(dir, "data_batch_1.bin"), c.train)
			}
			if c.test != nil {
				write(t, filepath.Join(dir, "test_batch.bin"), c.test)
			}
			_, _, err := ReadCIFAR10(dir)
			var fe *FileError
			if !errors.Is(err, c.want) || !errors.As(err, &fe) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, _, err := ReadCIFAR10(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// The real file has the label counts that its source states.
func TestReadCIFAR10Real(t *testing.T) {
	train, test, err := ReadCIFAR10(shared(t, "cifar10"))
	if err != nil {
		t.Fatal(err)
	}
	count := make([]int, 10)
	for _, s := range train.Samples[:10000] {
		count[s.Label]++
	}
	if want := []int{1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981}; !slices.Equal(count, want) {
		t.Errorf("labels %v, want %v", count, want)
	}
	if len(test.Samples) < 1000 {
		t.Errorf("%d test samples", len(test.Samples))
	}
	for i, want := range []int{3, 8, 8, 0, 6, 6, 1, 6, 3, 1} {
		if got := test.Samples[i].Label; got != want {
			t.Errorf("test sample %d has label %d, want %d", i, got, want)
		}
	}
}

func FuzzDecodeCIFAR(f *testing.F) {
	good := cifarFile([4]byte{1, 1, 2, 3}, [4]byte{9, 4, 5, 6})
	f.Add(good)
	f.Add(good[:4000])
	f.Add(gzipped(f, good))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		samples, err := decodeCIFAR(bytes.NewReader(b))
		if err != nil {
			return
		}
		if len(samples) == 0 {
			t.Fatal("no samples and no error")
		}
		var again []byte
		for _, s := range samples {
			again = append(append(again, byte(s.Label)), s.Pixels...)
		}
		if len(b) > 1 && b[0] != 0x1f && !bytes.Equal(again, b) {
			t.Fatal("the samples are not what the file holds")
		}
	})
}
