package cohort

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/bristle-fl/bristled/learner/data"
)

// Sheet says what a collection is made of. It names files and no patient.
type Sheet struct {
	Source    string `json:"source"` // the directory or npz file
	Labels    string `json:"labels,omitempty"`
	Images    int    `json:"images"` // that can be read; all other counts are of these
	Patients  int    `json:"patients"`
	Anonymous int    `json:"anonymous"` // images of which nobody says whose they are
	// PerPatient is how many images patients have.
	PerPatient Spread `json:"images_per_patient"`
	Classes    []Part `json:"classes"`
	Splits     []Part `json:"splits,omitempty"`
	// Sizes has the most frequent sizes of pictures, such as 1024x768, ten at
	// most, of DistinctSizes.
	Sizes         []Tally `json:"sizes"`
	DistinctSizes int     `json:"distinct_sizes"`
	// Formats has PNG, JPEG, GIF, NPZ, and DICOM with the transfer syntax.
	Formats []Tally `json:"formats"`
	// Equal has the sets of images with the same content.
	Equal []Equal `json:"equal,omitempty"`
	// Mixed has the files of every patient with images of several classes.
	Mixed [][]string `json:"mixed,omitempty"`
	// Unreadable has the files that cannot be read.
	Unreadable []Refused `json:"unreadable,omitempty"`
	// Unlisted has the files that no row names, or that are in no class.
	Unlisted []string `json:"unlisted,omitempty"`
	LeftOut  int      `json:"left_out"` // rows without a label
	// Problems says, in a sentence each, what would make training on the
	// collection fail or its results dishonest.
	Problems []string `json:"problems"`

	shape  [3]int    // in which images were compared, and thumbs are kept
	thumbs [][]thumb // of each class
}

// Part is a class, or a split with its classes.
type Part struct {
	Name     string `json:"name"`
	Images   int    `json:"images"`
	Patients int    `json:"patients"`
	Classes  []Part `json:"classes,omitempty"` // of a split, all of them
}

// Spread is the extent of some whole numbers.
type Spread struct {
	Min    int     `json:"min"`
	Median float64 `json:"median"`
	Max    int     `json:"max"`
}

// Tally is how many images are of a kind.
type Tally struct {
	Name   string `json:"name"`
	Images int    `json:"images"`
}

// Equal is a set of images with the same content: the same [data.Sample.Hash]
// once scaled to one size, if they do not have one size anyway.
type Equal struct {
	Files    []string `json:"files"`
	Splits   []string `json:"splits,omitempty"` // that they are in, sorted
	Classes  []string `json:"classes"`          // likewise
	Patients int      `json:"patients"`         // whose they are
}

// Refused is a file that cannot be used.
type Refused struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// refused says why a file cannot be used, without its path.
func refused(file string, err error) Refused {
	if f, ok := errors.AsType[*data.FileError](err); ok {
		err = f.Err
	}
	return Refused{file, err.Error()}
}

// found is an image that could be read.
type found struct {
	Image
	owner string
	hash  [32]byte
}

// count fills in what the images say together.
func (s *Sheet) count(images []found, classes []string) {
	s.Images = len(images)
	everybody, names := count(images, classes)
	s.Patients, s.Classes = everybody.Patients, everybody.Classes
	s.PerPatient = spread(names)
	splits := map[string][]found{}
	for _, f := range images {
		if f.Split != "" {
			splits[f.Split] = append(splits[f.Split], f)
		}
	}
	for _, name := range []string{Train, Val, Test} {
		if part, _ := count(splits[name], classes); part.Images > 0 {
			part.Name = name
			s.Splits = append(s.Splits, part)
		}
	}
	s.findMixed(images)
	s.findEqual(images, classes)
}

// count counts images and patients, in all and per class, and the images of
// each patient.
func count(images []found, classes []string) (part Part, owners map[string]int) {
	owners = map[string]int{}
	perClass := make([]map[string]bool, len(classes))
	part.Classes = make([]Part, len(classes))
	for i, name := range classes {
		part.Classes[i].Name = name
		perClass[i] = map[string]bool{}
	}
	for _, f := range images {
		owners[f.owner]++
		perClass[f.Label][f.owner] = true
		part.Classes[f.Label].Images++
	}
	for i := range classes {
		part.Classes[i].Patients = len(perClass[i])
	}
	part.Images, part.Patients = len(images), len(owners)
	return part, owners
}

func spread(images map[string]int) Spread {
	if len(images) == 0 {
		return Spread{}
	}
	var counts []int
	for _, n := range images {
		counts = append(counts, n)
	}
	slices.Sort(counts)
	n := len(counts)
	return Spread{counts[0], float64(counts[(n-1)/2]+counts[n/2]) / 2, counts[n-1]}
}

// findMixed finds patients with images of several classes.
func (s *Sheet) findMixed(images []found) {
	for _, group := range grouped(images, func(f found) string { return f.owner }) {
		for _, f := range group {
			if f.Label != group[0].Label {
				s.Mixed = append(s.Mixed, files(group))
				break
			}
		}
	}
}

// findEqual finds equal images, and the problems that they are.
func (s *Sheet) findEqual(images []found, classes []string) {
	split := func(f found) string { return f.Split }
	owner := func(f found) string { return f.owner }
	class := func(f found) string { return classes[f.Label] }
	var sets [][]found
	for _, set := range grouped(images, func(f found) [32]byte { return f.hash }) {
		if len(set) < 2 {
			continue
		}
		sets = append(sets, set)
		s.Equal = append(s.Equal, Equal{files(set), distinct(set, split), distinct(set, class), len(distinct(set, owner))})
	}
	s.findAcross(sets, "is in two splits", split)
	s.findAcross(sets, "is of two patients", owner)
	s.findAcross(sets, "is in two classes", class)
}

// findAcross adds the problem that images of a set have different values.
func (s *Sheet) findAcross(sets [][]found, what string, value func(found) string) {
	times := 0
	var one, other found
	for _, set := range sets {
		i := slices.IndexFunc(set, func(f found) bool { return value(f) != value(set[0]) })
		if i < 0 {
			continue
		}
		if times++; times == 1 {
			one, other = set[0], set[i]
		}
	}
	if times == 0 {
		return
	}
	problem := fmt.Sprintf("the same image %s: %s and %s", what, one.File, other.File)
	if times > 1 {
		problem += fmt.Sprintf(", and %d more", times-1)
	}
	s.Problems = append(s.Problems, problem)
}

// grouped puts images with the same key together, in the order in which the
// keys come.
func grouped[K comparable](images []found, key func(found) K) [][]found {
	at := map[K]int{}
	var groups [][]found
	for _, f := range images {
		k := key(f)
		if _, ok := at[k]; !ok {
			at[k] = len(groups)
			groups = append(groups, nil)
		}
		groups[at[k]] = append(groups[at[k]], f)
	}
	return groups
}

func files(images []found) []string {
	var names []string
	for _, f := range images {
		names = append(names, f.File)
	}
	return names
}

// distinct returns the values of images, sorted, each once and without empty
// ones.
func distinct(images []found, value func(found) string) []string {
	var values []string
	for _, f := range images {
		if v := value(f); v != "" {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// tallies sorts counts, the most frequent first.
func tallies(counts map[string]int) []Tally {
	all := []Tally{}
	for name, n := range counts {
		all = append(all, Tally{name, n})
	}
	slices.SortFunc(all, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Images, a.Images), cmp.Compare(a.Name, b.Name))
	})
	return all
}
