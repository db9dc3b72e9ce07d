package attack

import (
	"math/rand/v2"

	"github.com/bristle-fl/bristled/federation"
)

// Attack is one liar. An attack embeds [Honest] and overrides what it lies in:
// to itself (Label), with what it learned (Learned), or to others (Forge,
// Prototypes).
//
// Learned and Forge of one Attack are never called at the same time, but Forge
// is called for several victims at once and must not change the Attack.
type Attack interface {
	// Label returns the label that a sample of a class is trained with.
	Label(class, classes int) int
	// Learned is called after each round of the liar's own training, which
	// follows the same schedule as an honest peer's. The head is valid during
	// the call.
	Learned(round uint64, head federation.Head)
	// Forge changes s.Update, a copy of what this liar would send to one
	// victim, and returns false to send nothing this time.
	Forge(s *Scene) bool
	// Prototypes changes the set of class means that this liar would publish
	// to one victim. It owns the set, and publishes none if it leaves no means in
	// it. It is called after Forge with the same scene, whose random sources are
	// used up to there, and only when the victim has no set of this liar yet.
	Prototypes(s *Scene, set *federation.Prototypes)
}

// Scene is what a liar knows when it speaks to one victim: everything.
type Scene struct {
	Round   uint64 // of the victim, from 0
	Classes int
	Rule    federation.RuleSpec
	// Update is a copy, with claims and rows of its own: whole heads where the
	// rule wants them, the claimed rows else. Claims are all classes.
	Update *federation.Update
	// Head is what the liar's own training made, whole.
	Head federation.Head
	// Liar is the number of this one among Liars; they conspire.
	Liar, Liars int

	Victim   int             // its number among the honest peers
	Familiar []int           // its classes
	Own      federation.Head // its consolidated head before it integrates
	Before   federation.Head // the same one round earlier; zeros at first
	// Inbox holds the newest update of each honest peer that the victim is
	// about to integrate, ascending by sender.
	Inbox []*federation.Update
	// Holds are the classes of every honest peer.
	Holds [][]int

	// Rand depends on the experiment's seed and the victim alone: all liars
	// draw the same for one victim, in every round. Fresh depends on the liar
	// and the round, too.
	Rand, Fresh *rand.Rand
	// Outcome returns the head that the victim would get if every liar sent it
	// the given rows with the given claims.
	Outcome func(claims []int, rows federation.Rows) federation.Head
	// Agree, if set, calls plan once for all liars who speak to this victim in
	// this round and gives each the result, which nobody changes. A plan that
	// asks Outcome often need not be made by each of them.
	Agree func(plan func() federation.Rows) federation.Rows
}

// Honest is an attack that does nothing.
type Honest struct{}

// Label returns the true class.
func (Honest) Label(class, _ int) int { return class }

// Learned ignores the head.
func (Honest) Learned(uint64, federation.Head) {}

// Forge sends the update as it is.
func (Honest) Forge(*Scene) bool { return true }

// Prototypes publishes the set as it is.
func (Honest) Prototypes(*Scene, *federation.Prototypes) {}
