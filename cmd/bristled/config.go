package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// settings is the configuration of one daemon: what may differ from peer to
// peer. What must not differ is in the manifest.
type settings struct {
	Data     string
	Backbone string
	Listen   []string
	Peers    []string
	MDNS     bool
	Socket   string
	Workers  int
	Keep     int
	Audit    bool
	Round    roundSettings
	Log      logSettings
}

type roundSettings struct {
	Interval time.Duration
	Deadline time.Duration
	Quorum   int
}

type logSettings struct {
	Level  string
	Format string
}

// option is one configuration key: its default, and the line that explains it
// in the file that `init` writes and in the help of its flag.
type option struct {
	key     string
	value   any
	explain string
}

// options lists every key there is. A key without an entry here is unknown,
// wherever it stands.
var options = []option{
	{"data", "", "one folder per class with pictures in it, or the files of MNIST, CIFAR-10 or WISDM"},
	{"backbone", "", "ONNX file of the frozen network, quantized; empty: the one inside bristled"},
	{"listen", []string{"/ip4/0.0.0.0/tcp/4001", "/ip4/0.0.0.0/udp/4001/quic-v1"}, "addresses to listen on"},
	{"peers", []string{}, "addresses of other peers, each ending in /p2p/PEER-ID"},
	{"mdns", true, "find peers of this federation on the local network"},
	{"socket", "bristled.sock", "unix socket that status, verdicts and predict ask"},
	{"workers", 0, "goroutines that compute features; 0: one per processor"},
	{"keep", 1000, "rounds of records and verdicts to keep"},
	{"audit", false, "write everything that leaves this machine into a ledger, in audit/; without room for it nothing is sent"},
	{"round.interval", 5 * time.Second, "least time from the start of a round to the next"},
	{"round.deadline", 30 * time.Second, "longest wait for other peers in a round"},
	{"round.quorum", 0, "peers to hear in a round before integrating; 0: every active one"},
	{"log.level", "info", "debug, info, warn or error"},
	{"log.format", "text", "text or json"},
}

// configName is the configuration file in a peer's directory.
const configName = "bristled.yaml"

// envPrefix is what the environment's names of keys begin with.
const envPrefix = "BRISTLED_"

// flag is the flag that overrides the option: the groups "round" and "log"
// are needed only where the shorter name would say nothing.
func (o option) flag() string {
	return strings.ReplaceAll(strings.TrimPrefix(o.key, "round."), ".", "-")
}

// env is the option's name in the environment.
func (o option) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(o.key, ".", "_"))
}

// addSettingFlags gives a command a flag for each of the keys, for every key
// if none is named.
func addSettingFlags(flags *pflag.FlagSet, keys ...string) {
	for _, o := range options {
		if len(keys) > 0 && !slices.Contains(keys, o.key) {
			continue
		}
		switch v := o.value.(type) {
		case string:
			flags.String(o.flag(), v, o.explain)
		case []string:
			flags.StringSlice(o.flag(), v, o.explain)
		case bool:
			flags.Bool(o.flag(), v, o.explain)
		case int:
			flags.Int(o.flag(), v, o.explain)
		case time.Duration:
			flags.Duration(o.flag(), v, o.explain)
		}
	}
}

// loadSettings reads the configuration of the peer in dir: flags before
// environment (BRISTLED_ROUND_INTERVAL) before file before defaults. Keys
// that do not exist are errors, not ignored.
func loadSettings(cmd *cobra.Command, dir string) (settings, error) {
	path := filepath.Join(dir, configName)
	file := viper.New()
	file.SetConfigFile(path)
	if err := file.ReadInConfig(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return settings{}, fmt.Errorf("there is no peer in %s: make one with `bristled init --dir %s`, or name another with --dir", dir, dir)
		}
		return settings{}, fmt.Errorf("read the configuration %s: %w", path, errors.Unwrap(err))
	}
	if err := checkKeys(file); err != nil {
		return settings{}, fmt.Errorf("%s: %w", path, err)
	}
	v := viper.New()
	if err := v.MergeConfigMap(file.AllSettings()); err != nil {
		return settings{}, fmt.Errorf("%s: %w", path, err)
	}
	v.SetEnvPrefix(strings.TrimSuffix(envPrefix, "_"))
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	values := map[string]any{}
	for _, o := range options {
		v.SetDefault(o.key, o.value)
		flag := cmd.Flags().Lookup(o.flag())
		if flag != nil {
			if err := v.BindPFlag(o.key, flag); err != nil {
				return settings{}, fmt.Errorf("flag --%s: %w", flag.Name, err)
			}
		}
		x, err := o.convert(v.Get(o.key))
		if err != nil {
			where := path + ": " + o.key
			if os.Getenv(o.env()) != "" {
				where = o.env()
			}
			return settings{}, fmt.Errorf("%s: %w", where, err)
		}
		values[o.key] = x
	}
	s := newSettings(values)
	for key, p := range map[string]*string{"data": &s.Data, "backbone": &s.Backbone, "socket": &s.Socket} {
		// A path on the command line is seen from where the user stands.
		if f := cmd.Flags().Lookup(key); *p != "" && !filepath.IsAbs(*p) && (f == nil || !f.Changed) {
			*p = filepath.Join(dir, *p)
		}
	}
	return s, s.check()
}

