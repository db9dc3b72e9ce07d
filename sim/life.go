package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// ErrLife is wrapped by the errors about lives that no peer can have, or that show
// nothing.
var ErrLife = errors.New("impossible life")

// unit is one iteration in virtual time, which counts in whole microseconds.
const unit = 1_000_000

// Life is what befalls one honest peer, in iterations.
type Life struct {
	Join  int     // the iteration before which it is not there; below Experiment.Iterations
	Speed float64 // rounds per iteration; 0 means 1
	Away  []Absence
}

// Absence is a time in which a peer neither works nor hears: what arrives then is
// lost. They ascend and do not overlap; where one begins when another ends, the
// peer stays away.
type Absence struct {
	From, To int // in iterations; To is when it is back
	// Crash says that it loses what it did not commit to its store, and the
	// mail that it had not read.
	Crash bool
}

func (l Life) check(number int) error {
	if l.Join < 0 || l.Speed < 0 || l.Speed > 1000 || l.Speed > 0 && l.Speed < 1e-3 {
		return fmt.Errorf("%w: peer %d joins at %d and runs at a speed of %v: from 0 on, and 0.001 to 1000, are allowed", ErrLife, number, l.Join, l.Speed)
	}
	last := 0
	for _, a := range l.Away {
		if a.From < last || a.To <= a.From {
			return fmt.Errorf("%w: peer %d is away from %d to %d: absences ascend, do not overlap and last an iteration at least", ErrLife, number, a.From, a.To)
		}
		last = a.To
	}
	return nil
}

func (l Life) period() int64 {
	if l.Speed == 0 {
		return unit
	}
	return max(1, int64(float64(unit/l.Speed)))
}

func (l Life) crashes() bool {
	return slices.ContainsFunc(l.Away, func(a Absence) bool { return a.Crash })
}

// back returns until when a peer is away at the given time: that time if it is
// there.
func (l Life) back(now int64) int64 {
	for _, a := range l.Away {
		if from, to := a.span(); from <= now && now < to {
			now = to
		}
	}
	return now
}

// wake returns what is left of the mail of a peer that works now, after it last
// worked at another time, and whether it has crashed in between.
func (l Life) wake(last, now int64, mail []letter) (left []letter, crashed bool) {
	for _, a := range l.Away {
		from, to := a.span()
		if to <= last || to > now {
			continue
		}
		mail = slices.DeleteFunc(mail, func(l letter) bool { return l.at < to && (a.Crash || l.at >= from) })
		crashed = crashed || a.Crash
	}
	return mail, crashed
}

// span returns when an absence begins and when it has ended.
func (a Absence) span() (from, to int64) { return int64(a.From) * unit, int64(a.To) * unit }

// checkJoins refuses peers that would never work, and an evaluation with nobody to
// evaluate.
func (e Experiment) checkJoins() error {
	first := e.Iterations // to be evaluated after
	if e.Every > 0 {
		first = min(e.Every, first)
	}
	earliest := e.Iterations
	for i := range e.Honest {
		join := 0
		if i < len(e.Life) {
			join = e.Life[i].Join
		}
		if join >= e.Iterations {
			return fmt.Errorf("%w: peer %d joins at %d, and the experiment ends after %d iterations: let it join earlier, or run more iterations", ErrLife, i, join, e.Iterations)
		}
		earliest = min(earliest, join)
	}
	if earliest >= first {
		return fmt.Errorf("%w: the first peer joins at %d, and peers are evaluated after %d iterations: let one join earlier, or evaluate later", ErrLife, earliest, first)
	}
	return nil
}

// Churn returns lives in which every peer leaves with the given probability in
// each iteration, for the given number of iterations.
func Churn(peers, iterations int, probability float64, away int, crash bool, seed uint64) []Life {
	lives := make([]Life, peers)
	for i := range lives {
		rng := rand.New(rand.NewPCG(seed, 4<<32|uint64(i)))
		for t := 1; t < iterations; t++ {
			if rng.Float64() < probability {
				lives[i].Away = append(lives[i].Away, Absence{t, t + away, crash})
				t += away
			}
		}
	}
	return lives
}

// Link is how messages travel. The zero Link is perfect: what is sent in one
// round is there before the next.
type Link struct {
	Latency   float64 // in iterations
	Jitter    float64 // up to so much more, evenly distributed
	Loss      float64 // probability that a message is lost
	Bandwidth float64 // bytes per iteration that a peer can send; 0: no limit
}

func (l Link) check() error {
	for _, v := range []float64{l.Latency, l.Jitter, l.Loss, l.Bandwidth} {
		if !(v >= 0 && v <= 1e12) {
			return fmt.Errorf("a link with latency %v, jitter %v, loss %v and bandwidth %v: none may be negative", l.Latency, l.Jitter, l.Loss, l.Bandwidth)
		}
	}
	if l.Loss > 1 || l.Latency > 1e6 || l.Jitter > 1e6 {
		return fmt.Errorf("a link with loss %v, latency %v and jitter %v: loss is at most 1, latency and jitter are at most a million iterations", l.Loss, l.Latency, l.Jitter)
	}
	return nil
}

// never is later than any experiment ends, and far from the end of int64.
const never = 1 << 60

// transit returns when a message of the given size arrives that a peer sends
// at a time. busy is until when the sender's line is taken.
func (l Link) transit(now int64, busy *int64, size int, rng *rand.Rand) (at int64, lost bool) {
	at = now
	if l.Bandwidth > 0 {
		// A line so slow that a message never comes through is busy for ever.
		*busy = min(never, max(*busy, now)+int64(min(never, float64(float64(size)*unit/l.Bandwidth))))
		at = *busy
	}
	if l.Loss > 0 && rng.Float64() < l.Loss {
		return 0, true
	}
	delay := l.Latency
	if l.Jitter > 0 {
		delay += float64(l.Jitter * rng.Float64())
	}
	return at + int64(float64(delay*unit)), false
}
