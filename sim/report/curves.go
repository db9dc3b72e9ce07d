package report

import (
	"fmt"

	"github.com/bristle-fl/bristled/internal/figure"
)

// curve is one line of a chart.
type curve struct {
	name string
	*group
}

// Sizes of an accuracy chart.
const (
	curvesWidth = 880
	plotHeight  = 340
	plotRight   = 600 // where the plot ends and the legend begins
	legendStep  = 21
	mostCurves  = 24 // in one chart
)

// curves draws accuracy over iterations, one line for each curve in the order
// given, and the interval around it.
func curves(title string, lines []curve) *figure.Drawing {
	height := max(plotHeight, float64(len(lines)*legendStep))
	d := &figure.Drawing{Width: curvesWidth}
	top := d.Head(title, bandNote(lines))
	d.Height = top + height + 58
	last := 1
	for _, l := range lines {
		if n := len(l.iterations); n > 0 {
			last = max(last, l.iterations[n-1])
		}
	}
	x := figure.Scale{From: 0, To: float64(last), Start: 62, End: plotRight}
	y := figure.Scale{From: 0, To: 1, Start: top + height, End: top}
	d.Axes(figure.Axis{Scale: x, Name: "iteration", Ticks: figure.WholeTicks(last)},
		figure.Axis{Scale: y, Name: "mean accuracy of honest peers", Ticks: figure.Ticks(0, 1, 5)})
	// All bands lie below all lines.
	for i, l := range lines {
		band(d, figure.Colour(i), l, x, y)
	}
	for i, l := range lines {
		// A dash once the colours are used up.
		s := figure.Stroke{Ink: figure.Colour(i), Width: 2, Dash: figure.Dash(i / figure.Colours)}
		points := make([]figure.Point, len(l.iterations))
		for j, it := range l.iterations {
			points[j] = figure.Point{X: x.At(float64(it)), Y: y.At(l.mean[j])}
		}
		switch len(points) {
		case 0:
		case 1: // no line; a square
			d.Rect(s.Ink, points[0].X-3, points[0].Y-3, 6, 6)
		default:
			d.Line(s, points...)
		}
		s.Width = 2.5
		d.Legend(s, plotRight+22, top+8+float64(i*legendStep), curvesWidth-plotRight-60-figure.Margin, l.name)
	}
	return d
}

// band draws the interval around a curve.
func band(d *figure.Drawing, k figure.Ink, l curve, x, y figure.Scale) {
	if l.half == nil || len(l.iterations) < 2 {
		return
	}
	n := len(l.iterations)
	points := make([]figure.Point, 2*n)
	for i, it := range l.iterations {
		px := x.At(float64(it))
		points[i] = figure.Point{X: px, Y: y.At(min(1, l.mean[i]+l.half[i]))}
		points[2*n-1-i] = figure.Point{X: px, Y: y.At(max(0, l.mean[i]-l.half[i]))}
	}
	d.Area(k, .16, points...)
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
