package site

import (
	"slices"

	"github.com/bristle-fl/bristled/internal/figure"
)

// epochs returns how many epochs an arm has, by all that is known of it.
func (a Arm) epochs() int {
	n := a.ProbeEpochs
	for _, p := range a.Phases {
		n = max(n, p.To)
	}
	if len(a.Loss) > 0 {
		n = max(n, a.Loss[len(a.Loss)-1].Epoch)
	}
	return n
}

// epochs returns how many epochs the longest arm has, at least 1.
func (r Results) epochs() int {
	n := 1
	for _, a := range r.Arms {
		n = max(n, a.epochs())
	}
	return n
}

// thaws draws what was trained when, a panel for every arm.
func thaws(r Results) *figure.Drawing {
	return sheet("What was trained when", "epochs from the left; the head on top", pageWidth, thawPanels(r, pageWidth-2*figure.Margin))
}

func thawPanels(r Results, width float64) []*figure.Drawing {
	var panels []*figure.Drawing
	for _, a := range r.Arms {
		if len(a.Phases) > 0 {
			panels = append(panels, thaw(a, r.epochs(), width))
		}
	}
	return panels
}

// thaw draws the phases of an arm's groups as bars over epochs.
func thaw(a Arm, epochs int, width float64) *figure.Drawing {
	const step, most, top = 22.0, 110.0, 38.0
	var groups []string
	row := map[string]int{}
	left := 0.0
	for _, p := range a.Phases {
		if _, ok := row[p.Group]; !ok {
			row[p.Group] = len(groups)
			groups = append(groups, p.Group)
			left = max(left, min(most, figure.Words.Width(p.Group)))
		}
	}
	left += 10
	bottom := top + step*float64(len(groups))
	d := &figure.Drawing{Width: width, Height: bottom + 28}
	panelHead(d, a.Name)
	x := figure.Scale{From: 0, To: float64(epochs), Start: left, End: width - 10}
	for _, t := range figure.WholeTicks(epochs) {
		px := x.At(t.Value)
		d.Line(figure.Stroke{Ink: figure.Hair, Width: 1}, figure.Point{X: px, Y: top}, figure.Point{X: px, Y: bottom})
		d.Write(figure.Small.At(figure.Middle), px, bottom+16, t.Label)
	}
	for i, g := range groups {
		d.Write(figure.Words.At(figure.End), left-8, top+step*float64(i)+15.5, figure.Words.Fit(g, most))
	}
	for _, p := range a.Phases {
		y := top + step*float64(row[p.Group])
		from, to := x.At(float64(p.From)), x.At(float64(p.To))
		text, ink := rate(p.MaxRate), figure.Colour(0).Over()
		if p.Frozen {
			text, ink = "frozen", figure.Faint
			d.Line(edge, figure.Point{X: from, Y: y + step - 4}, figure.Point{X: to, Y: y + step - 4})
		} else {
			d.Rect(figure.Colour(0), from+1, y+3, max(1, to-from-2), step-6)
		}
		if figure.Small.Width(text) <= to-from-8 {
			d.Write(figure.Small.In(ink), from+5, y+15, text)
		}
	}
	if a.ProbeEpochs > 0 {
		px := x.At(float64(min(a.ProbeEpochs, epochs)))
		d.Line(figure.Stroke{Ink: figure.Faint, Width: 1, Dash: []float64{4, 3}}, figure.Point{X: px, Y: top - 14}, figure.Point{X: px, Y: bottom})
		label := "probing"
		if figure.Small.Width(label) <= px-left-8 {
			d.Write(figure.Small.At(figure.End), px-6, top-5, label)
		}
	}
	return d
}

// losses draws the training loss of all arms.
func losses(r Results) *figure.Drawing {
	return epochLines(r, "Training loss", "mean over all trainings; band: one standard deviation to either side", "loss",
		func(p EpochPoint) (v, sd float64) { return p.Mean, p.SD })
}

// rates draws the head's learning rate of all arms.
func rates(r Results) *figure.Drawing {
	return epochLines(r, "Learning rate", "of the head, at the last step of each epoch", "learning rate",
		func(p EpochPoint) (v, sd float64) { return p.Rate, 0 })
}

// epochLines draws a number, 0 or more, over the epochs of all arms, and a
// band around it.
func epochLines(r Results, title, under, name string, of func(EpochPoint) (v, sd float64)) *figure.Drawing {
	const right, least = 600.0, 1e-12
	most := 0.0
	for _, a := range r.Arms {
		for _, p := range a.Loss {
			v, sd := of(p)
			most = max(most, v+sd)
		}
	}
	if most < least {
		return nil
	}
	ticks := figure.Ticks(0, most, 6)
	d := &figure.Drawing{Width: pageWidth}
	top := d.Head(title, under)
	height := max(300, legendStep*float64(len(r.Arms)))
	d.Height = top + height + 58
	x := figure.Scale{From: 0, To: float64(r.epochs()), Start: figure.AxisRoom(ticks) + figure.Margin, End: right}
	y := figure.Scale{From: 0, To: most, Start: top + height, End: top}
	d.Axes(figure.Axis{Scale: x, Name: "epoch", Ticks: figure.WholeTicks(r.epochs())},
		figure.Axis{Scale: y, Name: name, Ticks: ticks})
	lines := make([][]figure.Point, len(r.Arms))
	for i, a := range r.Arms {
		n := len(a.Loss)
		band := make([]figure.Point, 2*n)
		spread := false
		for j, p := range a.Loss {
			v, sd := of(p)
			px := x.At(float64(p.Epoch))
			lines[i] = append(lines[i], figure.Point{X: px, Y: y.At(v)})
			band[j] = figure.Point{X: px, Y: y.At(v + sd)}
			band[2*n-1-j] = figure.Point{X: px, Y: y.At(max(0, v-sd))}
			spread = spread || sd > 0
		}
		if spread {
			d.Area(figure.Colour(i), .14, thin(band)...)
		}
	}
	for i, a := range r.Arms {
		if len(lines[i]) == 0 {
			continue
		}
		// Arms whose lines are one and the same share a look.
		look := slices.IndexFunc(lines, func(l []figure.Point) bool { return slices.Equal(l, lines[i]) })
		switch {
		case look < i:
		case len(lines[i]) == 1: // no line; a square
			d.Rect(figure.Colour(i), lines[i][0].X-3, lines[i][0].Y-3, 6, 6)
		default:
			d.Line(stroke(i, 2), thin(lines[i])...)
		}
		d.Legend(stroke(look, 2.5), right+22, top+8+legendStep*float64(i), pageWidth-right-60-figure.Margin, a.Name)
	}
	return d
}
