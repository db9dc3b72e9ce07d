package node

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
)

// TestPoisonOfForeignClasses: liars that are truthful about the victim's classes and
// permute all others outnumber the honest. Without prototypes the victim cannot
// tell; with them it rejects the false rows.
func TestPoisonOfForeignClasses(t *testing.T) {
	const classes, width, rounds = 6, 40, 60
	test := learner.NewProbe(clusters(77, []int{0, 1, 2, 3, 4, 5}, 40, width), width)
	var accuracy [2]float64
	for k, m := range []*federation.Manifest{manifest(t, "bristle+", classes, width), publishing(t, "bristle+", classes, width)} {
		victim := newPeer(t, m, "victim", 1, 0, 1)
		var others []*Peer
		for i := range 4 {
			others = append(others, newPeer(t, m, fmt.Sprint("honest", i), uint64(10+i), 1, 2, 3, 4, 5))
		}
		honest := len(others)
		for i := range 9 {
			others = append(others, newPeer(t, m, fmt.Sprint("liar", i), uint64(20+i), 0, 1, 2, 3, 4, 5))
		}
		rejected, wrong := 0, 0
		for round := range uint64(rounds) {
			for i, q := range others {
				q.Train(1)
				u := update(t, q, round+1)
				if i >= honest {
					permute(u.Rows, []int{3, 4, 5, 2})
				}
				if err := victim.Receive(u); err != nil {
					t.Fatal(err)
				}
				if set := q.Prototypes(); set != nil && round == 0 {
					if err := victim.ReceivePrototypes(set); err != nil {
						t.Fatal(err)
					}
				}
			}
			result, err := victim.Integrate()
			if err != nil {
				t.Fatal(err)
			}
			victim.Train(1)
			if round < rounds/2 {
				continue
			}
			for i, v := range result.Verdicts {
				for c := 2; c < classes; c++ {
					switch isLiar := i >= honest; { // "honest" sorts before "liar"
					case isLiar && v.Weights[c] < .1*v.Mass:
						rejected++
					case isLiar:
						wrong++
					}
				}
			}
		}
		accuracy[k] = test.Scores(victim.Head()).Accuracy
		if k == 1 && wrong > rejected/20 {
			t.Errorf("%d false rows were let in and %d rejected", wrong, rejected)
		}
		if k == 1 && len(victim.Disputes()) != 0 {
			t.Errorf("disputes %v though all sets are honest", victim.Disputes())
		}
	}
	t.Logf("the victim reaches %.3f without and %.3f with prototypes", accuracy[0], accuracy[1])
	if accuracy[1] < .95 || accuracy[0] > .7 {
		t.Errorf("the victim reaches %.3f without and %.3f with prototypes", accuracy[0], accuracy[1])
	}
}

// permute gives the rows from the third on each other's weights.
func permute(rows federation.Rows, from []int) {
	old := slices.Clone(rows.Weights)
	for i, f := range from {
		copy(rows.Row(i+2), old[f*rows.Features:(f+1)*rows.Features])
	}
}
