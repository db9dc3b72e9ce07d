package sim

import (
	"fmt"
	"math/rand/v2"
)

// unit is one iteration in virtual time, which counts in whole microseconds.
const unit = 1_000_000

// Life is what befalls one honest peer, in iterations.
type Life struct {
	Join  int     // the iteration before which it is not there
	Speed float64 // rounds per iteration; 0 means 1
	Away  []Absence
}

// Absence is a time in which a peer neither works nor hears. They ascend and
// do not overlap.
type Absence struct {
	From, To int
	// Crash says that it loses what it did not commit to its store.
	Crash bool
}

func (l Life) check(number int) error {
	if l.Join < 0 || l.Speed < 0 || l.Speed > 1000 || l.Speed > 0 && l.Speed < 1e-3 {
		return fmt.Errorf("peer %d joins at %d and runs at a speed of %v: from 0 on, and 0.001 to 1000, are allowed", number, l.Join, l.Speed)
	}
	last := 0
	for _, a := range l.Away {
		if a.From < last || a.To <= a.From {
			return fmt.Errorf("peer %d is away from %d to %d: absences ascend, do not overlap and last an iteration at least", number, a.From, a.To)
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
	for _, a := range l.Away {
		if a.Crash {
			return true
		}
	}
	return false
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
