//go:build !amd64 && !arm64

package cpu

// Available returns the paths of this machine, the best last.
func Available() []Path { return []Path{Generic} }
