package aggregation

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bristle-fl/bristled/federation"
)

// ErrSyntax is wrapped by the errors of [Parse] about a text that is no rule.
var ErrSyntax = errors.New("not a rule")

// maxText bounds what [Parse] reads.
const maxText = 1024

// Parse reads a rule as people write it, with the constants that differ from
// their defaults: "krum(f=3)", "nnm(f=3)|trimmed-mean(f=3)". Errors wrap
// [ErrSyntax] or those of [New], and name the nearest known name.
func Parse(text string) (federation.RuleSpec, error) {
	if len(text) > maxText {
		return federation.RuleSpec{}, fmt.Errorf("%w: %d characters, at most %d are read", ErrSyntax, len(text), maxText)
	}
	given := map[string]float64{}
	var names []string
	parts := strings.Split(text, "|")
	for i, part := range parts {
		name, rest, open := strings.Cut(strings.TrimSpace(part), "(")
		name = strings.TrimSpace(name)
		names = append(names, name)
		if !open {
			continue
		}
		inside, closed := strings.CutSuffix(rest, ")")
		if !closed || strings.ContainsAny(inside, "()") {
			return federation.RuleSpec{}, fmt.Errorf("%w: %q lacks its closing parenthesis, as in %s(f=3)", ErrSyntax, part, name)
		}
		prefix := ""
		if i < len(parts)-1 {
			prefix = name + "."
		}
		for _, pair := range strings.Split(inside, ",") {
			if strings.TrimSpace(inside) == "" {
				break
			}
			key, number, ok := strings.Cut(pair, "=")
			key = prefix + strings.TrimSpace(key)
			v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if !ok || err != nil {
				return federation.RuleSpec{}, fmt.Errorf("%w: %q in %q is not of the form name=number", ErrSyntax, strings.TrimSpace(pair), text)
			}
			if _, twice := given[key]; twice {
				return federation.RuleSpec{}, fmt.Errorf("%w: %s is given twice in %q", ErrSyntax, key, text)
			}
			given[key] = v
		}
	}
	spec, err := Defaults(strings.Join(names, "|"))
	if err != nil {
		return federation.RuleSpec{}, err
	}
	for key, v := range given {
		spec.Constants[key] = v
	}
	if _, err := New(spec); err != nil {
		return federation.RuleSpec{}, err
	}
	return spec, nil
}

// Format is the inverse of [Parse]: it writes the constants that differ from
// their defaults, in the order of the catalogue.
func Format(spec federation.RuleSpec) string {
	e, err := compose(spec.Name)
	if err != nil {
		return spec.Name
	}
	var parts []string
	for name := range strings.SplitSeq(spec.Name, "|") {
		parts = append(parts, name)
	}
	texts := make([][]string, len(parts))
	for _, c := range e.Constants {
		v := spec.Constants[c.Name]
		if v == c.Default {
			continue
		}
		at, key := len(parts)-1, c.Name
		if name, own, ok := strings.Cut(c.Name, "."); ok {
			key = own
			for i, p := range parts {
				if p == name {
					at = i
				}
			}
		}
		texts[at] = append(texts[at], key+"="+strconv.FormatFloat(v, 'g', -1, 64))
	}
	for i, t := range texts {
		if len(t) > 0 {
			parts[i] += "(" + strings.Join(t, ",") + ")"
		}
	}
	return strings.Join(parts, "|")
}
