package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/api"
	"reprise/server/client"
)

// longestWait is how long one request waits for a run; the server allows more.
const longestWait = time.Minute

func newRunsStart(r *remote) *cobra.Command {
	var key, wait string
	cmd := &cobra.Command{
		Use:   "start SCRIPT [JSON]",
		Short: "Start a run",
		Long: `Start a run of a script with an input: JSON, - for standard input, @FILE for a
file. It prints the run's id, or with --wait what the run returns. A run that
fails, that is paused or diverges, or that has not ended by then, ends the
command with 1.`,
		Example: `  reprise runs start orders/fulfil '{"orderId":"o_1"}' --key o_1
  reprise runs start orders/fulfil @order.json --wait 30s`,
		Args: one("SCRIPT [JSON]", 1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := api.StartRun{Script: args[0], IdempotencyKey: key}
			var patience time.Duration
			var err error
			if len(args) > 1 {
				if req.Input, err = readJSON("the input", args[1], r.stdio.In); err != nil {
					return err
				}
			}
			if wait != "" {
				if patience, err = call.ParseDuration(wait); err != nil {
					return usagef("--wait: %w", err)
				}
			}
			return r.with(cmd, func(c *client.Client) error { return r.start(cmd.Context(), c, req, patience) })
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "idempotency key: with the same one again, the same run is meant")
	cmd.Flags().StringVar(&wait, "wait", "", "wait this long for the run's end, such as 30s; not when it is paused or diverges")
	return cmd
}

// start starts a run and waits for its end. The run is started first and then
// waited for, so that its id is known whatever happens meanwhile.
func (r *remote) start(ctx context.Context, c *client.Client, req api.StartRun, patience time.Duration) error {
	run, err := c.StartRun(ctx, req)
	if err != nil {
		return err
	}
	if patience <= 0 {
		return r.printRun(&run)
	}
	id := run.ID
	until := time.Now().Add(patience)
	for left := patience; left > 0 && !run.Status.Ended() && !run.Status.StandsStill(); left = time.Until(until) {
		if run, err = c.Run(ctx, id, min(left, longestWait)); err != nil {
			fmt.Fprintf(r.stdio.Err, "the run %s goes on; its result will be shown by: reprise runs get %s\n", id, id)
			return err
		}
	}
	if r.json {
		if err := writeJSON(r.stdio.Out, &run); err != nil {
			return err
		}
		if run.Status != runtime.Succeeded {
			return errSilent
		}
		return nil
	}
	if run.Status.StandsStill() {
		return r.standsStill(&run)
	}
	if !run.Status.Ended() {
		return fmt.Errorf("the run %s is still %s after %s; its result will be shown by: reprise runs get %s", id, run.Status, patience, id)
	}
	return report(run, r.stdio)
}

// standsStill says why an awaited run does not end by itself, and which command
// lets it go on.
func (r *remote) standsStill(run *runtime.Run) error {
	for i := range run.InDoubt {
		d := &run.InDoubt[i]
		fmt.Fprintf(r.stdio.Err, "in doubt: call %d: %s%s\n", d.Call, clipped(d.Target, 200), at(d.Src))
	}
	err := report(*run, r.stdio)
	if !errors.Is(err, errSilent) {
		return fmt.Errorf("%w; it goes on with: %s", err, nextStep(run))
	}
	fmt.Fprintf(r.stdio.Err, "it goes on with: %s\n", nextStep(run))
	return err
}

func newRunsSignal(r *remote) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "signal ID NAME [JSON]",
		Short: "Send a signal to a run, for its waitFor(NAME)",
		Long: `Send a signal to a run. Its waitFor(NAME) returns the value: JSON, - for
standard input, @FILE for a file; without one it is undefined. A signal that
nobody waits for yet is kept.`,
		Example: `  reprise runs signal 4e5f approval '{"by":"Ada"}'`,
		Args:    one("ID NAME [JSON]", 2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			var value []byte
			if len(args) > 2 {
				var err error
				if value, err = readJSON("the value", args[2], r.stdio.In); err != nil {
					return err
				}
			}
			return r.with(cmd, func(c *client.Client) error {
				id, err := find(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				return c.SignalRun(cmd.Context(), id, args[1], value, key)
			})
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "idempotency key: with the same one again, the signal counts once")
	return cmd
}

func newRunsFork(r *remote) *cobra.Command {
	var req api.ForkRun
	cmd := &cobra.Command{
		Use:   "fork ID --from-turn N",
		Short: "Start a new run that shares the first turns of a run",
		Long: `Start a new run that begins with the turns of another one, up to a turn: from
there on it goes its own way, with the same code or with another revision. The
journal shows the turns. It prints the id of the new run.`,
		Args: one("ID --from-turn N", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if req.FromTurn < 1 {
				return usagef("say with --from-turn N which turn is the first that is not shared; 1 shares nothing but the input")
			}
			return r.with(cmd, func(c *client.Client) error {
				return r.act(cmd.Context(), c, args[0], func(ctx context.Context, c *client.Client, id string) (runtime.Run, error) {
					return c.ForkRun(ctx, id, req)
				})
			})
		},
	}
	cmd.Flags().Uint64Var(&req.FromTurn, "from-turn", 0, "the first turn that is not shared")
	cmd.Flags().StringVar(&req.Revision, "revision", "", "revision of the new run: an id, or current (default: the run's own)")
	return cmd
}
