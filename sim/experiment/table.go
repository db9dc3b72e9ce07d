package experiment

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// table finds settings by path.
type table struct {
	fields map[string]field
	paths  []string
}

// settings are all that a file may say of a cell.
var settings = newTable()

func newTable() *table {
	t := &table{fields: map[string]field{}}
	for _, f := range fields() {
		t.fields[f.path] = f
		t.paths = append(t.paths, f.path)
	}
	return t
}

// leaf reports whether a path is a setting.
func (t *table) leaf(path string) bool { _, ok := t.fields[path]; return ok }

// known reports whether it is a setting or a group of them.
func (t *table) known(path string) bool { return t.leaf(path) || len(t.children(path)) > 0 }

// children lists the next names below a group, or the first ones of all.
func (t *table) children(path string) []string {
	if path != "" {
		path += "."
	}
	var names []string
	for _, p := range t.paths {
		if rest, ok := strings.CutPrefix(p, path); ok {
			name, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// flatten appends what a node sets below a path.
func (t *table) flatten(to []assignment, key *yaml.Node, path string, n *yaml.Node) ([]assignment, error) {
	if t.leaf(path) {
		if slices.ContainsFunc(to, func(a assignment) bool { return a.path == path }) {
			return nil, fault(key, "%s is given twice", path)
		}
		return append(to, assignment{path, n}), nil
	}
	names := t.children(path)
	if len(names) == 0 {
		before, last, _ := cutLast(path)
		return nil, unknown(key, path, last, t.children(before))
	}
	if n.Kind != yaml.MappingNode {
		return nil, fault(n, "%s is %s; it has settings of its own: %s", path, show(n), strings.Join(names, ", "))
	}
	for i := 0; i < len(n.Content); i += 2 {
		var err error
		if to, err = t.flatten(to, n.Content[i], path+"."+n.Content[i].Value, n.Content[i+1]); err != nil {
			return nil, err
		}
	}
	return to, nil
}

func cutLast(path string) (before, last string, found bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// try refuses what cannot be set.
func (t *table) try(set []assignment) error {
	var trial Settings
	for _, a := range set {
		f := t.fields[a.path]
		if err := f.set(&trial, a.node); err != nil {
			return err
		}
		if f.parse == nil {
			continue
		}
		if err := f.parse(a.node.Value); err != nil {
			return fmt.Errorf("%w: line %d: %s is %s: %w%s", ErrFile, a.node.Line, a.path, show(a.node), err, cut(a.node.Value))
		}
	}
	return nil
}

// apply sets what [table.try] has let pass.
func (t *table) apply(s *Settings, set []assignment) error {
	for _, a := range set {
		if err := t.fields[a.path].set(s, a.node); err != nil {
			return err
		}
	}
	return nil
}
