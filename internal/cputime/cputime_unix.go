//go:build unix

// Package cputime measures work in tests: by what the process used, because other
// programs may have the processors while the clock goes on.
package cputime

import (
	"syscall"
	"time"
)

// Used returns what the process has used so far, in user and system mode.
func Used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
