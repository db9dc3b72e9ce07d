package main

import (
	"fmt"
	"io"
	"time"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

// accusation is a key that is shut out for good.
type accusation struct {
	Peer     federation.PeerID `json:"peer"`
	Time     time.Time         `json:"time"`     // when it was found out
	Reason   string            `json:"reason"`   // for people
	Evidence int               `json:"evidence"` // bytes in the store
	// Proven says that the evidence is there and shows what the key did.
	Proven bool `json:"proven"`
}

// accusations are the bans in the store.
func (p *peer) accusations(s *store.Store) ([]accusation, error) {
	if s == nil {
		return nil, nil
	}
	bans, err := s.Bans()
	if err != nil {
		return nil, err
	}
	var list []accusation
	for _, b := range bans {
		a := accusation{Peer: b.Key, Time: b.Time, Evidence: len(b.Evidence), Reason: "two sets of prototypes for one epoch"}
		key, err := p2p.VerifyEvidence(p.manifest, b.Evidence)
		a.Proven = err == nil && key == b.Key
		list = append(list, a)
	}
	return list, nil
}

// maxAccused is how many banned keys are listed for people.
const maxAccused = 10

// printPrototypes says what is known of class means and of those who lie about
// them.
func printPrototypes(w io.Writer, r report) {
	if !r.Prototypes.Use {
		fmt.Fprintf(w, "prototypes\tnot used in this federation\n")
		return
	}
	if r.Last != nil {
		fmt.Fprintf(w, "prototypes\tof %d other peers\n", r.Last.Prototypes)
		for i, d := range r.Last.Disputes {
			if d.Class < len(r.Classes) {
				fmt.Fprintf(w, "%s\tclass %s: only %.2f of the prototype mass agrees\n", first(i, "ALARM"), r.Classes[d.Class], d.Share)
			}
		}
		if len(r.Last.Disputes) > 0 {
			fmt.Fprintf(w, "\tsomebody may be lying about it, or the class looks different at different peers\n")
		}
	}
	for i, a := range r.Banned {
		if i == maxAccused {
			fmt.Fprintf(w, "\tand %d more, see --json\n", len(r.Banned)-i)
			break
		}
		proof := "two sets, evidence is kept"
		if !a.Proven {
			proof = "two sets, no evidence is left"
		}
		fmt.Fprintf(w, "%s\t%s  %s\n", first(i, "banned"), a.Peer, proof)
	}
}
