package attack

import "math/rand/v2"
import "slices"

type flipAll struct{ Honest }

func (flipAll) Label(c, classes int) int { return (c + classes - 1) % classes }

type fpPerm struct{ Honest }

func (fpPerm) Forge(s *Scene) bool {
	u := s.Update
	var foreign []int
	for i, c := range u.Rows.Classes {
		if !slices.Contains(s.Familiar, c) {
			foreign = append(foreign, i)
		}
	}
	honest := slices.Clone(u.Rows.Weights)
	for k, from := range derange(len(foreign), s.Rand) {
		f := u.Rows.Features
		copy(u.Rows.Row(foreign[k]), honest[foreign[from]*f:(foreign[from]+1)*f])
	}
	return true
}

func derange(n int, rng *rand.Rand) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := rng.IntN(i)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

func Named(text string, seed uint64) func(liar, liars int) (Attack, error) {
	return func(int, int) (Attack, error) {
		switch text {
		case "flip-all":
			return flipAll{}, nil
		case "fp-perm":
			return fpPerm{}, nil
		}
		return Honest{}, nil
	}
}
