package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
)

type initFlags struct {
	dir, name, join, data, backbone, rule string
	classes, listen, peers                []string
	mdns, json                            bool

	prototypes     bool
	prototypeLeast int
	prototypeNoise float64
	given          func(flag string) bool // on the command line
}

// founded is what `init --json` prints.
type founded struct {
	Dir        string            `json:"dir"`
	Config     string            `json:"config"`
	Manifest   string            `json:"manifest"`
	Peer       federation.PeerID `json:"peer"`
	Federation string            `json:"federation"`
	Name       string            `json:"name"`
	Classes    []string          `json:"classes"`
	Rule       string            `json:"rule"`
}

func newInit() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Found a federation, or join one, and set up a peer of it",
		Long: `Init makes a peer's directory: its identity (a key that never leaves the
machine), its configuration, and the federation's manifest. The manifest names
the classes, the backbone, the rule and its constants; all peers of a federation
have the same file, so send it to those who shall join.`,
		Example: `  # Found a federation; the folders in pictures/ are the classes
  bristled init --dir peer --name pets --data pictures

  # Join it on another machine
  bristled init --dir peer --join federation.json --data pictures \
      --peers /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.given = cmd.Flags().Changed
			for _, name := range []string{"name", "classes", "rule", "prototypes", "prototype-least", "prototype-noise"} {
				if f.join != "" && cmd.Flags().Changed(name) {
					return usageError{fmt.Errorf("--join takes the %s from the manifest: leave out --%s", name, name)}
				}
			}
			return initPeer(cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "peer", "directory of the new peer")
	flags.StringVar(&f.join, "join", "", "manifest of the federation to join; without it a new one is founded")
	flags.StringVar(&f.name, "name", "federation", "name of the new federation")
	flags.StringSliceVar(&f.classes, "classes", nil, "classes of the new federation; without them the data decide")
	flags.StringVar(&f.rule, "rule", aggregation.DefaultRule, "aggregation rule of the new federation: "+ruleNames())
	flags.BoolVar(&f.prototypes, "prototypes", true, "whether peers of the new federation publish class means; without the flag, under bristle+ only")
	flags.IntVar(&f.prototypeLeast, "prototype-least", 5, "least number of samples that a class mean is published of")
	flags.Float64Var(&f.prototypeNoise, "prototype-noise", 0, "standard deviation of the noise on class means, in units of the features' root mean square")
	flags.StringVar(&f.data, "data", "", "this peer's data: one folder of pictures per class, or the files of MNIST, CIFAR-10 or WISDM")
	flags.StringVar(&f.backbone, "backbone", "", "ONNX file of the frozen network; without it the one inside bristled")
	flags.StringSliceVar(&f.listen, "listen", nil, "addresses to listen on")
	flags.StringSliceVar(&f.peers, "peers", nil, "addresses of other peers")
	flags.BoolVar(&f.mdns, "mdns", true, "find peers on the local network")
	flags.BoolVar(&f.json, "json", false, "print JSON in one line")
	return cmd
}

func ruleNames() string {
	var names []string
	for _, r := range aggregation.Rules() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

func initPeer(out, progress io.Writer, f initFlags) error {
	h := home(f.dir)
	for _, path := range []string{h.config(), h.manifest(), h.identity()} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s is there already, and init overwrites nothing: choose another --dir", path)
		}
	}
	if f.data != "" {
		if info, err := os.Stat(f.data); err != nil {
			return fmt.Errorf("--data: %w", err)
		} else if !info.IsDir() {
			return fmt.Errorf("--data %s is no directory: name one with a folder of pictures per class, or with MNIST's IDX files", f.data)
		}
	}
	backbone, err := openBackbone(f.backbone)
	if err != nil {
		return err
	}
	slow := time.AfterFunc(progressEvery, func() { fmt.Fprintf(progress, "Reading the pictures in %s ...\n", f.data) })
	m, err := f.federation(backbone)
	slow.Stop()
	if err != nil {
		return err
	}
	id, err := f.write(h, m)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(out, founded{f.dir, h.config(), h.manifest(), id, m.ID().String(), m.Name, m.Classes, m.Rule.Name})
	}
	fmt.Fprintf(out, "federation  %s\nid          %s\nrule        %s\npeer        %s\n", m.Name, m.ID(), m.Rule.Name, id)
	for i, line := range wrap(m.Classes, lineWidth-labelWidth) {
		fmt.Fprintf(out, "%-12s%s\n", first(i, "classes"), line)
	}
	fmt.Fprintf(out, "\nConfiguration: %s\nOthers join with this file: %s\nStart the peer: bristled run --dir %s\n",
		h.config(), h.manifest(), f.dir)
	if f.data == "" {
		fmt.Fprintf(out, "Before that, name the peer's data in %s or with --data.\n", h.config())
	}
	return nil
}

// federation reads the manifest of the federation to join, or founds one.
func (f initFlags) federation(backbone *learner.Backbone) (*federation.Manifest, error) {
	if f.join == "" {
		return found(f, backbone)
	}
	m, err := federation.ReadManifest(f.join)
	if err != nil {
		return nil, fmt.Errorf("--join: %w", err)
	}
	return m, fits(backbone, m)
}

// write writes the peer's files, or none of them.
func (f initFlags) write(h home, m *federation.Manifest) (id federation.PeerID, err error) {
	manifest, err := m.Marshal()
	if err != nil {
		return "", err
	}
	config, err := f.config()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(string(h), 0o700); err != nil {
		return "", fmt.Errorf("make the peer's directory: %w", err)
	}
	var written []string
	defer func() {
		if err != nil {
			for _, path := range written {
				err = errors.Join(err, os.Remove(path))
			}
		}
	}()
	for _, file := range []struct {
		path string
		text []byte
	}{{h.manifest(), manifest}, {h.config(), config}} {
		if err := writeNew(file.path, file.text); err != nil {
			return "", err
		}
		written = append(written, file.path)
	}
	identity, err := p2p.CreateIdentity(h.identity())
	return identity.ID(), err
}

// found makes the manifest of a new federation.
func found(f initFlags, backbone *learner.Backbone) (*federation.Manifest, error) {
	prepare := federation.PrepareResize
	if f.backbone == "" {
		prepare = federation.PrepareCentre // what the embedded backbone was trained on
	}
	if len(f.classes) == 0 && f.data == "" {
		return nil, usageError{errors.New("a new federation needs its classes: give --classes cat,dog or --data with one folder per class; or --join another one")}
	}
	classes, rawRMS := f.classes, backbone.RawRMS()
	if len(classes) == 0 || rawRMS == 0 {
		if f.data == "" {
			return nil, usageError{errors.New("the backbone's file does not state the size of its features: give --data to measure it on")}
		}
		set, _, err := readData(f.data, f.classes, backbone.Input(), prepare)
		if err != nil {
			return nil, err
		}
		classes = set.Classes
		if rawRMS == 0 {
			if rawRMS, err = backbone.MeasureRMS(set); err != nil {
				return nil, err
			}
		}
	}
	m, err := node.Found(f.name, classes, backbone, rawRMS, prepare, f.rule)
	if err != nil {
		return nil, err
	}
	return f.withPrototypes(m)
}

// withPrototypes lets the flags override what the manifest says of prototypes.
func (f initFlags) withPrototypes(m *federation.Manifest) (*federation.Manifest, error) {
	if f.given("prototypes") {
		m.Prototypes = federation.PrototypeSpec{Use: f.prototypes}
	}
	if m.Prototypes.Use {
		m.Prototypes.Least, m.Prototypes.Noise = f.prototypeLeast, f.prototypeNoise
		return m, m.Validate()
	}
	for _, name := range []string{"prototype-least", "prototype-noise"} {
		if f.given(name) {
			return nil, usageError{fmt.Errorf("--%s without prototypes: give --prototypes too, or leave it out", name)}
		}
	}
	return m, m.Validate()
}

// config returns the text of the configuration file: what was given, and
// every other key as a comment with its default.
func (f initFlags) config() ([]byte, error) {
	given := map[string]any{}
	for key, path := range map[string]string{"data": f.data, "backbone": f.backbone} {
		if path != "" {
			abs, err := filepath.Abs(path)
			if err != nil {
				return nil, fmt.Errorf("--%s: %w", key, err)
			}
			given[key] = abs
		}
	}
	if len(f.listen) > 0 {
		given["listen"] = f.listen
	}
	if len(f.peers) > 0 {
		given["peers"] = f.peers
	}
	if !f.mdns {
		given["mdns"] = false
	}
	var b strings.Builder
	b.WriteString("# Configuration of one bristled peer. Lines that begin with # show defaults.\n" +
		"# Flags of `bristled run` and BRISTLED_... in the environment override it.\n" +
		"# Relative paths start here.\n\n")
	section := ""
	for _, o := range options {
		key, indent := o.key, ""
		if group, rest, nested := strings.Cut(o.key, "."); nested {
			key, indent = rest, "  "
			if group != section {
				section = group
				fmt.Fprintf(&b, "\n%s:\n", group)
			}
		}
		fmt.Fprintf(&b, "%s# %s\n", indent, o.explain)
		if v, ok := given[o.key]; ok {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, key, yamlValue(v))
		} else {
			fmt.Fprintf(&b, "%s# %s: %s\n", indent, key, yamlValue(o.value))
		}
	}
	return []byte(b.String()), nil
}

func yamlValue(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = fmt.Sprintf("%q", s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case time.Duration:
		return v.String()
	}
	return fmt.Sprint(v)
}

// writeNew writes a file that must not be there yet.
func writeNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: nothing is overwritten", path)
	}
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
