package data

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// The magic numbers of IDX files with bytes in three dimensions and in one
// (Y. LeCun, C. Cortes and C. Burges, The MNIST database).
const (
	magicImages = 0x803
	magicLabels = 0x801
)

// maxUnpacked bounds what is read of one file, unpacked: 1 GiB, twenty times
// MNIST.
const maxUnpacked = 1 << 30

// maxSide bounds the height and width of a picture in an IDX file.
const maxSide = 1 << 12

const hintDownload = "the file is damaged or was not downloaded whole: fetch it again"

// ReadIDX reads a pair of IDX files, each plain or gzipped: unsigned bytes in
// three dimensions, and as many labels. Classes are named by their number, as
// many as the labels need; with names given, those are the classes, and a
// label beyond them is an error. All errors are a [*FileError].
func ReadIDX(images, labels string, classes ...string) (Set, error) {
	shape, pixels, err := readFile(images, magicImages)
	if err != nil {
		return Set{}, err
	}
	count, marks, err := readFile(labels, magicLabels)
	if err != nil {
		return Set{}, err
	}
	if shape[0] != count[0] {
		return Set{}, &FileError{labels, fmt.Errorf("%w: %d labels, but %d pictures in %s", ErrMismatch, count[0], shape[0], images), "name the two files of one pair"}
	}
	if len(marks) == 0 {
		return Set{}, &FileError{images, ErrEmpty, "name a file with pictures in it"}
	}
	if len(classes) == 0 {
		most := 0
		for _, l := range marks {
			most = max(most, int(l))
		}
		for c := range most + 1 {
			classes = append(classes, strconv.Itoa(c))
		}
	}
	set := Set{
		Shape:   [3]int{1, shape[1], shape[2]},
		Samples: make([]Sample, len(marks)),
		Classes: classes,
	}
	size := shape[1] * shape[2]
	for i, l := range marks {
		if int(l) >= len(classes) {
			return Set{}, &FileError{labels, fmt.Errorf("%w: label %d of picture %d, but there are %d classes", ErrLabel, l, i, len(classes)), "name the labels that belong to these classes"}
		}
		set.Samples[i] = Sample{Pixels: pixels[i*size : (i+1)*size : (i+1)*size], Label: int(l)}
	}
	return set, nil
}

// ReadMNIST reads the training and the test set of a folder that holds the
// four files of MNIST, or of a set in its clothes, under their usual names:
// train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte
// and t10k-labels-idx1-ubyte, each with or without .gz.
func ReadMNIST(dir string) (train, test Set, err error) {
	digits := Digits(0).Classes()
	for _, part := range []struct {
		name string
		set  *Set
	}{{"train", &train}, {"t10k", &test}} {
		images, err := findIDX(dir, part.name+"-images-idx3-ubyte")
		if err != nil {
			return Set{}, Set{}, err
		}
		labels, err := findIDX(dir, part.name+"-labels-idx1-ubyte")
		if err != nil {
			return Set{}, Set{}, err
		}
		if *part.set, err = ReadIDX(images, labels, digits...); err != nil {
			return Set{}, Set{}, err
		}
	}
	if train.Shape != test.Shape {
		return Set{}, Set{}, &FileError{dir, fmt.Errorf("%w: training pictures are %dx%d, test pictures %dx%d", ErrMismatch, train.Shape[1], train.Shape[2], test.Shape[1], test.Shape[2]), "put the four files of one set in the folder"}
	}
	return train, test, nil
}

// IsMNIST says whether a folder holds files of the names that [ReadMNIST]
// looks for.
func IsMNIST(dir string) bool {
	_, err := findIDX(dir, "train-images-idx3-ubyte")
	return err == nil
}

func findIDX(dir, name string) (string, error) {
	for _, suffix := range []string{"", ".gz"} {
		path := filepath.Join(dir, name+suffix)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", &FileError{filepath.Join(dir, name), fs.ErrNotExist, "the folder must hold the four files of MNIST, each with or without .gz"}
}

func readFile(path string, magic uint32) (dims []int, body []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, &FileError{path, cause(err), "check the path and its permissions"}
	}
	defer f.Close()
	dims, body, err = decodeIDX(f, magic)
	if err != nil {
		hint := hintDownload
		if errors.Is(err, ErrFormat) {
			hint = "this must be an IDX file of pictures (idx3-ubyte) and labels (idx1-ubyte), in this order, plain or gzipped"
		}
		return nil, nil, &FileError{path, err, hint}
	}
	return dims, body, nil
}

// cause strips the path, which a [FileError] names already.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// decodeIDX reads an IDX stream of bytes with the given magic number and
// returns its dimensions and content. It unpacks gzip. Memory grows with what
// the stream really holds, not with what its header promises.
func decodeIDX(r io.Reader, magic uint32) (dims []int, body []byte, err error) {
	r, err = unpacked(r)
	if err != nil {
		return nil, nil, err
	}
	var word [4]byte
	if _, err := io.ReadFull(r, word[:]); err != nil {
		return nil, nil, streamError(err)
	}
	if got := binary.BigEndian.Uint32(word[:]); got != magic {
		return nil, nil, fmt.Errorf("%w: the file begins with %#x, not %#x", ErrFormat, got, magic)
	}
	size := 1
	for i := range magic & 0xff {
		if _, err := io.ReadFull(r, word[:]); err != nil {
			return nil, nil, streamError(err)
		}
		n := binary.BigEndian.Uint32(word[:])
		if i > 0 && (n == 0 || n > maxSide) {
			return nil, nil, fmt.Errorf("%w: a picture is %d pixels high or wide, the most is %d", ErrTooLarge, n, maxSide)
		}
		if uint64(n)*uint64(size) > maxUnpacked {
			return nil, nil, fmt.Errorf("%w: the header promises more than %d bytes", ErrTooLarge, maxUnpacked)
		}
		dims = append(dims, int(n))
		size *= int(n)
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, int64(size)+1))
	switch {
	case err != nil:
		return nil, nil, streamError(err)
	case n < int64(size):
		return nil, nil, fmt.Errorf("%w: the header promises %d bytes, %d are there", ErrTruncated, size, n)
	case n > int64(size):
		return nil, nil, fmt.Errorf("%w: the file holds more than the %d bytes that its header promises", ErrMismatch, size)
	}
	return dims, buf.Bytes(), nil
}

// unpacked returns what a stream holds, which may be gzipped: its first bytes
// tell.
func unpacked(r io.Reader) (io.Reader, error) {
	br := bufio.NewReader(r)
	if head, _ := br.Peek(2); len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return br, nil
	}
	z, err := gzip.NewReader(br)
	if err != nil {
		return nil, streamError(err)
	}
	return z, nil
}

// streamError gives an early end and a broken gzip stream their names.
func streamError(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return err
}
