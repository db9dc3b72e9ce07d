package attack

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// What [Parse] and [New] complain of. The errors that wrap these name the
// attack, the constant and what would be right.
var (
	ErrSyntax          = errors.New("not an attack")
	ErrUnknownAttack   = errors.New("unknown attack")
	ErrUnknownConstant = errors.New("unknown constant")
	ErrConstantRange   = errors.New("constant out of range")
)

const (
	maxText  = 1024 // bytes of a text that Parse reads
	maxDepth = 4    // attacks in one chain
)

// Spec names an attack and its constants. Those that are not given have their
// defaults. A wrapper, such as on-off, has an attack within.
type Spec struct {
	Name      string
	Constants map[string]float64
	Inner     *Spec
}

// Constant describes one constant of an attack.
type Constant struct {
	Name     string
	Doc      string // one line
	Default  float64
	Min, Max float64 // the range, both ends included
	Whole    bool    // whether only whole numbers are allowed
	// Words are the names of the values 0, 1, ...; nil for a plain number.
	Words []string
}

// check returns an error that says what the constant may be, unless v is it.
func (c *Constant) check(v float64) error {
	// NaN fails the first comparison.
	if v >= c.Min && v <= c.Max && (!c.Whole || v == math.Trunc(v)) {
		return nil
	}
	kind := "a number"
	if c.Whole {
		kind = "a whole number"
	}
	return fmt.Errorf("%w: %s is %v; it is %s from %v to %v, by default %v",
		ErrConstantRange, c.Name, v, kind, c.Min, c.Max, c.Default)
}

// read returns the value that a text stands for.
func (c *Constant) read(text string) (float64, error) {
	if c.Words != nil {
		if i := slices.Index(c.Words, text); i >= 0 {
			return float64(i), nil
		}
		return 0, fmt.Errorf("%w: %s is %q; it is one of %s", ErrConstantRange, c.Name, text, nearest(text, c.Words))
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s is %q, which is no number", ErrSyntax, c.Name, text)
	}
	return v, c.check(v)
}

