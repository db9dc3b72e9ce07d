package main

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progress is a bar in a terminal for work that turns out to take longer than
// a moment. Elsewhere it shows nothing.
type progress struct {
	ctx    context.Context
	screen *os.File // nil: no terminal
	what   string
	total  int
	done   int
	start  time.Time

	container *mpb.Progress // nil until it has taken a moment
	bar       *mpb.Bar
}

// newProgress counts steps of the work that what names, in a few words.
func newProgress(ctx context.Context, out io.Writer, what string, total int) *progress {
	p := &progress{ctx: ctx, what: what, total: total, start: time.Now()}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		p.screen = file
	}
	return p
}

// add says that n more steps are done.
func (p *progress) add(n int) {
	p.done += n
	if p.screen == nil {
		return
	}
	if p.container == nil {
		if time.Since(p.start) < progressEvery {
			return
		}
		p.container = mpb.NewWithContext(p.ctx, mpb.WithOutput(p.screen), mpb.WithAutoRefresh(), mpb.WithWidth(40))
		p.bar = p.container.AddBar(int64(p.total),
			mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(p.what+" "), decor.CountersNoUnit("%d of %d ")),
			mpb.AppendDecorators(decor.Percentage(), decor.Name(" left "), decor.NewAverageETA(decor.ET_STYLE_GO, p.start, nil)))
	}
	p.bar.SetCurrent(int64(p.done))
}

// end takes the bar away, whether the work is done or not.
func (p *progress) end() {
	if p.container == nil {
		return
	}
	p.bar.Abort(true)
	p.container.Wait()
}

// sharedProgress is a bar that several goroutines move.
type sharedProgress struct {
	ctx  context.Context
	out  io.Writer
	what string

	mu  sync.Mutex
	bar *progress
}

func newSharedProgress(ctx context.Context, out io.Writer, what string) *sharedProgress {
	return &sharedProgress{ctx: ctx, out: out, what: what}
}

// set says that so much of the whole is done.
func (p *sharedProgress) set(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		p.bar = newProgress(p.ctx, p.out, p.what, total)
	}
	if done > p.bar.done {
		p.bar.add(done - p.bar.done)
	}
}

func (p *sharedProgress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.end()
	}
}
