package p2p

import (
	"log/slog"
	"testing"
)

func TestDemoted(t *testing.T) {
	for _, test := range []struct {
		level slog.Level // that ours writes
		want  int
	}{{slog.LevelInfo, 0}, {slog.LevelDebug, 1}} {
		var buf logBuffer
		log := slog.New(demoted{slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: test.level})})
		log.With("logger", "swarm2").Error("accept error")
		log.Info("chatter")
		if got := buf.count("level=DEBUG msg=\"accept error\" logger=swarm2"); got != test.want {
			t.Errorf("%v: %d lines", test.level, got)
		}
		if buf.count("chatter") != 0 {
			t.Errorf("%v: chatter", test.level)
		}
	}
}
