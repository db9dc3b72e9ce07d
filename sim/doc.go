// Package sim runs many peers in one process, in virtual time, on an in-process
// bus.
//
// The peers are node.Peer, the same code that the daemon drives; what a peer
// sends goes through the wire format and back, so a simulated federation sees
// the very numbers that a real one sees. Only time and the network are made up.
// Time counts in iterations: a peer works one round in each, or as many as its
// [Life] says, and may join late, be away and crash. A [Topology] says who sends
// to whom, and a [Link] how long that takes and what is lost.
//
// A [Deck] deals each peer its [Hand] of samples, and [Run] runs an [Experiment]. What a
// Byzantine peer does is a matter of package sim/attack, and files that describe
// experiments are one of sim/experiment. [RunLive] runs the same peers on real
// hosts and stores instead, in real time.
//
// # What always holds
//
// Of [Run]:
//
//   - One seed gives one result, bit for bit, on every machine and with any
//     number of workers.
//   - What a peer trains on, its probe and the test set are disjoint. Two peers
//     share samples only where [Deck].Again allows it.
//   - Attackers know everything and share everything; honest peers know only
//     what reached them.
//   - Sets of prototypes reach everybody by the next round, whatever the topology
//     and the link, and whoever knows too many to keep another keeps those that
//     came first by chance.
package sim
