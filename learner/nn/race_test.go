//go:build race

package nn

// raceDetector: with it, sync.Pool drops what it is given at random, so that
// the kernel's scratch memory is made again.
func init() { raceDetector = true }
