// Package cpu chooses, once at the start of the program, which implementation
// of the kernels this machine runs.
package cpu

import (
	"fmt"
	"os"
	"strings"
)

// Variable is the environment variable that forces a path, by its name. It is
// read once, at the start of the program.
const Variable = "BRISTLED_KERNEL"

// Path is one implementation of the kernels.
type Path uint8

const (
	Generic Path = iota // portable Go, the definition that tests hold the others to
	AVX2                // amd64: AVX2 and FMA
	VNNI                // amd64: AVX-512 F, BW, DQ, VL and VNNI
	NEON                // arm64: every machine
	SDOT                // arm64: with the dot product instructions
)

var names = [...]string{Generic: "generic", AVX2: "avx2", VNNI: "vnni", NEON: "neon", SDOT: "sdot"}

func (p Path) String() string { return names[p] }

// active is the path in use and activeErr what was wrong with the wish for
// another. Nothing writes them after the start of the program.
var active, activeErr = choose(os.Getenv(Variable), Available())

// Active returns the path in use.
func Active() Path { return active }

// Err returns nil, or a [*PathError] if [Variable] asked for a path that
// this machine lacks or that does not exist. The program then uses the best
// path there is; whoever starts it should print the error as a warning.
func Err() error { return activeErr }

// PathError is a wish for a kernel path that could not be granted.
type PathError struct {
	Asked     string   // value of [Variable]
	Known     bool     // whether there is such a path on any machine
	Available []string // the paths of this machine, best last
	Used      string   // what is used instead
}

func (e *PathError) Error() string {
	problem := "is not the name of a kernel path"
	if e.Known {
		problem = "asks for a kernel path that this machine lacks"
	}
	return fmt.Sprintf("%s=%q %s; using %s instead. Unset it or choose one of: %s",
		Variable, e.Asked, problem, e.Used, strings.Join(e.Available, ", "))
}

// choose picks the asked path, or the last of those available, which are
// not empty. An empty wish means the best.
func choose(asked string, available []Path) (Path, error) {
	best := available[len(available)-1]
	if asked == "" {
		return best, nil
	}
	e := &PathError{Asked: asked, Used: best.String()}
	for _, p := range available {
		if p.String() == asked {
			return p, nil
		}
		e.Available = append(e.Available, p.String())
	}
	for _, name := range names {
		e.Known = e.Known || name == asked
	}
	return best, e
}
