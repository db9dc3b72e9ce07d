package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// maxFile is the length of a file, with the files that hold its tensors.
const maxFile = math.MaxInt32

// What decoding may take in bytes: memoryExtra and memoryFactor times the
// length of the file. An empty message is two bytes of a file but some hundred
// of memory, so the length alone bounds little.
const (
	memoryExtra  = 16 << 20
	memoryFactor = 16

	messageCost = 256 // a message, and what becomes of it in the graph
	nodeCost    = 768 // the same for a node
	stringCost  = 64  // a string beside its bytes
	numberCost  = 48  // a number outside a packed list, in a slice that grows
)

// decode is proto.Unmarshal within the bounds above.
func decode(b []byte) (*onnxpb.ModelProto, error) {
	if len(b) > maxFile {
		return nil, tooLong(int64(len(b)))
	}
	if len(b) == 0 {
		return nil, graph.Corrupt("the file is empty")
	}
	model := &onnxpb.ModelProto{}
	left := memoryExtra + memoryFactor*int64(len(b))
	if err := charge(b, model.ProtoReflect().Descriptor(), &left); err != nil {
		return nil, err
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, model); err != nil {
		return nil, graph.Corrupt("%v", err)
	}
	return model, nil
}

func tooLong(length int64) error {
	return &graph.UnsupportedError{Reason: fmt.Sprintf("the model has %d bytes, more than %d", length, maxFile)}
}

// charge subtracts from left what decoding a message takes, and fails below 0.
func charge(b []byte, message protoreflect.MessageDescriptor, left *int64) error {
	fields := message.Fields()
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return graph.Corrupt("%v", protowire.ParseError(n))
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, wire, b)
		if n < 0 {
			return graph.Corrupt("%v", protowire.ParseError(n))
		}
		value := b[:n]
		b = b[n:]
		field := fields.ByNumber(number)
		if field == nil {
			continue
		}
		if wire != protowire.BytesType {
			*left -= numberCost
		} else {
			value, _ = protowire.ConsumeBytes(value)
			if field.Kind() == protoreflect.MessageKind {
				*left -= messageCost
				if field.Message().Name() == "NodeProto" {
					*left -= nodeCost - messageCost
				}
				if err := charge(value, field.Message(), left); err != nil {
					return err
				}
			} else {
				*left -= listCost(value, field.Kind())
			}
		}
		if *left < 0 {
			return &graph.UnsupportedError{Reason: "it has more nodes, names and attributes than a file of its length may"}
		}
	}
	return nil
}

// listCost returns what a string or a packed list takes. Lists may come in
// pieces and grow: twice their size.
func listCost(value []byte, kind protoreflect.Kind) int64 {
	var width int64
	switch kind {
	case protoreflect.Int64Kind:
		width = 8
	case protoreflect.Int32Kind, protoreflect.EnumKind:
		width = 4
	default:
		return stringCost + 2*int64(len(value))
	}
	var count int64
	for _, v := range value {
		count += int64(^v >> 7) // the last byte of a number has no high bit
	}
	return stringCost + 2*width*count
}
