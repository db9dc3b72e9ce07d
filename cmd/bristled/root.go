package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// The exit codes.
const (
	exitFailure     = 1
	exitUsage       = 2   // a mistake in the command line itself
	exitInterrupted = 130 // Ctrl-C before the work was done
)

// patience is how long a stopping program may take before it says that it
// has heard.
const patience = time.Second

// interruptible returns a context that the first Ctrl-C (or SIGTERM) ends, so
// that everything can be put away in order. A second Ctrl-C ends the process
// at once.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
		case <-ctx.Done():
			return
		}
		cancel()
		slow := time.AfterFunc(patience, func() {
			fmt.Fprintln(os.Stderr, "bristled: stopping; once more stops at once")
		})
		<-signals
		slow.Stop()
		fmt.Fprintln(os.Stderr, "bristled: stopped at once")
		os.Exit(exitInterrupted)
	}()
	return ctx, cancel
}

// run is the whole program: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "bristled:", strings.ReplaceAll(err.Error(), "\n", "; "))
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return exitFailure
}

// usageError is a mistake in the command line itself.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "bristled",
		Short: "Federated learning without a server",
		Long: `bristled is a peer of a federation that learns together without a server and
without trusting each other. Data never leave the machine: peers share a frozen
backbone, train only the output layer on features of their own data, and gossip
that layer. Every peer judges what it receives on samples of its own.`,
		Example: `  # Ten real peers on this machine, three of them lying
  bristled demo

  # Found a federation, and run a peer of it
  bristled init --dir peer --classes cat,dog --data pictures
  bristled run --dir peer`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs, // for RunE to say what is known
		RunE:          helpOrUnknown,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			if err := cpu.Err(); err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "bristled: warning:", err)
			}
		},
	}
	root.SetVersionTemplate("bristled {{.Version}}\n")
	root.SetFlagErrorFunc(unknownFlag)
	root.AddCommand(newDemo(), newInit(), newRun(), newStatus(), newVerdicts(), newAudit(), newPredict(), newDraw(), newPretrain(), newModel(), newFeatures(), newData(), newFinetune(), newSite(), newSim(), newVersion())
	root.SetHelpCommand(newHelp())
	addCompletion(root)
	return root
}

// helpOrUnknown is what a command does that only has others below it.
func helpOrUnknown(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return cmd.Help()
}

// newHelp replaces cobra's command of that name, which answers a topic that
// does not exist with a wall of usage and success.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Say how a command is used",
		Example: "  bristled help run",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if about == cmd.Root() && len(rest) > 0 {
				return unknownCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// addCompletion adds cobra's command for shell completion, with an example
// for each shell.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	install := map[string]string{
		"bash":       "source <(bristled completion bash)",
		"zsh":        "source <(bristled completion zsh)",
		"fish":       "bristled completion fish | source",
		"powershell": "bristled completion powershell | Out-String | Invoke-Expression",
	}
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Example = "  " + install["bash"]
		cmd.Args, cmd.RunE = cobra.ArbitraryArgs, helpOrUnknown
		for _, shell := range cmd.Commands() {
			shell.Example = "  " + install[shell.Name()]
		}
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	hint := fmt.Sprintf("see `%s --help`", cmd.CommandPath())
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean `%s %s`?", cmd.CommandPath(), near)
	}
	return usageError{fmt.Errorf("there is no command %q: %s", name, hint)}
}

func unknownFlag(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || len(unknown.GetSpecifiedName()) < 2 {
		return usageError{fmt.Errorf("%w: see `%s --help`", err, cmd.CommandPath())}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := nearest(unknown.GetSpecifiedName(), names); near != "" {
		return usageError{fmt.Errorf("%w: did you mean --%s?", err, near)}
	}
	return usageError{fmt.Errorf("%w: see `%s --help`", err, cmd.CommandPath())}
}

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%q is too much, there are only flags: see `%s --help`", args[0], cmd.CommandPath())}
	}
	return nil
}

// arguments asks for least to most of what is named.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usageError{fmt.Errorf("name %s: see `%s --help`", what, cmd.CommandPath())}
		}
		return nil
	}
}
