package aggregation

import (
	"fmt"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// bristlePlus is the default rule (docs/bristle.md, e). A peer sends the rows
// of the classes it claims, and only those are used:
//
//  1. Rows longer than clip times the mean length of the own familiar rows
//     are shortened to that.
//  2. Each sender's rows are tested in place of the own ones on the probe; d
//     is the change of F1, per class.
//  3. Certainty is mean - standard deviation of the phi best scores among the
//     classes S that both are familiar with. Trust is certainty times
//     clamp(1 + mean over S of d / tolerance, 0, 1). Without common classes
//     it is eta times the same over all own classes: it does no harm.
//  4. The vote mass is min(1, own classes / claimed ones), so that claiming
//     more buys nothing. A foreign row weighs mass · trust, a familiar one
//     mass · certainty · weight((theta·d)^power), the power keeping its sign.
//     With prototypes, trust in a foreign row is multiplied by
//     clamp(1 + (F1 - best F1) / doubt, 0, 1) of its class on pseudo-samples,
//     the best being that of the own row or any claimant's.
//  5. Each row becomes the weighted geometric median of the own row, which
//     weighs own, and the senders' rows.
//  6. Each row is centred on its own mean.
//
// A peer without familiar classes has no vote mass to give and takes nothing.
// Neither does a head of zeros, which clips all rows to zero: train first.
type bristlePlus struct {
	inbox
	scorer
	pick   prioritizer
	median geoMedian

	clip, tolerance, eta, power float64
	ownWeight                   float64
	centring                    bool

	doubt float64

	imagined rival       // scores with pseudo-samples
	clipped  [][]float32 // per live update: memory of the rows that had to be copied
	shared   []int       // S
	cursor   []int       // per live update: the next of its rows
}

func bristlePlusInfo() Info {
	return Info{
		Name:    DefaultRule,
		Summary: "geometric median of claimed rows, weighted by trust from a plug-in test; claiming more buys no influence",
		Constants: slices.Concat(prioritizerConstants(30), scorerConstants(), []Constant{
			{Name: "clip", Default: 1.5, Min: 0.1, Max: 1000,
				Doc: "longest row let in, in mean lengths of the own familiar rows"},
			{Name: "tolerance", Default: 0.2, Min: 0.001, Max: 1,
				Doc: "mean loss of F1 at which trust reaches 0"},
			{Name: "eta", Default: 0.5, Min: 0, Max: 1,
				Doc: "trust in a peer without a class in common that does no harm"},
			{Name: "doubt", Default: 0.6, Min: 0.001, Max: 1,
				Doc: "with prototypes: loss of F1 on pseudo-samples, against the best claimant, at which trust in a foreign row reaches 0"},
			{Name: "power", Default: 3, Min: 1, Max: 8,
				Doc: "exponent of theta times the change of F1"},
			{Name: "own", Default: 1, Min: 0.001, Max: 1000,
				Doc: "weight of the own row in the geometric median"},
			{Name: "steps", Default: 8, Min: 1, Max: 1000, Whole: true,
				Doc: "Weiszfeld steps of the geometric median"},
			{Name: "smoothing", Default: 0.001, Min: 1e-6, Max: 1,
				Doc: "least distance in a Weiszfeld step, in root mean square distances of the rows from their mean"},
			{Name: "centre", Default: 1, Min: 0, Max: 1, Whole: true,
				Doc: "1: subtract from each row of the result its mean"},
		}),
	}
}

func newBristlePlus(_ string, v values) Rule {
	return &bristlePlus{
		pick: newPrioritizer(v), scorer: newScorer(v),
		median: geoMedian{steps: v.whole("steps"), smoothing: v["smoothing"]},
		clip:   v["clip"], tolerance: v["tolerance"], eta: v["eta"], power: v["power"],
		doubt: v["doubt"], ownWeight: v["own"], centring: v.on("centre"),
	}
}

func (r *bristlePlus) Name() string       { return DefaultRule }
func (r *bristlePlus) WholeHead() bool    { return false }
func (r *bristlePlus) Consolidates() bool { return true }

func (r *bristlePlus) Integrate(in Input) (Result, error) {
	if err := checkTester(&in); err != nil {
		return Result{}, err
	}
	if err := r.open(&in); err != nil {
		return Result{}, err
	}
	if err := checkImagined(&in); err != nil {
		return Result{}, err
	}
	if len(in.Updates) == 0 {
		return r.result(), nil
	}
	r.screenClaims()
	r.pick.choose(&r.inbox, in.Rand)
	if len(r.live) > 0 {
		r.clipRows()
		r.evaluate(in.Probe)
		for _, i := range r.live {
			r.weigh(i)
		}
		if in.Pseudo != nil {
			r.testForeign(&in)
		}
		r.mix()
		r.dropWeightless()
	}
	if r.centring {
		r.centre()
	}
	return r.result(), nil
}

func checkImagined(in *Input) error {
	if !ascending(in.Imagined, in.Own.Classes) {
		return fmt.Errorf("%w: imagined classes %v are not ascending numbers below %d", ErrInput, in.Imagined, in.Own.Classes)
	}
	for _, c := range in.Imagined {
		if slices.Contains(in.Familiar, c) {
			return fmt.Errorf("%w: class %d is imagined and familiar", ErrInput, c)
		}
	}
	return nil
}

// screenClaims keeps the updates with a sound row for each claimed class, and
// notes their distances: root mean squares, because peers claim different
// numbers of classes and a short claim is not nearer for being short.
func (r *bristlePlus) screenClaims() {
	kept := r.live[:0]
	for _, i := range r.live {
		u := r.updates[i]
		reason := r.shape(u)
		norms, distances, at := 0.0, 0.0, 0
		for _, c := range u.Claims {
			if reason != "" {
				break
			}
			for at < len(u.Rows.Classes) && u.Rows.Classes[at] < c {
				at++
			}
			if at == len(u.Rows.Classes) || u.Rows.Classes[at] > c {
				reason = MissingRows
				break
			}
			row := u.Rows.Row(at)
			norms += squaredNorm(row)
			reason = judgeNorm(norms, row)
			distances += squaredDistance(row, r.own.Row(c))
		}
		if reason != "" {
			r.drop(i, reason)
			continue
		}
		r.verdicts[i].Distance = math.Sqrt(distances / float64(len(u.Claims)))
		kept = append(kept, i)
	}
	r.live = kept
}

// clipRows sets the candidates to the claimed rows, shortened where they are
// too long.
func (r *bristlePlus) clipRows() {
	limit := 0.0
	for _, c := range r.familiar {
		limit += math.Sqrt(squaredNorm(r.own.Row(c)))
	}
	limit = r.clip * (limit / float64(max(1, len(r.familiar))))

	r.candidates = grow(r.candidates, 1+len(r.live))
	for len(r.clipped) < len(r.live) {
		r.clipped = append(r.clipped, nil)
	}
	for k, i := range r.live {
		u := r.updates[i]
		copied := false
		rows := u.Rows
		if len(rows.Classes) != len(u.Claims) {
			rows, copied = r.copyClaimed(k, u), true
		}
		for j := range rows.Classes {
			norm := math.Sqrt(squaredNorm(rows.Row(j)))
			if norm <= limit {
				continue
			}
			if !copied {
				rows, copied = r.copyClaimed(k, u), true
			}
			shrink := float32(limit / norm)
			row := rows.Row(j)
			for l, w := range row {
				row[l] = w * shrink
			}
			r.verdicts[i].Clipped = true
		}
		r.candidates[k+1] = rows
	}
}

// copyClaimed copies the claimed rows of the k-th live update.
func (r *bristlePlus) copyClaimed(k int, u *federation.Update) federation.Rows {
	r.clipped[k] = grow(r.clipped[k], len(u.Claims)*u.Rows.Features)
	rows := federation.Rows{Classes: u.Claims, Features: u.Rows.Features, Weights: r.clipped[k]}
	at := 0
	for j, c := range u.Claims {
		for u.Rows.Classes[at] < c {
			at++
		}
		copy(rows.Row(j), u.Rows.Row(at))
	}
	return rows
}

// weigh sets certainty, trust, mass and weights of the i-th verdict.
func (r *bristlePlus) weigh(i int) {
	v, claims := &r.verdicts[i], r.updates[i].Claims
	if len(r.judged) == 0 {
		return // who can judge nobody trusts nobody
	}
	r.shared = r.shared[:0]
	for _, c := range claims {
		if _, ok := slices.BinarySearch(r.judged, c); ok {
			r.shared = append(r.shared, c)
		}
	}
	tested, most := r.judged, r.eta
	if len(r.shared) > 0 {
		v.Certainty = certainty(v.F1, r.best(v.F1, r.shared))
		tested, most = r.shared, v.Certainty
	}
	change := 0.0
	for _, c := range tested {
		change += v.F1[c] - r.ownF1[c]
	}
	change /= float64(max(1, len(tested)))
	v.Trust = most * min(1, max(0, 1+change/r.tolerance))
	v.Mass = min(1, float64(len(r.familiar))/float64(len(claims)))

	for _, c := range claims {
		v.Weights[c] = v.Mass * v.Trust
	}
	for _, c := range r.shared {
		d := v.F1[c] - r.ownF1[c]
		score := math.Copysign(kernel.Pow64(r.theta*math.Abs(d), r.power), d)
		v.Weights[c] = v.Mass * v.Certainty * r.weight(score)
	}
}

// rival is memory for the scores of testForeign.
type rival struct {
	out    [][]float64
	scores []float64
	passed []float64
	best   []float64
}

// testForeign multiplies the votes for rows of foreign classes by how well they
// do on pseudo-samples of them, against the best that anybody offers.
func (r *bristlePlus) testForeign(in *Input) {
	t, n, classes := &r.imagined, len(r.candidates), r.own.Classes
	t.scores, t.out = grow(t.scores, n*classes), grow(t.out, n)
	t.passed, t.best = grow(t.passed, n*classes), grow(t.best, classes)
	for k := range t.out {
		t.out[k] = cut(t.scores, k, classes)
	}
	in.Pseudo.F1(r.own, r.candidates, t.out)
	copy(t.best, t.out[0])
	for k := range r.live {
		for _, c := range r.candidates[k+1].Classes {
			t.best[c] = max(t.best[c], t.out[k+1][c])
		}
	}
	for k, i := range r.live {
		v := &r.verdicts[i]
		v.Passed = cut(t.passed, k+1, classes)
		for c := range v.Passed {
			v.Passed[c] = 1
		}
		for _, c := range r.candidates[k+1].Classes {
			if _, ok := slices.BinarySearch(in.Imagined, c); ok {
				v.Passed[c] = min(1, max(0, 1+(t.out[k+1][c]-t.best[c])/r.doubt))
				v.Weights[c] *= v.Passed[c]
			}
		}
	}
}

// mix sets each row of the new head to the geometric median of the own row
// and those of the updates that weigh something.
func (r *bristlePlus) mix() {
	r.cursor = grow(r.cursor, len(r.live))
	clear(r.cursor)
	for c := range r.head.Classes {
		r.median.reset(r.own.Row(c), r.ownWeight)
		for k, i := range r.live {
			rows, at := r.candidates[k+1], r.cursor[k]
			if at == len(rows.Classes) || rows.Classes[at] != c {
				continue
			}
			r.cursor[k]++
			if w := r.verdicts[i].Weights[c]; w > 0 {
				r.median.add(rows.Row(at), w)
			}
		}
		if len(r.median.rows) > 1 && r.median.solve() {
			r.median.write(r.head.Row(c))
		}
	}
}
