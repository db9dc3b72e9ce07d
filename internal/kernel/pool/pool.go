// Package pool is the workers that share one computation, and their scratch
// memory.
package pool

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Pool is a number of workers. Tasks are dealt to them one by one, so a
// result must not depend on which worker did what. A Pool belongs to one
// computation at a time; make one per goroutine that computes. It needs no
// closing: its goroutines live only while [Pool.Run] does.
type Pool struct {
	workers []worker
	task    func(task, worker int)
	tasks   int
	next    atomic.Int64
	done    sync.WaitGroup
}

// worker is the memory of one worker.
type worker struct {
	run    func() // made once, because go statements with arguments allocate
	floats []float32
	ints   []int32
	bytes  []uint8
}

// New returns a pool of the given number of workers, at least 1, which counts
// the goroutine that calls Run.
func New(workers int) *Pool {
	if workers < 1 {
		panic(fmt.Sprintf("pool: %d workers", workers))
	}
	p := &Pool{workers: make([]worker, workers)}
	for i := range p.workers {
		p.workers[i].run = func() {
			p.work(i)
			p.done.Done()
		}
	}
	return p
}

// Workers returns the number of workers.
func (p *Pool) Workers() int { return len(p.workers) }

// Run calls f(task, worker) for every task from 0 to tasks-1 and returns when
// all calls have. Calls with the same worker, from 0 to Workers()-1, come one
// after another. f must not call Run.
func (p *Pool) Run(tasks int, f func(task, worker int)) {
	if len(p.workers) == 1 || tasks <= 1 {
		for i := range tasks {
			f(i, 0)
		}
		return
	}
	p.task, p.tasks = f, tasks
	p.next.Store(0)
	helpers := min(len(p.workers), tasks) - 1
	p.done.Add(helpers)
	for i := 1; i <= helpers; i++ {
		go p.workers[i].run()
	}
	p.work(0)
	p.done.Wait()
	p.task = nil
}

func (p *Pool) work(worker int) {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= p.tasks {
			return
		}
		p.task(i, worker)
	}
}

// Floats returns n numbers of scratch memory that belong to a worker until it
// asks for floats again. Their values are not defined.
func (p *Pool) Floats(worker, n int) []float32 {
	w := &p.workers[worker]
	if cap(w.floats) < n {
		w.floats = make([]float32, n)
	}
	return w.floats[:n]
}

// Ints is [Pool.Floats] for int32.
func (p *Pool) Ints(worker, n int) []int32 {
	w := &p.workers[worker]
	if cap(w.ints) < n {
		w.ints = make([]int32, n)
	}
	return w.ints[:n]
}

// Bytes is [Pool.Floats] for bytes.
func (p *Pool) Bytes(worker, n int) []uint8 {
	w := &p.workers[worker]
	if cap(w.bytes) < n {
		w.bytes = make([]uint8, n)
	}
	return w.bytes[:n]
}
