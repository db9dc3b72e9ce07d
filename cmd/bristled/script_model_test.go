package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// oddmodel FILE OPERATOR writes a model for pictures whose only node has the
// operator.
func cmdOddModel(ts *testscript.TestScript, _ bool, args []string) {
	b, err := onnx.Marshal(&graph.Graph{
		Name: "odd", Opset: 13,
		Inputs:  []graph.Value{{Name: "input", Type: graph.Float32, Dims: []int{-1, 1, 28, 28}, Params: []string{"batch", "", "", ""}}},
		Outputs: []graph.Value{{Name: "output", Type: graph.Float32}},
		Nodes:   []graph.Node{{Name: "strange", Op: args[1], Inputs: []string{"input"}, Outputs: []string{"output"}}},
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

// npy FILE TYPE ROWS COLUMNS checks the header and the size of a NumPy array.
func cmdNPY(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	rows, err := strconv.Atoi(args[2])
	ts.Check(err)
	columns, err := strconv.Atoi(args[3])
	ts.Check(err)
	head, _, ok := bytes.Cut(b, []byte("\n"))
	for _, want := range []string{args[1], fmt.Sprintf("(%d, %d)", rows, columns)} {
		if !ok || !strings.Contains(string(head), want) {
			ts.Fatalf("%s begins with %q, without %s", args[0], head, want)
		}
	}
	width, err := strconv.Atoi(args[1][2:])
	ts.Check(err)
	if n := len(b) - len(head) - 1; n != rows*columns*width {
		ts.Fatalf("%s has %d bytes of numbers", args[0], n)
	}
}

// maxlines COUNT checks how long the output is.
func cmdMaxLines(ts *testscript.TestScript, _ bool, args []string) {
	most, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n := strings.Count(ts.ReadFile("stdout"), "\n"); n > most {
		ts.Fatalf("%d lines", n)
	}
}
