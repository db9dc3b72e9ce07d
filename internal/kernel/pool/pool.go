// Package pool is the workers that share one computation, and their scratch
// memory.
package pool

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Pool is a number of workers. Tasks are dealt to them one by one, so a
// result must not depend on which worker did what. A Pool belongs to one
// computation at a time; make one per goroutine that computes. It needs no
// closing: its goroutines live only while [Pool.Run] does, or between
// [Pool.Hold] and [Pool.Release].
type Pool struct {
	workers []worker
	task    func(task, worker int)
	tasks   int
	next    atomic.Int64
	done    sync.WaitGroup

	// Held workers wait for gate to open, count themselves in and out, and
	// share the tasks meanwhile. The gate closes when nobody is in; who comes
	// late does not keep the others waiting.
	held bool
	stop atomic.Bool
	gate atomic.Int32
}

// shut is the gate's value while it is closed; else it is how many are in.
const shut = -1

// worker is the memory of one worker.
type worker struct {
	run    func() // made once, because go statements with arguments allocate
	spin   func() // likewise
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
	p.gate.Store(shut)
	for i := range p.workers {
		p.workers[i].spin = func() {
			p.attend(i)
			p.done.Done()
		}
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
	if p.held {
		p.gate.Store(0)
		p.work(0)
		for spins := 0; !p.gate.CompareAndSwap(0, shut); spins++ {
			pause(spins)
		}
		return
	}
	helpers := min(len(p.workers), tasks) - 1
	p.done.Add(helpers)
	for i := 1; i <= helpers; i++ {
		go p.workers[i].run()
	}
	p.work(0)
	p.done.Wait()
	p.task = nil
}

// Hold keeps the workers at hand until [Pool.Release], between many calls of
// Run that are too short for goroutines to be woken for each. They do not
// sleep meanwhile.
func (p *Pool) Hold() {
	if p.held || len(p.workers) == 1 {
		return
	}
	p.held = true
	p.stop.Store(false)
	p.done.Add(len(p.workers) - 1)
	for i := 1; i < len(p.workers); i++ {
		go p.workers[i].spin()
	}
}

// Release lets the workers go that Hold keeps.
func (p *Pool) Release() {
	if !p.held {
		return
	}
	p.held = false
	p.stop.Store(true)
	p.done.Wait()
	p.task = nil
}

// attend works whenever the gate is open, until the workers are let go.
func (p *Pool) attend(worker int) {
	for spins := 0; !p.stop.Load(); spins++ {
		in := p.gate.Load()
		if in == shut || !p.gate.CompareAndSwap(in, in+1) {
			pause(spins)
			continue
		}
		if p.work(worker) {
			spins = 0
		}
		p.gate.Add(-1)
		pause(spins)
	}
}

// pause waits a moment; longer ones let other goroutines have the processor.
func pause(spins int) {
	if spins > 100 {
		runtime.Gosched()
	}
}

// work does tasks until there are none left, and reports whether it did any.
func (p *Pool) work(worker int) (worked bool) {
	for {
		i := int(p.next.Add(1)) - 1
		if i >= p.tasks {
			return worked
		}
		p.task(i, worker)
		worked = true
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
