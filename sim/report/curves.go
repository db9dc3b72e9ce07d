package report

import (
	"fmt"
	"strconv"
)

// scale maps values to coordinates.
type scale struct {
	from, to   float64 // values
	start, end float64 // coordinates
}

// at returns the coordinate of v. The conversion keeps the compiler from
// fusing product and sum.
func (s scale) at(v float64) float64 {
	return s.start + float64((v-s.from)/(s.to-s.from)*(s.end-s.start))
}

// curve is one line of a chart.
type curve struct {
	name string
	*group
}

// Sizes of an accuracy chart.
const (
	curvesWidth  = 880
	plotHeight   = 340
	plotRight    = 600 // where the plot ends and the legend begins
	legendStep   = 21
	mostCurves   = 24 // in one chart
	lettersSmall = 11.5
	letters      = 12.5
)

// curves draws accuracy over iterations, one line for each curve in the order
// given, and the interval around it.
func curves(title string, lines []curve) *drawing {
	height := max(plotHeight, float64(len(lines)*legendStep))
	d := &drawing{width: curvesWidth}
	top := d.head(title, bandNote(lines))
	d.height = top + height + 58
	last := 1
	for _, l := range lines {
		if n := len(l.iterations); n > 0 {
			last = max(last, l.iterations[n-1])
		}
	}
	x := scale{0, float64(last), 62, plotRight}
	y := scale{0, 1, top + height, top}
	axes(d, x, y, last)
	// All bands lie below all lines.
	for i, l := range lines {
		d.band(palette[i%len(palette)], l, x, y)
	}
	for i, l := range lines {
		k, dash := palette[i%len(palette)], dashes[i/len(palette)%len(dashes)]
		points := make([]point, len(l.iterations))
		for j, it := range l.iterations {
			points[j] = point{x.at(float64(it)), y.at(l.mean[j])}
		}
		switch len(points) {
		case 0:
		case 1: // no line; a square
			d.rect(k, points[0].x-3, points[0].y-3, 6, 6)
		default:
			d.line(k, 2, points...)
			d.shapes[len(d.shapes)-1].dash = dash
		}
		ly := top + 8 + float64(i*legendStep)
		d.line(k, 2.5, point{plotRight + 22, ly}, point{plotRight + 52, ly})
		d.shapes[len(d.shapes)-1].dash = dash
		d.write(dark, letters, start, plotRight+60, ly+4.5,
			fit(l.name, letters, false, curvesWidth-plotRight-60-margin))
	}
	return d
}

// band draws the interval around a curve.
func (d *drawing) band(k ink, l curve, x, y scale) {
	if l.half == nil || len(l.iterations) < 2 {
		return
	}
	n := len(l.iterations)
	points := make([]point, 2*n)
	for i, it := range l.iterations {
		px := x.at(float64(it))
		points[i] = point{px, y.at(min(1, l.mean[i]+l.half[i]))}
		points[2*n-1-i] = point{px, y.at(max(0, l.mean[i]-l.half[i]))}
	}
	d.shapes = append(d.shapes, shape{kind: polygon, ink: k, opacity: .16, points: points})
}

// axes draws both axes with their ticks, a grid and names.
func axes(d *drawing, x, y scale, last int) {
	for i := range 6 {
		v := float64(i) / 5
		d.line(hair, 1, point{x.start, y.at(v)}, point{x.end, y.at(v)})
		d.write(faint, lettersSmall, end, x.start-9, y.at(v)+4, strconv.FormatFloat(v, 'f', 1, 64))
	}
	step := tickStep(last)
	for it := 0; it <= last; it += step {
		px := x.at(float64(it))
		d.line(hair, 1, point{px, y.start}, point{px, y.end})
		d.line(faint, 1, point{px, y.start}, point{px, y.start + 5})
		d.write(faint, lettersSmall, middle, px, y.start+19, strconv.Itoa(it))
		if it > last-step {
			break // it+step could wrap
		}
	}
	d.line(faint, 1, point{x.start, y.end}, point{x.start, y.start}, point{x.end, y.start})
	d.write(dark, letters, middle, (x.start+x.end)/2, y.start+42, "iteration")
	d.writeTurned(upwards, dark, letters, middle, 26, (y.start+y.end)/2, "mean accuracy of honest peers")
}

// tickStep returns a step of 1, 2 or 5 times a power of ten that makes at most
// seven ticks above 0.
func tickStep(last int) int {
	for power := 1; ; power *= 10 {
		for _, m := range []int{1, 2, 5} {
			if last/(m*power) <= 7 {
				return m * power
			}
		}
	}
}

// bandNote says what the lines and bands are.
func bandNote(lines []curve) string {
	least, most := 0, 0
	for _, l := range lines {
		if least == 0 || l.Seeds < least {
			least = l.Seeds
		}
		most = max(most, l.Seeds)
	}
	switch {
	case most <= 1:
		return "one seed, so no interval"
	case least == most:
		return fmt.Sprintf("mean over %d seeds; band: 95%% confidence interval of that mean (Student's t)", most)
	default:
		return fmt.Sprintf("mean over %d to %d seeds; band: 95%% confidence interval of that mean (Student's t)", least, most)
	}
}
