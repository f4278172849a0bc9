package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"reprise/runtime"
	"reprise/server/client"
)

// pageSize is how many runs are asked for at a time.
const pageSize = 100

// statuses are what --status can be.
var statuses = []string{
	string(runtime.Queued), string(runtime.Running), string(runtime.Waiting), string(runtime.Paused),
	string(runtime.Diverged), string(runtime.Succeeded), string(runtime.Failed), string(runtime.Cancelled),
}

func newRuns(stdio IO) *cobra.Command {
	r := &remote{stdio: stdio}
	var script, status string
	var limit int
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List the durable runs of a running server, and act on them",
		Long: `List the durable runs of the server that uses the data folder, newest first.
The commands below show one and act on it. An id can be shortened to its first
or last characters, four at least, as long as that means one of the newest runs.`,
		Example: `  reprise runs --script orders/fulfil --status waiting
  reprise runs get 4e5f
  reprise runs signal 4e5f approval '{"by":"Ada"}'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q; %s", "runs "+args[0], hintFor(cmd, args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if status != "" && !slices.Contains(statuses, status) {
				return usagef("--status is %q; it is one of %s", status, strings.Join(statuses, ", "))
			}
			if limit < 1 {
				return usagef("--limit is %d; it is 1 at least", limit)
			}
			return r.with(cmd, func(c *client.Client) error {
				return r.list(cmd.Context(), c, runtime.ListQuery{Script: script, Status: runtime.Status(status)}, limit)
			})
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.Flags().StringVar(&script, "script", "", "runs of this script only")
	cmd.Flags().StringVar(&status, "status", "", "runs of this status only: "+strings.Join(statuses, ", "))
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "how many runs to show")
	r.addFlags(cmd.PersistentFlags())
	cmd.PersistentFlags().BoolVar(&r.json, "json", false, "print JSON; of lists one object a line")
	cmd.AddCommand(newRunsGet(r), newRunsJournal(r), newRunsStart(r), newRunsSignal(r), newRunsFork(r), newRunsReplay(r))
	cmd.AddCommand(controls(r)...)
	return cmd
}

// list prints the newest runs that q selects.
func (r *remote) list(ctx context.Context, c *client.Client, q runtime.ListQuery, limit int) error {
	runs, more, err := newest(limit, func(n int, cursor string) ([]runtime.Run, string, error) {
		q.Limit, q.Cursor = n, cursor
		return c.Runs(ctx, q)
	})
	if err != nil {
		return err
	}
	if r.json {
		return writeLines(r.stdio.Out, runs)
	}
	if len(runs) == 0 {
		fmt.Fprintln(r.stdio.Err, "there are no such runs")
		return nil
	}
	if err := table(r.stdio.Out, runs, time.Now()); err != nil {
		return err
	}
	r.sayMore(more, limit)
	return nil
}

// newest gets the pages of a list, up to a limit, and says whether there are more.
func newest[T any](limit int, page func(n int, cursor string) ([]T, string, error)) (all []T, more bool, err error) {
	cursor := ""
	for {
		var next []T
		if next, cursor, err = page(min(limit-len(all), pageSize), cursor); err != nil {
			return nil, false, err
		}
		all = append(all, next...)
		if cursor == "" || len(all) >= limit {
			return all, cursor != "", nil
		}
	}
}

// writeLines writes a list as JSON, one of it a line.
func writeLines[T any](w io.Writer, list []T) error {
	for i := range list {
		if err := writeLine(w, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

// sayMore says how to see what a limit left out.
func (r *remote) sayMore(more bool, limit int) {
	if more {
		fmt.Fprintf(r.stdio.Err, "… there are more; --limit %d shows further ones\n", limit*5)
	}
}

// table prints runs, one a line.
func table(w io.Writer, runs []runtime.Run, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSCRIPT\tSTATUS\tAGE\tWAITS FOR")
	for i := range runs {
		run := &runs[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", printable(run.ID), printable(run.Script), run.Status, ago(run.CreatedAt, now), situation(run, now))
	}
	return t.Flush()
}

// situation says in a few words what a run waits for, or why it does not go on.
func situation(run *runtime.Run, now time.Time) string {
	var text string
	switch {
	case len(run.Waits) > 0 && (run.Status == runtime.Waiting || run.Status == runtime.Running):
		text = waitText(&run.Waits[0], now)
		if n := len(run.Waits) - 1; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
	case run.Status == runtime.Diverged && run.Divergence != nil:
		text = divergenceText(run.Divergence)
	case run.Error != nil:
		text = run.Error.Error()
	case run.Status == runtime.Queued && run.FlowKey != "":
		text = "its turn with the key " + run.FlowKey
	case run.Successor != "":
		text = "goes on as " + run.Successor
	default:
		text = run.Reason
	}
	return clipped(text, 60)
}

// waitText says what a run waits for.
func waitText(w *runtime.Wait, now time.Time) string {
	var text string
	switch w.Kind {
	case "timer":
		text = "a timer"
	case "signal":
		text = "the signal " + w.Name
	case "ask":
		text = "an answer to " + w.Name
	case "run":
		text = strings.TrimSpace("the run " + w.Run + " " + w.Name)
	case "retry":
		text = "the next try of " + w.Name
	default:
		text = strings.TrimSpace(w.Kind + " " + w.Name)
	}
	switch {
	case w.Until == nil:
	case w.Until.After(now):
		text += ", " + ago(now, *w.Until) + " left"
	default:
		text += ", due"
	}
	return text
}

// minShort is how many characters of an id are enough to look for it.
const minShort = 4

// fullID is how long an id is at least that can not be a shortened one.
const fullID = 32

// searched is how many of the newest runs a shortened id may mean.
const searched = 500

// find returns the id that a shortened one means.
func find(ctx context.Context, c *client.Client, id string) (string, error) {
	if len(id) >= fullID {
		return id, nil
	}
	if len(id) < minShort {
		return "", usagef("%q is too short for the id of a run; write %d characters at least", id, minShort)
	}
	var found []string
	q := runtime.ListQuery{Limit: pageSize}
	for range searched / pageSize {
		page, cursor, err := c.Runs(ctx, q)
		if err != nil {
			return "", err
		}
		for i := range page {
			if has := page[i].ID; has == id {
				return id, nil
			} else if strings.HasPrefix(has, id) || strings.HasSuffix(has, id) {
				found = append(found, has)
			}
		}
		if q.Cursor = cursor; cursor == "" {
			break
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("none of the newest %d runs has an id that begins or ends with %s; write the whole id", searched, printable(id))
	case 1:
		return found[0], nil
	}
	return "", usagef("%s may mean %s; write more of it", id, printable(strings.Join(found, " or ")))
}

// one checks the arguments of a command that is about one run, and n more.
func one(usage string, least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return usagef("write it like this: %s %s", cmd.CommandPath(), usage)
		}
		return nil
	}
}
