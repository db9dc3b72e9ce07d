package graph

import (
	"math"
	"slices"
)

func (c *call) slice() error {
	var starts, ends, where, steps []int64
	if c.src.Opset < 10 {
		starts, ends = c.n.Ints("starts", nil), c.n.Ints("ends", nil)
		where = c.n.Ints("axes", nil)
	} else {
		if !c.has(1) || !c.has(2) {
			return Corrupt("its starts or ends are missing")
		}
		for i, to := range []*[]int64{nil, &starts, &ends, &where, &steps} {
			if i == 0 || !c.has(i) {
				continue
			}
			list, err := c.integers(i, "bounds")
			if err != nil {
				return err
			}
			*to = list
		}
	}
	dims := c.dims(0)
	if where == nil && len(starts) <= len(dims) {
		for i := range starts {
			where = append(where, int64(i))
		}
	}
	if len(starts) != len(ends) || len(starts) != len(where) || steps != nil && len(steps) != len(starts) {
		return Corrupt("it has %d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(where), len(steps))
	}
	if _, err := axes(where, len(dims)); err != nil {
		return err
	}
	cuts := make([]cut, len(dims))
	for i, d := range dims {
		cuts[i] = cut{0, int64(d), 1}
	}
	for i := range starts {
		a, err := axis(where[i], len(dims))
		if err != nil {
			return err
		}
		step := int64(1)
		if steps != nil {
			step = steps[i]
		}
		if step == 0 || step == math.MinInt64 {
			return Corrupt("step %d", step)
		}
		cuts[a] = clampCut(starts[i], ends[i], step, int64(dims[a]))
	}
	return c.emitSlice(c.output(), c.in[0], cuts)
}

// cut is which elements of one axis a Slice takes: start, start+step and so
// on up to but without end.
type cut struct{ start, end, step int64 }

// clampCut puts a cut of an axis of extent d into its canonical form: start
// and end within the axis (end -1 if a negative step takes element 0).
func clampCut(start, end, step, d int64) cut {
	if step < 0 && (end == math.MaxInt64 || end == math.MaxInt32) {
		// Exporters write "to the end" whichever way the step goes.
		end = math.MinInt64
	}
	if start < 0 {
		start = max(start+d, math.MinInt64/2)
	}
	if end < 0 {
		end = max(end+d, math.MinInt64/2)
	}
	if step > 0 {
		start, end = min(max(start, 0), d), min(max(end, 0), d)
		return cut{start, max(start, end), step}
	}
	start, end = min(max(start, 0), d-1), min(max(end, -1), d-1)
	return cut{start, min(start, end), step}
}

// length returns how many elements the cut takes.
func (k cut) length() int64 {
	span, step := k.end-k.start, k.step
	if step < 0 {
		span, step = -span, -step
	}
	if span <= 0 {
		return 0
	}
	return 1 + (span-1)/step
}

// emitSlice adds a Slice with one cut per axis, as few axes as it needs.
func (c *call) emitSlice(out, in string, cuts []cut) error {
	v := c.values[in]
	dims := slices.Clone(v.dims)
	starts, ends, where, steps := []int64{}, []int64{}, []int64{}, []int64{}
	for a, k := range cuts {
		if k == (cut{0, int64(dims[a]), 1}) {
			continue
		}
		dims[a] = int(k.length())
		starts, ends = append(starts, k.start), append(ends, k.end)
		where, steps = append(where, int64(a)), append(steps, k.step)
	}
	if len(where) == 0 {
		c.become(out, in)
		return nil
	}
	attrs := map[string]Attr{"starts": starts, "ends": ends, "axes": where, "steps": steps}
	return c.emit(out, "Slice", []string{in}, attrs, dims, v.typ)
}

// split makes one Slice per output.
func (c *call) split() error {
	dims := c.dims(0)
	at, err := axis(c.n.Int("axis", 0), len(dims))
	if err != nil {
		return err
	}
	parts, given, err := c.list("split", 1, 13)
	if err != nil {
		return err
	}
	n := int64(len(c.n.Outputs))
	whole := int64(dims[at])
	if given && int64(len(parts)) != n {
		return Corrupt("it has %d parts and %d outputs", len(parts), n)
	}
	if !given {
		if want := c.n.Int("num_outputs", n); want != n {
			return Corrupt("it has %d parts and %d outputs", want, n)
		}
		if c.src.Opset < 18 && whole%n != 0 {
			return Corrupt("extent %d is not divided by %d outputs", whole, n)
		}
		// Equal parts; the last one is smaller if they do not fit.
		each := (whole + n - 1) / n
		for left := whole; int64(len(parts)) < n; left = max(0, left-each) {
			parts = append(parts, min(each, left))
		}
	}
	cuts := make([]cut, len(dims))
	for i, d := range dims {
		cuts[i] = cut{0, int64(d), 1}
	}
	from := int64(0)
	for i, p := range parts {
		if p < 0 || p > whole-from {
			return Corrupt("parts %v of extent %d", parts, whole)
		}
		cuts[at] = cut{from, from + p, 1}
		from += p
		if o := c.n.Outputs[i]; o != "" {
			if err := c.emitSlice(o, c.in[0], cuts); err != nil {
				return err
			}
		}
	}
	if from != whole {
		return Corrupt("parts %v of extent %d", parts, whole)
	}
	return nil
}

func (c *call) gather() error {
	dims := c.dims(0)
	at, err := axis(c.n.Int("axis", 0), len(dims))
	if err != nil {
		return err
	}
	index, err := c.constant(1, "indices")
	if err != nil {
		return err
	}
	if index.Type != Int64 && index.Type != Int32 {
		return Corrupt("its indices are %v", index.Type)
	}
	list, changed := toInt64(index), index.Type == Int32
	for i, v := range list {
		if v >= 0 && v < int64(dims[at]) {
			continue
		}
		if v < -int64(dims[at]) || v >= int64(dims[at]) {
			return Corrupt("index %d of extent %d", v, dims[at])
		}
		if !changed {
			list, changed = slices.Clone(list), true
		}
		list[i] = v + int64(dims[at])
	}
	name := c.in[1]
	if changed {
		name = c.literal(c.output()+"_index", Ints(list, index.Dims...))
	}
	out := slices.Concat(dims[:at], index.Dims, dims[at+1:])
	return c.emit(c.output(), "Gather", []string{c.in[0], name}, map[string]Attr{"axis": int64(at)}, out, c.typ(0))
}

func (c *call) scatterND() error {
	if r := c.n.Text("reduction", "none"); r != "none" {
		return c.refuse("reduction %.40q", r)
	}
	dims := c.dims(0)
	index, err := c.constant(1, "indices")
	if err != nil {
		return err
	}
	if index.Type != Int64 || len(index.Dims) == 0 {
		return Corrupt("its indices are %v of shape %v", index.Type, index.Dims)
	}
	k := index.Dims[len(index.Dims)-1]
	if k > len(dims) {
		return Corrupt("indices with %d axes into shape %v", k, dims)
	}
	if want := slices.Concat(index.Dims[:len(index.Dims)-1], dims[k:]); !slices.Equal(want, c.dims(2)) || c.typ(2) != c.typ(0) {
		return Corrupt("updates of shape %v where %v belongs", c.dims(2), want)
	}
	for i, v := range index.I64 {
		if d := int64(dims[i%k]); v < -d || v >= d {
			return Corrupt("index %d of extent %d", v, d)
		}
	}
	return c.emit(c.output(), "ScatterND", c.in[:3], nil, slices.Clone(dims), c.typ(0))
}

func (c *call) pad() error {
	dims := c.dims(0)
	mode := c.n.Text("mode", "constant")
	if mode != "constant" && mode != "reflect" && mode != "edge" {
		return c.refuse("mode %.40q", mode)
	}
	pads, given, err := c.list("pads", 1, 11)
	if err != nil {
		return err
	}
	fill := c.n.Float("value", 0)
	if c.src.Opset >= 11 {
		fill = 0
		if c.has(2) {
			if fill, err = c.number(2, "value"); err != nil {
				return err
			}
		}
	}
	if given && c.has(3) && c.src.Opset >= 18 {
		if pads, err = c.padsOfAxes(pads, len(dims)); err != nil {
			return err
		}
	}
	if !given || len(pads) != 2*len(dims) {
		return Corrupt("%d pads for a value with %d axes", len(pads), len(dims))
	}
	// Negative pads cut first, then the others add.
	n := len(dims)
	cuts, grow := make([]cut, n), make([]int64, 2*n)
	out, grows := make([]int64, n), false
	for i, d := range dims {
		before, after := pads[i], pads[n+i]
		if max(before, after) > maxElements || min(before, after) < -int64(d) {
			return Corrupt("pads %v of shape %v", pads, dims)
		}
		cuts[i] = cut{max(0, -before), int64(d) - max(0, -after), 1}
		if cuts[i].start > cuts[i].end {
			return Corrupt("pads %v of shape %v", pads, dims)
		}
		grow[i], grow[n+i] = max(0, before), max(0, after)
		left := cuts[i].end - cuts[i].start
		most := max(grow[i], grow[n+i])
		if mode == "reflect" && most >= max(left, 1) || mode == "edge" && most > 0 && left == 0 {
			return Corrupt("%s of %d elements beyond %d", mode, most, left)
		}
		out[i] = left + grow[i] + grow[n+i]
		grows = grows || most > 0
	}
	shape, err := narrow(out)
	if err != nil {
		return err
	}
	if !grows {
		return c.emitSlice(c.output(), c.in[0], cuts)
	}
	inner := c.fresh(c.output() + "_inner")
	if err := c.emitSlice(inner, c.in[0], cuts); err != nil {
		return err
	}
	if to, ok := c.alias[inner]; ok {
		inner = to
	}
	attrs := map[string]Attr{"pads": grow, "mode": mode, "value": fill}
	return c.emit(c.output(), "Pad", []string{inner}, attrs, shape, c.typ(0))
}

// padsOfAxes spreads pads of the axes that input 3 names over all axes.
func (c *call) padsOfAxes(pads []int64, rank int) ([]int64, error) {
	list, err := c.integers(3, "axes")
	if err != nil {
		return nil, err
	}
	if len(pads) != 2*len(list) {
		return nil, Corrupt("%d pads for %d axes", len(pads), len(list))
	}
	if _, err := axes(list, rank); err != nil {
		return nil, err
	}
	all := make([]int64, 2*rank)
	for i, v := range list {
		a, err := axis(v, rank)
		if err != nil {
			return nil, err
		}
		all[a], all[rank+a] = pads[i], pads[len(list)+i]
	}
	return all, nil
}
