package site

import (
	"fmt"
	"math"
	"strconv"

	"github.com/bristle-fl/bristled/internal/figure"
)

// chart is a figure of the report and how to read it.
type chart struct {
	*figure.Drawing
	Caption string
}

// Widths of figures on the page.
const (
	pageWidth  = 880.0
	panelGap   = 12.0
	legendStep = 21.0
	armRoom    = 190.0 // for the name of an arm
)

// charts draws all figures for which there are numbers.
func (r Results) charts() []chart {
	var list []chart
	add := func(d *figure.Drawing, caption string) {
		if d != nil {
			list = append(list, chart{d, caption})
		}
	}
	add(forest(r, pageWidth), "Each square is an arm's mean, each line its 95% interval. Where two lines overlap the arms may still differ, "+
		"because they were tested on the same images; the table of comparisons tells.")
	add(roc(r, 760), "Each point is a threshold: the higher, the more of the positives are found; the further to the right, the more false alarms. "+
		"The closer a line comes to the upper left corner the better; the diagonal is guessing.")
	images := "how many images"
	if !r.HeldOut {
		images += ", in all test folds of a run on average"
	}
	add(confusions(r), "Rows are what the images are, columns what the model said. Large: the share of the row; small: "+images+".")
	add(reliabilities(r), "How sure the models were, and how often they were right. On the diagonal their confidence can be taken at its word; below it they are too sure. "+
		"Larger squares stand for more predictions.")
	add(thaws(r), "A bar is a time in which a group of layers was trained, with its highest learning rate; a thin line is a time in which it was frozen. "+
		"The head, on top, is nearest to the answer; the lowest group sees the pixels.")
	add(losses(r), "The loss on the images that were trained on. That it falls shows that training works, not that the model is right about other images.")
	add(rates(r), "How fast the head learnt in each epoch. Other groups follow the same shape to the rates above.")
	add(armBars(r, "Time of a run", "training and testing on all folds of a run, one after another, on the machine named below; mean over runs",
		func(a Arm) float64 { return a.SecondsPerRun }, lasting), "")
	add(armBars(r, "Memory", "most that weights, gradients, optimizer, activations and kept feature maps took together",
		func(a Arm) float64 { return float64(a.Memory) }, figure.Bytes), "")
	return list
}

// stroke is the look of an arm's line, which is told apart without colour too.
func stroke(arm int, width float64) figure.Stroke {
	return figure.Stroke{Ink: figure.Colour(arm), Width: width, Dash: figure.Dash(arm + arm/figure.Colours)}
}

var edge = figure.Stroke{Ink: figure.Faint, Width: 1}

// forest draws mean and interval of the first metric for every arm.
func forest(r Results, width float64) *figure.Drawing {
	const step, room = 28.0, 150.0 // room for the numbers
	lo, hi, left := math.Inf(1), math.Inf(-1), 0.0
	for _, a := range r.Arms {
		left = max(left, min(armRoom, figure.Words.Width(a.Name)))
		if len(a.Metrics) > 0 {
			for _, v := range []float64{a.Metrics[0].Mean, a.Metrics[0].Low, a.Metrics[0].High} {
				if !math.IsNaN(v) {
					lo, hi = min(lo, v), max(hi, v)
				}
			}
		}
	}
	if lo > hi {
		return nil
	}
	name := r.primary()
	guess := name == auroc || name == "balanced accuracy" && len(r.Data.Classes) == 2
	if guess {
		lo, hi = min(lo, .5), max(hi, .5)
	}
	// Some air on both sides, and an extent where all is one value.
	air := max((hi-lo)*.04, 1e-3, math.Abs(hi)*1e-9)
	lo, hi = lo-air, hi+air

	d := &figure.Drawing{Width: width}
	top := d.Head(name+" of each arm", r.where("mean")+", and 95% confidence interval by patients")
	bottom := top + step*float64(len(r.Arms))
	d.Height = bottom + 50
	x := figure.Scale{From: lo, To: hi, Start: figure.Margin + left + 14, End: width - room}
	for _, t := range figure.Ticks(lo, hi, 7) {
		px := x.At(t.Value)
		d.Line(figure.Stroke{Ink: figure.Hair, Width: 1}, figure.Point{X: px, Y: top}, figure.Point{X: px, Y: bottom})
		d.Write(figure.Small.At(figure.Middle), px, bottom+18, minus(t.Label))
	}
	d.Line(edge, figure.Point{X: x.Start, Y: bottom}, figure.Point{X: x.End, Y: bottom})
	if guess {
		px := x.At(.5)
		d.Line(figure.Stroke{Ink: figure.Faint, Width: 1, Dash: []float64{4, 3}}, figure.Point{X: px, Y: top}, figure.Point{X: px, Y: bottom})
		d.Write(figure.Small.At(figure.Middle), px, bottom+34, "guessing")
	}
	for i, a := range r.Arms {
		y := top + step*(float64(i)+.5)
		d.Write(figure.Words.At(figure.End), x.Start-12, y+4.5, figure.Words.Fit(a.Name, armRoom))
		m := a.Metrics[0]
		text := number(m.Mean)
		if between := span(m.Low, m.High, number); between != "" {
			text += " (" + between + ")"
			from, to := x.At(m.Low), x.At(m.High)
			d.Line(figure.Stroke{Ink: figure.Colour(i), Width: 2}, figure.Point{X: from, Y: y}, figure.Point{X: to, Y: y})
			for _, px := range []float64{from, to} {
				d.Line(figure.Stroke{Ink: figure.Colour(i), Width: 2}, figure.Point{X: px, Y: y - 5}, figure.Point{X: px, Y: y + 5})
			}
		}
		if !math.IsNaN(m.Mean) {
			d.Rect(figure.Colour(i), x.At(m.Mean)-5, y-5, 10, 10)
		}
		d.Write(figure.Words.At(figure.End), width-figure.Margin, y+4.5, text)
	}
	return d
}

