package attack

import (
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/federation"
)

// poison is the foreign-poison family: the liar trains honestly on all classes and
// sends true rows under false names, where the victim cannot tell because it has no
// samples of these classes (docs/attacks.md).
//
// What it publishes as prototypes, one set for all, limits it. With honest or copied
// ones the names are false in a way of each victim's own. With false ones they
// are false in one way, which the prototypes confirm, for all victims; one that
// knows either class of a changed pair is told the truth of it. Equivocated
// prototypes match what each victim is told, which takes two signed versions.
type poison struct {
	Honest
	seed uint64
	sets int // an index of lies
	// personal says what to tell a victim with these foreign classes, public what
	// everybody is told by a liar with false prototypes.
	personal func(foreign []int, classes int, rng *rand.Rand) names
	public   func(classes int, rng *rand.Rand) names
	always   bool // public whatever the prototypes are, and to those who know, too
	// claims says what to claim; nil means all classes. Varies says that it is
	// something else for victims who are told something else.
	claims func(classes int, n names) []int
	varies bool
	factor float64 // of the rows that the victim cannot test
}

// names says, for each class, of which class the row is that is sent for it.
type names []int

// lies are the values of the constant prototypes.
var lies = []string{"honest", "false", "copied", "equivocated"}

const (
	honestSets = iota
	falseSets
	copiedSets
	equivocatedSets
)

// Random streams beside those of the victims, which are numbered from 0.
const (
	publicStream = 1<<40 + iota
	copyStream
	driftStream
)

func (a *poison) Forge(s *Scene) bool {
	n := a.told(s)
	rename(s.Update.Rows, n)
	for i, c := range s.Update.Rows.Classes {
		if a.factor != 1 && !s.familiar(c) {
			row := s.Update.Rows.Row(i)
			for k, w := range row {
				row[k] = narrow(a.factor * float64(w))
			}
		}
	}
	if a.claims != nil {
		s.Update.Claims = a.claims(s.Classes, n)
	}
	return true
}

func (a *poison) Prototypes(s *Scene, set *federation.Prototypes) {
	switch a.sets {
	case falseSets:
		rename(set.Means, a.everybody(s.Classes))
	case equivocatedSets:
		rename(set.Means, a.told(s))
	case copiedSets:
		rng := rand.New(rand.NewPCG(a.seed, copyStream))
		n := truth(s.Classes)
		for c := range n {
			if s.Classes > 1 {
				n[c] = (c + 1 + rng.IntN(s.Classes-1)) % s.Classes
			}
		}
		rename(set.Means, n)
	}
	if a.claims != nil {
		keep(set, a.claimed(s))
	}
}

// claimed returns the classes that are claimed of every victim, and so may be
// published: updates that claim less than their sender's set are refused. Where claims
// vary and the set is one for all, but not what everybody is told, that leaves nothing
// to publish.
func (a *poison) claimed(s *Scene) []int {
	switch a.sets {
	case falseSets:
		return a.claims(s.Classes, a.everybody(s.Classes))
	case equivocatedSets:
		return a.claims(s.Classes, a.told(s))
	}
	if a.varies {
		return nil
	}
	return a.claims(s.Classes, truth(s.Classes))
}

// keep leaves these classes in a set.
func keep(set *federation.Prototypes, classes []int) {
	samples := set.Samples[:0]
	for i, c := range set.Means.Classes {
		if slices.Contains(classes, c) {
			samples = append(samples, set.Samples[i])
		}
	}
	means := set.Means
	set.Means = federation.Rows{Features: means.Features}
	for i, c := range means.Classes {
		if slices.Contains(classes, c) {
			set.Means.Classes = append(set.Means.Classes, c)
			set.Means.Weights = append(set.Means.Weights, means.Row(i)...)
		}
	}
	set.Samples = samples
}

func (a *poison) everybody(classes int) names {
	return a.public(classes, rand.New(rand.NewPCG(a.seed, publicStream)))
}

// told returns what one victim is told, the same by all liars in all rounds.
func (a *poison) told(s *Scene) names {
	if a.always {
		return a.everybody(s.Classes)
	}
	if a.sets != falseSets {
		return a.personal(s.foreign(), s.Classes, rand.New(rand.NewPCG(a.seed, uint64(s.Victim))))
	}
	n := a.everybody(s.Classes)
	told := slices.Clone(n)
	for c, from := range n {
		if s.familiar(c) || s.familiar(from) {
			told[c] = c
		}
	}
	return told
}

// truth is every class under its own name.
func truth(classes int) names {
	n := make(names, classes)
	for c := range n {
		n[c] = c
	}
	return n
}

// changed returns the classes with a false name, ascending.
func (n names) changed() []int {
	var classes []int
	for c, from := range n {
		if c != from {
			classes = append(classes, c)
		}
	}
	return classes
}

// rename gives each row the weights of the row that n says, where there is one.
func rename(r federation.Rows, n names) {
	old := federation.Rows{Classes: r.Classes, Features: r.Features, Weights: slices.Clone(r.Weights)}
	for i, c := range r.Classes {
		if row := rowOf(old, n[c]); row != nil {
			copy(r.Row(i), row)
		}
	}
}

