package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// inspection is what `model inspect` shows.
type inspection struct {
	File       string            `json:"file"`
	Bytes      int64             `json:"bytes"`
	Opset      int               `json:"opset"`
	Quantized  bool              `json:"quantized"`
	Batch      int               `json:"batch"` // what multiply-adds and extents are for
	Input      port              `json:"input"`
	Output     port              `json:"output"`
	Parameters int64             `json:"parameters"`
	MACs       int64             `json:"macs"`
	Metadata   map[string]string `json:"metadata"`
	Head       *headReport       `json:"head,omitempty"`
	Layers     []layerReport     `json:"layers"`
	Freeze     []freezePoint     `json:"freeze"`
}

// port is an input or output; an extent of -1 is open.
type port struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Dims []int  `json:"dims"`
}

// headReport is the output layer.
type headReport struct {
	Layer    string `json:"layer"`
	Operator string `json:"operator"`
	Value    string `json:"value"`    // that it reads: the features
	Features []int  `json:"features"` // its extents without the batch
	Outputs  int    `json:"outputs"`
}

// layerReport is a node of the network.
type layerReport struct {
	Node       string `json:"node"`
	Operator   string `json:"operator"`
	Output     []int  `json:"output"` // batch included
	Parameters int64  `json:"parameters"`
	MACs       int64  `json:"macs"`
	value      string
}

// freezePoint is a place up to which the network can be frozen.
type freezePoint struct {
	Name       string `json:"name"`
	Value      string `json:"value"`
	Shape      []int  `json:"shape"`      // without the batch
	Features   int    `json:"features"`   // numbers of a sample there
	Parameters int64  `json:"parameters"` // that are frozen then
	MACs       int64  `json:"macs"`       // up to there
}

func newModelInspect() *cobra.Command {
	var batch int
	var input string
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what is in a network: layers, costs, where it can be frozen",
		Long: `Inspect reads an ONNX file and shows its layers with their parameters and
multiply-adds, where the network can be frozen, and its output layer. Long
networks are shown in parts, each of which ends where the network can be frozen;
--all shows every node.`,
		Example: `  bristled model inspect resnet18.onnx
  bristled model inspect resnet18.onnx --all
  bristled model inspect resnet18.onnx --json`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := inspectNetwork(args[0], batch, cmd.Flags().Changed("batch"), input)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), r)
			}
			return printInspection(cmd.OutOrStdout(), r, all)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&batch, "batch", 1, "samples that go in at once")
	flags.StringVar(&input, "input", "", "extents of a sample, for a network that leaves them open, such as 3x224x224")
	flags.BoolVar(&all, "all", false, "show every node")
	flags.BoolVar(&asJSON, "json", false, "print JSON in one line")
	return cmd
}

func inspectNetwork(path string, batch int, batchGiven bool, input string) (*inspection, error) {
	given, err := parseExtents(input)
	if err != nil {
		return nil, err
	}
	n, err := readNetwork(path)
	if err != nil {
		return nil, err
	}
	if _, err := n.fix(given); err != nil {
		return nil, err
	}
	if batch, err = n.batch(batch, batchGiven); err != nil {
		return nil, err
	}
	static, err := specialized(n.graph, batch, graph.Options{KeepParams: true, KeepQDQ: true})
	if err != nil {
		return nil, n.wrong(err)
	}
	in, out := n.graph.Inputs[0], static.Graph.Outputs[0]
	r := &inspection{
		File: path, Bytes: n.size, Opset: n.graph.Opset, Quantized: n.quantized(), Batch: batch, Metadata: n.graph.Metadata,
		Input:  port{in.Name, in.Type.String(), in.Dims},
		Output: port{out.Name, out.Type.String(), slices.Clone(out.Dims)},
		Layers: []layerReport{}, Freeze: []freezePoint{},
	}
	if in.Dims[0] < 0 && len(out.Dims) > 0 {
		r.Output.Dims[0] = in.Dims[0]
	}
	for _, l := range countLayers(static) {
		r.Layers = append(r.Layers, layerReport{l.Name, l.Op, l.Shape, l.Params, l.MACs, l.Output})
		r.Parameters += l.Params
		r.MACs += l.MACs
	}
	for _, p := range graph.CutPoints(static) {
		if len(p.Shape) > 0 && p.Shape[0] == batch && p.Value != out.Name {
			r.Freeze = append(r.Freeze, freezePoint{p.Name, p.Value, p.Shape[1:], graph.Size(p.Shape[1:]), p.Params, p.MACs})
		}
	}
	if head, one, err := headOf(n.graph); err == nil && !isBackbone(n.graph) {
		node := &one.Graph.Nodes[head.Node]
		r.Head = &headReport{layerName(node.Label(), head.Weight), node.Op, head.Features, one.Shapes[head.Features][1:], head.Classes}
	}
	return r, nil
}

// layerName is what people call a layer: the module whose weights it has, as
// PyTorch names them, or its own name.
func layerName(node, weight string) string {
	if module, ok := strings.CutSuffix(weight, ".weight"); ok {
		return module
	}
	return strings.TrimPrefix(node, "/")
}
