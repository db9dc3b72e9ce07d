package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/agext/levenshtein"
)

// load reads the configuration of a peer with the given file, as `run` with
// the given flags does.
func load(t *testing.T, file string, flags ...string) (settings, string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, configName), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := &cobra.Command{Use: "run"}
	addSettingFlags(cmd.Flags())
	if err := cmd.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	s, err := loadSettings(cmd, dir)
	return s, dir, err
}

// Every key in each of the four places: flags win over the environment, that
// over the file, and that over the defaults.
func TestPrecedence(t *testing.T) {
	samples := map[string][4]string{ // default, file, environment, flag
		"data":           {"", "/file", "/env", "/flag"},
		"backbone":       {"", "/file.onnx", "/env.onnx", "/flag.onnx"},
		"listen":         {"[/ip4/0.0.0.0/tcp/4001 /ip4/0.0.0.0/udp/4001/quic-v1]", "/file", "/env", "/flag"},
		"peers":          {"[]", "/file", "/env", "/flag"},
		"mdns":           {"true", "false", "true", "false"},
		"socket":         {"bristled.sock", "/file.sock", "/env.sock", "/flag.sock"},
		"workers":        {"0", "1", "2", "3"},
		"keep":           {"1000", "1", "2", "3"},
		"audit":          {"false", "true", "false", "true"},
		"round.interval": {"5s", "1s", "2s", "3s"},
		"round.deadline": {"30s", "1s", "2s", "3s"},
		"round.quorum":   {"0", "1", "2", "3"},
		"log.level":      {"info", "debug", "warn", "error"},
		"log.format":     {"text", "json", "text", "json"},
	}
	for _, o := range options {
		values, ok := samples[o.key]
		if !ok {
			t.Errorf("%s is not tested", o.key)
			continue
		}
		get := func(s settings) any {
			v := reflect.ValueOf(s)
			for part := range strings.SplitSeq(o.key, ".") {
				v = v.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, part) })
			}
			return v.Interface()
		}
		for place, want := range values {
			t.Run(fmt.Sprintf("%s=%s", o.key, want), func(t *testing.T) {
				file, flags := "", []string{}
				if place >= 1 {
					group, key, nested := strings.Cut(o.key, ".")
					if nested {
						file = group + ":\n  " + key + ": " + values[1] + "\n"
					} else {
						file = o.key + ": " + values[1] + "\n"
					}
				}
				if place >= 2 {
					t.Setenv(o.env(), values[2])
				}
				if place >= 3 {
					flags = append(flags, "--"+o.flag()+"="+values[3])
				}
				s, dir, err := load(t, file, flags...)
				if err != nil {
					t.Fatal(err)
				}
				got := get(s)
				if list, ok := got.([]string); ok && len(list) == 1 {
					got = list[0]
				}
				if got := strings.TrimPrefix(fmt.Sprint(got), dir+"/"); got != want {
					t.Errorf("%s is %q, want %q", o.key, got, want)
				}
			})
		}
	}
}

func TestPathsStartAtThePeer(t *testing.T) {
	t.Setenv("BRISTLED_BACKBONE", "net.onnx")
	s, dir, err := load(t, "data: pictures\n", "--socket", "here.sock")
	if err != nil {
		t.Fatal(err)
	}
	want := [3]string{filepath.Join(dir, "pictures"), filepath.Join(dir, "net.onnx"), "here.sock"}
	if got := [3]string{s.Data, s.Backbone, s.Socket}; got != want {
		t.Errorf("paths are %v, want %v", got, want)
	}
}

