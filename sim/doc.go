// Package sim runs many peers in one process, in lock step, on an in-process
// bus.
//
// The peers are node.Peer, the same code that the daemon drives; what a peer
// sends goes through the wire format and back, so a simulated federation sees
// the very numbers that a real one sees. Only time and the network are
// missing: a message sent in one iteration is there in the next.
//
// [Deal] gives each peer its samples, [Run] runs an [Experiment], and an
// [Attack] is what a Byzantine peer does.
//
// # What always holds
//
//   - One seed gives one result, bit for bit, with any number of workers.
//   - Training, probe and test samples are disjoint.
//   - Attackers know everything and share everything; honest peers know only
//     what reached them.
package sim
