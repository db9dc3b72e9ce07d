package main

import (
	"io"
	stdlog "log"
	"log/slog"
)

// newLog returns the daemon's log. What libraries print with the standard
// library's log goes there too, as debugging: nobody asked them.
func newLog(w io.Writer, s logSettings) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.Level)); err != nil {
		level = slog.LevelInfo // settings.check lets no other through
	}
	opts := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(w, opts)
	if s.Format == "json" {
		handler = slog.NewJSONHandler(w, opts)
	}
	stdlog.SetFlags(0)
	stdlog.SetOutput(slog.NewLogLogger(handler, slog.LevelDebug).Writer())
	return slog.New(handler)
}

// silenceLibraries drops what libraries print on their own.
func silenceLibraries() { stdlog.SetOutput(io.Discard) }
