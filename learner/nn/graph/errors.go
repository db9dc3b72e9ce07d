package graph

import (
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by errors about bytes or graphs that are not a
// complete, consistent model.
var ErrCorrupt = errors.New("corrupt model (fetch the file again or export it anew as ONNX)")

// Corrupt returns an error that wraps [ErrCorrupt].
func Corrupt(format string, args ...any) error {
	return fmt.Errorf("model: %w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// UnsupportedError says that a sound model needs more than bristled has.
type UnsupportedError struct {
	Node   string // name of the node, or of its first output; empty for the graph itself
	Op     string // its operator, empty for the graph itself
	Opset  int    // version of the operator set
	Reason string // what exactly is not supported
}

func (e *UnsupportedError) Error() string {
	where := ""
	if e.Op != "" {
		where = fmt.Sprintf("node %.80q, operator %.80q, opset %d: ", e.Node, e.Op, e.Opset)
	}
	return fmt.Sprintf("unsupported model: %s%s; export the model without it or choose another model", where, e.Reason)
}

// Unsupported returns an [*UnsupportedError] about a node.
func (g *Graph) Unsupported(n *Node, format string, args ...any) error {
	return &UnsupportedError{Node: n.Label(), Op: n.Op, Opset: g.Opset, Reason: fmt.Sprintf(format, args...)}
}

// nodeError says which node an error is about.
type nodeError struct {
	node, op string
	cause    error
}

func (e *nodeError) Error() string {
	return fmt.Sprintf("node %.80q, operator %.80q: %v", e.node, e.op, e.cause)
}

func (e *nodeError) Unwrap() error { return e.cause }

// Label returns what a person knows the node by: its name, or that of its
// first output.
func (n *Node) Label() string {
	if n.Name != "" || len(n.Outputs) == 0 {
		return n.Name
	}
	return n.Outputs[0]
}
