package nn

// inPlace reports whether a step may write its output over its first input:
// whether every number of it depends on the one number that lies at its place.
func (s *step) inPlace() bool {
	switch s.op.(type) {
	case *batchNormOp, *unaryOp, *binaryOp:
		return s.in[0].size() == s.out.size()
	}
	return false
}

// reuse lets steps overwrite their first input where no other step and no
// backward pass needs it. Below a freeze line this takes the place of
// folding: normalisation and activation cost no memory of their own.
func (p *Program) reuse() {
	last := map[*value]int{p.input: len(p.steps), p.output.root(): len(p.steps)}
	for t, s := range p.steps {
		for _, v := range s.in {
			last[v.root()] = max(last[v.root()], t)
		}
	}
	for t, s := range p.steps {
		root := s.in[0].root()
		if !s.inPlace() || s.out.wants || root.wants || root.known() || last[root] != t {
			continue
		}
		// What reads the output reads the input's memory from now on.
		last[root] = last[s.out]
		s.out.share = root
	}
}
