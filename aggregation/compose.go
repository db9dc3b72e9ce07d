package aggregation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/aggregation/robust"
	"github.com/bristle-fl/bristled/federation"
)

// maxFilters is how many filters can be put before a rule.
const maxFilters = 3

// compose returns the rule of a name such as "nnm|trimmed-mean": filters before
// a rule on vectors. Their constants bear their names: "nnm.f".
func compose(name string) (entry, error) {
	parts := strings.Split(name, "|")
	last := parts[len(parts)-1]
	whole, err := single(last)
	if err != nil || len(parts) == 1 {
		return whole, err
	}
	if _, ok := whole.build(last, defaultsOf(whole.Info)).(*vectorRule); !ok {
		return entry{}, fmt.Errorf("%w %q: nothing can be put before %s, which sees more than vectors", ErrUnknownRule, name, last)
	}
	if len(parts) > maxFilters+1 {
		return entry{}, fmt.Errorf("%w %q: at most %d filters can be put before a rule", ErrUnknownRule, name, maxFilters)
	}
	info := whole.Info
	info.Name, info.Constants = name, nil
	var filters []robust.FilterEntry
	for i, part := range parts[:len(parts)-1] {
		f, err := filter(part)
		if err != nil {
			return entry{}, err
		}
		if slices.Contains(parts[:i], part) {
			return entry{}, fmt.Errorf("%w %q: %s stands there twice", ErrUnknownRule, name, part)
		}
		filters = append(filters, f)
		for _, c := range f.Constants {
			c.Name = part + "." + c.Name
			info.Constants = append(info.Constants, c)
		}
		info.Draws = info.Draws || f.Draws
	}
	info.Constants = append(info.Constants, whole.Constants...)
	return entry{info, func(_ string, v values) Rule {
		r := whole.build(last, v).(*vectorRule)
		r.name, r.info = name, info
		for _, f := range filters {
			own := robust.Values{}
			for _, c := range f.Constants {
				own[c.Name] = v[f.Name+"."+c.Name]
			}
			r.filters = append(r.filters, f.New(own, 1))
		}
		return r
	}}, nil
}

func defaultsOf(info Info) values {
	v := values{}
	for _, c := range info.Constants {
		v[c.Name] = c.Default
	}
	return v
}

// Filters describes what can be put before a rule.
func Filters() []Info {
	var infos []Info
	for _, e := range robust.Filters() {
		infos = append(infos, e.Info)
	}
	return infos
}

func filter(name string) (robust.FilterEntry, error) {
	var names []string
	for _, e := range robust.Filters() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return robust.FilterEntry{}, fmt.Errorf("%w: no filter %q: there are %s", ErrUnknownRule, name, nearest(name, names))
}

// Bears returns the least and the greatest number of heads, the own one
// included, that a rule can work with; most is 0 without a limit. With other
// numbers a peer's head stays as it is.
func Bears(spec federation.RuleSpec) (least, most int, err error) {
	r, err := New(spec)
	if err != nil {
		return 0, 0, err
	}
	if v, ok := r.(*vectorRule); ok {
		return v.least(), v.most(), nil
	}
	return 1, 0, nil
}
