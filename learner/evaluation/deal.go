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

// put adds a patient's samples to a fold.
func (d *deal) put(p, f int) {
	for c, n := range d.patients[p].counts {
		d.counts[f][c] += n
		d.sizes[f] += n
	}
	d.fold[p] = f
}

// place says how many classes a fold would hold for the first time, and how
// much worse half the sum would become, but for what is the same in all folds.
func (d *deal) place(p, f int) (covers int, cost float64) {
	for c, n := range d.patients[p].counts {
		if n > 0 && d.counts[f][c] == 0 {
			covers++
		}
		cost += float64(d.scale[c] * float64(n) * float64(d.counts[f][c]))
	}
	return covers, cost
}

// betterThan compares two deals of the same patients.
func (d *deal) betterThan(other *deal) bool {
	empty, sum := d.worth()
	least, smallest := other.worth()
	return empty < least || empty == least && sum < smallest
}

// worth says how many pairs are empty, and what the sum is.
func (d *deal) worth() (empty int, sum float64) {
	for _, counts := range d.counts {
		for c, n := range counts {
			empty += is(n == 0)
			sum += float64(d.scale[c] * float64(n) * float64(n))
		}
	}
	return empty, sum
}

// missing returns an error if a fold lacks a class.
func (d *deal) missing() error {
	for c := range d.scale {
		having, lacking := 0, false
		for _, p := range d.patients {
			having += is(p.counts[c] > 0)
		}
		for _, counts := range d.counts {
			lacking = lacking || counts[c] == 0
		}
		if lacking {
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

// is returns 1 for true and 0 for false.
func is(b bool) int {
	if b {
		return 1
	}
	return 0
}
