package data

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cifarShape is a picture of CIFAR: planes of red, green and blue.
var cifarShape = [3]int{3, 32, 32}

// cifarRecord is the size of one record: a label and the planes.
const cifarRecord = 1 + 3*32*32

// cifarClasses are the classes of CIFAR-10 in the order of batches.meta.txt.
var cifarClasses = []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

const hintCIFAR = "the folder must hold data_batch_1.bin to data_batch_5.bin, or some of them, and test_batch.bin, each with or without .gz: the binary version of CIFAR-10"

// ReadCIFAR10 reads the training and the test set of a folder that holds the
// binary version of CIFAR-10 (A. Krizhevsky, Learning Multiple Layers of
// Features from Tiny Images, 2009): records of a label byte and three planes
// of 32 x 32 bytes, in data_batch_*.bin and test_batch*.bin, each with or
// without .gz. Files are read in the order of their names. A part of the
// training batches is a smaller training set; at least one must be there, and
// a test set. All errors are a [*FileError].
func ReadCIFAR10(dir string) (train, test Set, err error) {
	for _, part := range []struct {
		name string
		set  *Set
	}{{"data_batch_", &train}, {"test_batch", &test}} {
		paths, err := findParts(dir, part.name, ".bin")
		if err != nil {
			return Set{}, Set{}, &FileError{dir, cause(err), hintCIFAR}
		}
		if len(paths) == 0 {
			return Set{}, Set{}, &FileError{filepath.Join(dir, part.name+"*.bin"), fs.ErrNotExist, hintCIFAR}
		}
		*part.set = Set{Shape: cifarShape, Classes: slices.Clone(cifarClasses)}
		for _, path := range paths {
			samples, err := readCIFAR(path)
			if err != nil {
				return Set{}, Set{}, err
			}
			part.set.Samples = append(part.set.Samples, samples...)
		}
	}
	return train, test, nil
}

// IsCIFAR10 says whether a folder holds files of the names that [ReadCIFAR10]
// looks for.
func IsCIFAR10(dir string) bool {
	paths, err := findParts(dir, "data_batch_", ".bin")
	return err == nil && len(paths) > 0
}

// findParts returns the paths of the regular files in dir whose names begin
// and end as said, but for a .gz, in the order of their names. A file that is
// there both plain and gzipped counts once.
func findParts(dir, prefix, suffix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	last := ""
	for _, e := range entries { // in the order of names, so that x.gz follows x
		name := strings.TrimSuffix(e.Name(), ".gz")
		if !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, suffix) || name == last {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			paths, last = append(paths, path), name
		}
	}
	return paths, nil
}

func readCIFAR(path string) ([]Sample, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &FileError{path, cause(err), "check the path and its permissions"}
	}
	defer f.Close()
	samples, err := decodeCIFAR(f)
	if err != nil {
		hint := hintDownload
		if errors.Is(err, ErrLabel) || errors.Is(err, ErrFormat) {
			hint = "this must be a file of the binary version of CIFAR-10, plain or gzipped"
		}
		return nil, &FileError{path, err, hint}
	}
	return samples, nil
}

// decodeCIFAR reads a stream of records, which may be gzipped. Memory grows
// with what the stream really holds.
func decodeCIFAR(r io.Reader) ([]Sample, error) {
	r, err := unpacked(r)
	if err != nil {
		return nil, err
	}
	var samples []Sample
	for {
		record := make([]byte, cifarRecord)
		n, err := io.ReadFull(r, record)
		switch {
		case errors.Is(err, io.EOF) && len(samples) == 0:
			return nil, ErrEmpty
		case errors.Is(err, io.EOF):
			return samples, nil
		case errors.Is(err, io.ErrUnexpectedEOF) && n > 0:
			return nil, fmt.Errorf("%w: record %d should have %d bytes, %d could be read", ErrTruncated, len(samples), cifarRecord, n)
		case err != nil:
			return nil, streamError(err)
		case int(record[0]) >= len(cifarClasses):
			return nil, fmt.Errorf("%w: label %d of record %d, but there are %d classes", ErrLabel, record[0], len(samples), len(cifarClasses))
		case (len(samples)+1)*cifarRecord > maxUnpacked:
			return nil, fmt.Errorf("%w: it holds more than %d bytes", ErrTooLarge, maxUnpacked)
		}
		samples = append(samples, Sample{Pixels: record[1:], Label: int(record[0])})
	}
}
