package node

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
)

// Inbox returns the updates that the next Integrate would merge, ascending by
// sender.
func (p *Peer) Inbox() []*federation.Update {
	updates := make([]*federation.Update, 0, len(p.inbox))
	for _, r := range p.inbox {
		if r.at+p.maxAge() >= p.rounds {
			updates = append(updates, r.Update)
		}
	}
	slices.SortFunc(updates, func(a, b *federation.Update) int { return cmp.Compare(a.Sender, b.Sender) })
	return updates
}

// Try returns what a rule would make of the given updates in place of those in
// the inbox, and changes nothing. The result is valid until the rule's next call.
func (p *Peer) Try(rule aggregation.Rule, updates []*federation.Update) (aggregation.Result, error) {
	result, err := rule.Integrate(p.input(updates))
	if err != nil {
		return aggregation.Result{}, fmt.Errorf("integrate %d updates: %w", len(updates), err)
	}
	return result, nil
}
