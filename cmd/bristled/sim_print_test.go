package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

// TestPrintRows: rows that differ look so, one seed has no spread, and a rule that
// did not always work is marked.
func TestPrintRows(t *testing.T) {
	row := func(liars, seeds int, idle float64) simreport.Row {
		return simreport.Row{
			Rule: "mean", Attack: "a\x1b[2J", Liars: liars, Mean: .5, SD: .25, Worst: .25, Seeds: seeds, Idle: idle,
			BytesPerPeerRound: 1000, IterationsTo90: 10 * liars,
		}
	}
	for _, test := range []struct {
		rows []simreport.Row
		want string
	}{
		{[]simreport.Row{row(0, 2, 0), row(1, 1, .5)}, `
                         accuracy      worst peer  to 90%  bytes
mean, a\x1b[2J, 0 liars  0.500 ± 0.250       0.250       -  1000
mean, a\x1b[2J, 1 liar   0.500               0.250      10  1000  idle in 50% of rounds
(mean over honest peers and 2 seeds; bytes are what a peer sends in a round)
`},
		{[]simreport.Row{row(1, 1, 0)}, `
                accuracy      worst peer  to 90%  bytes
mean, a\x1b[2J  0.500               0.250      10  1000
(mean over honest peers and 1 seed; bytes are what a peer sends in a round)
`},
	} {
		var out bytes.Buffer
		if err := printRows(&out, test.rows, false); err != nil {
			t.Fatal(err)
		}
		if got := "\n" + out.String(); got != test.want {
			t.Errorf("got%s\nwant%s", got, test.want)
		}
	}
	var out bytes.Buffer
	if err := printPaper(&out, experiment.Bundled{Figure: "4.3"}, []paperRow{{Row: row(1, 1, 1)}}); err != nil {
		t.Fatal(err)
	}
	if want := "  mean, a\\x1b[2J  0.500          0.250      10    1000  -  idle in 100% of rounds\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want %q at the end", out.String(), want)
	}
}

// brokenPipe is an output that nobody reads any more.
type brokenPipe struct{}

var errBroken = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

