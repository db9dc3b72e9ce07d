package main

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/store"
)

// What went over the wire beside this peer's own messages, by what it was.
const (
	sentForwarded   = "forwarded"
	sentGossip      = "gossip control"
	sentAsking      = "asking for class means"
	sentIdentify    = "identify"
	sentNegotiation = "negotiation"
)

const (
	auditTime    = "2006-01-02 15:04"
	maxAuditRows = 4096 // peers beyond that share rows, and gaps beyond that are not listed
)

// auditKinds is the order of the rows; others follow.
var auditKinds = []string{string(p2p.KindHeadRows), string(p2p.KindMeansOffered), string(p2p.KindMeans),
	sentForwarded, sentGossip, sentAsking, sentIdentify, sentNegotiation}

// auditRow adds up lines of a ledger.
type auditRow struct {
	Kind  string            `json:"kind"`
	To    federation.PeerID `json:"to,omitempty"` // empty: to nobody, or to several
	Count uint64            `json:"count"`        // of messages; of writes where there are none
	Bytes uint64            `json:"bytes"`
	First time.Time         `json:"first"` // lines
	Last  time.Time         `json:"last"`
}

// gap is rounds whose updates are not in the ledger.
type gap struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// account is what the lines of a ledger say since some time.
type account struct {
	since time.Time
	sent  auditRows
	said  auditRows
	next  uint64 // the round that the next update should be of

	// Said is messages as they were recorded before they were sent, once for
	// each recipient; Sent is what was counted on the wire, those and all
	// else.
	Said  []auditRow `json:"said"`
	Sent  []auditRow `json:"sent"`
	Bytes uint64     `json:"bytes"` // of Sent
	First time.Time  `json:"first,omitzero"`
	Last  time.Time  `json:"last,omitzero"`

	Runs    int   `json:"runs"`    // that were started
	Killed  int   `json:"killed"`  // that have no end before the next one's start
	Running bool  `json:"running"` // the last one has no end
	MDNS    bool  `json:"mdns"`    // one of them announced itself in the local network
	Unsaid  []gap `json:"unsaid"`  // rounds
	Unknown int   `json:"unknown"` // lines of kinds that this program does not know
	// Pending is the messages, once for each recipient, that were recorded
	// since the traffic was last counted in a run.
	Pending p2p.Share `json:"pending"`
}

func newAccount(since time.Time) *account {
	return &account{since: since, sent: auditRows{}, said: auditRows{}}
}

// add takes in one line. The lines before the account begins tell only what it
// should begin with.
func (a *account) add(l store.LedgerLine) error {
	if l.Torn != nil {
		return nil
	}
	var e p2p.Sent
	if json.Unmarshal(l.Entry, &e) != nil {
		e = p2p.Sent{}
	}
	counts := !l.Time.Before(a.since)
	if counts {
		if a.First.IsZero() {
			a.First = l.Time
		}
		a.Last = l.Time
	}
	switch e.Kind {
	case p2p.KindStart:
		if counts {
			a.Runs++
			if a.Running {
				a.Killed++
			}
			a.MDNS = a.MDNS || e.MDNS
		}
		a.Running, a.Pending = true, p2p.Share{}
	case p2p.KindStop:
		a.Running, a.Pending = false, p2p.Share{}
	case p2p.KindTraffic:
		a.Pending = p2p.Share{}
		if counts {
			a.traffic(e, l.Time)
		}
	case p2p.KindHeadRows:
		if counts && e.Round > a.next && len(a.Unsaid) < maxAuditRows {
			a.Unsaid = append(a.Unsaid, gap{a.next, e.Round - 1})
		}
		a.next = e.Round + 1
		a.say(e, l.Time, counts)
	case p2p.KindMeansOffered, p2p.KindMeans:
		a.say(e, l.Time, counts)
	default:
		if counts {
			a.Unknown++
		}
	}
	return nil
}

// say counts a message, for each recipient, or for nobody in particular.
func (a *account) say(e p2p.Sent, at time.Time, counts bool) {
	a.Pending.Count += uint64(len(e.To))
	a.Pending.Bytes += uint64(len(e.To)) * e.Bytes
	if !counts {
		return
	}
	to := e.To
	if len(to) == 0 {
		to = []federation.PeerID{""}
	}
	for _, id := range to {
		a.said.add(auditKey{string(e.Kind), id}, p2p.Share{Count: 1, Bytes: e.Bytes}, at)
	}
}

// traffic counts a sum of the traffic to one peer by what it was.
func (a *account) traffic(e p2p.Sent, at time.Time) {
	var to federation.PeerID
	if len(e.To) == 1 {
		to = e.To[0]
	}
	var messages uint64
	for _, part := range []struct {
		kind  string
		share p2p.Share
	}{
		{string(p2p.KindHeadRows), e.HeadRows},
		{string(p2p.KindMeans), e.MeansSent},
		{sentForwarded, e.Forwarded},
	} {
		if part.share.Count > 0 {
			a.sent.add(auditKey{part.kind, to}, part.share, at)
			messages += part.share.Bytes
		}
	}
	// A message is counted right after its bytes are, which may be in the next
	// sum: the parts of one can be more than the whole, never those of all.
	a.sent.add(auditKey{restOf(e.Protocol), to}, p2p.Share{Count: e.Writes, Bytes: e.Bytes - messages}, at)
	a.Bytes += e.Bytes
}

// restOf names what a protocol's bytes are that are no messages.
func restOf(protocol string) string {
	switch {
	case protocol == "":
		return sentNegotiation
	case strings.HasPrefix(protocol, "/ipfs/id/"):
		return sentIdentify
	case strings.HasSuffix(protocol, "/gossip/1"):
		return sentGossip
	case strings.HasSuffix(protocol, "/prototypes/1"):
		return sentAsking
	}
	return cut(printable(protocol), 20)
}

// auditRows are the sums so far.
type auditRows map[auditKey]*auditRow

type auditKey struct {
	kind string
	to   federation.PeerID
}

func (rows auditRows) add(k auditKey, s p2p.Share, at time.Time) {
	r := rows[k]
	if r == nil && len(rows) >= maxAuditRows {
		k.to = ""
		r = rows[k]
	}
	if r == nil && len(rows) >= 2*maxAuditRows {
		k.kind = "others"
		r = rows[k]
	}
	if r == nil {
		r = &auditRow{Kind: k.kind, To: k.to, First: at}
		rows[k] = r
	}
	r.Count += s.Count
	r.Bytes += s.Bytes
	r.Last = at
}

// inOrder returns the rows by kind and peer.
func (rows auditRows) inOrder() []auditRow {
	list := make([]auditRow, 0, len(rows))
	for _, r := range rows {
		if int64(r.Bytes) < 0 { // the account begins between some bytes and their message
			r.Bytes = 0
		}
		list = append(list, *r)
	}
	place := func(kind string) int {
		if at := slices.Index(auditKinds, kind); at >= 0 {
			return at
		}
		return len(auditKinds)
	}
	slices.SortFunc(list, func(x, y auditRow) int {
		return cmp.Or(cmp.Compare(place(x.Kind), place(y.Kind)), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.To, y.To))
	})
	return list
}

// finish puts the sums where they are shown.
func (a *account) finish() { a.Said, a.Sent = a.said.inOrder(), a.sent.inOrder() }

// peers returns everybody to whom something was sent, or may have been,
// ascending.
func (a *account) peers() []federation.PeerID {
	ids := map[federation.PeerID]bool{}
	for _, rows := range [][]auditRow{a.Said, a.Sent} {
		for _, r := range rows {
			if r.To != "" {
				ids[r.To] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}
