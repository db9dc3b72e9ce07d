package store

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// seqFile holds the last sequence number that may have been used, and the
// oldest round that the store could have gone back to when that was written. It is a file of its own, replaced
// atomically, because the database takes what it cannot read for what was
// never written: numbers would start at 1 again, or the peer at nothing, and
// nobody would notice but the other peers.
const seqFile = "sequence"

// seqLease is how many sequence numbers are taken from the disk at once. The
// rest of them is lost when the store is closed or the process dies.
const seqLease = 64

// lease is the numbers that can be given out without writing.
type lease struct {
	last uint64 // given out
	end  uint64 // durable in seqFile
}

// NextSeq returns a sequence number that it has never returned before, not
// even before a crash, and that is larger than all of those. The first is 1;
// numbers are skipped whenever the store is opened. Errors: [ErrDiskFull],
// [ErrClosed], or that of the file system; the next call tries again.
func (s *Store) NextSeq() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return 0, s.wrap("taking a sequence number", ErrClosed)
	}
	if s.seq.last == s.seq.end {
		if err := s.checkSpace(0); err != nil {
			return 0, s.wrap("taking a sequence number", err)
		}
		if err := s.writeLease(s.seq.end + seqLease); err != nil {
			return 0, s.wrap("taking a sequence number", err)
		}
		s.seq.end += seqLease
	}
	s.seq.last++
	return s.seq.last, nil
}

// writeLease makes it durable that numbers up to end may have been used.
func (s *Store) writeLease(end uint64) error {
	round := uint64(0)
	if len(s.index.states) > 0 {
		round = s.index.states[0]
	}
	return s.replaceFile(seqFile, leaseText(end, round))
}

// readLease reads the lease and checks that the newest round is not older than
// it can be.
func (s *Store) readLease() error {
	b, err := os.ReadFile(filepath.Join(s.dir, seqFile))
	if os.IsNotExist(err) {
		return fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	if err != nil {
		return err
	}
	var end, round uint64
	if _, err := fmt.Sscanf(string(b), "%d %d", &end, &round); err != nil || string(b) != string(leaseText(end, round)) {
		return fmt.Errorf("%w (%s holds %q)", ErrCorrupt, seqFile, b)
	}
	if s.index.last < round {
		return fmt.Errorf("%w (its newest round is %d, and it had round %d)", ErrCorrupt, s.index.last, round)
	}
	s.seq = lease{last: end, end: end}
	return nil
}

// leaseText is the numbers and their checksum.
func leaseText(end, round uint64) []byte {
	numbers := fmt.Sprint(end, round)
	return fmt.Appendf(nil, "%s %08x\n", numbers, crc32.ChecksumIEEE([]byte(numbers)))
}
