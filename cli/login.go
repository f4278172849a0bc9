package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/server/client"
)

// loginWait is how long one request waits for a person: less than what proxies
// in between allow.
const loginWait = 25 * time.Second

func newLogin(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "login NAME",
		Short: "Log in for a connection",
		Long: `Log in for a connection whose auth is oauth2 with the grant authorizationCode.
Prints a URL to open in a browser, within ten minutes and once, and waits until
it is known what came of it. The provider has to know the redirect URL, which is
printed too. Logging in again replaces what there was.`,
		Example: `  reprise connections login crm
  reprise connections login crm --url https://admin.example.com`,
		Args: oneConnection,
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.with(cmd, func(c *client.Client) error { return r.login(cmd.Context(), c, args[0]) })
		},
	}
}

func oneConnection(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("write it like this: %s NAME", cmd.CommandPath())
	}
	return nil
}

// login begins a login and waits for its end.
func (r *remote) login(ctx context.Context, c *client.Client, name string) error {
	now, err := c.BeginLogin(ctx, name)
	if err != nil {
		return err
	}
	if r.json {
		if err := writeLine(r.stdio.Out, &now); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(r.stdio.Out, "open this in a browser, before %s:\n\n  %s\n\n", now.Until.Local().Format(time.TimeOnly), printable(now.URL))
		fmt.Fprintf(r.stdio.Out, "it leads back to %s\n", printable(now.RedirectURL))
	}
	for now.State == logins.Pending {
		if now, err = c.Login(ctx, name, now.ID, loginWait); err != nil {
			return err
		}
	}
	return r.printLogin(&now)
}

func (r *remote) printLogin(now *logins.Attempt) error {
	if r.json {
		if err := writeLine(r.stdio.Out, now); err != nil {
			return err
		}
	}
	if now.State != logins.Done {
		fmt.Fprintf(r.stdio.Err, "reprise: nobody has logged in for %s: %s\n", printable(now.Connection), printable(now.Error))
		return errSilent
	}
	if now.KeyFile != "" {
		r.sayKeyFile(now.KeyFile)
	}
	if now.Login != nil && !now.Login.Renews && now.Login.Until != nil {
		fmt.Fprintf(r.stdio.Err, "note: the provider gave no refresh token, so that somebody has to log in again then. Many give one when scopes or authorizationParams ask for it.\n")
	}
	if !r.json {
		fmt.Fprintf(r.stdio.Out, "%s is authorized%s\n", printable(now.Connection), untilWhen(now.Login))
	}
	return nil
}

// untilWhen says until when a login holds, if that is known.
func untilWhen(l *connections.Login) string {
	switch {
	case l == nil || l.Until == nil && !l.Renews:
		return ""
	case l.Until == nil:
		return ", renewed when needed"
	case l.Renews:
		return ", next token by " + l.Until.Local().Format(time.DateTime)
	}
	return " until " + l.Until.Local().Format(time.DateTime)
}

func newLogout(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "logout NAME",
		Short: "Forget the login of a connection",
		Long: `Forget the tokens of a connection: of the server that uses the data folder, or,
without a server, in the folder itself, which needs no master key. The provider
is not told: take the access back there as well.`,
		Args: oneConnection,
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.withSecrets(cmd, access{locked: true}, func(k secretKeeper) error {
				if err := k.Logout(cmd.Context(), args[0]); err != nil {
					return err
				}
				fmt.Fprintf(r.stdio.Out, "the login of %s is deleted\n", printable(args[0]))
				return nil
			})
		},
	}
}
