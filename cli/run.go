package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
)

func newRun(stdio IO) *cobra.Command {
	var input string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a script once and print its result",
		Long: `Run the run handler of a script once, in this process, and print its result as
JSON. Log entries go to standard error. Nothing is kept, unless --data names a
data folder. The other scripts of the project are served meanwhile on a free
port, so env.self works.`,
		Example: `  reprise run scripts/hello.ts --input '{"name":"Ada"}'
  echo '{"name":"Ada"}' | reprise run scripts/hello.ts --input -`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("run takes one script file: reprise run scripts/hello.ts")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readJSON("--input", input, stdio.In)
			if err != nil {
				return err
			}
			return runOnce(cmd, args[0], text, quiet, stdio)
		},
	}
	cmd.Flags().StringVarP(&input, "input", "i", "", "the input as JSON; - reads standard input, @FILE a file")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "do not print log entries")
	cmd.Flags().String("data", "", "data folder to use; without it nothing is kept")
	cmd.Flags().String("log-format", "text", "how log entries are printed: text or json")
	addMasterKeyFlag(cmd.Flags())
	return cmd
}

// readJSON returns the JSON text that an argument is or names: - is standard
// input, @FILE a file.
func readJSON(name, argument string, stdin io.Reader) (json.RawMessage, error) {
	text := []byte(argument)
	var err error
	if argument == "-" {
		text, err = io.ReadAll(stdin)
	} else if path, ok := strings.CutPrefix(argument, "@"); ok {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, usagef("%s: %w", name, err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	var syntax *json.SyntaxError
	var value any
	if err := json.Unmarshal(text, &value); errors.As(err, &syntax) {
		return nil, usagef("%s is not valid JSON: %w at byte %d of %.80q", name, err, syntax.Offset, text)
	} else if err != nil {
		return nil, usagef("%s is not valid JSON: %w", name, err)
	}
	return text, nil
}

// runOnce starts the program around one run.
func runOnce(cmd *cobra.Command, file string, input json.RawMessage, quiet bool, stdio IO) error {
	ctx := cmd.Context()
	dir, err := projectOf(file)
	if err != nil {
		return err
	}
	c, err := loadConfig(cmd, dir, os.Environ(), true)
	if err != nil {
		return err
	}
	c.Addr, c.NoAdmin = "127.0.0.1:0", true
	o := appOptions{dev: true, memory: !cmd.Flags().Changed("data"), choose: ofOneRun}
	if !quiet {
		o.show = stdio.Err
	}
	a, err := startApp(ctx, c, o)
	if err != nil {
		return err
	}
	run, err := a.runFile(ctx, file, input)
	if err = errors.Join(err, a.close(ctx)); err != nil {
		return err
	}
	return report(run, stdio)
}

// ofOneRun is what run shows: not that the scripts of the project were loaded.
func ofOneRun(e *logs.Entry) bool {
	return everything(e) && (e.Kind != logs.KindReload || e.Level > logs.Info)
}

// projectOf finds the project that a script file belongs to: the nearest
// folder above with a reprise.yaml or a scripts folder around the file, or
// else the file's own folder.
func projectOf(file string) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(abs); err != nil || info.IsDir() {
		return "", usagef("there is no script file %s", file)
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
			return dir, nil
		}
		if filepath.Base(dir) == "scripts" {
			return filepath.Dir(dir), nil
		}
		if dir == filepath.Dir(dir) {
			return filepath.Dir(abs), nil
		}
	}
}

// runFile starts the script of a file and waits for its end, or cancels it
// when ctx is done.
func (a *app) runFile(ctx context.Context, file string, input json.RawMessage) (runtime.Run, error) {
	name, err := a.scriptOf(file)
	if err != nil {
		return runtime.Run{}, err
	}
	// An interrupt must not leave it open whether there is a run now.
	run, _, err := a.engine.Start(context.WithoutCancel(ctx), runtime.StartRequest{Script: name, Input: input})
	if err != nil {
		return run, err
	}
	id := run.ID
	if run, err = a.awaitEnd(ctx, id); err == nil || ctx.Err() == nil {
		return run, err
	}
	// Interrupted: the run is cancelled and may clean up.
	rest := context.WithoutCancel(ctx)
	if _, err := a.engine.Cancel(rest, id); err != nil && call.CodeOf(err) != call.CodeConflict {
		return run, err
	}
	return a.awaitEnd(rest, id)
}

// awaitEnd returns a run when it has ended, or when it goes on only if somebody
// resumes it, which nobody can do here.
func (a *app) awaitEnd(ctx context.Context, id string) (runtime.Run, error) {
	for {
		run, err := a.engine.Wait(ctx, id, longestWait)
		if err != nil || run.Status.Ended() || run.Status.StandsStill() {
			return run, err
		}
	}
}

// scriptOf returns the name of the script in a file.
func (a *app) scriptOf(file string) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	for _, st := range a.scripts.registry.List() {
		path := st.Path
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if path != abs {
			continue
		}
		if st.Revision == nil {
			return "", errSilent // the log has said why it does not load
		}
		return st.Name, nil
	}
	return "", usagef("%s is not a script of the project %s: scripts are .ts, .js, .mts and .mjs files whose path has no part that begins with _ and that are not tests", file, a.project.Root)
}

// report prints how a run ended.
func report(run runtime.Run, stdio IO) error {
	if run.Status == runtime.Succeeded {
		if len(run.Output) == 0 {
			return nil
		}
		var b bytes.Buffer
		if err := json.Indent(&b, run.Output, "", "  "); err != nil {
			return err
		}
		_, err := fmt.Fprintln(stdio.Out, b.String())
		return err
	}
	switch {
	case run.Divergence != nil:
		fmt.Fprintf(stdio.Err, "the run %s has diverged\n", run.ID)
		printDivergence(stdio.Err, "  ", run.Divergence)
		return errSilent
	case run.Error != nil:
		printError(stdio.Err, run.Error)
		if !run.Status.Ended() {
			fmt.Fprintf(stdio.Err, "the run %s is %s: %s\n", run.ID, run.Status, run.Reason)
		}
		return errSilent
	case run.Status.Ended():
		return fmt.Errorf("the run was %s: %s", run.Status, run.Reason)
	}
	return fmt.Errorf("the run %s is %s: %s", run.ID, run.Status, run.Reason)
}

// printError prints an error with its stack, its causes with theirs, and what
// to do.
func printError(w io.Writer, e *call.Error) {
	fmt.Fprintln(w, stackOf(e))
	for c := e.Cause; c != nil; c = c.Cause {
		if c.Stack != "" && c.Stack == e.Stack {
			continue // a rejection that nobody handled is its own cause
		}
		fmt.Fprintf(w, "caused by: %s\n", stackOf(c))
	}
	if d, ok := call.Code(e.Code).Describe(); ok {
		fmt.Fprintf(w, "hint: %s\n", d.Hint)
	}
}

// stackOf is the error's text and where it was made.
func stackOf(e *call.Error) string {
	if e.Stack != "" {
		return e.Stack
	}
	return e.Error()
}
