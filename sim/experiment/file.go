package experiment

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

const (
	maxCells  = 100_000
	maxSeeds  = 10_000
	maxValues = 10_000 // of one axis
	maxLives  = 5_000_000
)

// File is an experiment: settings, seeds, and what varies.
type File struct {
	Name  string // of the file, or as it says itself
	Title string
	Note  string
	Text  []byte // the file itself
	// Explain says that the verdicts of all peers are kept.
	Explain bool
	Seeds   []uint64

	path  string // of the file, if it was loaded
	dir   string // where topology files are looked for
	base  Settings
	lines map[string]int // of the settings in base that the file gives, by path
	axes  []axis
}

// varies reports whether a sweep or a case of the file gives a setting.
func (f *File) varies(path string) bool {
	for _, a := range f.axes {
		for _, v := range a.values {
			if slices.ContainsFunc(v.set, func(s assignment) bool { return s.path == path }) {
				return true
			}
		}
	}
	return false
}

// named is an error about the file with its path.
func (f *File) named(err error) error {
	if err == nil || f.path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", f.path, err)
}

// axis is one thing that varies: a field, or the cases, whose label is named
// label.
type axis struct {
	name   string
	values []value
}

// title is what the file calls it.
func (a *axis) title() string {
	if a.name == "label" {
		return "cases"
	}
	return "sweep: " + a.name
}

// value is one point of an axis: settings that go together.
type value struct {
	label string
	joint bool // several settings, and the label is their name
	set   []assignment
}

// assignment is one setting by its path.
type assignment struct {
	path string
	node *yaml.Node
}

// Load reads an experiment file of at most 1 MiB. Paths of topologies in it are
// relative to its folder. Errors about what it says wrap [ErrFile].
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the experiment: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the experiment: %w", err)
	}
	file, err := parse(b, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	file.path = path
	if file.Name == "" {
		// It is printed, so it may hold no more than a name in the file.
		file.Name = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return '_'
			}
			return r
		}, strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	}
	return file, nil
}

// Parse reads an experiment from its text. Topologies from files are looked for in
// the working directory. Errors wrap [ErrFile].
func Parse(b []byte) (*File, error) { return parse(b, "") }

func parse(b []byte, dir string) (*File, error) {
	root, err := readYAML(b)
	if err != nil {
		return nil, err
	}
	f := &File{Text: b, Seeds: []uint64{1}, dir: dir, base: defaults(), lines: map[string]int{}}
	own := map[string]func(*yaml.Node) error{
		"name":    func(n *yaml.Node) error { return readText(n, "name", &f.Name) },
		"title":   func(n *yaml.Node) error { return readText(n, "title", &f.Title) },
		"note":    func(n *yaml.Node) error { return readNote(n, &f.Note) },
		"explain": func(n *yaml.Node) error { return readFlag(n, "explain", &f.Explain) },
		"seeds":   func(n *yaml.Node) (err error) { f.Seeds, err = readSeeds(n); return err },
		"cases":   f.readCases,
		"sweep":   f.readSweep,
	}
	var rest []assignment
	for i := 0; i < len(root.Content); i += 2 {
		key, n := root.Content[i], root.Content[i+1]
		if read, ok := own[key.Value]; ok {
			if err := read(n); err != nil {
				return nil, err
			}
			continue
		}
		if strings.Contains(key.Value, ".") || !settings.known(key.Value) {
			return nil, unknown(key, key.Value, key.Value, append(sorted(own), settings.children("")...))
		}
		if rest, err = settings.flatten(rest, key, key.Value, n); err != nil {
			return nil, err
		}
	}
	if err := settings.try(rest); err != nil {
		return nil, err
	}
	if err := settings.apply(&f.base, rest); err != nil {
		return nil, err
	}
	for _, a := range rest {
		f.lines[a.path] = a.node.Line
	}
	return f, f.checkAxes()
}

// readSeeds reads a list of seeds, or n for 1 to n.
func readSeeds(n *yaml.Node) ([]uint64, error) {
	if n.Kind == yaml.ScalarNode {
		count := 0
		if err := readWhole(n, "seeds", &count, 1, maxSeeds); err != nil {
			return nil, err
		}
		seeds := make([]uint64, count)
		for i := range seeds {
			seeds[i] = uint64(i + 1)
		}
		return seeds, nil
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) > maxSeeds {
		return nil, fault(n, "seeds is %s; a list of 1 to %d seeds or their number is allowed", show(n), maxSeeds)
	}
	var seeds []uint64
	seen := map[uint64]bool{}
	for i, item := range n.Content {
		// A peer's seed is made of 48 bits of the experiment's and its number.
		v, err := strconv.ParseUint(item.Value, 10, 47)
		if item.Kind != yaml.ScalarNode || err != nil {
			return nil, fault(item, "seeds[%d] is %s; whole numbers from 0 to %d are allowed", i, show(item), uint64(1)<<47-1)
		}
		if seen[v] {
			return nil, fault(item, "seeds[%d] is %d, which is there already", i, v)
		}
		seen[v], seeds = true, append(seeds, v)
	}
	return seeds, nil
}

