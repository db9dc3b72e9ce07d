package site

import (
	"math"
	"strconv"

	"github.com/bristle-fl/bristled/internal/figure"
)

// sheet places panels in rows, as many in each as have room.
func sheet(title, under string, width float64, panels []*figure.Drawing) *figure.Drawing {
	if len(panels) == 0 {
		return nil
	}
	d := &figure.Drawing{Width: width}
	x, y, high := float64(figure.Margin), d.Head(title, under), 0.0
	for _, p := range panels {
		if x > figure.Margin && x+p.Width > width-figure.Margin {
			x, y, high = figure.Margin, y+high+panelGap, 0
		}
		d.Place(p, x, y)
		x += p.Width + panelGap
		high = max(high, p.Height)
	}
	d.Height = y + high + figure.Margin
	return d
}

// panelHead writes an arm's name above its panel.
func panelHead(d *figure.Drawing, name string) {
	t := figure.Words
	t.Bold = true
	d.Write(t, 0, 14, t.Fit(name, d.Width))
}

// mostDrawn bounds the classes of a confusion matrix that can be read.
const mostDrawn = 12

// confusions draws a matrix for every arm.
func confusions(r Results) *figure.Drawing {
	if len(r.Data.Classes) > mostDrawn {
		return nil
	}
	var panels []*figure.Drawing
	for _, a := range r.Arms {
		if len(a.Confusion) > 0 {
			panels = append(panels, confusion(r.Data.Classes, a))
		}
	}
	return sheet("Confusion matrices", "rows: what the images are; columns: what they were taken for", pageWidth, panels)
}

func confusion(classes []string, a Arm) *figure.Drawing {
	const row, most, top = 40.0, 100.0, 26.0 // most: room for the name of a class
	cell := 84.0
	if len(classes) > 4 {
		cell = 52
	}
	left, above := 0.0, 18.0
	head := figure.Words.At(figure.Middle)
	for _, c := range classes {
		left = max(left, min(most, figure.Words.Width(c)))
		if head.Width(c) > cell-4 {
			head = figure.Words.Turned(figure.Slanted)
		}
	}
	right := 0.0 // of what leans out of the last column
	for i, c := range classes {
		if head.Turn == figure.Slanted {
			reach, up := head.Reach(head.Fit(c, most))
			above = max(above, up+22)
			right = max(right, reach+cell*(float64(i-len(classes))+.5))
		}
	}
	left += 10
	n := float64(len(classes))
	d := &figure.Drawing{Width: left + cell*n + right, Height: top + above + row*n}
	panelHead(d, a.Name)
	for i, c := range classes {
		d.Write(head, left+cell*(float64(i)+.5), top+above-8, head.Fit(c, most))
		y := top + above + row*float64(i)
		d.Write(figure.Words.At(figure.End), left-8, y+row/2+4.5, figure.Words.Fit(c, most))
		total := 0.0
		for _, v := range a.Confusion[i] {
			total += v
		}
		for j, v := range a.Confusion[i] {
			share, text := 0.0, "–"
			if total > 0 {
				share = min(1, v/total)
				text = strconv.Itoa(int(math.Round(100*share))) + "%"
			}
			x := left + cell*float64(j)
			k := figure.Heat(share)
			d.Rect(k, x+1, y+1, cell-2, row-2)
			d.Write(figure.Text{Ink: k.Over(), Size: 13, Anchor: figure.Middle}, x+cell/2, y+18, text)
			d.Write(figure.Text{Ink: k.Over(), Size: 10, Anchor: figure.Middle}, x+cell/2, y+32, strconv.FormatFloat(v, 'f', tenths(v), 64))
		}
	}
	return d
}

// tenths returns how many decimals a mean count is written with.
func tenths(v float64) int {
	if v == math.Trunc(v) || v >= 1e4 {
		return 0
	}
	return 1
}

// reliabilities draws a reliability diagram for every arm.
func reliabilities(r Results) *figure.Drawing {
	const side, left, top = 200.0, 50.0, 34.0
	var panels []*figure.Drawing
	for i, a := range r.Arms {
		if len(a.Reliability) == 0 {
			continue
		}
		d := &figure.Drawing{Width: left + side + 12, Height: top + side + 50}
		panelHead(d, a.Name)
		x := figure.Scale{From: 0, To: 1, Start: left, End: left + side}
		y := figure.Scale{From: 0, To: 1, Start: top + side, End: top}
		d.Axes(figure.Axis{Scale: x, Name: "confidence", Ticks: figure.Ticks(0, 1, 2)},
			figure.Axis{Scale: y, Name: "share that was right", Ticks: figure.Ticks(0, 1, 2)})
		d.Line(figure.Stroke{Ink: figure.Faint, Width: 1, Dash: []float64{4, 3}}, figure.Point{X: x.Start, Y: y.Start}, figure.Point{X: x.End, Y: y.End})
		most := 0
		for _, b := range a.Reliability {
			most = max(most, b.Count)
		}
		points := make([]figure.Point, len(a.Reliability))
		for j, b := range a.Reliability {
			points[j] = figure.Point{X: x.At(b.Confidence), Y: y.At(b.Accuracy)}
		}
		d.Line(figure.Stroke{Ink: figure.Colour(i), Width: 1.5}, points...)
		for j, b := range a.Reliability {
			h := max(2.5, 7*math.Sqrt(float64(b.Count)/float64(most)))
			d.Rect(figure.Colour(i), points[j].X-h, points[j].Y-h, 2*h, 2*h)
		}
		panels = append(panels, d)
	}
	return sheet("Reliability", "confidence in the answer given, by bins of it, against the share that was right; "+r.tested(), pageWidth, panels)
}
