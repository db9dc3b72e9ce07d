//go:build !unix

package p2p

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
