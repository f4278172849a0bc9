package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Version is the version of this build; a release sets it at link time.
var Version = "0.1.0-dev"

// IO is where a command reads and writes.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
}

// StdIO is the process's own standard streams.
func StdIO() IO { return IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr} }

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the command did what it was told, and that failed
	exitUsage  = 2 // the command line or the configuration is wrong
)

// usageError is a mistake of the one who typed the command.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errSilent ends a command as failed when all has been said already.
var errSilent = errors.New("failed")

// Main runs a command and returns the process's exit code. SIGINT and SIGTERM
// end it gracefully; a second one ends it at once.
func Main(args []string, stdio IO) int {
	Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second signal has its default effect
	root := newRoot(stdio)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSilent):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(stdio.Err, "reprise: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(stdio.Err, "reprise: %v\n", err)
	return exitFailed
}

func newRoot(stdio IO) *cobra.Command {
	root := &cobra.Command{
		Use:   "reprise",
		Short: "Run JavaScript and TypeScript scripts that orchestrate APIs",
		Long: `Reprise runs JavaScript and TypeScript scripts that orchestrate APIs.
Save a script and it is live. Without a command, reprise is "reprise dev".`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.MaximumNArgs(1),
		Version:       Version,
	}
	root.SetIn(stdio.In)
	root.SetOut(stdio.Out)
	root.SetErr(stdio.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", err, cmd.CommandPath())
	})
	root.SetVersionTemplate("reprise {{.Version}}\n")
	dev := newDev(stdio)
	root.RunE = dev.RunE
	addServeFlags(root)
	root.Args = dirArgument
	root.SuggestionsMinimumDistance = 2 // SuggestionsFor has no default of its own
	root.AddCommand(dev, newServe(stdio), newRun(stdio), newRuns(stdio), newCheck(stdio), newConnections(stdio), newSecret(stdio), newTail(stdio), newWebhooks(stdio), newTypes(stdio), newInit(stdio), newVersion(stdio))
	strictCompletion(root)
	return root
}

// dirArgument accepts at most one folder, and answers a mistyped command with
// the commands there are.
func dirArgument(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%q takes at most one folder, not %q", cmd.CommandPath(), args)
	}
	if len(args) == 1 {
		info, err := os.Stat(args[0])
		switch {
		case err == nil && info.IsDir():
		case err == nil:
			return usagef("%s is a file, not a folder; a script is run with: reprise run %s", args[0], args[0])
		case cmd.HasParent():
			return usagef("there is no folder %s", args[0])
		default:
			return usagef("there is no folder or command %q; %s", args[0], hintFor(cmd, args[0]))
		}
	}
	return nil
}

// hintFor says which command was probably meant.
func hintFor(root *cobra.Command, typed string) string {
	near := root.SuggestionsFor(typed)
	if len(near) == 0 {
		return fmt.Sprintf("see %s --help for the commands", root.CommandPath())
	}
	for _, name := range near {
		if strings.HasPrefix(name, typed) {
			return fmt.Sprintf("did you mean %q?", name)
		}
	}
	return fmt.Sprintf("did you mean %q?", near[0])
}

// strictCompletion makes "completion" refuse shells it does not know; cobra's
// own shows its help and succeeds.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args = func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no completion for %q; the shells are bash, fish, powershell and zsh", args[0])
			}
			return nil
		}
		c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}
