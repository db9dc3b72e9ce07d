package report

import (
	"fmt"
	"strconv"

	"github.com/bristle-fl/bristled/internal/figure"
)

// Sizes of a heat map.
const (
	heatCell    = 74.0 // width
	heatRow     = 38.0
	mostColumns = 12
	mostRows    = 60
	nameRoom    = 190.0
)

// heatmap draws the final accuracy of rules (rows) by settings (columns), both
// given as indices into the grid: the mean over seeds as number and colour,
// and below it in small print the worst honest peer.
func heatmap(title string, g *grid, rules, settings []int) *figure.Drawing {
	left := 0.0
	for _, r := range rules {
		left = max(left, min(nameRoom, figure.Words.Width(g.rules[r])))
	}
	left += figure.Margin + 10
	// Names that fit stand level above their column, others lean.
	head, above, over := figure.Words.At(figure.Middle), 18.0, 0.0
	for _, s := range settings {
		if head.Width(g.settings[s]) > heatCell-6 {
			head = figure.Words.Turned(figure.Slanted)
		}
	}
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = head.Fit(g.settings[s], nameRoom)
		if head.Turn == figure.Slanted {
			right, up := head.Reach(names[i])
			above = max(above, up+20)
			over = max(over, float64(i+1-len(settings))*heatCell+right-heatCell/2+12)
		}
	}
	right := left + heatCell*float64(len(settings))
	d := &figure.Drawing{Width: max(560, right+max(over, 0)+figure.Margin)}
	top := d.Head(title, "mean over seeds of the mean honest peer; small: worst honest peer of all seeds") + above
	bottom := top + heatRow*float64(len(rules))
	d.Height = bottom + 54
	for i, name := range names {
		d.Write(head, left+heatCell*(float64(i)+.5), top-8, name)
	}
	for j, r := range rules {
		y := top + heatRow*float64(j)
		d.Write(figure.Words.At(figure.End), left-10, y+heatRow/2+4, figure.Words.Fit(g.rules[r], nameRoom))
		for i, s := range settings {
			x := left + heatCell*float64(i)
			row := g.at[place{s, r}]
			if row == nil {
				d.Write(figure.Words.In(figure.Faint).At(figure.Middle), x+heatCell/2, y+heatRow/2+4, "–")
				continue
			}
			k := figure.Heat(row.Mean)
			d.Rect(k, x+1, y+1, heatCell-2, heatRow-2)
			mean := figure.Text{Ink: k.Over(), Size: 13, Anchor: figure.Middle}
			d.Write(mean, x+heatCell/2, y+17, strconv.FormatFloat(row.Mean, 'f', 3, 64))
			worst := figure.Text{Ink: k.Over(), Size: 10, Anchor: figure.Middle}
			d.Write(worst, x+heatCell/2, y+30, strconv.FormatFloat(row.Worst, 'f', 3, 64))
		}
	}
	key(d, left, bottom+16)
	return d
}

// key draws the scale of colours.
func key(d *figure.Drawing, x, y float64) {
	const steps, step = 40, 4.5
	for i := range steps {
		// Half a pixel over, lest seams show.
		d.Rect(figure.Heat((float64(i)+.5)/steps), x+step*float64(i), y, step+.5, 10)
	}
	words := figure.Text{Ink: figure.Faint, Size: 10}
	for i := range 6 {
		d.Write(words.At(figure.Middle), x+steps*step*float64(i)/5, y+23, fmt.Sprintf("%.1f", float64(i)/5))
	}
	d.Write(words, x+steps*step+14, y+9, "accuracy")
}
