// Package store keeps what a peer must know after a restart: the state of its
// last [Round], an account of the rounds before, which sequence numbers it has
// used, and which keys it has banned and why.
//
// # What always holds
//
//   - [Store.Commit] is atomic and durable. After a crash or a power cut at any
//     moment, [Store.Latest] is the last round whose Commit returned nil, or
//     the one that was being committed; never a mixture, and never unchecked:
//     all that is read back has its SHA-256.
//   - [Store.NextSeq] never returns a number twice, crash or not.
//   - A store belongs to one federation and is open once at a time.
//   - When space runs out, the store says so before it writes, and what it
//     holds stays good.
//   - A ban and its evidence are never pruned.
//   - Its size is bounded: two states and their sets, Options.Keep records and
//     verdicts, 64 MiB of evidence, and a few MiB of the database's own.
//
// # On disk
//
//	store.json   the schema's version and the federation; read before all else
//	sequence     the last sequence number that may have been used
//	badger/      a Badger database: records, verdicts, and the SHA-256 of
//	             everything
//	blobs/       what is larger than 16 KiB, one file each, named by round and
//	             SHA-256; among them the states of the last two rounds; and
//	             their sets of prototypes, named by SHA-256 alone, since they
//	             stay while rounds go
//
// A commit writes and syncs its files first and then makes one transaction
// that names them; files that no transaction names are removed when the store
// is next opened. Records and verdicts are compressed.
//
// # The ledger
//
// [Ledger] is apart from all that: a log for people, of lines of JSON that each
// hold the SHA-256 of the line before. Nothing in it is read by the peer.
//
// # Disk full
//
// Badger writes through memory maps, and a memory map of a full disk kills the
// process. Therefore [Open], [Store.Commit], [Store.NextSeq] and [Store.Ban] ask
// for [Reserve] bytes of free space beyond what they write, and return
// [ErrDiskFull] otherwise. Other programs can still take the reserve while
// Badger compacts in the background; then the process may die, and opens the
// last committed round when it is started again with room.
package store
