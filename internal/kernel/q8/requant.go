package q8

import (
	"errors"
	"fmt"
	"math"
)

// Requant says how the sums of every output channel c become bytes:
//
//	y = clamp(((sum + Bias[c])·Multiplier[c] + 2^(Shift[c]-1)) >> Shift[c] + Zero, Lo, Hi)
//
// with a product of 64 bits and an arithmetic shift, which rounds to the
// nearest and halves up. [Fixed] makes multipliers and shifts.
type Requant struct {
	Bias       []int32
	Multiplier []int32 // not negative
	Shift      []uint8 // from 33 to 53
	Zero       uint8
	Lo, Hi     uint8
}

const (
	// With a shift of 33 at least, the low half of the product decides
	// nothing but by its floor, and 32 bits suffice after the product:
	// floor((floor(p/2^32) + h) / 2^t) = floor((p/2^32 + h) / 2^t) for whole h.
	leastShift = 33
	// Up to it the zero point fits above the fraction in those 32 bits.
	mostShift = 53
)

// ErrScale says that a ratio of scales cannot be represented.
var ErrScale = errors.New("the ratio of the scales is out of range (calibrate again: a layer's outputs are far smaller or larger than its weights and inputs promise)")

// Fixed returns the fixed-point form multiplier/2^shift of a factor above 0
// and below 1/4; others are an error that wraps [ErrScale].
func Fixed(factor float64) (multiplier int32, shift uint8, err error) {
	if !(factor > 0) || factor >= .25 {
		return 0, 0, fmt.Errorf("q8: %w: %v", ErrScale, factor)
	}
	fraction, exponent := math.Frexp(factor) // fraction·2^exponent, the fraction in [.5, 1)
	s := min(31-exponent, mostShift)
	m := math.RoundToEven(math.Ldexp(fraction, exponent+s))
	if m == 1<<31 {
		m--
	}
	return int32(m), uint8(s), nil
}

// check returns an error unless there is a rule for every channel.
func (r *Requant) check(channels int) error {
	if len(r.Bias) != channels || len(r.Multiplier) != channels || len(r.Shift) != channels {
		return fmt.Errorf("q8: %d channels, but %d biases, %d multipliers and %d shifts", channels, len(r.Bias), len(r.Multiplier), len(r.Shift))
	}
	if r.Lo > r.Hi {
		return fmt.Errorf("q8: bytes from %d to %d", r.Lo, r.Hi)
	}
	for c, s := range r.Shift {
		if r.Multiplier[c] < 0 || s < leastShift || s > mostShift {
			return fmt.Errorf("q8: channel %d has the multiplier %d and shift %d: make them by Fixed", c, r.Multiplier[c], s)
		}
	}
	return nil
}

// panelRequant is the epilogue of a panel of columns, as the assembly reads
// it. Columns beyond the last are zeros.
type panelRequant struct {
	bias [panel]int32 // what the sums start from
	even [panel]int32 // multipliers
	odd  [panel]int32 // those of odd columns, one place further down
	// round and shift are applied to the high halves of the products: round
	// has the half to be added and the zero point above the fraction.
	round, shift [panel]int32
	lo, hi       int32
}

// panel is the number of columns that a tile has at most.
const panel = 32

func (q *panelRequant) set(r *Requant, column, width int) {
	*q = panelRequant{lo: int32(r.Lo), hi: int32(r.Hi)}
	for i := range width {
		c := column + i
		t := r.Shift[c] - 32
		q.bias[i] = r.Bias[c]
		q.even[i] = r.Multiplier[c]
		if i%2 == 1 {
			q.odd[i-1] = r.Multiplier[c]
		}
		q.round[i] = 1<<(t-1) + int32(r.Zero)<<t
		q.shift[i] = int32(t)
	}
}

// byteOf returns the byte of a sum that includes the bias.
func (q *panelRequant) byteOf(sum int32, column int) uint8 {
	high := int32((int64(sum) * int64(q.even[column])) >> 32)
	y := (high + q.round[column]) >> uint(q.shift[column])
	return uint8(min(max(y, q.lo), q.hi))
}
