package evaluation

import "math"

// slowScores computes every metric from its definition, pair by pair and class
// by class, without any of the package's code.
func slowScores(p Predictions) Scores {
	classes := len(p.Probabilities[0])
	weight := func(i int) float64 {
		if p.Weights == nil {
			return 1
		}
		return p.Weights[i]
	}
	taken := func(i int) int {
		for c, v := range p.Probabilities[i] {
			largest := true
			for d, u := range p.Probabilities[i] {
				largest = largest && (v > u || v == u && c <= d)
			}
			if largest {
				return c
			}
		}
		panic("no largest")
	}
	// count sums weights of samples.
	count := func(which func(i int) bool) (sum float64) {
		for i := range p.Labels {
			if which(i) {
				sum += weight(i)
			}
		}
		return sum
	}
	average := func(of func(c int) float64) float64 {
		if classes == 2 {
			return of(1)
		}
		var sum, n float64
		for c := range classes {
			if v := of(c); v == v {
				sum, n = sum+v, n+1
			}
		}
		return sum / n
	}
	all := count(func(int) bool { return true })
	var s Scores
	s[AUROC] = average(func(c int) float64 {
		var won, pairs float64
		for i := range p.Labels {
			for j := range p.Labels {
				if p.Labels[i] != c || p.Labels[j] == c {
					continue
				}
				w := weight(i) * weight(j)
				pairs += w
				if a, b := p.Probabilities[i][c], p.Probabilities[j][c]; a > b {
					won += w
				} else if a == b {
					won += w / 2
				}
			}
		}
		return won / pairs
	})
	recall := func(c int) float64 {
		return count(func(i int) bool { return p.Labels[i] == c && taken(i) == c }) / count(func(i int) bool { return p.Labels[i] == c })
	}
	spared := func(c int) float64 {
		return count(func(i int) bool { return p.Labels[i] != c && taken(i) != c }) / count(func(i int) bool { return p.Labels[i] != c })
	}
	s[Sensitivity], s[Specificity] = average(recall), average(spared)
	s[BalancedAccuracy] = average(recall)
	if classes == 2 {
		s[BalancedAccuracy] = (recall(0) + recall(1)) / 2
	}
	s[F1] = average(func(c int) float64 {
		precision := count(func(i int) bool { return p.Labels[i] == c && taken(i) == c }) / count(func(i int) bool { return taken(i) == c })
		r := recall(c)
		if r == 0 {
			return 0
		}
		return 2 * precision * r / (precision + r)
	})
	s[Accuracy] = count(func(i int) bool { return taken(i) == p.Labels[i] }) / all
	for m := 1; m <= 15; m++ {
		var size, right, confidence float64
		for i := range p.Labels {
			c := p.Probabilities[i][taken(i)]
			// In units of bins, as c > m/15 differs by a rounding.
			if at := c * 15; at > float64(m-1) && at <= float64(m) {
				size += weight(i)
				confidence += weight(i) * c
				if taken(i) == p.Labels[i] {
					right += weight(i)
				}
			}
		}
		if size > 0 {
			s[ECE] += size / all * math.Abs(right/size-confidence/size)
		}
	}
	for i, row := range p.Probabilities {
		for c, v := range row {
			truth := 0.0
			if c == p.Labels[i] {
				truth = 1
			}
			share := weight(i) / all
			if classes == 2 {
				share /= 2 // the two classes are equally far off
			}
			s[Brier] += share * (v - truth) * (v - truth)
		}
		s[LogLoss] -= weight(i) / all * math.Log(max(row[p.Labels[i]], math.Nextafter(1, 2)-1))
	}
	if all == 0 {
		s[ECE] = math.NaN()
	}
	return s
}
