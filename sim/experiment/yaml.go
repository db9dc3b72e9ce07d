package experiment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"go.yaml.in/yaml/v3"
)

const (
	maxFile  = 1 << 20 // bytes
	maxDepth = 16      // of lists and mappings within each other
	// maxBrackets bounds what a parser has to keep open.
	maxBrackets = 1 << 15
)

// ErrFile is wrapped by the errors about what an experiment file says. They name
// the line.
var ErrFile = errors.New("bad experiment file")

func fault(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%w: line %d: %s", ErrFile, n.Line, fmt.Sprintf(format, args...))
}

// unknown is the error of a key that is none of the known ones.
func unknown(n *yaml.Node, path, key string, known []string) error {
	return fault(n, "unknown key %.80q; there are %s%s", path, nearest(key, known), cut(key))
}

// cut says what may be wrong with half a rule or attack: in lists and mappings on
// one line YAML ends a text at each comma.
func cut(text string) string {
	if strings.Count(text, "(") == strings.Count(text, ")") {
		return ""
	}
	return `; a text with commas within a list or mapping is quoted: "bulyan(f=2,m=3)"`
}

// nearest lists the known names, those most like the given one first.
func nearest(name string, known []string) string {
	if len(name) > 80 {
		name = name[:80]
	}
	known = slices.Clone(known)
	slices.SortStableFunc(known, func(a, b string) int {
		return cmp.Compare(levenshtein.Distance(name, a, nil), levenshtein.Distance(name, b, nil))
	})
	return strings.Join(known, ", ")
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// readYAML reads one document and refuses what no experiment needs and hostile
// files use: anchors and aliases, which grow without bound when expanded, deep
// nesting, keys that are no text, and keys given twice.
func readYAML(b []byte) (*yaml.Node, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrFile, len(b), maxFile)
	}
	// The parser builds its tree before anybody can look at it, and flow
	// collections need only one byte a level. Real files do not come near.
	if n := bytes.Count(b, []byte("[")) + bytes.Count(b, []byte("{")); n > maxBrackets {
		return nil, fmt.Errorf("%w: %d brackets, at most %d are read", ErrFile, n, maxBrackets)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it is empty", ErrFile)
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: there is something after the first document: one file is one experiment", ErrFile)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, fmt.Errorf("%w: it is empty", ErrFile)
	}
	root := doc.Content[0]
	if err := harmless(root, 0); err != nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, fault(root, "the file is %s; it is lines of the form key: value", show(root))
	}
	return root, nil
}

func harmless(n *yaml.Node, depth int) error {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return fault(n, "anchors and aliases (& and *) are not read: write the value out")
	case depth > maxDepth:
		return fault(n, "lists and mappings are more than %d deep", maxDepth)
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return fault(key, "a key is a name, this is %s", show(key))
			}
			if seen[key.Value] {
				return fault(key, "%.80q is given twice", key.Value)
			}
			seen[key.Value] = true
		}
	}
	for _, c := range n.Content {
		if err := harmless(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}
