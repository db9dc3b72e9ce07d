package report

import (
	"fmt"
	"image/color"
	"strconv"
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
func heatmap(title string, g *grid, rules, settings []int) *drawing {
	left := 0.0
	for _, r := range rules {
		left = max(left, min(nameRoom, width(g.rules[r], letters, false)))
	}
	left += margin + 10
	// Names that fit stand level above their column, others lean.
	lean, above, over := false, 18.0, 0.0
	for _, s := range settings {
		if width(g.settings[s], letters, false) > heatCell-6 {
			lean = true
		}
	}
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = fit(g.settings[s], letters, false, nameRoom)
		if lean {
			w := width(names[i], letters, false)
			above = max(above, float64(-turnSin[slanted]*w)+20)
			over = max(over, float64(i+1-len(settings))*heatCell+float64(turnCos[slanted]*w)-heatCell/2+12)
		}
	}
	right := left + heatCell*float64(len(settings))
	d := &drawing{width: max(560, right+max(over, 0)+margin)}
	top := d.head(title, "mean over seeds of the mean honest peer; small: worst honest peer of all seeds") + above
	bottom := top + heatRow*float64(len(rules))
	d.height = bottom + 54
	for i, name := range names {
		x := left + heatCell*(float64(i)+.5)
		if lean {
			d.writeTurned(slanted, dark, letters, start, x, top-8, name)
		} else {
			d.write(dark, letters, middle, x, top-8, name)
		}
	}
	for j, r := range rules {
		y := top + heatRow*float64(j)
		d.write(dark, letters, end, left-10, y+heatRow/2+4, fit(g.rules[r], letters, false, nameRoom))
		for i, s := range settings {
			x := left + heatCell*float64(i)
			row := g.at[place{s, r}]
			if row == nil {
				d.write(faint, letters, middle, x+heatCell/2, y+heatRow/2+4, "–")
				continue
			}
			k := heat(row.Mean)
			d.rect(ink{color: k}, x+1, y+1, heatCell-2, heatRow-2)
			on := ink{color: readable(k)}
			d.write(on, 13, middle, x+heatCell/2, y+17, strconv.FormatFloat(row.Mean, 'f', 3, 64))
			d.write(on, 10, middle, x+heatCell/2, y+30, strconv.FormatFloat(row.Worst, 'f', 3, 64))
		}
	}
	key(d, left, bottom+16)
	return d
}

// key draws the scale of colours.
func key(d *drawing, x, y float64) {
	const steps, step = 40, 4.5
	for i := range steps {
		// Half a pixel over, lest seams show.
		d.rect(ink{color: heat((float64(i) + .5) / steps)}, x+step*float64(i), y, step+.5, 10)
	}
	for i := range 6 {
		d.write(faint, 10, middle, x+steps*step*float64(i)/5, y+23, fmt.Sprintf("%.1f", float64(i)/5))
	}
	d.write(faint, 10, start, x+steps*step+14, y+9, "accuracy")
}

// cividis holds colours at equal distances along the map of Nuñez, Anderton
// and Renslow (PLoS ONE 13(7), 2018), whose lightness rises evenly with and
// without colour-blindness.
var cividis = [...]color.NRGBA{
	{0x00, 0x22, 0x4e, 0xff}, {0x2a, 0x3f, 0x6d, 0xff}, {0x57, 0x5c, 0x6d, 0xff}, {0x7d, 0x7c, 0x78, 0xff},
	{0xa5, 0x9c, 0x74, 0xff}, {0xd2, 0xc0, 0x60, 0xff}, {0xfe, 0xe8, 0x38, 0xff},
}

// heat returns the colour of an accuracy.
func heat(v float64) color.NRGBA {
	at := float64(v * float64(len(cividis)-1)) // not fused with the difference below
	i := min(int(at), len(cividis)-2)
	part := at - float64(i)
	mix := func(a, b uint8) uint8 {
		return uint8(float64(a) + float64(part*(float64(b)-float64(a))) + .5)
	}
	a, b := cividis[i], cividis[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}

// readable returns black or white, whichever stands out from the background.
func readable(k color.NRGBA) color.NRGBA {
	// Rec. 601 luma, in thousandths.
	if 299*int(k.R)+587*int(k.G)+114*int(k.B) > 112_000 {
		return color.NRGBA{0, 0, 0, 0xff}
	}
	return paper
}
