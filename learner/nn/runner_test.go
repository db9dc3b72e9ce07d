package nn

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

func newLeNet(classes int, bias bool) *Net {
	return LeNet(classes, bias, rand.New(rand.NewPCG(1, 2)))
}

// What a sample gives does not depend on the batch around it, so a cached
// feature is the feature.
func TestForwardIsPerSample(t *testing.T) {
	for name, n := range map[string]*Net{"LeNet": newLeNet(10, true), "awkward": awkward(3)} {
		t.Run(name, func(t *testing.T) {
			const size = 21
			x, _ := batch(n, size, 5)
			in, out := n.in.size(), n.Outputs()
			want := slices.Clone(NewRunner(n, size).Forward(x, size))
			alone := NewRunner(n, 1)
			for s := range size {
				if got := alone.Forward(x[s*in:(s+1)*in], 1); !slices.Equal(got, want[s*out:(s+1)*out]) {
					t.Fatalf("sample %d alone gives %v, in the batch %v", s, got, want[s*out:(s+1)*out])
				}
			}
			r := NewRunner(n, size)
			for from := range size {
				if got := r.Forward(x[from*in:], size-from); !slices.Equal(got, want[from*out:]) {
					t.Fatalf("the batch from sample %d on gives other outputs", from)
				}
			}
		})
	}
}

func TestRunnersShareANetwork(t *testing.T) {
	n := newLeNet(10, false)
	x, _ := batch(n, 9, 5)
	want := slices.Clone(NewRunner(n, 9).Forward(x, 9))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if got := NewRunner(n, 9).Forward(x, 9); !slices.Equal(got, want) {
				t.Errorf("runners of one network give different outputs")
			}
		})
	}
	wg.Wait()
}

func TestForwardAllocatesNothing(t *testing.T) {
	n := newLeNet(10, true)
	x, _ := batch(n, 20, 5)
	r := NewRunner(n, 20)
	r.Forward(x, 20)
	if allocs := testing.AllocsPerRun(20, func() { r.Forward(x, 20) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestForwardRefuses(t *testing.T) {
	n := newLeNet(10, true)
	x, _ := batch(n, 3, 5)
	for name, f := range map[string]func(){
		"more than the runner's room": func() { NewRunner(n, 2).Forward(x, 3) },
		"fewer numbers than samples":  func() { NewRunner(n, 3).Forward(x[1:], 3) },
		"a negative number":           func() { NewRunner(n, 3).Forward(x, -1) },
		"a runner without room":       func() { NewRunner(n, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
	if got := NewRunner(n, 3).Forward(nil, 0); len(got) != 0 {
		t.Errorf("no samples give %d outputs", len(got))
	}
}
