package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

type newModelFlags struct {
	output, input, weights      string
	classes                     int
	seed                        uint64
	backbone, force, list, json bool
}

// madeModel is what `model new --json` prints.
type madeModel struct {
	File         string `json:"file"`
	Architecture string `json:"architecture"`
	Input        []int  `json:"input"`  // of one sample
	Output       []int  `json:"output"` // of one sample
	Parameters   int64  `json:"parameters"`
	Seed         uint64 `json:"seed"`
	Trained      bool   `json:"trained"`
}

// architecture is a line of `model new --list --json`.
type architecture struct {
	Name       string `json:"name"`
	About      string `json:"about"`
	Parameters int64  `json:"parameters"`
}

func newModelNew() *cobra.Command {
	var f newModelFlags
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a standard architecture as ONNX, with random or given weights",
		Long: `New writes one of the usual architectures as an ONNX file. Its weights are
random: the network knows nothing yet. Train it, or give it the weights of a
model of the same architecture with --weights, a safetensors file whose tensors
have the names that PyTorch's models have. One seed gives one file, byte for byte.`,
		Example: `  bristled model new --list
  bristled model new resnet18 -o resnet18.onnx
  bristled model new cifar_resnet20 --classes 4 --input 3x32x32 -o small.onnx
  bristled model new resnet18 --weights resnet18.safetensors -o resnet18.onnx`,
		Args: cobra.ArbitraryArgs, // for RunE, which knows --list
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.list {
				if len(args) > 0 {
					return usageError{fmt.Errorf("--list takes no name, and %q is one: see `%s --help`", args[0], cmd.CommandPath())}
				}
				return listArchitectures(cmd.OutOrStdout(), f.json)
			}
			if len(args) != 1 {
				return usageError{fmt.Errorf("name one architecture: `%s --list` shows them", cmd.CommandPath())}
			}
			return makeModel(cmd.OutOrStdout(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "", "file to write")
	flags.IntVar(&f.classes, "classes", 0, "outputs of the network; 0: as many as the architecture usually has")
	flags.Uint64Var(&f.seed, "seed", 1, "decides the weights")
	flags.StringVar(&f.weights, "weights", "", "safetensors file with trained weights, in place of random ones")
	flags.StringVar(&f.input, "input", "", "channels, height and width of its input, such as 3x224x224; without it the usual ones")
	flags.BoolVar(&f.backbone, "backbone", false, "leave the output layer away")
	flags.BoolVar(&f.force, "force", false, "replace the file if it is there")
	flags.BoolVar(&f.list, "list", false, "list the architectures")
	flags.BoolVar(&f.json, "json", false, "print JSON in one line")
	return cmd
}

func listArchitectures(out io.Writer, asJSON bool) error {
	var list []architecture
	for _, i := range zoo.Names() {
		list = append(list, architecture{i.Name, i.Doc, int64(i.Parameters)})
	}
	if asJSON {
		return printJSON(out, list)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "architecture\tparameters\t")
	for _, a := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", a.Name, count(a.Parameters), a.About)
	}
	return w.Flush()
}

func makeModel(out io.Writer, name string, f newModelFlags) (err error) {
	options, err := f.options(name)
	if err != nil {
		return err
	}
	if err := mayWrite("--output", f.output, f.force); err != nil {
		return err
	}
	file, err := newOutput("--output", f.output)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.discard()) }()
	g, err := zoo.New(name, options)
	if err != nil {
		return err
	}
	if f.weights != "" {
		if err := giveWeights(g, f.weights); err != nil {
			return err
		}
	}
	if f.backbone {
		if g, _, err = withoutHead(g); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	static, err := specialized(g, 1, graph.Options{KeepParams: true})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b, err := onnx.Marshal(g)
	if err != nil {
		return err
	}
	if err := file.commit(b); err != nil {
		return fmt.Errorf("write the network: %w", err)
	}
	m := madeModel{
		File:         f.output,
		Architecture: name,
		Input:        static.Graph.Inputs[0].Dims[1:],
		Output:       static.Graph.Outputs[0].Dims[1:],
		Seed:         f.seed,
		Trained:      f.weights != "",
	}
	m.Parameters, _ = graph.Total(graph.Count(static))
	if f.json {
		return printJSON(out, m)
	}
	what := "outputs"
	if f.backbone {
		what = "features"
	}
	fmt.Fprintf(out, "%s: %s, %s parameters, %s -> %d %s, %s\n",
		f.output, name, count(m.Parameters), extents(m.Input), graph.Size(m.Output), what, size(uint64(len(b))))
	if m.Trained {
		_, err = fmt.Fprintf(out, "The weights are those of %s.\n", f.weights)
	} else {
		_, err = fmt.Fprintf(out, "The weights are random (seed %d): it knows nothing until it is trained.\n", f.seed)
	}
	return err
}

// giveWeights gives a network the weights of a safetensors file.
func giveWeights(g *graph.Graph, path string) error {
	tensors, _, err := safetensors.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--weights %w", inFile(path, err))
	}
	if err := safetensors.Bind(g, tensors); err != nil {
		return fmt.Errorf("--weights %w", inFile(path, err))
	}
	return nil
}

// options checks the flags and turns them into the zoo's.
func (f newModelFlags) options(name string) (zoo.Options, error) {
	var names []string
	known := false
	for _, i := range zoo.Names() {
		names = append(names, i.Name)
		known = known || i.Name == name
	}
	if !known {
		return zoo.Options{}, usageError{fmt.Errorf("there is no architecture %q: %s", name, suggest(name, names))}
	}
	if f.classes < 0 || f.classes > 1<<16 {
		return zoo.Options{}, usageError{fmt.Errorf("--classes is %d: it must be from 1 to %d, or 0 for the usual number", f.classes, 1<<16)}
	}
	o := zoo.Options{Classes: f.classes, Seed: f.seed}
	dims, err := parseExtents(f.input)
	if err != nil {
		return o, err
	}
	switch len(dims) {
	case 0:
	case 2: // a signal
		o.Channels, o.Width = dims[0], dims[1]
	case 3:
		o.Channels, o.Height, o.Width = dims[0], dims[1], dims[2]
	default:
		return o, usageError{fmt.Errorf("--input %s: give channels, height and width, such as 3x224x224", f.input)}
	}
	return o, nil
}
