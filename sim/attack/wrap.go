package attack

// onOff lies in some of the victim's rounds only: the last duty of every period. In
// the others it sends what an honest peer would. Prototypes are published once, as
// the attack within has them.
type onOff struct {
	Attack
	period, duty uint64
}

func (a onOff) Forge(s *Scene) bool {
	if s.Round%a.period < a.period-a.duty {
		return true
	}
	return a.Attack.Forge(s)
}
