package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"reprise/runtime"
	"reprise/server/client"
	"reprise/server/datadir"
	"reprise/server/problem"
)

// remote is a command that asks a running server.
type remote struct {
	stdio      IO
	url, token string
	json       bool // answers are printed as JSON
}

// addFlags declares which server is asked.
func (r *remote) addFlags(f *pflag.FlagSet) {
	f.String("data", ".reprise", "data folder of the server")
	f.StringVar(&r.url, "url", "", "admin origin of a server elsewhere, such as http://127.0.0.1:8081")
	f.StringVar(&r.token, "token", "", "its token (default: REPRISE_TOKEN, or the data folder's)")
}

// with calls do with a client of the server, and says what there is to say of
// its error.
func (r *remote) with(cmd *cobra.Command, do func(c *client.Client) error) error {
	config, err := loadConfig(cmd, ".", os.Environ(), true)
	if err != nil {
		return err
	}
	if err := findServer(config.Data, &r.url, &r.token); err != nil {
		return err
	}
	c, err := client.New(client.Options{URL: r.url, Token: r.token})
	if err != nil {
		return usagef("%w", err)
	}
	defer c.Close()
	return r.told(do(c))
}

// told prints an error that the server answered with. Others it leaves to the
// caller.
func (r *remote) told(err error) error {
	if _, ok := errors.AsType[*problem.Problem](err); !ok {
		return err
	}
	r.say(err)
	return errSilent
}

// say prints an error, with where a replay went another way and what to do.
func (r *remote) say(err error) {
	fmt.Fprintf(r.stdio.Err, "reprise: %s\n", printable(err.Error()))
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		return
	}
	var d runtime.Divergence
	if len(p.Divergence) > 0 && json.Unmarshal(p.Divergence, &d) == nil {
		printPlaces(r.stdio.Err, "  ", &d) // the error has said the rest
	}
	if p.Hint != "" && !strings.HasPrefix(p.Hint, "The message ") { // which has just been printed
		fmt.Fprintf(r.stdio.Err, "hint: %s\n", printable(p.Hint))
	}
}

// findServer fills in where the running server is and its token.
func findServer(data string, url, token *string) error {
	if *token == "" {
		*token = os.Getenv(envPrefix + "TOKEN")
	}
	if *url == "" {
		info, err := datadir.ReadInfo(data)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no server is running on the data folder %s; start one with \"reprise dev\", or give --data or --url", data)
		}
		if err != nil {
			return err
		}
		if info.AdminURL == "" {
			return errors.New("the server has no admin origin (--no-admin), so it can not be asked")
		}
		*url = info.AdminURL
	}
	if *token == "" {
		var err error
		if *token, err = datadir.ReadToken(data); err != nil {
			return fmt.Errorf("no token: give --token or REPRISE_TOKEN: %w", err)
		}
	}
	return nil
}
