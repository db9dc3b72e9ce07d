// Package attack holds the liars of the simulator: every attack that the rules
// are measured against, and the interface that a new one satisfies.
//
// [Parse] reads what an experiment's file says, such as "fp-perm(prototypes=false)"
// or "on-off(period=20,duty=10)|alie(z=1.5)"; [New] makes one liar of it; [List]
// describes all. docs/attacks.md has the formulas and shows how to add one.
//
// # What always holds
//
//   - A liar knows everything: what it lacks is only in what it is not shown, a
//     field of [Scene].
//   - What it says depends on its constants, its number, the seed and the scene,
//     with the same bits on every architecture. Liars of one experiment conspire by
//     drawing from the same seed.
//   - Every number that it sends is finite and at most 1e12 in magnitude: a rule
//     has to stand it, the arithmetic of the simulator must not break on it.
//   - Statistics of honest peers (means, deviations, distances) are over the
//     updates in the victim's inbox. Where whole heads travel the vector is the
//     whole head; where claimed rows travel each class is a vector of its own, of
//     those who sent its row. The victim's own row stands in for a class that no
//     honest peer sent.
package attack
