package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// mostLines is how many lines of layers fit on a screen beside the rest.
const mostLines = 24

func printInspection(out io.Writer, r *inspection, all bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	kind := "float32"
	if r.Quantized {
		kind = "quantized"
	}
	fmt.Fprintf(w, "file\t%s, %s, opset %d, %s\n", r.File, size(uint64(r.Bytes)), r.Opset, kind)
	fmt.Fprintf(w, "input\t%s: %s, %s\n", cut(r.Input.Name, 60), extents(r.Input.Dims), r.Input.Type)
	fmt.Fprintf(w, "output\t%s: %s, %s\n", cut(r.Output.Name, 60), extents(r.Output.Dims), r.Output.Type)
	fmt.Fprintf(w, "parameters\t%s\n", count(r.Parameters))
	per := "sample"
	if r.Batch > 1 {
		per = fmt.Sprintf("batch of %d", r.Batch)
	}
	fmt.Fprintf(w, "work\t%s multiply-adds for a %s\n", count(r.MACs), per)
	switch h := r.Head; {
	case h != nil:
		fmt.Fprintf(w, "head\t%s, %s: %s features -> %d outputs\n", cut(h.Layer, 50), h.Operator, extents(h.Features), h.Outputs)
	case r.Metadata[metaPart] == partBackbone:
		fmt.Fprintf(w, "head\tnone, this is a backbone\n")
	default:
		fmt.Fprintf(w, "head\tnone was found: use the network as a backbone\n")
	}
	for i, key := range slices.Sorted(maps.Keys(r.Metadata)) {
		if i == 8 && !all {
			fmt.Fprintf(w, "\tand %d more: --all shows them\n", len(r.Metadata)-i)
			break
		}
		fmt.Fprintf(w, "%s\t%s: %s\n", first(i, "metadata"), cut(key, 30), cut(oneLine(r.Metadata[key]), 50))
	}
	fmt.Fprintln(w)
	lines, parts := r.lines(all)
	fmt.Fprintf(w, "layer\toperators\toutput\tparameters\tmultiply-adds\tcan be frozen\n")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", cut(l.name, 30), cut(l.operators, 34), extents(l.shape), orBlank(l.parameters), orBlank(l.macs), l.freeze)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if parts {
		fmt.Fprintf(out, "\n%d nodes in parts, each of which ends where the network can be frozen; --all shows each of them.\n", len(r.Layers))
	}
	return nil
}

// orBlank is count without the zeros.
func orBlank(n int64) string {
	if n == 0 {
		return ""
	}
	return count(n)
}

// oneLine replaces what would end a line or start a terminal's command.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// line is a line of the table: a node, or some that follow each other.
type line struct {
	name, operators  string
	shape            []int // without the batch
	parameters, macs int64
	freeze           string // how many features there are, if the network can be frozen after it
}

// lines returns the table, with all nodes or in parts that fit on a screen.
func (r *inspection) lines(all bool) (lines []line, parts bool) {
	ends := map[string]freezePoint{} // by value
	for _, p := range r.Freeze {
		ends[p.Value] = p
	}
	shown := 0
	for _, l := range r.Layers {
		if !quantizes(l.Operator) {
			shown++
		}
	}
	if !all && shown > mostLines {
		return r.parts(), true
	}
	for _, l := range r.Layers {
		if quantizes(l.Operator) && !all {
			continue
		}
		row := line{name: oneLine(strings.TrimPrefix(l.Node, "/")), operators: l.Operator, shape: withoutBatch(l.Output), parameters: l.Parameters, macs: l.MACs}
		if p, ok := ends[l.value]; ok {
			row.freeze = p.describe()
		}
		lines = append(lines, row)
	}
	return lines, false
}

func withoutBatch(dims []int) []int {
	if len(dims) > 0 {
		return dims[1:]
	}
	return nil
}

// parts returns the table in parts that end at freeze points.
func (r *inspection) parts() []line {
	ends := r.mainPoints(mostLines - 1)
	var lines []line
	var row line
	var operators []string
	node, before := "", "" // the last node that computes, and the last freeze point
	for i, l := range r.Layers {
		if !quantizes(l.Operator) {
			operators = append(operators, l.Operator)
			node = l.Node
		}
		row.parameters += l.Parameters
		row.macs += l.MACs
		p, isEnd := ends[l.value]
		if !isEnd && i < len(r.Layers)-1 {
			continue
		}
		row.operators, row.shape = summary(operators), withoutBatch(l.Output)
		switch {
		case isEnd:
			row.name, row.freeze = p.Name, p.describe()
		case r.Head != nil && before == r.Head.Value:
			row.name = r.Head.Layer
		default:
			row.name = strings.TrimPrefix(node, "/")
		}
		row.name = oneLine(row.name)
		lines = append(lines, row)
		row, operators, before = line{}, nil, l.value
	}
	return lines
}

// mainPoints picks at most the given number of freeze points: those of the
// outermost modules, as deep as there is room, or else some at even distances.
func (r *inspection) mainPoints(most int) map[string]freezePoint {
	var best []freezePoint
	for depth := range 8 {
		var points []freezePoint
		for _, p := range r.Freeze {
			if p.Name != p.Value && strings.Count(p.Name, ".") <= depth {
				points = append(points, p)
			}
		}
		if len(points) > most {
			break
		}
		best = points
	}
	if len(best) < 2 {
		step := (len(r.Freeze) + most - 1) / max(1, most)
		for i := step - 1; step > 0 && i < len(r.Freeze); i += step {
			best = append(best, r.Freeze[i])
		}
	}
	ends := map[string]freezePoint{}
	for _, p := range best {
		ends[p.Value] = p
	}
	return ends
}

// describe says what there is at a freeze point.
func (p freezePoint) describe() string { return fmt.Sprintf("%d features", p.Features) }

// summary lists operators with how often they come.
func summary(operators []string) string {
	times := map[string]int{}
	var order []string
	for _, o := range operators {
		if times[o]++; times[o] == 1 {
			order = append(order, o)
		}
	}
	for i, o := range order {
		if times[o] > 1 {
			order[i] = fmt.Sprintf("%d %s", times[o], o)
		}
	}
	return strings.Join(order, ", ")
}
