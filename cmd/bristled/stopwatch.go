package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timing is how long something took that was done again and again.
type timing struct {
	Min    float64 `json:"min"`    // seconds
	Median float64 `json:"median"` // seconds
	Runs   int     `json:"runs"`
}

// leastRuns is how often a thing is timed at least, however long it takes.
const leastRuns = 3

// measure times work for about as long as given, after one run that does not
// count. It ends early with the context.
func measure(ctx context.Context, long time.Duration, work func() error) (timing, error) {
	if err := work(); err != nil {
		return timing{}, err
	}
	var took []time.Duration
	for begin := time.Now(); len(took) < leastRuns || time.Since(begin) < long; {
		if ctx.Err() != nil {
			return timing{}, ctx.Err()
		}
		start := time.Now()
		if err := work(); err != nil {
			return timing{}, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return timing{took[0].Seconds(), took[len(took)/2].Seconds(), len(took)}, nil
}

// peakMemory returns the most bytes that this process has had in memory. On
// systems that do not say it is what Go has taken from the system so far.
func peakMemory() uint64 {
	if b, err := os.ReadFile("/proc/self/status"); err == nil {
		for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
				if kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 54); err == nil {
					return kib << 10
				}
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}

// stopwatch sums up the time that each step of a network takes.
type stopwatch struct {
	steps []*stepTime // in order of their first run
	byKey map[[2]string]*stepTime
	begun time.Time
}

// stepTime is the time that the steps of one node with one operator took.
type stepTime struct {
	node, operator string
	total          time.Duration
	runs           int
}

func newStopwatch() *stopwatch { return &stopwatch{byKey: map[[2]string]*stepTime{}} }

// trace is called before and after every step.
func (s *stopwatch) trace(node, operator string, begins bool) {
	if begins {
		s.begun = time.Now()
		return
	}
	took := time.Since(s.begun)
	key := [2]string{node, operator}
	step := s.byKey[key]
	if step == nil {
		step = &stepTime{node: node, operator: operator}
		s.byKey[key] = step
		s.steps = append(s.steps, step)
	}
	step.total += took
	step.runs++
}

// reset forgets the times, but not the order of the steps.
func (s *stopwatch) reset() {
	for _, step := range s.steps {
		step.total, step.runs = 0, 0
	}
}
