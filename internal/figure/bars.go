package figure

// Bar is a named quantity, 0 or more.
type Bar struct {
	Name  string
	Value float64
}

// Sizes of a bar chart.
const (
	barsWidth = 720
	barStep   = 26.0
	barsName  = 190.0 // most room for a name
)

// Bars draws a horizontal bar for each quantity in the order given, with its
// value as print writes it. Sixty of them are as many as a page shows well.
func Bars(title, under string, list []Bar, print func(float64) string) *Drawing {
	d := &Drawing{Width: barsWidth}
	top := d.Head(title, under)
	d.Height = top + barStep*float64(len(list)) + Margin
	left, room, most := 0.0, 0.0, 0.0
	for _, b := range list {
		left = max(left, min(barsName, Words.Width(b.Name)))
		room = max(room, Words.Width(print(b.Value)))
		most = max(most, b.Value)
	}
	left += Margin + 10
	x := Scale{0, most, left, barsWidth - Margin - room - 8}
	for i, b := range list {
		y := top + barStep*float64(i)
		d.Write(Words.At(End), left-10, y+17, Words.Fit(b.Name, barsName))
		tip := left
		if most > 0 {
			tip = x.At(b.Value)
			d.Rect(palette[0], left, y+4, tip-left, barStep-8)
		}
		d.Write(Words, tip+8, y+17, print(b.Value))
	}
	d.Line(Stroke{Ink: Faint, Width: 1}, Point{left, top}, Point{left, top + barStep*float64(len(list))})
	return d
}
