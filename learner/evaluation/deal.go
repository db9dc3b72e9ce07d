package evaluation

import "slices"

// deal is an assignment of patients to folds. It is better the fewer pairs of
// fold and class are empty, and among equals the smaller the sum, over folds and
// classes, of the square of the share of the class that is in the fold.
type deal struct {
	patients []patient
	fold     []int     // of each patient
	counts   [][]int   // samples, by fold and class
	sizes    []int     // samples, by fold
	scale    []float64 // by class: 1 / (its samples)²
}

const (
	mostPasses = 50    // of improve; a handful is usual
	leastGain  = 1e-12 // of improve; less is rounding
)

func newDeal(patients []patient, classes, k int) *deal {
	d := &deal{patients: patients, fold: make([]int, len(patients)), sizes: make([]int, k), scale: make([]float64, classes)}
	for range k {
		d.counts = append(d.counts, make([]int, classes))
	}
	totals := make([]float64, classes)
	for _, p := range patients {
		for c, n := range p.counts {
			totals[c] += float64(n)
		}
	}
	for c, n := range totals {
		d.scale[c] = 1 / (n * n)
	}
	return d
}

// put adds a patient's samples to a fold; with sign -1 it takes them away.
func (d *deal) put(p, f, sign int) {
	for c, n := range d.patients[p].counts {
		d.counts[f][c] += sign * n
		d.sizes[f] += sign * n
	}
	d.fold[p] = f
}

// place says how much worse half the sum would become if a patient went to a
// fold, but for what is the same in all folds.
func (d *deal) place(p, f int) (cost float64) {
	for c, n := range d.patients[p].counts {
		cost += float64(d.scale[c] * float64(n) * float64(d.counts[f][c]))
	}
	return cost
}

// change says how many more pairs would be empty, and how much worse half the
// sum would become, if a patient went to another fold and, unless it is
// negative, a patient of that fold came back.
func (d *deal) change(out, to, in int) (empty int, cost float64) {
	a, b := d.counts[d.fold[out]], d.counts[to]
	for c, n := range d.patients[out].counts {
		if in >= 0 {
			n -= d.patients[in].counts[c]
		}
		if n == 0 {
			continue
		}
		empty += is(a[c]-n == 0) - is(a[c] == 0) + is(b[c]+n == 0) - is(b[c] == 0)
		cost += float64(d.scale[c] * float64(n) * float64(b[c]-a[c]+n))
	}
	return empty, cost
}

func is(b bool) int {
	if b {
		return 1
	}
	return 0
}

// improve moves single patients while that makes the deal better. Only if a
// fold lacks a class then, it exchanges patients.
func (d *deal) improve() {
	for range mostPasses {
		moved := false
		for p := range d.patients {
			from, best, least, gain := d.fold[p], -1, 0, -leastGain
			for f := range d.counts {
				if f == from {
					continue
				}
				if empty, cost := d.change(p, f, -1); empty < least || empty == least && cost < gain {
					best, least, gain = f, empty, cost
				}
			}
			if best >= 0 {
				d.put(p, from, -1)
				d.put(p, best, 1)
				moved = true
			}
		}
		if !moved && !d.exchange() {
			return
		}
	}
}

// exchange makes one exchange of two patients after which fewer pairs of fold
// and class are empty.
func (d *deal) exchange() bool {
	for f, counts := range d.counts {
		for c, n := range counts {
			if n > 0 {
				continue
			}
			for p := range d.patients {
				if d.patients[p].counts[c] == 0 {
					continue
				}
				for q := range d.patients {
					if d.fold[q] != f {
						continue
					}
					if empty, _ := d.change(p, f, q); empty < 0 {
						from := d.fold[p]
						d.put(p, from, -1)
						d.put(q, f, -1)
						d.put(p, f, 1)
						d.put(q, from, 1)
						return true
					}
				}
			}
		}
	}
	return false
}

// missing returns an error if a fold lacks a class.
func (d *deal) missing() error {
	for c := range d.scale {
		for _, counts := range d.counts {
			if counts[c] > 0 {
				continue
			}
			having := 0
			for _, p := range d.patients {
				having += is(p.counts[c] > 0)
			}
			return &ClassError{Class: c, Groups: having, Folds: len(d.counts)}
		}
	}
	return nil
}

// folds lists the samples of the deal.
func (d *deal) folds(samples int) []Fold {
	list := make([]Fold, len(d.counts))
	for f := range list {
		list[f] = Fold{Test: make([]int, 0, d.sizes[f]), Train: make([]int, 0, samples-d.sizes[f])}
	}
	for p, own := range d.patients {
		for f := range list {
			half := &list[f].Train
			if d.fold[p] == f {
				half = &list[f].Test
			}
			*half = append(*half, own.samples...)
		}
	}
	for _, f := range list {
		slices.Sort(f.Train)
		slices.Sort(f.Test)
	}
	return list
}
