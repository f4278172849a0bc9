package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"reprise/connections"
	"reprise/server/client"
)

func newConnections(stdio IO) *cobra.Command {
	r := &remote{stdio: stdio}
	cmd := &cobra.Command{
		Use:     "connections",
		Aliases: []string{"connect"},
		Short:   "List the connections of a running server, add one, log in for them",
		Long: `List the connections of a running server: where they lead, how they are
authorized, the secrets they use, and how they are now.`,
		Example: `  reprise connections
  reprise connections add crm --openapi https://crm.example.com/openapi.json
  reprise connections login crm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return r.with(cmd, func(c *client.Client) error {
				all, err := c.Connections(cmd.Context())
				if err != nil {
					return err
				}
				return r.printConnections(all, time.Now())
			})
		},
	}
	r.addFlags(cmd.PersistentFlags())
	cmd.PersistentFlags().BoolVar(&r.json, "json", false, "print JSON, one object a line")
	cmd.AddCommand(newConnectionAdd(stdio), newLogin(r), newLogout(r))
	return cmd
}

func (r *remote) printConnections(all []connections.State, now time.Time) error {
	if r.json {
		for i := range all {
			if err := writeLine(r.stdio.Out, &all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(r.stdio.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tBASE URL\tAUTH\tSECRETS\tSTATE")
	for i := range all {
		s := &all[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", s.Name, printable(s.BaseURL), orDash(s.Auth), orDash(strings.Join(s.Secrets, " ")), howItIs(s, now))
	}
	return t.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// howItIs says in a word or two whether a connection can be used now.
func howItIs(s *connections.State, now time.Time) string {
	switch {
	case s.Broken != "":
		return "broken: " + printable(s.Broken)
	case s.Login != nil && s.Login.State == connections.LoginNeeded:
		return "needs login"
	case s.Circuit == "open":
		return "given up"
	case s.HeldUntil != nil && s.HeldUntil.After(now):
		return fmt.Sprintf("left alone for %s", s.HeldUntil.Sub(now).Round(time.Second))
	case s.Circuit == "half-open":
		return "trying again"
	case s.Login != nil:
		return "authorized" + untilWhen(s.Login)
	}
	return "ok"
}
