package aggregation

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/bristle-fl/bristled/aggregation/robust"
	"github.com/bristle-fl/bristled/federation"
)

// DefaultRule is the rule of a new federation.
const DefaultRule = "bristle+"

// What [New] and [Defaults] complain of. The errors that wrap these name the
// rule, the constant and what would be right.
var (
	ErrUnknownRule     = errors.New("unknown aggregation rule")
	ErrUnknownConstant = errors.New("unknown constant")
	ErrMissingConstant = errors.New("missing constant")
	ErrConstantRange   = errors.New("constant out of range")
)

// Constant describes one constant of a rule.
type Constant = robust.Constant

// check returns an error that says what the constant may be, unless v is it.
func check(c Constant, v float64) error {
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

// Info describes a rule.
type Info = robust.Info

// values are the constants of one rule, complete and checked.
type values map[string]float64

func (v values) whole(name string) int { return int(v[name]) }
func (v values) on(name string) bool   { return v[name] != 0 }

type entry struct {
	Info
	build func(name string, v values) Rule
}

// catalogue returns all rules, the default first and the simplest last.
func catalogue() []entry {
	entries := []entry{
		{bristlePlusInfo(), newBristlePlus},
		{bristleInfo(), newBristle},
		{bristlePaperInfo(), newBristle},
	}
	for _, e := range robust.Rules() {
		entries = append(entries, entry{e.Info, func(name string, v values) Rule {
			return &vectorRule{name: name, info: e.Info, rule: e.New(robust.Values(v), 1)}
		}})
	}
	return append(entries, entry{localInfo(), newLocal})
}

// Rules describes every rule, the default first.
func Rules() []Info {
	var infos []Info
	for _, e := range catalogue() {
		infos = append(infos, e.Info)
	}
	return infos
}

// Names returns the names of the rules, in the order of [Rules].
func Names() []string {
	var names []string
	for _, e := range catalogue() {
		names = append(names, e.Name)
	}
	return names
}

// Defaults returns the rule with its default constants. An unknown rule gives
// an error that wraps [ErrUnknownRule] and lists the known ones.
func Defaults(rule string) (federation.RuleSpec, error) {
	e, err := compose(rule)
	if err != nil {
		return federation.RuleSpec{}, err
	}
	return federation.RuleSpec{Name: rule, Constants: defaultsOf(e.Info)}, nil
}

// New builds the rule that a manifest names. All of the rule's constants must
// be given, and no others, because the manifest is what the peers agree on.
// The error wraps [ErrUnknownRule], [ErrUnknownConstant], [ErrMissingConstant]
// or [ErrConstantRange].
func New(spec federation.RuleSpec) (Rule, error) {
	e, err := compose(spec.Name)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(e.Constants))
	for i, c := range e.Constants {
		names[i] = c.Name
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Constants)) {
		if slices.Contains(names, name) {
			continue
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("rule %s: %w %q: the rule has none", spec.Name, ErrUnknownConstant, name)
		}
		return nil, fmt.Errorf("rule %s: %w %q: there are %s", spec.Name, ErrUnknownConstant, name, nearest(name, names))
	}
	for _, c := range e.Constants {
		v, ok := spec.Constants[c.Name]
		if !ok {
			return nil, fmt.Errorf("rule %s: %w %s: add it to the manifest, its default is %v",
				spec.Name, ErrMissingConstant, c.Name, c.Default)
		}
		if err := check(c, v); err != nil {
			return nil, fmt.Errorf("rule %s: %w", spec.Name, err)
		}
	}
	return e.build(spec.Name, values(spec.Constants)), nil
}

// single finds a rule without filters.
func single(rule string) (entry, error) {
	for _, e := range catalogue() {
		if e.Name == rule {
			return e, nil
		}
	}
	return entry{}, fmt.Errorf("%w %q: there are %s", ErrUnknownRule, rule, nearest(rule, Names()))
}

// nearest lists the known names, those most like the given one first.
func nearest(name string, known []string) string {
	known = slices.Clone(known)
	slices.SortStableFunc(known, func(a, b string) int {
		return cmp.Compare(levenshtein.Distance(name, a, nil), levenshtein.Distance(name, b, nil))
	})
	return strings.Join(known, ", ")
}
