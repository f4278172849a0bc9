package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"reprise/runtime"
	"reprise/server/api"
	"reprise/server/client"
)

// The results of a replay.
const (
	resultDiverges = "diverges"
	resultFailed   = "failed"
)

func newCheck(stdio IO) *cobra.Command {
	r := &remote{stdio: stdio}
	var finished int
	cmd := &cobra.Command{
		Use:   "check SCRIPT [FILE]",
		Short: "Tell whether edited code agrees with the runs of a script",
		Long: `Replay all runs of a script that have not ended, and the newest finished ones,
against the code in a file, or against the current revision. Nothing is
performed, and no run changes. The exit status is 0 if all runs would have done
the same, and 1 otherwise.`,
		Example: `  reprise check orders/fulfil
  reprise check orders/fulfil edited.ts --finished 100
  git show feature:scripts/orders/fulfil.ts | reprise check orders/fulfil -`,
		Args: one("SCRIPT [FILE]", 1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if finished < 1 {
				return usagef("--finished is %d; it is 1 at least", finished)
			}
			req := api.CheckScript{Finished: finished}
			if len(args) > 1 {
				var err error
				if req.Source, err = readSource("FILE", args[1], stdio.In); err != nil {
					return err
				}
			}
			return r.with(cmd, func(c *client.Client) error {
				report, err := c.CheckScript(cmd.Context(), args[0], req)
				if err != nil {
					return err
				}
				return r.printCheck(&report)
			})
		},
	}
	cmd.Flags().IntVar(&finished, "finished", 20, "how many finished runs are replayed too")
	cmd.Flags().BoolVar(&r.json, "json", false, "print the whole report as JSON")
	r.addFlags(cmd.Flags())
	return cmd
}

// readSource returns the source text in a file, or of standard input for -.
// Empty text would not mean an empty script to the server.
func readSource(name, path string, stdin io.Reader) (string, error) {
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return "", usagef("%s: %w", name, err)
	}
	if len(text) == 0 {
		return "", usagef("%s: there is no source text in %s", name, path)
	}
	return string(text), nil
}

// printCheck prints what a candidate would do to each run.
func (r *remote) printCheck(report *runtime.CheckReport) error {
	w, failed := r.stdio.Out, 0
	for i := range report.Runs {
		run := &report.Runs[i]
		if run.Result == resultFailed {
			failed++
		}
		if !r.json {
			printChecked(w, run)
		}
	}
	if r.json {
		if err := writeJSON(w, report); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(w, "revision %s of %s: %d the same, %d diverge", printable(report.Revision), printable(report.Script), report.Same, report.Diverge)
		if failed > 0 {
			fmt.Fprintf(w, ", %d could not be replayed", failed)
		}
		fmt.Fprintln(w)
	}
	if report.Diverge > 0 || failed > 0 {
		return errSilent
	}
	return nil
}

func printChecked(w io.Writer, run *runtime.CheckRun) {
	fmt.Fprintf(w, "%-8s  %s  %-9s  %d turns of revision %s\n", printable(run.Result), printable(run.Run), run.Status, run.Turns, printable(run.Revision))
	if run.Divergence != nil {
		printDivergence(w, "          ", run.Divergence)
	}
	if run.Error != nil {
		fmt.Fprintf(w, "          %s\n", clipped(run.Error.Error(), 300))
	}
}

func newRunsReplay(r *remote) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "replay ID",
		Short: "Play a run again with nothing performed, against edited code if you like",
		Long: `Play a run again from its journal. Nothing is performed, and the run does not
change. It prints the calls and the log of each turn, and how it ended. The exit
status is 1 if the code did something other than the journal has.`,
		Example: `  reprise runs replay 4e5f --source edited.ts`,
		Args:    one("ID", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var req api.ReplayRun
			if file != "" {
				var err error
				if req.Source, err = readSource("--source", file, r.stdio.In); err != nil {
					return err
				}
			}
			return r.with(cmd, func(c *client.Client) error {
				id, err := find(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				report, err := c.ReplayRun(cmd.Context(), id, req)
				if err != nil {
					return err
				}
				return r.printReplay(&report)
			})
		},
	}
	cmd.Flags().StringVar(&file, "source", "", "file with the code to play it with, - for standard input (default: the run's own)")
	return cmd
}

// printReplay prints what a replay did, turn by turn.
func (r *remote) printReplay(report *runtime.ReplayReport) error {
	w := r.stdio.Out
	var ended error
	if report.Result == resultDiverges {
		ended = errSilent
	}
	if r.json {
		return cmp.Or(writeJSON(w, report), ended)
	}
	printTurns(w, report)
	fmt.Fprintf(w, "%s: %d turns with revision %s\n", replayResults[report.Result], report.Turns, printable(report.Revision))
	if report.Divergence != nil {
		printDivergence(w, "  ", report.Divergence)
	}
	sheet{w}.row("output", jsonText(report.Output))
	if report.Error != nil {
		printError(w, report.Error)
	}
	return ended
}

// replayResults are the results of a replay in words.
var replayResults = map[string]string{
	"same":         "the same as in the journal",
	"open":         "the same as in the journal, and not at its end",
	resultDiverges: "diverges",
}

// turnLine is a line about a turn.
type turnLine struct {
	turn uint64
	text string
}

func printTurns(w io.Writer, report *runtime.ReplayReport) {
	var lines []turnLine
	for i := range report.Logs {
		l := &report.Logs[i]
		text := fmt.Sprintf("%-5s %s", printable(l.Level), printable(l.Msg))
		if len(l.Fields) > 0 {
			text += " " + clipped(string(l.Fields), 200)
		}
		lines = append(lines, turnLine{l.Turn, text + at(l.Src)})
	}
	for i := range report.Calls {
		c := &report.Calls[i]
		text := "call  " + callText(&c.CallDetail)
		if !c.Answered {
			text += "  (without an answer)"
		}
		lines = append(lines, turnLine{c.Turn, text})
	}
	// Within a turn the order between the two is not known.
	slices.SortStableFunc(lines, func(a, b turnLine) int { return cmp.Compare(a.turn, b.turn) })
	for _, l := range lines {
		fmt.Fprintf(w, "turn %-4d %s\n", l.turn, l.text)
	}
}
