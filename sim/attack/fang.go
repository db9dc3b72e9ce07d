package attack

import (
	"math"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// The attacks of Fang, Cao, Jia and Gong (USENIX Security 2020, section 4) with full
// knowledge. Both push each weight against s, +1 or -1, the direction in which it
// would go without them: the sign of the mean of the honest vectors minus the
// victim's one round earlier. That difference holds what the liars did in the last
// round, too, so that whatever they push back comes out the other side.
//
// The author of Bristle took the opposite sign, so that his liars push with the
// honest (docs/bristle.md, d); the variants :author do that.

// against returns -s per weight, or s for the author's sign.
func (v *vector) against(author bool) []float64 {
	m := v.mean()
	for i := range m {
		up := m[i] >= float64(v.before[i])
		m[i] = 1
		if up != author {
			m[i] = -1
		}
	}
	return m
}

// fangKrum sends middle - lambda*s, the same from all liars so that they are each
// other's nearest, with the largest lambda that makes the victim choose it.
//
// The paper starts from the model that a server sent out. Where peers gossip, the
// victim's own head is among those that Krum chooses from, and beside a lie that
// starts from there it is nearest to all liars: Krum takes it and nothing happens.
// So the middle is the mean of the honest vectors, the victim's included.
//
// lambda starts at the paper's bound and is halved until the victim's actual rule
// picks the lie, as [Scene.Outcome] shows. Halving may fall short by a factor of two,
// so the last step is then bisected four times: with a lambda that is too small the
// liars hand the victim the honest mean.
type fangKrum struct {
	Honest
	author bool
}

const (
	leastLambda   = 1e-5 // where the paper gives up
	lambdaBisects = 4
)

func (a fangKrum) Forge(s *Scene) bool {
	if len(s.Inbox) == 0 {
		return true
	}
	return s.agree(func() federation.Rows {
		rows, all := vectors(s)
		lambda, directions := 0.0, make([][]float64, len(all))
		middles := make([][]float64, len(all))
		for i := range all {
			v := &all[i]
			lambda = max(lambda, v.lambda(s.Liars))
			directions[i] = v.against(a.author)
			middles[i] = mean(append(slices.Clone(v.honest), v.own))
		}
		picked := func(lambda float64) bool {
			for i := range all {
				all[i].set(middles[i], lambda, directions[i])
			}
			return picks(s, rows)
		}
		refused := 0.0 // the least that was
		for lambda > leastLambda && !picked(lambda) {
			refused = lambda
			lambda /= 2
		}
		if lambda > leastLambda && refused > 0 {
			for range lambdaBisects {
				if middle := (lambda + refused) / 2; picked(middle) {
					lambda = middle
				} else {
					refused = middle
				}
			}
		}
		picked(lambda) // what is sent
		return rows
	})
}

// lambda is the paper's upper bound, with m vectors, c of them lies, d weights and
// D the Euclidean distance: min over honest i of the sum of D to its m-c-2 nearest
// honest, over (m-2c-1) sqrt(d), plus the largest D to the victim's of one round
// earlier, over sqrt(d). Where m-2c-1 is less than 1, and Krum promises nothing, it counts as 1.
func (v *vector) lambda(c int) float64 {
	honest := append(slices.Clone(v.honest), v.own)
	m := len(honest) + c
	root := math.Sqrt(float64(len(v.own)))
	least, far := math.Inf(1), 0.0
	for _, x := range honest {
		var d []float64
		for _, y := range honest {
			d = append(d, distance(x, y))
		}
		far = max(far, distance(x, v.before))
		slices.Sort(d)
		sum := 0.0
		for _, y := range d[1:min(len(d), max(2, m-c-1))] { // d[0] is x itself
			sum += y
		}
		least = min(least, sum)
	}
	return least/(float64(max(1, m-2*c-1))*root) + far/root
}

// picks reports whether the victim's outcome is the lie rather than an honest
// update: whether it moves from its own head in the direction of the lie more
// closely than in that of anybody else. So it sees through rules that go half the
// way to what they choose.
func picks(s *Scene, lie federation.Rows) bool {
	head := s.Outcome(s.Update.Claims, lie)
	to := func(rows federation.Rows) float64 {
		step, own := make([]float32, s.Own.Features), make([]float32, s.Own.Features)
		dot, steps, ways := 0.0, 0.0, 0.0
		for i, c := range rows.Classes {
			for k, w := range s.Own.Row(c) {
				step[k], own[k] = head.Row(c)[k]-w, rows.Row(i)[k]-w
			}
			dot += float64(kernel.Dot(step, own))
			steps += float64(kernel.Dot(step, step))
			ways += float64(kernel.Dot(own, own))
		}
		if steps == 0 || ways == 0 {
			return -1
		}
		return dot / (math.Sqrt(steps) * math.Sqrt(ways))
	}
	liar := to(lie)
	return liar > 0 && !slices.ContainsFunc(s.Inbox, func(u *federation.Update) bool { return to(u.Rows) >= liar })
}

// fangTrimmedMean sends, in each coordinate, something beyond all honest values, the
// victim's own included, on the side that s points away from. With the greatest
// value x that is uniform on [x, bx] if x is positive, else on [x, x/b]; with the
// least x, uniform on [bx, x] if x is negative, else on [x/b, x]. Every liar draws
// its own.
type fangTrimmedMean struct {
	Honest
	author bool
	b      float64
}

const (
	fangMargin = 1e-5 // how far beyond at least, so that equal values do not tie
	fangClamp  = 100  // of every weight, as in the Bristle experiments
)

func (a fangTrimmedMean) Forge(s *Scene) bool {
	rows, all := vectors(s)
	for i := range all {
		v := &all[i]
		for k, side := range v.against(a.author) {
			edge := float64(v.own[k]) * side
			for _, x := range v.honest {
				edge = max(edge, float64(x[k])*side)
			}
			// Seen from its side every edge is a maximum.
			far := float64(edge * a.b)
			if edge <= 0 {
				far = edge / a.b
			}
			w := edge + float64((far-edge)*s.Fresh.Float64()) + fangMargin
			v.out[k] = narrow(side * max(-fangClamp, min(fangClamp, w)))
		}
	}
	return s.send(rows)
}
