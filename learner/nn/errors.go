package nn

import (
	"errors"
	"fmt"
)

// ErrCorrupt is wrapped by errors of [Load] about bytes that are not a
// complete, consistent model.
var ErrCorrupt = errors.New("corrupt model file (fetch it again or export it anew as ONNX)")

// ErrDiverged is returned by [Trainer.Step] when the loss is no longer a
// finite number.
var ErrDiverged = errors.New("training diverged: the loss is not finite (start again with a lower learning rate and check that the input is scaled)")

// UnsupportedError is returned by [Load] for a sound model that needs more
// than this package has.
type UnsupportedError struct {
	Node   string // name of the node, empty for the graph itself
	Op     string // its operator, empty for the graph itself
	Opset  int64  // version of the operator set, 0 if it was not read
	Reason string // what exactly is not supported
}

func (e *UnsupportedError) Error() string {
	where := ""
	if e.Op != "" {
		where = fmt.Sprintf("node %.80q, operator %.80q, opset %d: ", e.Node, e.Op, e.Opset)
	}
	return fmt.Sprintf("nn: unsupported model: %s%s; export the model without it or choose another model", where, e.Reason)
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("nn: %w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
