package nn

import (
	"fmt"
	"maps"
	"slices"
)

// TrainState is what a [Trainer] needs to go on: the steps that it made, and
// of each parameter that it ever changed the value and what the optimizer
// remembers.
type TrainState struct {
	Steps  int
	Params map[string]ParamState
}

// ParamState is the state of one parameter; its slices are equally long.
type ParamState struct {
	Data          []float32
	First, Second []float32 // moments; Second is empty under [SGD]
	Steps         int       // of this parameter
}

// State returns a copy of the trainer's state. The trainer of another part of
// the same network, one with another freeze line, can go on from it.
func (t *Trainer) State() TrainState {
	s := TrainState{t.opt.made, map[string]ParamState{}}
	for name, m := range t.opt.moments {
		s.Params[name] = ParamState{First: slices.Clone(m.first), Second: slices.Clone(m.second), Steps: m.made}
	}
	for _, p := range t.prog.params {
		if m, ok := s.Params[p.Name]; ok {
			m.Data = slices.Clone(p.Data)
			s.Params[p.Name] = m
		}
	}
	maps.DeleteFunc(s.Params, func(_ string, p ParamState) bool { return p.Data == nil })
	return s
}

// Restore goes on from a state of the same network and the same kind of
// optimizer. On an error nothing has changed.
func (t *Trainer) Restore(s TrainState) error {
	own := map[string]*Param{}
	for _, p := range t.prog.params {
		own[p.Name] = p
	}
	for name, p := range s.Params {
		second := len(p.Data)
		if t.opt.Kind == SGD {
			second = 0
		}
		if q := own[name]; q == nil || len(q.Data) != len(p.Data) || len(p.First) != len(p.Data) || len(p.Second) != second || p.Steps < 0 {
			return fmt.Errorf("nn: the state to go on from has a parameter %.80q that does not fit the network", name)
		}
	}
	if s.Steps < 0 {
		return fmt.Errorf("nn: the state to go on from has made %d steps", s.Steps)
	}
	t.opt.made = s.Steps
	clear(t.opt.moments)
	for name, p := range s.Params {
		copy(own[name].Data, p.Data)
		t.opt.moments[name] = &moments{slices.Clone(p.First), slices.Clone(p.Second), p.Steps}
	}
	return nil
}
