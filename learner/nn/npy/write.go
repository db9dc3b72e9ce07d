package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// magic begins a file of version 1.0.
const magic = "\x93NUMPY\x01\x00"

// Write writes an array of float32 ("<f4") in row-major order. It fails if
// data has another length than dims say.
func Write(w io.Writer, dims []int, data []float32) error {
	if err := writeHeader(w, "<f4", dims, len(data)); err != nil {
		return err
	}
	buffer := make([]byte, 0, 1<<16)
	for len(data) > 0 {
		n := min(len(data), cap(buffer)/4)
		buffer = buffer[:0]
		for _, v := range data[:n] {
			buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
		}
		if _, err := w.Write(buffer); err != nil {
			return fmt.Errorf("write array: %w", err)
		}
		data = data[n:]
	}
	return nil
}

// WriteUint8 is [Write] for bytes ("|u1").
func WriteUint8(w io.Writer, dims []int, data []uint8) error {
	if err := writeHeader(w, "|u1", dims, len(data)); err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write array: %w", err)
	}
	return nil
}

func writeHeader(w io.Writer, descr string, dims []int, n int) error {
	if graph.Size(dims) != n {
		return fmt.Errorf("write array: %d elements do not have the shape %v", n, dims)
	}
	var shape strings.Builder
	for i, d := range dims {
		if i > 0 {
			shape.WriteByte(' ')
		}
		fmt.Fprintf(&shape, "%d,", d)
	}
	text := shape.String()
	if len(dims) > 1 {
		text = strings.TrimSuffix(text, ",") // a tuple of one keeps its comma
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, text)
	// NumPy aligns the numbers to 64 bytes.
	length := len(magic) + 2 + len(header) + 1
	header += strings.Repeat(" ", -length&63) + "\n"
	if len(header) > math.MaxUint16 {
		return errors.New("write array: too many axes")
	}
	b := binary.LittleEndian.AppendUint16([]byte(magic), uint16(len(header)))
	if _, err := w.Write(append(b, header...)); err != nil {
		return fmt.Errorf("write array: %w", err)
	}
	return nil
}