// derange gives each of the pool's classes the name of another, in one random cycle
// (Sattolo's algorithm). One class alone keeps its name.
func derange(pool []int, classes int, rng *rand.Rand) names {
	n := truth(classes)
	for i := len(pool) - 1; i > 0; i-- {
		j := rng.IntN(i)
		n[pool[i]], n[pool[j]] = n[pool[j]], n[pool[i]]
	}
	return n
}

// swap exchanges two classes of the pool: those that come first in a random order of
// all classes. With one source of randomness for all victims most of them are told
// the same, and confirm it to each other.
func swap(pool []int, classes int, rng *rand.Rand) names {
	order := rng.Perm(classes)
	pair := slices.DeleteFunc(order, func(c int) bool { return !slices.Contains(pool, c) })
	return derange(pair[:min(2, len(pair))], classes, rng)
}

// upper returns the upper half of the classes, but at least two: what a public lie
// is about. Peers whose classes are all in the lower half cannot tell.
func upper(classes int) []int { return truth(classes)[max(0, min(classes/2, classes-2)):] }

func publicly(choose func(pool []int, classes int, rng *rand.Rand) names) func(int, *rand.Rand) names {
	return func(classes int, rng *rand.Rand) names { return choose(upper(classes), classes, rng) }
}

// permuted tells each victim a permutation of its foreign classes.
func permuted(m maker) *poison {
	return &poison{seed: m.seed, sets: m.whole("prototypes"), personal: derange, public: publicly(derange), factor: 1}
}

func permutedForAll(m maker) *poison {
	a := permuted(m)
	a.always = true
	return a
}

// scaled is [permuted] with foreign rows so long that they outvote all others in a
// mean.
func scaled(m maker) *poison {
	a := permuted(m)
	a.factor = m.values["factor"]
	return a
}

// swapped exchanges two of the victim's foreign classes.
func swapped(m maker) *poison {
	return &poison{
		seed: m.seed, sets: m.whole("prototypes"), public: publicly(swap), factor: 1,
		personal: func(foreign []int, classes int, _ *rand.Rand) names {
			return swap(foreign, classes, rand.New(rand.NewPCG(m.seed, publicStream)))
		},
	}
}

// narrowed is [swapped] with a claim to these two classes only, so that vote mass,
// which is split among the classes claimed, does not thin out.
func narrowed(m maker) *poison {
	a := swapped(m)
	a.varies = true
	a.claims = func(classes int, n names) []int {
		if two := n.changed(); two != nil {
			return two
		}
		return truth(classes)
	}
	return a
}

// windowed claims size consecutive classes, modulo their number, as an honest peer
// does. All liars claim the same ones, from first on, and tell each victim a
// permutation of those that are foreign to it; or, publicly, they exchange the names
// of the first half of them for everybody. Spread, each liar has a window of its own,
// evenly over the classes.
func windowed(public, spread bool) func(m maker) *poison {
	return func(m maker) *poison {
		window := func(classes int) []int {
			from := m.whole("first")
			if spread {
				from = m.liar * classes / m.liars
			}
			var w []int
			for i := range min(m.whole("size"), classes) {
				w = append(w, (from+i)%classes)
			}
			return w
		}
		return &poison{
			seed: m.seed, sets: m.whole("prototypes"), always: public, factor: 1,
			personal: func(foreign []int, classes int, rng *rand.Rand) names {
				pool := slices.DeleteFunc(window(classes), func(c int) bool { return !slices.Contains(foreign, c) })
				return derange(pool, classes, rng)
			},
			public: func(classes int, rng *rand.Rand) names {
				w := window(classes)
				return derange(w[:max(min(2, len(w)), len(w)/2)], classes, rng)
			},
			claims: func(classes int, _ names) []int {
				w := window(classes)
				slices.Sort(w)
				return w
			},
		}
	}
}

// omniscient knows the true row of every class: the mean over the honest peers that
// are familiar with it, the victim included. It sends the victim these for its own
// classes, and for the foreign ones rotates them by as many places as does most
// harm in the end, measured as the squared distance of the victim's foreign rows
// from the true ones.
type omniscient struct{ Honest }

func (omniscient) Forge(s *Scene) bool {
	return s.agree(func() federation.Rows {
		rows := s.Own.Select(s.Update.Rows.Classes)
		for i, c := range rows.Classes {
			var experts [][]float32
			if s.familiar(c) {
				experts = append(experts, s.Own.Row(c))
			}
			for _, u := range s.Inbox {
				if row := rowOf(u.Rows, c); row != nil && slices.Contains(u.Claims, c) {
					experts = append(experts, row)
				}
			}
			if experts != nil {
				for k, w := range mean(experts) {
					rows.Row(i)[k] = narrow(w)
				}
			}
		}
		foreign := s.foreign()
		facts := federation.Rows{Classes: foreign, Features: rows.Features}
		for _, c := range foreign {
			facts.Weights = append(facts.Weights, rowOf(rows, c)...)
		}
		worst, most := 1, -1.0
		turn := func(by int) federation.Rows {
			n := truth(s.Classes)
			for i, c := range foreign {
				n[c] = foreign[(i+by)%len(foreign)]
			}
			turned := federation.Rows{Classes: rows.Classes, Features: rows.Features, Weights: slices.Clone(rows.Weights)}
			rename(turned, n)
			return turned
		}
		for by := 1; by < len(foreign); by++ {
			if h := harmTo(s.Outcome(s.Update.Claims, turn(by)), facts); h > most {
				worst, most = by, h
			}
		}
		return turn(worst)
	})
}
