package site

import (
	"io"
	"strings"

	"github.com/bristle-fl/bristled/internal/figure"
)

// Sizes of the picture of a report.
const (
	pictureWidth  = 1280.0
	pictureGap    = 24.0
	pictureHalf   = (pictureWidth - pictureGap) / 2
	pictureColumn = 150.0 // of a metric
	mostColumns   = 5     // metrics
	mostPanels    = 6
)

// WritePicture writes an overview of a report as a PNG of one page: what came
// out, the table of results, the intervals, the ROC curves and what was trained
// when. The error wraps [ErrResults] if the results cannot be.
func WritePicture(w io.Writer, r Results) error {
	if err := r.check(); err != nil {
		return err
	}
	return picture(r).WritePNG(w)
}

func picture(r Results) *figure.Drawing {
	d := &figure.Drawing{Width: pictureWidth}
	title := r.Title
	if title == "" {
		title = "Fine-tuning"
	}
	y := d.Head(title, r.moment()) + 10
	s := r.summary()
	for i, text := range append([]string{s.Best, s.Setup}, s.Others...) {
		style := figure.Words
		style.Bold = i == 0
		for _, line := range wrap(style, text, pictureWidth-2*figure.Margin) {
			d.Write(style, figure.Margin, y, line)
			y += 19
		}
	}
	y = pictureTable(d, r, y+16)
	high := 0.0
	for i, part := range []*figure.Drawing{forest(r, pictureHalf), roc(r, pictureHalf)} {
		if part != nil {
			d.Place(part, float64(i)*(pictureHalf+pictureGap), y)
			high = max(high, part.Height)
		}
	}
	y += high
	if panels := thawPanels(r, pictureHalf-2*figure.Margin); len(panels) > 0 {
		part := sheet("What was trained when", "epochs from the left; bars: trained, with the highest learning rate", pictureWidth, panels[:min(mostPanels, len(panels))])
		d.Place(part, 0, y)
		y += part.Height
	}
	d.Height = y + figure.Margin
	return d
}

// pictureTable writes the table of results and returns the y below it.
func pictureTable(d *figure.Drawing, r Results, y float64) float64 {
	if r.primary() == "" {
		return y
	}
	const step, left = 24.0, figure.Margin + armRoom + 30
	metrics := r.Arms[0].Metrics[:min(mostColumns, len(r.Arms[0].Metrics))]
	at := func(column int) float64 { return left + pictureColumn*float64(column) }
	rule := func(y float64) {
		d.Line(edge, figure.Point{X: figure.Margin, Y: y}, figure.Point{X: at(len(metrics)), Y: y})
	}
	head := figure.Words
	head.Bold = true
	for i, m := range metrics {
		d.Write(head, at(i), y, head.Fit(m.Name, pictureColumn-12))
	}
	rule(y + 8)
	for _, a := range r.Arms {
		y += step
		d.Write(figure.Words, figure.Margin, y, figure.Words.Fit(a.Name, armRoom))
		for i, m := range a.Metrics[:len(metrics)] {
			mean := number(m.Mean)
			d.Write(figure.Words, at(i), y, mean)
			between := span(m.Low, m.High, number)
			room := pictureColumn - figure.Words.Width(mean) - 18
			d.Write(figure.Small, at(i)+figure.Words.Width(mean)+6, y, figure.Small.Fit(between, room))
		}
	}
	rule(y + 10)
	return y + 34
}

// wrap breaks a text into lines that have room, at spaces.
func wrap(style figure.Text, text string, room float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		word = style.Fit(word, room)
		longer := strings.TrimPrefix(line+" "+word, " ")
		if line != "" && style.Width(longer) > room {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