// readCases reads the list of joint settings.
func (f *File) readCases(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) > maxValues {
		return fault(n, "cases is %s; a list of 1 to %d is allowed, such as [{attack: flip-all, peers.liars: 5}]", show(n), maxValues)
	}
	a := axis{name: "label"}
	for i, item := range n.Content {
		v, err := joint(item, fmt.Sprintf("cases[%d]", i))
		if err != nil {
			return err
		}
		a.values = append(a.values, v)
	}
	f.axes = append([]axis{a}, f.axes...)
	return distinct(n, a)
}

// readSweep reads the fields that take several values each.
func (f *File) readSweep(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return fault(n, "sweep is %s; it is written {rule: [mean, bristle+], ...}", show(n))
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, list := n.Content[i], n.Content[i+1]
		if key.Value == "seeds" {
			return fault(key, "sweep: seeds: they stand by themselves, as in seeds: [1, 2], and every cell runs with each")
		}
		if !settings.known(key.Value) {
			return unknown(key, "sweep: "+key.Value, key.Value, settings.paths)
		}
		if list.Kind != yaml.SequenceNode || len(list.Content) == 0 || len(list.Content) > maxValues {
			return fault(list, "sweep: %s is %s; a list of 1 to %d values is allowed", key.Value, show(list), maxValues)
		}
		a := axis{name: key.Value}
		for k, item := range list.Content {
			v, err := point(item, key, k)
			if err != nil {
				return err
			}
			a.values = append(a.values, v)
		}
		if err := distinct(list, a); err != nil {
			return err
		}
		f.axes = append(f.axes, a)
	}
	return nil
}

// point is one value of a swept field. A mapping under a field that is none sets
// several at once.
func point(item, key *yaml.Node, k int) (value, error) {
	if item.Kind == yaml.MappingNode && settings.leaf(key.Value) {
		return joint(item, fmt.Sprintf("sweep: %s[%d]", key.Value, k))
	}
	set, err := settings.flatten(nil, item, key.Value, item)
	if err != nil {
		return value{}, err
	}
	return value{label: describe(item), set: set}, settings.try(set)
}

// joint reads settings that go together, by dotted path, and their label.
func joint(n *yaml.Node, path string) (value, error) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return value{}, fault(n, "%s is %s; it is written {attack: flip-all, peers.liars: 5}", path, show(n))
	}
	v := value{joint: true}
	var words []string
	for i := 0; i < len(n.Content); i += 2 {
		key, item := n.Content[i], n.Content[i+1]
		if key.Value == "label" {
			if err := readText(item, path+": label", &v.label); err != nil {
				return v, err
			}
			continue
		}
		if !settings.known(key.Value) {
			return v, unknown(key, path+": "+key.Value, key.Value, append([]string{"label"}, settings.paths...))
		}
		var err error
		if v.set, err = settings.flatten(v.set, key, key.Value, item); err != nil {
			return v, err
		}
		words = append(words, key.Value+"="+describe(item))
	}
	if v.label == "" {
		slices.Sort(words) // whatever the order of the keys
		v.label = strings.Join(words, " ")
	}
	return v, settings.try(v.set)
}

// describe writes a value as a label, in one line.
func describe(n *yaml.Node) string {
	var parts []string
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			parts = append(parts, n.Content[i].Value+"="+describe(n.Content[i+1]))
		}
		slices.Sort(parts)
	case yaml.SequenceNode:
		for _, c := range n.Content {
			parts = append(parts, describe(c))
		}
	default:
		return n.Value
	}
	return strings.Join(parts, " ")
}

// distinct refuses two values of one name, which no table could tell apart.
func distinct(n *yaml.Node, a axis) error {
	seen := map[string]bool{}
	for _, v := range a.values {
		if len(v.label) > maxText {
			return fault(n, "a value of %s is long: write {%s: ..., label: ...}", a.title(), a.name)
		}
		if seen[v.label] {
			return fault(n, "two values of %s are called %.80q: give one of them a label", a.title(), v.label)
		}
		seen[v.label] = true
	}
	return nil
}

// checkAxes refuses what two axes set, and too many cells.
func (f *File) checkAxes() error {
	owner := map[string]*axis{}
	cells := len(f.Seeds)
	for i := range f.axes {
		a := &f.axes[i]
		for _, v := range a.values {
			for _, s := range v.set {
				if other, ok := owner[s.path]; ok && other != a {
					return fault(s.node, "%s varies twice, by %s and by %s: put it in one of them", s.path, other.title(), a.title())
				}
				owner[s.path] = a
			}
		}
		if cells *= len(a.values); cells > maxCells {
			return fmt.Errorf("%w: it makes more than %d cells: sweep over less or split the file", ErrFile, maxCells)
		}
	}
	return nil
}
