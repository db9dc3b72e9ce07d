package nn

import (
	"math"
	"testing"
)

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Schedule
		want map[int]float64
	}{
		{"constant", Constant{}, map[int]float64{0: 1, 1000: 1}},
		{"steps", Steps{Every: 10, Gamma: .1}, map[int]float64{0: 1, 9: 1, 10: .1, 25: .01}},
		{"cosine", Cosine{Total: 100, Least: .2}, map[int]float64{0: 1, 50: .6, 100: .2, 200: .2}},
		{"one cycle", OneCycle{Total: 100}, map[int]float64{0: .04, 29: 1, 99: 4e-6}},
		{"linear", Linear{Total: 100, Warm: 10}, map[int]float64{0: .1, 9: 1, 10: 1, 55: .5, 100: 0}},
	} {
		for step, want := range c.want {
			if got := c.s.Rate(step); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: rate at step %d is %v, want %v", c.name, step, got, want)
			}
		}
	}
	if m := (OneCycle{Total: 1}).Rate(0); math.IsNaN(m) {
		t.Error("a cycle of one step has no rate")
	}
}
