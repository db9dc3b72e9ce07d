package learner

// Scores says how good a classifier is.
type Scores struct {
	Accuracy  float64   // share of samples that got their own class
	Precision []float64 // per class: TP/(TP+FP), 0 where undefined
	Recall    []float64 // per class: TP/(TP+FN), 0 where undefined
	F1        []float64 // per class: 2TP/(2TP+FP+FN), 0 where undefined
}

// tally counts per class.
type tally struct {
	hits, guesses, truths []int
}

func (t *tally) reset(classes int) {
	if len(t.hits) != classes {
		t.hits, t.guesses, t.truths = make([]int, classes), make([]int, classes), make([]int, classes)
		return
	}
	clear(t.hits)
	clear(t.guesses)
	clear(t.truths)
}

func (t *tally) add(truth, guess int) {
	t.truths[truth]++
	t.guesses[guess]++
	if truth == guess {
		t.hits[truth]++
	}
}

// f1 uses 2TP+FP+FN = guesses+truths.
func (t *tally) f1(c int) float64 {
	return ratio(2*t.hits[c], t.guesses[c]+t.truths[c])
}

func (t *tally) scores() Scores {
	var s Scores
	var hits, all int
	for c := range t.hits {
		hits += t.hits[c]
		all += t.truths[c]
		s.Precision = append(s.Precision, ratio(t.hits[c], t.guesses[c]))
		s.Recall = append(s.Recall, ratio(t.hits[c], t.truths[c]))
		s.F1 = append(s.F1, t.f1(c))
	}
	s.Accuracy = ratio(hits, all)
	return s
}

// ratio is a/b, 0 where b is 0.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
