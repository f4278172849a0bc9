package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reprise/runtime"
	"reprise/server/client"
)

func newRunsGet(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "get ID",
		Short: "Show a run: its status, what it waits for, its input and output",
		Args:  one("ID", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd, func(c *client.Client) error {
				id, err := find(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				run, err := c.Run(cmd.Context(), id, 0)
				if err != nil {
					return err
				}
				if r.json {
					return writeJSON(r.stdio.Out, &run)
				}
				showRun(r.stdio.Out, &run, time.Now())
				return nil
			})
		},
	}
}

func newRunsJournal(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "journal ID",
		Short: "Print the journal of a run, a line for each record",
		Long: `Print the journal of a run, a line for each record. What a retry has taken out
of force is in parentheses. With --json, a line is the whole record.`,
		Args: one("ID", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd, func(c *client.Client) error {
				id, err := find(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				records, err := c.Journal(cmd.Context(), id)
				if err != nil {
					return err
				}
				return r.printJournal(records)
			})
		},
	}
}

func (r *remote) printJournal(records []runtime.JournalRecord) error {
	for i := range records {
		record := &records[i]
		if r.json {
			if err := writeLine(r.stdio.Out, record); err != nil {
				return err
			}
			continue
		}
		when, text := "", printable(record.Text)
		if record.At != nil {
			when = record.At.Local().Format("2006-01-02 15:04:05.000")
		}
		if record.Void {
			text = "(" + text + ")"
		}
		if _, err := fmt.Fprintf(r.stdio.Out, "%6d  %-23s  %-8s %s\n", record.Seq, when, printable(record.Kind), text); err != nil {
			return err
		}
	}
	return nil
}

// sheet prints names and values, the values under each other.
type sheet struct{ w io.Writer }

func (s sheet) row(name, value string) {
	if value == "" {
		return
	}
	for i, line := range strings.Split(value, "\n") {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(s.w, "%-12s%s\n", name, line)
	}
}

// showRun prints all that is known of a run.
func showRun(w io.Writer, run *runtime.Run, now time.Time) {
	s := sheet{w}
	s.row("run", printable(run.ID))
	s.row("script", printable(fmt.Sprintf("%s (%s), revision %s", run.Script, run.Handler, run.Revision)))
	status := string(run.Status)
	if run.Reason != "" {
		status += ": " + printable(run.Reason)
	}
	s.row("status", status)
	s.row("created", fmt.Sprintf("%s (%s ago)", moment(run.CreatedAt), ago(run.CreatedAt, now)))
	s.times(run)
	for i := range run.Waits {
		wait := &run.Waits[i]
		s.row("waits for", printable(waitText(wait, now))+at(wait.Src))
		s.row("", printable(wait.URL))
	}
	for i := range run.InDoubt {
		s.row("in doubt", fmt.Sprintf("call %d: %s", run.InDoubt[i].Call, clipped(run.InDoubt[i].Target, 200))+at(run.InDoubt[i].Src))
	}
	s.relatives(run)
	s.row("key", printable(run.IdempotencyKey))
	s.row("flow key", printable(run.FlowKey))
	s.row("state", jsonText(run.State))
	s.row("input", jsonText(run.Input))
	s.row("output", jsonText(run.Output))
	if run.Divergence != nil {
		fmt.Fprintf(w, "diverged with revision %s\n", printable(run.Divergence.Revision))
		printDivergence(w, "  ", run.Divergence)
	}
	if run.Error != nil {
		printError(w, run.Error)
	}
	s.row("next", nextStep(run))
}

func (s sheet) times(run *runtime.Run) {
	if run.Tick != nil {
		s.row("schedule", moment(*run.Tick))
	}
	if run.StartedAt != nil {
		s.row("started", moment(*run.StartedAt))
	}
	if run.EndedAt == nil {
		return
	}
	ended := moment(*run.EndedAt)
	if run.StartedAt != nil {
		ended += fmt.Sprintf(" (after %s)", run.EndedAt.Sub(*run.StartedAt).Round(time.Millisecond))
	}
	s.row("ended", ended)
}

func (s sheet) relatives(run *runtime.Run) {
	parent := printable(run.Parent)
	if run.Attached {
		parent += " (which waits for the result)"
	}
	s.row("parent", parent)
	s.row("fork of", printable(run.ForkOf))
	s.row("goes on as", printable(run.Successor))
	s.row("goes on from", printable(run.Predecessor))
}

// nextStep is the command that lets a run that has stopped go on.
func nextStep(run *runtime.Run) string {
	verb := ""
	switch {
	case run.Status == runtime.Paused && run.Reason == runtime.ReasonInDoubt:
		verb = "resume %s --in-doubt retry (or fail)"
	case run.Status == runtime.Paused && run.Reason == runtime.ReasonFailure:
		verb = "retry %s (or resume, to let it fail)"
	case run.Status == runtime.Paused:
		verb = "resume %s"
	case run.Status == runtime.Diverged:
		verb = "upgrade %s --revision ID (or resume, fork, cancel)"
	case run.Status == runtime.Failed && run.Undone:
		verb = "fork %s --from-turn N (its steps were undone; runs journal shows the turns)"
	case run.Status == runtime.Failed:
		verb = "retry %s"
	default:
		return ""
	}
	return "reprise runs " + fmt.Sprintf(verb, printable(run.ID))
}
