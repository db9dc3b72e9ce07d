package figure

import "strconv"

// Bytes writes a number of bytes with three digits or so.
func Bytes(v float64) string { return inUnits(v, "B", "kB", "MB", "GB", "TB") }

// Nanoseconds writes a time with three digits or so, in seconds at most.
func Nanoseconds(v float64) string { return inUnits(v, "ns", "µs", "ms", "s") }

// inUnits writes v in the greatest unit of which it has at least one. Each
// unit is a thousand times the one before it.
func inUnits(v float64, units ...string) string {
	i := 0
	for v >= 1000-.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	digits := 0
	switch {
	case v == 0:
	case v < 9.995:
		digits = 2
	case v < 99.95:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + units[i]
}