// roc draws the curves of all arms in one square.
func roc(r Results, width float64) *figure.Drawing {
	const left = 64.0
	side := min(400, width-360) // the rest is the legend's
	d := &figure.Drawing{Width: width}
	under := r.tested()
	if n := len(r.Data.Classes); n > 2 {
		under += ", mean over the classes, each against the others"
	} else if n == 2 {
		under += fmt.Sprintf("; positive is %q", r.Data.Classes[1])
	}
	top := d.Head("ROC curves", under)
	d.Height = top + max(side, legendStep*float64(len(r.Arms))) + 58
	x := figure.Scale{From: 0, To: 1, Start: left, End: left + side}
	y := figure.Scale{From: 0, To: 1, Start: top + side, End: top}
	d.Axes(figure.Axis{Scale: x, Name: "false positives, of all negatives", Ticks: figure.Ticks(0, 1, 5)},
		figure.Axis{Scale: y, Name: "true positives, of all positives", Ticks: figure.Ticks(0, 1, 5)})
	d.Line(figure.Stroke{Ink: figure.Faint, Width: 1, Dash: []float64{4, 3}}, figure.Point{X: x.Start, Y: y.Start}, figure.Point{X: x.End, Y: y.End})
	drawn := false
	for i, a := range r.Arms {
		if len(a.ROC) == 0 {
			continue
		}
		drawn = true
		points := make([]figure.Point, len(a.ROC))
		for j, p := range a.ROC {
			points[j] = figure.Point{X: x.At(p[0]), Y: y.At(p[1])}
		}
		d.Line(stroke(i, 2), thin(points)...)
		name := a.Name
		if len(a.Metrics) > 0 && a.Metrics[0].Name == auroc {
			name = number(a.Metrics[0].Mean) + "  " + name
		}
		d.Legend(stroke(i, 2.5), x.End+22, top+8+legendStep*float64(i), width-x.End-60-figure.Margin, name)
	}
	if !drawn {
		return nil
	}
	return d
}

// thin drops points that are less than half a pixel from the one before them,
// but keeps both ends.
func thin(points []figure.Point) []figure.Point {
	kept := points[:1:1]
	for i, p := range points[1:] {
		last := kept[len(kept)-1]
		if i+2 == len(points) || math.Abs(p.X-last.X) >= .5 || math.Abs(p.Y-last.Y) >= .5 {
			kept = append(kept, p)
		}
	}
	return kept
}

// armBars draws a quantity of every arm of which it is known, which 0 is not.
func armBars(r Results, title, under string, of func(Arm) float64, print func(float64) string) *figure.Drawing {
	var list []figure.Bar
	for _, a := range r.Arms {
		if v := of(a); v > 0 {
			list = append(list, figure.Bar{Name: a.Name, Value: v})
		}
	}
	if len(list) == 0 {
		return nil
	}
	return figure.Bars(title, under, list, print)
}

// rate writes a learning rate.
func rate(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
