package pool

import (
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

func TestRunDealsEveryTaskOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, workers := range []int{1, 2, 3, 8} {
		p := New(workers)
		for round, tasks := range []int{0, 1, 2, 7, 100, 0, 1, 2, 7, 100, 3, 1000} {
			if round == 5 {
				p.Hold()
			}
			counts := make([]atomic.Int32, tasks)
			busy := make([]atomic.Bool, workers)
			p.Run(tasks, func(task, worker int) {
				if busy[worker].Swap(true) {
					t.Errorf("worker %d has two tasks at once", worker)
				}
				counts[task].Add(1)
				p.Floats(worker, 10)[9] = 1
				busy[worker].Store(false)
			})
			for i := range counts {
				if n := counts[i].Load(); n != 1 {
					t.Errorf("%d workers, %d tasks: task %d ran %d times", workers, tasks, i, n)
				}
			}
		}
		p.Release()
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	p := New(2)
	var sum [2]int
	f := func(task, worker int) {
		s := p.Ints(worker, 64)
		s[0] = int32(task)
		sum[worker] += int(s[0])
	}
	p.Run(4, f)
	if n := testing.AllocsPerRun(100, func() { p.Run(4, f) }); n >= 1 {
		t.Errorf("%v allocations per run", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		p.Hold()
		p.Run(4, f)
		p.Run(4, f)
		p.Release()
	}); n >= 1 {
		t.Errorf("%v allocations per held run", n)
	}
}
