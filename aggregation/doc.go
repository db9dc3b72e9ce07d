// Package aggregation turns the heads that a peer receives into one head.
//
// A [Rule] takes the peer's own consolidated head and the newest [federation.Update]
// of every sender, and returns the new head together with one [Verdict] for
// each of them: how far off it was, how well it did on the peer's probe, what
// it weighed in each row, and why if nothing. [New] builds a rule from the
// constants of the manifest; [Rules] lists what there is:
//
//   - bristle+, the default: claimed rows only, plug-in test, vote mass,
//     geometric median;
//   - bristle and bristle:paper, two readings of Bristle (Verbraeken, de Vos
//     and Pouwelse, arXiv 2110.11006);
//   - krum, trimmed-mean, median, mean and local, to compare with.
//
// # What always holds
//
//   - The order of the updates changes nothing, not even a bit: a rule sorts
//     them by sender before anything else, and draws its random numbers after.
//   - The result has the same bits on every architecture and kernel path.
//     Weights are summed in float32 by internal/kernel, in an order that is
//     part of its contract; scores are float64 in ascending order of class or
//     sender, without fused multiply-add and with exp and log of our own.
//   - Every update gets exactly one verdict, in ascending order of sender.
//   - A result is finite. An update with a weight that is not, or so large
//     that distances could overflow, is dropped with a verdict and never
//     summed, also when it did not come through the decoder that refuses it.
//   - Without updates the head stays as it is.
//
// # Memory
//
// A rule keeps its scratch between rounds and allocates nothing once it has
// seen its largest round. A [Result] is part of that scratch: it is valid until
// the next call of Integrate on the same rule. A rule belongs to one peer and
// is not safe for concurrent use.
package aggregation
