package p2p

import (
	"context"
	"log/slog"
	"os"
	"sync"

	"github.com/libp2p/go-libp2p/gologshim"
)

// demoteLibraryLog sends what libp2p logs to log, as debugging. libp2p would
// write errors to standard error on its own, most of which are the doing of
// other peers or a normal part of closing. It has one log per process, so the
// first network's is taken. Setting GOLOG_LOG_LEVEL keeps libp2p's own.
func demoteLibraryLog(log *slog.Logger) {
	libraryLog.Do(func() {
		if os.Getenv("GOLOG_LOG_LEVEL") == "" {
			gologshim.SetDefaultHandler(demoted{log.Handler()})
		}
	})
}

var libraryLog sync.Once

// demoted passes on warnings and worse as debugging, and nothing else.
type demoted struct{ next slog.Handler }

func (d demoted) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && d.next.Enabled(ctx, slog.LevelDebug)
}

func (d demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return d.next.Handle(ctx, r)
}

func (d demoted) WithAttrs(attrs []slog.Attr) slog.Handler { return demoted{d.next.WithAttrs(attrs)} }

func (d demoted) WithGroup(name string) slog.Handler { return demoted{d.next.WithGroup(name)} }
