package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
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
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.SetVersionTemplate("reprise {{.Version}}\n")
	dev := newDev(stdio)
	root.RunE = dev.RunE
	addServeFlags(root)
	root.Args = dirArgument
	root.SuggestionsMinimumDistance = 2 // SuggestionsFor has no default of its own
	root.AddCommand(dev, newServe(stdio), newRun(stdio), newTail(stdio), newTypes(stdio), newInit(stdio), newVersion(stdio))
	return root
}

// dirArgument accepts at most one folder, and answers a mistyped command with
// the commands there are.
func dirArgument(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%q takes at most one folder, not %q", cmd.CommandPath(), args)
	}
	if len(args) == 1 {
		if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
			hint := ""
			if cmd.Parent() == nil {
				if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
					hint = fmt.Sprintf("; did you mean %q?", near[0])
				} else {
					hint = "; see reprise --help for the commands"
				}
			}
			return usagef("there is no folder or command %q%s", args[0], hint)
		}
	}
	return nil
}
