package cpu

import "golang.org/x/sys/cpu"

// Available returns the paths of this machine, the best last. It asks the
// processor, and through it the operating system, which registers may be used.
func Available() []Path {
	paths := []Path{Generic}
	x := &cpu.X86
	if x.HasAVX2 && x.HasFMA {
		paths = append(paths, AVX2)
		// The VNNI path shares what needs no wider registers with AVX2.
		if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512VNNI {
			paths = append(paths, VNNI)
		}
	}
	return paths
}
