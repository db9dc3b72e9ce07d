package cohort

import (
	"context"
	"runtime"
	"sync"
)

// each calls work with the numbers from 0 to n-1 on some goroutines, one per
// processor for 0 workers, and use with what came of it: one after another, in
// order, on the caller's goroutine. Not more than a few results wait at a
// time. The first error of use, or the end of the context, ends it; every
// goroutine has returned then.
func each[T any](ctx context.Context, n, workers int, work func(i int) T, use func(i int, result T) error) error {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	var team sync.WaitGroup
	defer team.Wait()
	defer cancel()

	type job struct {
		number int
		result chan T
	}
	waiting := make(chan job, 2*workers) // in order, for use
	jobs := make(chan job)
	team.Go(func() {
		defer close(jobs)
		for i := range n {
			j := job{i, make(chan T, 1)}
			for _, to := range []chan job{waiting, jobs} {
				select {
				case to <- j:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	for range workers {
		team.Go(func() {
			for j := range jobs {
				j.result <- work(j.number)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var result T
		select {
		case j := <-waiting:
			select {
			case result = <-j.result:
			case <-ctx.Done():
				return ctx.Err()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := use(i, result); err != nil {
			return err
		}
	}
	return nil
}
