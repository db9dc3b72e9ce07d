package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// walk visits a command and all below it.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, c := range cmd.Commands() {
		walk(c, visit)
	}
}

func TestHelp(t *testing.T) {
	count := 0
	walk(newRoot(), func(cmd *cobra.Command) {
		count++
		path := cmd.CommandPath()
		if cmd.Short == "" {
			t.Errorf("%s has no short description", path)
		}
		if strings.HasSuffix(cmd.Short, ".") || len(cmd.Short) > 70 {
			t.Errorf("%s: the short description %q is too long or ends in a full stop", path, cmd.Short)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s does not say what it is for", path, f.Name)
			}
		})
		if !strings.Contains(cmd.Example, "bristled") {
			t.Errorf("%s has no example", path)
			return
		}
		// What the user sees.
		var out, err bytes.Buffer
		args := append(strings.Fields(path)[1:], "--help")
		if code := run(context.Background(), args, nil, &out, &err); code != 0 || err.Len() > 0 {
			t.Errorf("%s --help: exit code %d, standard error %q", path, code, err.String())
		}
		if !strings.Contains(out.String(), cmd.Example) {
			t.Errorf("%s --help does not show the example", path)
		}
	})
	if count < 15 {
		t.Errorf("only %d commands were looked at", count)
	}
}

// Examples must not show flags that do not exist.
func TestExamplesParse(t *testing.T) {
	walk(newRoot(), func(cmd *cobra.Command) {
		for line := range strings.Lines(strings.ReplaceAll(cmd.Example, "\\\n", "")) {
			_, call, ok := strings.Cut(line, "bristled ")
			if !ok || strings.HasPrefix(cmd.CommandPath(), "bristled completion") {
				continue
			}
			call, _, _ = strings.Cut(call, "|")
			about, rest, err := newRoot().Find(strings.Fields(call))
			if err != nil || about.Name() == "bristled" {
				t.Errorf("%s: the example %q calls no command: %v", cmd.CommandPath(), line, err)
				continue
			}
			if err := about.ParseFlags(rest); err != nil {
				t.Errorf("%s: the example %q: %v", cmd.CommandPath(), line, err)
				continue
			}
			if err := about.ValidateArgs(about.Flags().Args()); err != nil {
				t.Errorf("%s: the example %q: %v", cmd.CommandPath(), line, err)
			}
		}
	})
}
