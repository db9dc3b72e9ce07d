package figure

import (
	"math"
	"strconv"
)

// Scale maps values to coordinates.
type Scale struct {
	From, To   float64 // values, not equal
	Start, End float64 // coordinates
}

// At returns the coordinate of v. The conversion keeps the compiler from
// fusing product and sum.
func (s Scale) At(v float64) float64 {
	return s.Start + float64((v-s.From)/(s.To-s.From)*(s.End-s.Start))
}

// Axis is a scale with a name and ticks.
type Axis struct {
	Scale
	Name  string
	Ticks []Tick
}

// Tick is a marked value of an axis.
type Tick struct {
	Value float64
	Label string
}

// Axes draws two axes, x along the bottom and y up the left side, with their
// ticks, a grid and names; an axis may go without a name. All that takes 50
// pixels below the plot and [AxisRoom] to its left.
func (d *Drawing) Axes(x, y Axis) {
	hair, edge := Stroke{Ink: Hair, Width: 1}, Stroke{Ink: Faint, Width: 1}
	for _, t := range y.Ticks {
		py := y.At(t.Value)
		d.Line(hair, Point{x.Start, py}, Point{x.End, py})
		d.Write(Small.At(End), x.Start-9, py+4, t.Label)
	}
	for _, t := range x.Ticks {
		px := x.At(t.Value)
		d.Line(hair, Point{px, y.Start}, Point{px, y.End})
		d.Line(edge, Point{px, y.Start}, Point{px, y.Start + 5})
		d.Write(Small.At(Middle), px, y.Start+19, t.Label)
	}
	d.Line(edge, Point{x.Start, y.End}, Point{x.Start, y.Start}, Point{x.End, y.Start})
	if x.Name != "" {
		d.Write(Words.At(Middle), (x.Start+x.End)/2, y.Start+42, x.Name)
	}
	if y.Name != "" {
		d.Write(Words.At(Middle).Turned(Upwards), x.Start-AxisRoom(y.Ticks)+14, (y.Start+y.End)/2, y.Name)
	}
}

// AxisRoom returns how much room to the left of the plot the labels of these
// ticks and a name take, at least 50.
func AxisRoom(ticks []Tick) float64 {
	room := 50.0
	for _, t := range ticks {
		room = max(room, Small.Width(t.Label)+30)
	}
	return room
}

// Legend draws a short piece of a line at x, y and its name, cut to room, to
// the right of it.
func (d *Drawing) Legend(s Stroke, x, y, room float64, name string) {
	d.Line(s, Point{x, y}, Point{x + 30, y})
	d.Write(Words, x+38, y+4.5, Words.Fit(name, room))
}

// WholeTicks returns ticks from 0 to last at a step of 1, 2 or 5 times a power
// of ten, at most seven above 0.
func WholeTicks(last int) []Tick {
	step := wholeStep(last)
	var ticks []Tick
	for v := 0; v <= last; v += step {
		ticks = append(ticks, Tick{float64(v), strconv.Itoa(v)})
		if v > last-step {
			break // v+step could wrap
		}
	}
	return ticks
}

func wholeStep(last int) int {
	for power := 1; ; power *= 10 {
		for _, m := range []int{1, 2, 5} {
			if last/(m*power) <= 7 {
				return m * power
			}
		}
	}
}

// Ticks returns the multiples of a step of 1, 2 or 5 times a power of ten that
// lie within from and to, at most most steps of them. From is less than to, and
// both are at most 1e15 in size.
func Ticks(from, to float64, most int) []Tick {
	// Products with whole numbers, and quotients by whole powers of ten, are
	// rounded once, so that .3 is .3 and not 3·.1.
	power := int(math.Floor(math.Log10((to - from) / float64(most))))
	for ; ; power++ {
		for _, m := range []float64{1, 2, 5} {
			times, by := m, 1.0
			if power < 0 {
				by = math.Pow10(-power)
			} else {
				times *= math.Pow10(power)
			}
			first, last := math.Ceil(from*by/times), math.Floor(to*by/times)
			if last-first > float64(most) {
				continue
			}
			var ticks []Tick
			for i := range int(last-first) + 1 {
				v := (first+float64(i))*times/by + 0 // no -0
				ticks = append(ticks, Tick{v, strconv.FormatFloat(v, 'f', max(0, -power), 64)})
			}
			return ticks
		}
	}
}
