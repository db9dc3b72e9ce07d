package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
)

// versions is what `version --json` prints.
type versions struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Kernel   string `json:"kernel"`
	Backbone string `json:"backbone"`
}

func newVersion() *cobra.Command {
	var asJSON, licences bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version, the kernel in use and the embedded backbone",
		Example: "  bristled version\n  bristled version --licences",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if licences {
				_, err := fmt.Fprint(cmd.OutOrStdout(), data.Licences())
				return err
			}
			backbone, err := learner.DefaultBackbone()
			if err != nil {
				return fmt.Errorf("the embedded backbone: %w", err)
			}
			v := versions{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, cpu.Active().String(), backbone.Hash().String()}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "bristled %s\n%s %s\nkernel   %s\nbackbone %s\n", v.Version, v.Go, v.Platform, v.Kernel, v.Backbone)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in one line")
	cmd.Flags().BoolVar(&licences, "licences", false, "print the licences of the outlines that bristled draws letters from")
	return cmd
}

// version is the module's version, or the commit that was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value
		}
	}
	return "devel"
}

// build is what tells the results of this program from those of another. A
// program of a source that no commit has in full is named by its own bytes.
var build = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok && exact(info) {
		return version()
	}
	sum, err := ownHash()
	if err != nil {
		return version() // of all that could be told, this is left
	}
	return fmt.Sprintf("%s, build %.6x", version(), sum)
})

// exact reports whether version says all of what was built.
func exact(info *debug.BuildInfo) bool {
	release := info.Main.Version != "" && info.Main.Version != "(devel)"
	commit := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.modified":
			if s.Value == "true" {
				return false
			}
		case "vcs.revision":
			commit = true
		}
	}
	return release || commit
}

// ownHash is the SHA-256 of the program's file.
func ownHash() ([]byte, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// commit is the version without what says that it is a commit.
func commit() string { return strings.TrimPrefix(version(), "devel ") }

// machine says in a line what figures were measured on.
func machine() string {
	return fmt.Sprintf("%s/%s, %d processors, %s kernels, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpu.Active(), runtime.Version())
}