// TestOutputThatFails: whoever redirects into a full disk is told.
func TestOutputThatFails(t *testing.T) {
	for _, args := range [][]string{{"sim", "list"}, {"sim", "list", "krum"}, {"sim", "list", "--json"}} {
		var said bytes.Buffer
		if code := run(t.Context(), args, nil, brokenPipe{}, &said); code != exitFailure || !strings.Contains(said.String(), "broken pipe") {
			t.Errorf("%q ended with %d and said %q", args, code, said.String())
		}
	}
	for name, err := range map[string]error{
		"explain": explain(brokenPipe{}, 0, explained{}),
		"rows":    printRows(brokenPipe{}, nil, false),
		"paper":   printPaper(brokenPipe{}, experiment.Bundled{}, nil),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStoppedSimulation: what is said names only what is there.
func TestStoppedSimulation(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "results")
	file := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(file, []byte("{data: {train: 1500, test: 10}, iterations: 1, evaluate: 1}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"run", file}, "the simulation was stopped: nothing was kept; `bristled sim sweep " + file + " --output DIR` keeps what is finished, and goes on from there with --resume"},
		{[]string{"run", file, "--output", dir}, "kept in " + dir + ", and `bristled sim sweep " + file + " --output " + dir + " --resume` goes on from there"},
		{[]string{"sweep", file, "--output", dir, "--shard", "0/2"}, "`bristled sim sweep " + file + " --shard 0/2 --output " + dir + " --resume` goes on"},
		{[]string{"bench"}, "bristled: the measurement was stopped\n"},
		{[]string{"bench", "--rules"}, "bristled: the measurement was stopped\n"},
	} {
		var out, said bytes.Buffer
		code := run(ctx, append([]string{"sim"}, test.args...), nil, &out, &said)
		if code != exitInterrupted || !strings.Contains(said.String(), test.want) {
			t.Errorf("%q ended with %d and said %q, want %q", test.args, code, said.String(), test.want)
		}
	}
	f := simFlags{command: "bristled sim paper 4.3"}
	if got := f.stopped(ctx, ctx.Err(), "/tmp/gone").Error(); strings.Contains(got, "/tmp/gone") || !strings.Contains(got, "`bristled sim paper 4.3 --output DIR`") {
		t.Errorf("paper says %q", got)
	}
}

// TestFullDisk: without --output there is nothing to go on from.
func TestFullDisk(t *testing.T) {
	f := simFlags{command: "bristled sim sweep x.yaml"}
	err := f.stopped(t.Context(), experiment.ErrDiskFull, "/tmp/gone")
	if !errors.Is(err, experiment.ErrDiskFull) || strings.Contains(err.Error(), "/tmp/gone") || !strings.Contains(err.Error(), "nothing was kept") {
		t.Errorf("without --output: %v", err)
	}
	f.output, f.data = "here", "my data"
	err = f.stopped(t.Context(), experiment.ErrDiskFull, "here")
	if !errors.Is(err, experiment.ErrDiskFull) || !strings.Contains(err.Error(), "`bristled sim sweep x.yaml --data 'my data' --output here --resume`") {
		t.Errorf("with --output: %v", err)
	}
}

func TestChooseOnce(t *testing.T) {
	chosen, err := choose([]string{"4.3", "4.1", "4.3"}, false)
	if err != nil || len(chosen) != 2 || chosen[0].Figure != "4.3" || chosen[1].Figure != "4.1" {
		t.Errorf("%d figures, %v", len(chosen), err)
	}
}

// TestFigureFiles: whatever figure a report has, the next one can remove it.
func TestFigureFiles(t *testing.T) {
	var cells []simreport.Cell
	for _, name := range []string{"a", "noise 5, m=3", "ü"} {
		for _, rule := range []string{"mean", "median"} {
			cells = append(cells, simreport.Cell{
				Key: rule + name, Rule: rule, Attack: name, Honest: 1, Accuracy: []float64{1},
				Iterations: []int{1}, Mean: []float64{1}, Worst: []float64{1}, SD: []float64{0},
			})
		}
	}
	figures, err := simreport.Figures(cells, []simreport.Timing{{Key: "meana", RuleNanoseconds: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if m := figureFile.FindStringSubmatch(f.Name + ".svg"); m == nil || m[1] != f.Name {
			t.Errorf("%s.svg would stay", f.Name)
		}
	}
	for _, other := range []string{"notes.svg", "heatmap.pdf", "my-heatmap.svg", "heatmap-old.svg", "accuracy", "heatmaps.svg"} {
		if figureFile.MatchString(other) {
			t.Errorf("%s would be removed", other)
		}
	}
}

// TestReportCannotBeWritten: `sim report` has no --output to name.
func TestReportCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere", reportFile)
	err := writeInto(path, nil)
	if err == nil || strings.Contains(err.Error(), "--output") || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	err = writeInto(filepath.Join(t.TempDir(), reportFile), func(io.Writer) error {
		return &fs.PathError{Op: "write", Path: reportFile, Err: syscall.ENOSPC}
	})
	if !errors.Is(err, experiment.ErrDiskFull) {
		t.Errorf("a full disk: %v", err)
	}
}

// TestExact: only a version that stands for one source is enough to tell builds
// apart.
func TestExact(t *testing.T) {
	with := func(version string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{}
		info.Main.Version = version
		for i := 0; i < len(settings); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return info
	}
	for _, test := range []struct {
		info *debug.BuildInfo
		want bool
	}{
		{with("v1.2.3"), true},
		{with("v0.0.0-20260101000000-0123456789ab", "vcs.revision", "0123", "vcs.modified", "false"), true},
		{with("v0.0.0-20260101000000-0123456789ab+dirty", "vcs.revision", "0123", "vcs.modified", "true"), false},
		{with("(devel)", "vcs.revision", "0123"), true},
		{with("(devel)", "vcs.revision", "0123", "vcs.modified", "true"), false},
		{with("(devel)"), false},
		{with(""), false},
	} {
		if got := exact(test.info); got != test.want {
			t.Errorf("%q, %v: %v", test.info.Main.Version, test.info.Settings, got)
		}
	}
	// A test is built without version control.
	if b := build(); !strings.HasPrefix(b, version()+", build ") {
		t.Errorf("this is build %q", b)
	}
}