func (c *Constant) format(v float64) string {
	if c.Words != nil {
		return c.Words[int(v)]
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// Info describes an attack.
type Info struct {
	Name      string
	Summary   string     // one line
	Source    string     // who published it
	Constants []Constant // in the order in which they matter
	// Wraps says that it needs another attack behind a bar, NAME|ATTACK.
	Wraps bool
}

// List describes every attack with its constants, the simplest first.
func List() []Info {
	var infos []Info
	for _, e := range catalogue() {
		infos = append(infos, e.Info)
	}
	return infos
}

// values are the constants of one attack, complete and checked.
type values map[string]float64

func (v values) whole(name string) int { return int(v[name]) }

// Parse reads NAME, NAME(constant=value,...) or WRAPPER|ATTACK, and checks it.
// The error wraps [ErrSyntax], [ErrUnknownAttack], [ErrUnknownConstant] or
// [ErrConstantRange].
func Parse(text string) (Spec, error) {
	if len(text) > maxText {
		return Spec{}, fmt.Errorf("%w: %d bytes; at most %d are read", ErrSyntax, len(text), maxText)
	}
	parts := strings.Split(text, "|")
	if len(parts) > maxDepth {
		return Spec{}, fmt.Errorf("%w: %d attacks within each other; at most %d are", ErrSyntax, len(parts), maxDepth)
	}
	var inner *Spec
	for _, part := range slices.Backward(parts) {
		s, err := parseOne(strings.TrimSpace(part))
		if err != nil {
			return Spec{}, err
		}
		s.Inner = inner
		inner = &s
	}
	_, err := inner.complete()
	return *inner, err
}

// parseOne reads one attack of a chain.
func parseOne(text string) (Spec, error) {
	name, rest, constants := strings.Cut(text, "(")
	s := Spec{Name: strings.TrimSpace(name), Constants: map[string]float64{}}
	e, err := find(s.Name)
	if err != nil || !constants {
		return s, err
	}
	rest, ok := strings.CutSuffix(rest, ")")
	if !ok {
		return s, fmt.Errorf("attack %s: %w: %q does not end with a closing bracket", s.Name, ErrSyntax, text)
	}
	if strings.TrimSpace(rest) == "" {
		return s, nil
	}
	for pair := range strings.SplitSeq(rest, ",") {
		key, value, ok := strings.Cut(pair, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok {
			return s, fmt.Errorf("attack %s: %w: %q is not constant=value", s.Name, ErrSyntax, pair)
		}
		c, err := e.constant(key)
		if err != nil {
			return s, err
		}
		if _, twice := s.Constants[key]; twice {
			return s, fmt.Errorf("attack %s: %w: %s is given twice", s.Name, ErrSyntax, key)
		}
		if s.Constants[key], err = c.read(value); err != nil {
			return s, fmt.Errorf("attack %s: %w", s.Name, err)
		}
	}
	return s, nil
}

// String returns the text that [Parse] reads, without the constants that have
// their defaults, so that one attack has one name.
func (s Spec) String() string {
	var b strings.Builder
	b.WriteString(s.Name)
	e, err := find(s.Name)
	separator := "("
	for _, c := range e.Constants {
		if v, ok := s.Constants[c.Name]; ok && err == nil && v != c.Default && c.check(v) == nil {
			b.WriteString(separator + c.Name + "=" + c.format(v))
			separator = ","
		}
	}
	if separator == "," {
		b.WriteByte(')')
	}
	if s.Inner != nil {
		b.WriteString("|" + s.Inner.String())
	}
	return b.String()
}

// Identities returns how many keys each liar has: more than one under sybil.
// Whoever deals hands to liars makes so many of each.
func (s Spec) Identities() int {
	n := 1
	for at := &s; at != nil; at = at.Inner {
		if at.Name == "sybil" {
			if v, err := at.complete(); err == nil {
				n *= v.whole("count")
			}
		}
	}
	return n
}

// complete returns all constants of the attack and checks it with all that is
// within.
func (s *Spec) complete() (values, error) {
	e, err := find(s.Name)
	if err != nil {
		return nil, err
	}
	v := values{}
	for _, c := range e.Constants {
		v[c.Name] = c.Default
	}
	for _, key := range slices.Sorted(maps.Keys(s.Constants)) {
		c, err := e.constant(key)
		if err == nil {
			err = c.check(s.Constants[key])
		}
		if err != nil {
			return nil, fmt.Errorf("attack %s: %w", s.Name, err)
		}
		v[key] = s.Constants[key]
	}
	switch {
	case e.Wraps && s.Inner == nil:
		return nil, fmt.Errorf("attack %s: %w: it needs another attack behind a bar, as in %s|fp-perm", s.Name, ErrSyntax, s)
	case !e.Wraps && s.Inner != nil:
		return nil, fmt.Errorf("attack %s: %w: it takes no other attack behind it", s.Name, ErrSyntax)
	case s.Name == "on-off" && v["duty"] > v["period"]:
		return nil, fmt.Errorf("attack %s: %w: duty is %v; it is at most the period, %v", s.Name, ErrConstantRange, v["duty"], v["period"])
	}
	if s.Inner == nil {
		return v, nil
	}
	if s.Name == "on-off" && s.Inner.relabels() {
		return nil, fmt.Errorf("attack %s: %w: %s lies in its labels, which it cannot turn off; wrap an attack on updates", s.Name, ErrSyntax, s.Inner.Name)
	}
	_, err = s.Inner.complete()
	return v, err
}

// relabels reports whether the attack, or one within, trains on false labels.
func (s *Spec) relabels() bool {
	e, err := find(s.Name)
	return err == nil && (e.labels || s.Inner != nil && s.Inner.relabels())
}

// New makes one liar, which has a number among so many. The seed is the same for
// all who conspire. The errors are those of [Parse].
func New(spec Spec, liar, liars int, seed uint64) (Attack, error) {
	depth := 0
	for at := &spec; at != nil; at = at.Inner {
		if depth++; depth > maxDepth {
			return nil, fmt.Errorf("%w: more than %d attacks within each other", ErrSyntax, maxDepth)
		}
	}
	if liar < 0 || liar >= liars {
		return nil, fmt.Errorf("attack %s: liar %d is none of %d; they count from 0", spec.Name, liar, liars)
	}
	v, err := spec.complete()
	if err != nil {
		return nil, err
	}
	e, err := find(spec.Name)
	if err != nil {
		return nil, err
	}
	m := maker{values: v, liar: liar, liars: liars, seed: seed}
	if spec.Inner != nil {
		if m.inner, err = New(*spec.Inner, liar, liars, seed); err != nil {
			return nil, err
		}
	}
	return e.build(m), nil
}

// Named returns the maker of the liars of one experiment by the text that [Parse]
// reads. An error of the text comes out of the maker.
func Named(text string, seed uint64) func(liar, liars int) (Attack, error) {
	spec, err := Parse(text)
	return func(liar, liars int) (Attack, error) {
		if err != nil {
			return nil, err
		}
		return New(spec, liar, liars, seed)
	}
}

func find(name string) (entry, error) {
	all := catalogue()
	names := make([]string, len(all))
	for i, e := range all {
		if e.Name == name {
			return e, nil
		}
		names[i] = e.Name
	}
	return entry{}, fmt.Errorf("%w %q: there are %s", ErrUnknownAttack, name, nearest(name, names))
}

// constant returns the constant with a name.
func (e *entry) constant(name string) (*Constant, error) {
	var names []string
	for i := range e.Constants {
		if e.Constants[i].Name == name {
			return &e.Constants[i], nil
		}
		names = append(names, e.Constants[i].Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("attack %s: %w %q: the attack has none", e.Name, ErrUnknownConstant, name)
	}
	return nil, fmt.Errorf("attack %s: %w %q: there are %s", e.Name, ErrUnknownConstant, name, nearest(name, names))
}

// nearest lists the known names, those most like the given one first.
func nearest(name string, known []string) string {
	known = slices.Clone(known)
	slices.SortStableFunc(known, func(a, b string) int {
		return cmp.Compare(levenshtein.Distance(name, a, nil), levenshtein.Distance(name, b, nil))
	})
	return strings.Join(known, ", ")
}