// newSettings takes values that have the types of the options' defaults.
func newSettings(values map[string]any) settings {
	return settings{
		Data:     values["data"].(string),
		Backbone: values["backbone"].(string),
		Listen:   values["listen"].([]string),
		Peers:    values["peers"].([]string),
		MDNS:     values["mdns"].(bool),
		Socket:   values["socket"].(string),
		Workers:  values["workers"].(int),
		Keep:     values["keep"].(int),
		Audit:    values["audit"].(bool),
		Round: roundSettings{
			Interval: values["round.interval"].(time.Duration),
			Deadline: values["round.deadline"].(time.Duration),
			Quorum:   values["round.quorum"].(int),
		},
		Log: logSettings{
			Level:  values["log.level"].(string),
			Format: values["log.format"].(string),
		},
	}
}

// checkKeys refuses keys of the file that are not in options.
func checkKeys(file *viper.Viper) error {
	var known []string
	groups := map[string]string{} // name of a group: its first key
	for _, o := range options {
		known = append(known, o.key)
		if group, _, nested := strings.Cut(o.key, "."); nested && groups[group] == "" {
			groups[group] = o.key
		}
	}
	for _, key := range slices.Sorted(slices.Values(file.AllKeys())) {
		member, isGroup := groups[key]
		switch {
		case slices.Contains(known, key):
		case isGroup && file.Get(key) == nil:
			// A group whose keys are all commented out stands there empty.
		case isGroup:
			return fmt.Errorf("%q is a group: its keys stand indented below it, such as %s", key, member)
		default:
			return fmt.Errorf("unknown key %q: %s", key, suggest(key, known))
		}
	}
	return nil
}

// strayEnv returns a remark on every variable of the environment that looks
// like a setting and is none. It is no error: an orchestrator may put
// variables of that name there for reasons of its own.
func strayEnv(environ []string) []string {
	byKey := map[string]option{}
	known := []string{envPrefix + "KERNEL"} // not a setting of ours: see internal/kernel
	for _, o := range options {
		byKey[o.key] = o
		known = append(known, o.env())
	}
	var remarks []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ours || slices.Contains(known, name) {
			continue
		}
		remark := name + " in the environment sets nothing"
		key := strings.ReplaceAll(strings.ToLower(rest), "_", ".")
		if near := nearest(key, slices.Sorted(maps.Keys(byKey))); near != "" {
			remark += ": did you mean " + byKey[near].env() + "?"
		}
		remarks = append(remarks, remark)
	}
	return remarks
}

func (s settings) check() error {
	switch {
	case s.Round.Interval < 0:
		return fmt.Errorf("round.interval is %v: it must not be negative", s.Round.Interval)
	case s.Round.Deadline <= 0:
		return fmt.Errorf("round.deadline is %v: it must be positive, such as 30s", s.Round.Deadline)
	case s.Round.Quorum < 0:
		return fmt.Errorf("round.quorum is %d: it must not be negative", s.Round.Quorum)
	case s.Workers < 0 || s.Workers > 1024:
		return fmt.Errorf("workers is %d: it must be from 0 to 1024", s.Workers)
	case s.Keep < 1:
		return fmt.Errorf("keep is %d: it must be at least 1", s.Keep)
	case s.Socket == "":
		return errors.New("socket is empty: name a path for it, such as bristled.sock")
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, s.Log.Level):
		return fmt.Errorf("log.level is %q: it must be debug, info, warn or error", s.Log.Level)
	case !slices.Contains([]string{"text", "json"}, s.Log.Format):
		return fmt.Errorf("log.format is %q: it must be text or json", s.Log.Format)
	case len(s.Listen) == 0:
		return errors.New("listen is empty: name at least one address, such as /ip4/0.0.0.0/tcp/4001")
	}
	return nil
}
