// Package node is one peer: its rounds, and the daemon that runs them.
//
// A [Peer] is a plain state machine. It has no goroutine, clock, network or
// disk of its own and takes its randomness as a seed, so the simulator can
// drive thousands of it in virtual time and a test can replay any of its
// decisions:
//
//	Train      local steps on cached features
//	Update     the update to publish
//	Receive    keep the newest valid update of each sender
//	Integrate  one aggregation: a new head and a verdict per update
//
// A [Daemon] drives one Peer in real time. It trains, publishes, collects
// until a quorum or a deadline, integrates, commits, and starts again. There
// is no barrier between peers: each runs its own rounds.
//
// # What always holds
//
//   - A daemon that was killed goes on at its last committed round, and never
//     publishes a sequence number twice.
//   - A round that cannot be committed is kept in memory and tried again; the
//     last committed one stays as it is.
//   - Wall-clock time is recorded, never decided by: deadlines are durations,
//     order is by sequence number.
//
// The package declares the small interfaces it needs ([Gossip], [Journal]);
// p2p and store satisfy them, and so does the simulator's bus.
package node
