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

// deliveryStates are what --state can be.
var deliveryStates = []string{
	string(runtime.DeliveryReceived), string(runtime.DeliveryStarted), string(runtime.DeliverySucceeded),
	string(runtime.DeliveryFailed), string(runtime.DeliveryCancelled),
}

func newWebhooks(stdio IO) *cobra.Command {
	r := &remote{stdio: stdio}
	cmd := newWebhooksList(r, "webhooks")
	cmd.Short = "List what webhooks delivered to a running server, and deliver it again"
	cmd.Long = `List what webhooks delivered to the server that uses the data folder, newest
first. A delivery has the id of the run that it started, which can be shortened
as for "reprise runs".`
	cmd.Example = `  reprise webhooks --state failed
  reprise webhooks show 4e5f
  reprise webhooks redeliver 4e5f`
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef("there is no command %q; %s", "webhooks "+args[0], hintFor(cmd, args[0]))
		}
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	r.addFlags(cmd.PersistentFlags())
	cmd.PersistentFlags().BoolVar(&r.json, "json", false, "print JSON; of lists one object a line")
	list := newWebhooksList(r, "list")
	list.Args = cobra.NoArgs
	cmd.AddCommand(list, newWebhooksShow(r), newWebhooksRedeliver(r))
	return cmd
}

// newWebhooksList makes the command that lists, which "webhooks" alone is, too.
func newWebhooksList(r *remote, name string) *cobra.Command {
	var script, state string
	var limit int
	cmd := &cobra.Command{
		Use:   name,
		Short: "List deliveries, newest first",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if state != "" && !slices.Contains(deliveryStates, state) {
				return usagef("--state is %q; it is one of %s", state, strings.Join(deliveryStates, ", "))
			}
			if limit < 1 {
				return usagef("--limit is %d; it is 1 at least", limit)
			}
			return r.with(cmd, func(c *client.Client) error {
				return r.listDeliveries(cmd.Context(), c, runtime.DeliveryQuery{Script: script, State: runtime.DeliveryState(state)}, limit)
			})
		},
	}
	cmd.Flags().StringVar(&script, "script", "", "deliveries to this script only")
	cmd.Flags().StringVar(&state, "state", "", "deliveries of this state only: "+strings.Join(deliveryStates, ", "))
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "how many deliveries to show")
	return cmd
}

func (r *remote) listDeliveries(ctx context.Context, c *client.Client, q runtime.DeliveryQuery, limit int) error {
	all, more, err := newest(limit, func(n int, cursor string) ([]runtime.Delivery, string, error) {
		q.Limit, q.Cursor = n, cursor
		return c.Deliveries(ctx, q)
	})
	if err != nil {
		return err
	}
	if r.json {
		return writeLines(r.stdio.Out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(r.stdio.Err, "there are no such deliveries")
		return nil
	}
	t := tabwriter.NewWriter(r.stdio.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tSCRIPT\tSTATE\tAGE\tFROM\tEVENT\t")
	now := time.Now()
	for i := range all {
		d := &all[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable(d.ID), printable(d.Script), d.State, ago(d.ReceivedAt, now), printable(d.Scheme), orDash(clipped(printable(d.Event), 40)), remark(d))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	r.sayMore(more, limit)
	return nil
}

// remark says in a few words what is special about a delivery.
func remark(d *runtime.Delivery) string {
	switch {
	case d.Error != nil:
		return clipped(printable(d.Error.Error()), 60)
	case d.RedeliveryOf != "":
		return "again, of " + printable(d.RedeliveryOf)
	}
	return ""
}

func newWebhooksShow(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a delivery: what it brought, and when it came again",
		Args:  one("ID", 1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd, func(c *client.Client) error {
				id, err := find(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				d, err := c.Delivery(cmd.Context(), id)
				if err != nil {
					return err
				}
				if r.json {
					return writeJSON(r.stdio.Out, &d)
				}
				return showDelivery(r.stdio.Out, &d)
			})
		},
	}
}

func showDelivery(w io.Writer, d *runtime.Delivery) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, text)
		}
	}
	line("id", printable(d.ID))
	line("script", printable(d.Script))
	line("state", string(d.State))
	line("from", printable(d.Scheme))
	line("event", printable(d.Event))
	line("received", d.ReceivedAt.Local().Format(time.DateTime))
	if d.EndedAt != nil {
		line("ended", d.EndedAt.Local().Format(time.DateTime))
	}
	line("again of", printable(d.RedeliveryOf))
	for _, at := range d.Duplicates {
		line("came again", at.Local().Format(time.DateTime))
	}
	if d.Error != nil {
		line("error", printable(d.Error.Error()))
	}
	line("input", printable(string(d.Input)))
	return t.Flush()
}

func newWebhooksRedeliver(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "redeliver ID…",
		Short: "Start another run with what deliveries brought",
		Long: `Start another run with what deliveries brought, of the script as it is now. The
deliveries themselves do not change.`,
		Args: one("ID…", 1, -1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return r.with(cmd, func(c *client.Client) error {
				var ended error
				for _, short := range ids {
					err := r.redeliver(cmd.Context(), c, short)
					if err != nil && len(ids) == 1 {
						return err
					}
					if err != nil {
						r.say(err)
						ended = errSilent
					}
				}
				return ended
			})
		},
	}
}

func (r *remote) redeliver(ctx context.Context, c *client.Client, short string) error {
	id, err := find(ctx, c, short)
	if err != nil {
		return err
	}
	d, err := c.Redeliver(ctx, id)
	if err != nil {
		return err
	}
	if r.json {
		return writeLine(r.stdio.Out, &d)
	}
	fmt.Fprintf(r.stdio.Out, "%s is delivered again, as %s\n", printable(id), printable(d.ID))
	return nil
}
