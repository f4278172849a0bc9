package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"reprise/runtime"
	"reprise/server/api"
	"reprise/server/client"
)

// controls are the commands that do the same to each of several runs.
func controls(r *remote) []*cobra.Command {
	var inDoubt, revision, upgradeTo string
	verb := func(use, short, long string, flags func(*pflag.FlagSet), do func(context.Context, *client.Client, string) (runtime.Run, error)) *cobra.Command {
		cmd := &cobra.Command{
			Use: use + " ID…", Short: short, Long: short + ".\n" + long, Args: one("ID…", 1, -1),
			RunE: func(cmd *cobra.Command, ids []string) error {
				if inDoubt != "" && inDoubt != "retry" && inDoubt != "fail" {
					return usagef("--in-doubt is %q; it is retry or fail", inDoubt)
				}
				return r.with(cmd, func(c *client.Client) error { return r.each(cmd.Context(), c, ids, do) })
			},
		}
		if flags != nil {
			flags(cmd.Flags())
		}
		return cmd
	}
	return []*cobra.Command{
		verb("pause", "Stop runs until they are resumed", "What their open calls come back with is kept.", nil,
			func(ctx context.Context, c *client.Client, id string) (runtime.Run, error) {
				return c.PauseRun(ctx, id)
			}),
		verb("resume", "Let paused or diverged runs go on", "Of a diverged one that means: replay it once more.",
			func(f *pflag.FlagSet) {
				f.StringVar(&inDoubt, "in-doubt", "", "what becomes of calls in doubt: retry (the default) or fail")
			},
			func(ctx context.Context, c *client.Client, id string) (runtime.Run, error) {
				return c.ResumeRun(ctx, id, api.ResumeRun{InDoubt: inDoubt})
			}),
		verb("cancel", "End runs, and let them clean up", "Their open calls fail with CancelledError, and finally blocks and undos have 30 seconds.", nil,
			func(ctx context.Context, c *client.Client, id string) (runtime.Run, error) {
				return c.CancelRun(ctx, id)
			}),
		verb("kill", "End runs at once", "Nothing is cleaned up.", nil,
			func(ctx context.Context, c *client.Client, id string) (runtime.Run, error) { return c.KillRun(ctx, id) }),
		verb("retry", "Let failed runs go on from before their failure", "What was done before stays done.",
			func(f *pflag.FlagSet) {
				f.StringVar(&revision, "revision", "", "revision to go on with: an id, or current (default: the run's own)")
			},
			func(ctx context.Context, c *client.Client, id string) (runtime.Run, error) {
				return c.RetryRun(ctx, id, api.RetryRun{Revision: revision})
			}),
		verb("upgrade", "Move runs to another revision of their script", "A run is moved only if it would have done the same so far.",
			func(f *pflag.FlagSet) {
				f.StringVar(&upgradeTo, "revision", "", "the revision: an id, or current (the default)")
			},
			func(ctx context.Context, c *client.Client, id string) (runtime.Run, error) {
				return c.UpgradeRun(ctx, id, api.UpgradeRun{Revision: upgradeTo})
			}),
	}
}

// each does something to one run after the other, and prints what each is then.
// One that fails does not keep the others from it.
func (r *remote) each(ctx context.Context, c *client.Client, ids []string, do func(context.Context, *client.Client, string) (runtime.Run, error)) error {
	var ended error
	for _, short := range ids {
		err := r.act(ctx, c, short, do)
		if err != nil && len(ids) == 1 {
			return err
		}
		if err != nil {
			r.say(err)
			ended = errSilent
		}
		if ctx.Err() != nil {
			break
		}
	}
	return ended
}

// act does something to the run that a shortened id means.
func (r *remote) act(ctx context.Context, c *client.Client, short string, do func(context.Context, *client.Client, string) (runtime.Run, error)) error {
	id, err := find(ctx, c, short)
	if err != nil {
		return err
	}
	run, err := do(ctx, c, id)
	if err != nil {
		return err
	}
	return r.printRun(&run)
}

// printRun prints what a run is now, in a line.
func (r *remote) printRun(run *runtime.Run) error {
	if r.json {
		return writeLine(r.stdio.Out, run)
	}
	text := string(run.Status)
	if run.Reason != "" {
		text += ": " + run.Reason
	}
	_, err := fmt.Fprintf(r.stdio.Out, "%s  %s\n", printable(run.ID), printable(text))
	return err
}
