package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/elements"
)

// ErrFormat is wrapped by errors about bytes that are no array, or one that is
// not read.
var ErrFormat = errors.New("not a NumPy array of plain numbers in row-major order (save it with numpy.save or numpy.savez)")

func wrong(format string, args ...any) error {
	return fmt.Errorf("read array: %w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// header is what NumPy writes: a dictionary with sorted keys.
var header = regexp.MustCompile(`^\{'descr': '([<|][a-z][0-9])', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n$`)

var kinds = map[string]elements.Kind{
	"<f2": elements.Float16, "<f4": elements.Float32, "<f8": elements.Float64,
	"<i8": elements.Int64, "<i4": elements.Int32, "|i1": elements.Int8, "|u1": elements.Uint8, "|b1": elements.Bool,
}

// Read reads an array from the bytes of a .npy file of version 1 or 2:
// float16, float32 and float64, which become float32, int64, int32, int8,
// uint8 or bool. It may have infinities and NaN. The error wraps [ErrFormat].
func Read(b []byte) (*graph.Tensor, error) {
	const start = len(magic)
	if len(b) < start+4 || string(b[:start-2]) != magic[:start-2] {
		return nil, wrong("it does not begin as one")
	}
	length, rest := int(binary.LittleEndian.Uint16(b[start:])), b[start+2:]
	switch b[start-2] {
	case 1:
	case 2:
		if b[start+2]|b[start+3] != 0 {
			return nil, wrong("the header is longer than 65535 bytes")
		}
		rest = b[start+4:]
	default:
		return nil, wrong("version %d", b[start-2])
	}
	if length > len(rest) {
		return nil, wrong("the header is cut off")
	}
	m := header.FindSubmatch(rest[:length])
	if m == nil {
		return nil, wrong("the header is %.200q", rest[:length])
	}
	k, known := kinds[string(m[1])]
	if !known {
		return nil, wrong("its elements are %s", m[1])
	}
	dims, count, err := shape(string(m[3]))
	if err != nil {
		return nil, err
	}
	if string(m[2]) == "True" && len(dims) > 1 {
		return nil, wrong("it is in column-major order")
	}
	data := rest[length:]
	if int64(len(data)) != int64(count)*int64(k.Width()) {
		return nil, wrong("shape %v with %d bytes of %s", dims, len(data), m[1])
	}
	t := elements.New(k.Type(), dims)
	if err := elements.Put(t, k, 0, data); err != nil && !errors.Is(err, elements.ErrNaN) {
		return nil, wrong("it %v", err)
	}
	return t, nil
}

// shape reads the inside of a tuple of integers.
func shape(tuple string) (dims []int, count int, err error) {
	var extents []int64
	tuple = strings.TrimSuffix(tuple, ",")
	for tuple != "" {
		text, after, more := strings.Cut(tuple, ",")
		d, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, 0, wrong("the shape has the extent %.40q", text)
		}
		extents = append(extents, d)
		if tuple = after; more && tuple == "" {
			return nil, 0, wrong("the shape ends in two commas")
		}
	}
	dims, count, ok := elements.Shape(extents)
	if !ok {
		return nil, 0, wrong("the shape is %v", extents[:min(len(extents), 16)])
	}
	return dims, count, nil
}

// maxArchive is what all arrays of an archive may take in bytes, and
// maxMembers how many there may be.
const (
	maxArchive = 1 << 30
	maxMembers = 1 << 16
)

// ReadArchive reads all arrays of a .npz file by their names, without the
// ".npy" that NumPy adds. Unpacked, they may have 1 GiB. The error wraps
// [ErrFormat] or one of archive/zip.
func ReadArchive(b []byte) (map[string]*graph.Tensor, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("read arrays: %w", err)
	}
	if len(z.File) > maxMembers {
		return nil, wrong("%d arrays in one archive", len(z.File))
	}
	all := make(map[string]*graph.Tensor, len(z.File))
	left := int64(maxArchive)
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		if all[name] != nil {
			return nil, wrong("two arrays %.80q", name)
		}
		if f.UncompressedSize64 > math.MaxInt64 || int64(f.UncompressedSize64) > left {
			return nil, wrong("the arrays have more than %d bytes", maxArchive)
		}
		left -= int64(f.UncompressedSize64)
		member, err := unpack(f)
		if err != nil {
			return nil, fmt.Errorf("read array %.80q: %w", name, err)
		}
		if all[name], err = Read(member); err != nil {
			return nil, fmt.Errorf("array %.80q: %w", name, err)
		}
	}
	return all, nil
}

// unpack returns the bytes of a member. It allocates as they come, because the
// archive may promise more than it has.
func unpack(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, int64(f.UncompressedSize64)+1))
}
