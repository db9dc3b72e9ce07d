package cpu

import "golang.org/x/sys/cpu"

// Available returns the paths of this machine, the best last.
func Available() []Path {
	paths := []Path{Generic, NEON}
	if cpu.ARM64.HasASIMDDP {
		paths = append(paths, SDOT)
	}
	return paths
}
