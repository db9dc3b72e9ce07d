package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestMeasure(t *testing.T) {
	runs := 0
	got, err := measure(context.Background(), 0, func() error { runs++; return nil })
	if err != nil || got.Runs != leastRuns || runs != leastRuns+1 || got.Min > got.Median {
		t.Errorf("%+v after %d runs, error %v", got, runs, err)
	}
	bad := errors.New("bad")
	if _, err := measure(context.Background(), time.Hour, func() error { return bad }); !errors.Is(err, bad) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := measure(ctx, time.Hour, func() error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestStopwatch(t *testing.T) {
	w := newStopwatch()
	pass := func() {
		for _, s := range [][2]string{{"a", "Conv"}, {"b", "Relu"}, {"a", "Transpose"}} {
			w.trace(s[0], s[1], true)
			w.trace(s[0], s[1], false)
		}
	}
	pass()
	w.reset()
	pass()
	pass()
	if len(w.steps) != 3 {
		t.Fatalf("%d steps", len(w.steps))
	}
	for _, s := range w.steps {
		if s.runs != 2 || s.total < 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestPeakMemory(t *testing.T) {
	if n := peakMemory(); n < 1<<20 {
		t.Errorf("%d bytes", n)
	}
}