// What `init` writes must say what the defaults are and be read as nothing
// else.
func TestConfigFileOfInit(t *testing.T) {
	text, err := initFlags{mdns: true}.config()
	if err != nil {
		t.Fatal(err)
	}
	written, dir, err := load(t, string(text))
	if err != nil {
		t.Fatal(err)
	}
	defaults, other, err := load(t, "")
	if err != nil {
		t.Fatal(err)
	}
	written.Socket, defaults.Socket = strings.TrimPrefix(written.Socket, dir), strings.TrimPrefix(defaults.Socket, other)
	if !reflect.DeepEqual(written, defaults) {
		t.Errorf("the file of init gives\n%+v\nand none\n%+v", written, defaults)
	}
	// With every comment mark before a key removed, it is still the same.
	uncommented := strings.NewReplacer(`# backbone: ""`, `backbone: ""`, "# listen: ", "listen: ", "# peers: ", "peers: ", "# mdns: ", "mdns: ",
		"# socket: ", "socket: ", "# workers: ", "workers: ", "# keep: ", "keep: ", "# audit: ", "audit: ", "# interval: ", "interval: ",
		"# deadline: ", "deadline: ", "# quorum: ", "quorum: ", "# level: ", "level: ", "# format: ", "format: ").Replace(string(text))
	spelled, dir, err := load(t, uncommented)
	if err != nil {
		t.Fatalf("%v in\n%s", err, uncommented)
	}
	spelled.Socket = strings.TrimPrefix(spelled.Socket, dir)
	if !reflect.DeepEqual(spelled, defaults) {
		t.Errorf("the file of init without comment marks gives\n%+v\nand none\n%+v", spelled, defaults)
	}
}

func TestConvert(t *testing.T) {
	tests := []struct {
		as, from, want any // nil: an error
	}{
		{"", "text", "text"},
		{"", "", ""},
		{"", 5, nil},
		{"", true, nil},
		{true, "false", false},
		{true, false, false},
		{true, "yes", nil},
		{true, 1, nil},
		{0, 7, 7},
		{0, "7", 7},
		{0, "-7", -7},
		{0, "7.0", nil},
		{0, 7.5, nil},
		{0, "99999999999999999999", nil},
		{0, true, nil},
		{time.Second, "1m30s", 90 * time.Second},
		{time.Second, 2 * time.Second, 2 * time.Second},
		{time.Second, 0, time.Duration(0)},
		{time.Second, 5, nil},
		{time.Second, 5.5, nil},
		{time.Second, "soon", nil},
		{[]string{}, []any{"a", "b"}, []string{"a", "b"}},
		{[]string{}, []any{}, []string{}},
		{[]string{}, []string{"a"}, []string{"a"}},
		{[]string{}, "a,b c", []string{"a", "b", "c"}},
		{[]string{}, []any{"a", 1}, nil},
		{[]string{}, 1, nil},
		{[]string{}, map[string]any{"a": "b"}, nil},
	}
	for _, tt := range tests {
		got, err := option{value: tt.as}.convert(tt.from)
		switch {
		case tt.want == nil && err == nil:
			t.Errorf("%T of %v (%T) is %v, want an error", tt.as, tt.from, tt.from, got)
		case tt.want != nil && (err != nil || !reflect.DeepEqual(got, tt.want)):
			t.Errorf("%T of %v (%T) is %v (%T), %v; want %v", tt.as, tt.from, tt.from, got, got, err, tt.want)
		}
	}
}

func TestNearest(t *testing.T) {
	keys := []string{"data", "listen", "peers", "round.interval", "round.quorum", "log.level"}
	for word, want := range map[string]string{
		"listne":          "listen",
		"interval":        "round.interval",
		"intervall":       "round.interval",
		"round.intervall": "round.interval",
		"quorom":          "round.quorum",
		"peer":            "peers",
		"level":           "log.level",
		"telemetry":       "",
		"x":               "",
	} {
		if got := nearest(word, keys); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"ab", "ba", 2}} {
		if got := levenshtein.Distance(tt.a, tt.b, nil); got != tt.want {
			t.Errorf("from %q to %q it is %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestStrayEnv(t *testing.T) {
	got := strayEnv([]string{
		"PATH=/bin", "BRISTLED_LISTEN=/ip4", "BRISTLED_ROUND_QUORUM=2", "BRISTLED_KERNEL=generic", "BRISTLEDX=1",
		"BRISTLED_INTERVAL=5s", "BRISTLED_LOGLEVEL=debug", "BRISTLED_SERVICE_HOST=10.0.0.1",
	})
	want := []string{
		"BRISTLED_INTERVAL in the environment sets nothing: did you mean BRISTLED_ROUND_INTERVAL?",
		"BRISTLED_LOGLEVEL in the environment sets nothing: did you mean BRISTLED_LOG_LEVEL?",
		"BRISTLED_SERVICE_HOST in the environment sets nothing",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the remarks are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
