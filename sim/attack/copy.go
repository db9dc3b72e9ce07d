package attack

import (
	"math"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// mimic is the mimic attack (Karimireddy, He and Jaggi, ICLR 2022, section 3): all
// liars send what one honest peer sends, claims and rows, so that it counts many
// times over. Whom they copy is either fixed, by place among the senders, or the
// one who stands out most along the direction in which the honest differ most.
type mimic struct {
	Honest
	peer   int
	widest bool
}

func (a mimic) Forge(s *Scene) bool {
	if len(s.Inbox) == 0 {
		return true
	}
	i := a.peer % len(s.Inbox)
	if a.widest {
		i = standsOut(s)
	}
	u := s.Inbox[i]
	s.Update.Claims = slices.Clone(u.Claims)
	s.Update.Rows = federation.Rows{
		Classes: slices.Clone(u.Rows.Classes), Features: u.Rows.Features, Weights: slices.Clone(u.Rows.Weights),
	}
	return true
}

// Prototypes publishes none: whom a mimic copies, and so what it claims, depends on
// whom the victim hears of.
func (mimic) Prototypes(_ *Scene, set *federation.Prototypes) { keep(set, nil) }

// standsOut returns the update with the greatest projection on the direction of
// largest variance, the first of equals. That paper follows the direction over
// rounds; heads, unlike its gradients, keep theirs, so one round is enough. A row
// that a peer did not send counts as the mean of those who did.
func standsOut(s *Scene) int {
	n, size := len(s.Inbox), s.Classes*s.Own.Features
	apart := make([]float32, n*size) // deviations from the mean
	for c := range s.Classes {
		var rows [][]float32
		var from []int
		for i, u := range s.Inbox {
			if row := rowOf(u.Rows, c); row != nil {
				rows, from = append(rows, row), append(from, i)
			}
		}
		if rows == nil {
			continue
		}
		middle := mean(rows)
		for k, i := range from {
			to := apart[i*size+c*s.Own.Features:]
			for j, w := range rows[k] {
				to[j] = narrow(float64(w) - middle[j])
			}
		}
	}
	gram := make([]float64, n*n)
	widest := 0
	for i := range n {
		for j := range i + 1 {
			g := float64(kernel.Dot(apart[i*size:(i+1)*size], apart[j*size:(j+1)*size]))
			gram[i*n+j], gram[j*n+i] = g, g
		}
		if gram[i*n+i] > gram[widest*n+widest] {
			widest = i
		}
	}
	// Power iteration, from the one who is farthest from the mean. The projections
	// are proportional to the components.
	v := slices.Clone(gram[widest*n : (widest+1)*n])
	next := make([]float64, n)
	for range 50 {
		top := 0.0
		for i := range next {
			sum := 0.0
			for j, g := range gram[i*n : (i+1)*n] {
				sum += float64(g * v[j])
			}
			next[i] = sum
			top = max(top, math.Abs(sum))
		}
		if top == 0 {
			return 0 // all are the same
		}
		for i := range v {
			v[i] = next[i] / top
		}
	}
	best := 0
	for i := range v {
		if math.Abs(v[i]) > math.Abs(v[best]) {
			best = i
		}
	}
	return best
}

// replay sends for ever what it had learned in one round, and is honest before.
type replay struct {
	Honest
	at  uint64
	old federation.Head
}

func (a *replay) Learned(round uint64, head federation.Head) {
	if round == a.at {
		a.old = head.Clone()
	}
}

func (a *replay) Forge(s *Scene) bool {
	if a.old.Weights == nil {
		return true
	}
	return s.send(a.old.Select(s.Update.Rows.Classes))
}

// freeRider never trains: it sends the victim the mean of what the victim got from
// others, under noise with a standard deviation of a given share of each vector's
// root mean square, and claims all classes (the disguised free-rider of Fraboni,
// Vidal and Lorenzi, AISTATS 2021).
type freeRider struct {
	Honest
	noise float64
}

func (a freeRider) Forge(s *Scene) bool {
	rows, all := vectors(s)
	for i := range all {
		v := &all[i]
		m := v.mean()
		square := 0.0
		for _, w := range m {
			square += float64(w * w)
		}
		sd := a.noise * math.Sqrt(square/float64(len(m)))
		for k, w := range m {
			v.out[k] = narrow(w + float64(sd*kernel.Normal(s.Fresh)))
		}
	}
	return s.send(rows)
}

// equivocation tells even and odd victims different things, each of which looks
// honest: mean + z*deviation to the ones and mean - z*deviation to the others, so
// that the honest drift apart. The moments are those of A Little Is Enough.
type equivocation struct {
	Honest
	z float64
}

func (a equivocation) Forge(s *Scene) bool {
	z := a.z
	if s.Victim%2 == 1 {
		z = -z
	}
	rows, all := vectors(s)
	for i := range all {
		m := all[i].mean()
		all[i].set(m, z, all[i].deviation(m))
	}
	return s.send(rows)
}
