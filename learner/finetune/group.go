package finetune

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Group is a part of a network that thaws as a whole.
type Group struct {
	// Name is that of a module in the file ("layer4"), or of the group's last
	// value if the file names none. It is "head" for the new output.
	Name string
	// Line is the value that the group reads: the freeze line while it is the
	// lowest that is trained. Empty for the lowest group of all, which reads
	// the pictures.
	Line string
	// Parameters is how many numbers of the group training can change.
	Parameters int64
}

// ErrNoGroup is wrapped by errors about groups that a network does not have.
var ErrNoGroup = errors.New("the network has no such group of layers")

// Head is the name of the group that [ReplaceHead] made.
const Head = "head"

// Groups divides a network that [ReplaceHead] made into groups, from the head
// down to the pictures. The layers between two changes of the extents of
// feature maps are a group, as the stages of a residual network are; without
// such changes, as in a transformer, a quarter of the multiplications is.
func Groups(net *graph.Graph) ([]Group, error) {
	points, err := pointsBelowHead(net)
	if err != nil {
		return nil, err
	}
	ends := stageEnds(points)
	if len(ends) < 3 {
		ends = quarterEnds(points)
	}
	head := Group{Name: Head, Line: points[len(points)-1].Value}
	for _, name := range headParams(net) {
		head.Parameters += int64(net.Consts[name].Len())
	}
	groups := []Group{head}
	for i := len(ends) - 1; i >= 0; i-- {
		end := points[ends[i]]
		g := Group{Name: stageName(net, end, groups), Parameters: end.Params}
		if i > 0 {
			g.Line, g.Parameters = points[ends[i-1]].Value, end.Params-points[ends[i-1]].Params
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// headParams returns the parameters of the head.
func headParams(net *graph.Graph) []string {
	var names []string
	for name := range net.Consts {
		if strings.HasPrefix(name, Head+".") && (strings.HasSuffix(name, ".weight") || strings.HasSuffix(name, ".bias")) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// pointsBelowHead returns the places where the network can be cut, up to the
// features that the head reads, which are the last.
func pointsBelowHead(net *graph.Graph) ([]graph.CutPoint, error) {
	first := slices.IndexFunc(net.Nodes, func(n graph.Node) bool { return n.Op == "Gemm" && (n.Name == "head" || n.Name == "head.0") })
	if first < 0 {
		return nil, errors.New("finetune: the network has no head of ours")
	}
	static, err := specialize(net, 2)
	if err != nil {
		return nil, err
	}
	points := graph.CutPoints(static)
	at := slices.IndexFunc(points, func(p graph.CutPoint) bool { return p.Value == net.Nodes[first].Inputs[0] })
	if at < 0 {
		return nil, &graph.UnsupportedError{Reason: "the features that the head reads are no place to cut the network"}
	}
	return points[:at+1], nil
}

// stageEnds returns the last place of each run of places with the same
// spatial extents. A run without parameters belongs to the one before it.
func stageEnds(points []graph.CutPoint) []int {
	space := func(p graph.CutPoint) []int { return p.Shape[min(2, len(p.Shape)):] }
	var ends []int
	params := int64(0)
	for i, p := range points {
		if i+1 < len(points) && slices.Equal(space(p), space(points[i+1])) {
			continue
		}
		if p.Params == params && len(ends) > 0 {
			ends[len(ends)-1] = i
			continue
		}
		params = p.Params
		ends = append(ends, i)
	}
	return ends
}

// quarterEnds returns the places nearest to a quarter, a half, three quarters
// and the whole of the multiplications.
func quarterEnds(points []graph.CutPoint) []int {
	var ends []int
	total := points[len(points)-1].MACs
	for quarter := int64(1); quarter <= 4; quarter++ {
		best := 0
		for i, p := range points {
			if abs(4*p.MACs-quarter*total) <= abs(4*points[best].MACs-quarter*total) {
				best = i
			}
		}
		if len(ends) == 0 || points[best].Params > points[ends[len(ends)-1]].Params {
			ends = append(ends, best)
		}
	}
	ends[len(ends)-1] = len(points) - 1
	return ends
}

func abs(v int64) int64 { return max(v, -v) }

// stageName names a group after the outermost module of its last layer, which
// the names of its parameters tell, or after its last value.
func stageName(net *graph.Graph, end graph.CutPoint, taken []Group) string {
	last := net.Makers()[end.Value]
	for i := last; i >= 0; i-- {
		for _, in := range net.Nodes[i].Inputs {
			module, _, ok := strings.Cut(in, ".")
			if net.Consts[in] == nil || !ok {
				continue
			}
			if slices.ContainsFunc(taken, func(g Group) bool { return g.Name == module }) {
				return end.Name
			}
			return module
		}
	}
	return end.Name
}

// lineBelow returns the freeze line of the group of that name, which is one
// of [Groups] or a module of the network's file.
func lineBelow(net *graph.Graph, name string) (string, error) {
	groups, err := Groups(net)
	if err != nil {
		return "", err
	}
	var names []string
	for _, g := range groups {
		if g.Name == name {
			return g.Line, nil
		}
		names = append(names, g.Name)
	}
	points, err := pointsBelowHead(net)
	if err != nil {
		return "", err
	}
	first := slices.IndexFunc(points, func(p graph.CutPoint) bool { return p.Name == name || strings.HasPrefix(p.Name, name+".") })
	switch {
	case first < 0:
		return "", fmt.Errorf("%w: %.80q; it has %s (and the modules that `bristled model inspect` lists)", ErrNoGroup, name, strings.Join(names, ", "))
	case first == 0:
		return "", nil
	}
	return points[first-1].Value, nil
}
