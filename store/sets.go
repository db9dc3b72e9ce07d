package store

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bristle-fl/bristled/federation"
)

// The sets of prototypes of a round are files of their own, one per set and
// named by its SHA-256: a set stays for months while rounds come every few
// seconds, and only its hash is written again with each. A file that is missing
// or damaged is left out when the round is read, and the peer asks the others
// for it again.

// maxSet bounds a set in bytes: more than the largest that a manifest allows.
const maxSet = 80 << 20

func setName(sum federation.Hash) string { return "set-" + sum.String() }

func (s *Store) setPath(sum federation.Hash) string { return filepath.Join(s.blobDir(), setName(sum)) }

// newSets returns the senders of the sets that are not there yet.
func (s *Store) newSets(sums map[federation.PeerID]federation.Hash) []federation.PeerID {
	var fresh []federation.PeerID
	for id, sum := range sums {
		if _, here := s.index.sets[sum]; !here {
			fresh = append(fresh, id)
		}
	}
	return fresh
}

// placeSet writes a set, durably but for its name.
func (s *Store) placeSet(b []byte, sum federation.Hash) error {
	path := filepath.Join(s.blobDir(), "new")
	err := writeFile(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	return os.Rename(path, s.setPath(sum))
}

// keepSets notes the sets of a round that has been committed, and removes those
// that neither it nor the round before it has.
func (s *Store) keepSets(sums map[federation.PeerID]federation.Hash) {
	keep := make(map[federation.Hash]bool, len(sums))
	for _, sum := range sums {
		keep[sum] = true
	}
	for sum, newest := range s.index.sets {
		switch {
		case keep[sum]:
		case newest:
			keep[sum] = false
		default:
			if err := os.Remove(s.setPath(sum)); err != nil {
				s.log.Warn("an old set of prototypes could not be removed; the next start tries again", "error", err)
			}
		}
	}
	s.index.sets = keep
}

// readSets reads the files of the sets that a round names.
func (s *Store) readSets(named map[federation.PeerID]federation.Hash) map[federation.PeerID][]byte {
	var sets map[federation.PeerID][]byte
	for id, sum := range named {
		b, err := s.readSet(sum)
		if err != nil {
			s.log.Warn("going on without a damaged set of prototypes; the others have it", "store", s.dir, "of", id, "error", err)
			continue
		}
		if sets == nil {
			sets = make(map[federation.PeerID][]byte, len(named))
		}
		sets[id] = b
	}
	return sets
}

func (s *Store) readSet(sum federation.Hash) ([]byte, error) {
	info, err := os.Stat(s.setPath(sum))
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSet {
		return nil, fmt.Errorf("%w (%s has %d bytes)", ErrCorrupt, s.setPath(sum), info.Size())
	}
	b, err := os.ReadFile(s.setPath(sum))
	if err == nil && sha256.Sum256(b) != sum {
		err = fmt.Errorf("%w (%s does not have its checksum)", ErrCorrupt, s.setPath(sum))
	}
	return b, err
}
