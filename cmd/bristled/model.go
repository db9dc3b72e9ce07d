package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func newModel() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "model",
		Short: "Make, look at, quantize and measure networks in ONNX files",
		Long: `A federation shares a frozen network, its backbone. Any ONNX file that PyTorch or
another tool exports can be one. These commands look at such files, turn them
into int8 and measure them; docs/models.md goes from an exported model to a
running federation.`,
		Example: `  bristled model inspect resnet18.onnx
  bristled model quantize resnet18.onnx --calibrate pictures --backbone -o backbone.onnx`,
		Args: cobra.ArbitraryArgs, // for RunE to say what is known
		RunE: helpOrUnknown,
	}
	cmd.AddCommand(newModelNew(), newModelInspect(), newModelQuantize(), newModelBench())
	return cmd
}

// oneFile is what most of the model commands take.
var oneFile = arguments(1, 1, "one ONNX file")

// mayWrite says whether a file may be made at path: it must be named, and not
// be there unless force is given.
func mayWrite(flag, path string, force bool) error {
	if path == "" {
		return usageError{fmt.Errorf("%s is missing: name the file to write", flag)}
	}
	if _, err := os.Lstat(path); err == nil && !force {
		return fmt.Errorf("%s is there already: choose another %s, or give --force", path, flag)
	}
	return nil
}

// newOutput makes the file that becomes path when it is committed. It is made
// before the work, so that a directory that cannot be written is no surprise
// after it.
func newOutput(flag, path string) (modelFile, error) {
	f, err := newModelFile(path)
	if err != nil {
		if under := errors.Unwrap(err); under != nil {
			err = under
		}
		return modelFile{}, fmt.Errorf("%s %s: %w: name a file in a directory that is there and can be written", flag, path, err)
	}
	return f, nil
}

// parseExtents reads what --input says: whole numbers with an x between them.
// Without a text there are none.
func parseExtents(text string) ([]int, error) {
	if text == "" {
		return nil, nil
	}
	var dims []int
	for part := range strings.SplitSeq(text, "x") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > 1<<16 {
			return nil, usageError{fmt.Errorf("--input %q: write channels, height and width as whole numbers with an x between them, such as 3x224x224", text)}
		}
		dims = append(dims, n)
	}
	return dims, nil
}

// extents writes extents for people; an open one is a question mark, or the
// batch if it is the first.
func extents(dims []int) string {
	if len(dims) == 0 {
		return "one number"
	}
	parts := make([]string, len(dims))
	for i, d := range dims {
		switch {
		case d >= 0:
			parts[i] = strconv.Itoa(d)
		case i == 0:
			parts[i] = "batch"
		default:
			parts[i] = "?"
		}
	}
	return strings.Join(parts, "x")
}

// count writes a number for people: 3.5 M.
func count(n int64) string {
	switch {
	case n >= 1e10:
		return fmt.Sprintf("%.1f G", float64(n)/1e9)
	case n >= 1e9:
		return fmt.Sprintf("%.2f G", float64(n)/1e9)
	case n >= 1e7:
		return fmt.Sprintf("%.1f M", float64(n)/1e6)
	case n >= 1e6:
		return fmt.Sprintf("%.2f M", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1f k", float64(n)/1e3)
	}
	return strconv.FormatInt(n, 10)
}
