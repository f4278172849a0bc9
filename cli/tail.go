package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"reprise/runtime/logs"
	"reprise/server/datadir"
	"reprise/server/tail"
)

func newTail(stdio IO) *cobra.Command {
	var lines int
	var url, token string
	cmd := &cobra.Command{
		Use:   "tail [filter]",
		Short: "Follow the log of a running server",
		Long: `Follow the log of the server that uses the data folder: what scripts print, their
HTTP calls, runs, reloads. The filter is the one of the studio:

  reprise tail 'level:>=warn script:orders/*'
  reprise tail 'kind:http status:5xx dur:>500'
  reprise tail '"out of stock" -script:shop/*'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			filter := strings.Join(args, " ")
			if _, err := logs.ParseFilter(filter); err != nil {
				return usagef("%w", err)
			}
			c, err := loadConfig(cmd, ".", os.Environ(), true)
			if err != nil {
				return err
			}
			if err := findServer(c.Data, &url, &token); err != nil {
				return err
			}
			return follow(cmd.Context(), tail.DialOptions{URL: url, Token: token, Filter: filter, Tail: lines}, c.LogFormat, stdio)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&lines, "lines", "n", 50, "entries of the past to begin with")
	f.String("data", ".reprise", "data folder of the server")
	f.String("log-format", "text", "text or json")
	f.StringVar(&url, "url", "", "admin origin of a server elsewhere, such as http://127.0.0.1:8081")
	f.StringVar(&token, "token", "", "its token (default: REPRISE_TOKEN, or the data folder's)")
	return cmd
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
			return errors.New("the server has no admin origin (--no-admin), so it can not be tailed")
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

// follow prints entries until ctx is done.
func follow(ctx context.Context, o tail.DialOptions, format string, stdio IO) error {
	client, err := tail.Dial(ctx, o)
	if err != nil {
		return err
	}
	defer client.Close()
	show := printer(stdio.Out, format)
	for {
		frame, err := client.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := printFrame(frame, show, stdio.Err); err != nil {
			return err
		}
	}
}

func printFrame(f tail.Frame, show func(logs.Entry) error, notes io.Writer) error {
	for _, e := range f.Entries {
		if err := show(e); err != nil {
			return err
		}
	}
	switch f.Type {
	case tail.FrameGap:
		fmt.Fprintf(notes, "… %d entries are missing here (%s)\n", f.To-f.From+1, f.Reason)
	case tail.FrameDisconnected:
		fmt.Fprintf(notes, "… the connection broke (%v); trying again in %s\n", f.Err, f.RetryIn)
	case tail.FrameError:
		return fmt.Errorf("%s: %s", f.Code, f.Message)
	}
	return nil
}
