package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"reprise/runtime/logs"
	"reprise/server/tail"
)

func newTail(stdio IO) *cobra.Command {
	var lines int
	server := remote{stdio: stdio}
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
			if err := findServer(c.Data, &server.url, &server.token); err != nil {
				return err
			}
			return follow(cmd.Context(), tail.DialOptions{URL: server.url, Token: server.token, Filter: filter, Tail: lines}, c.LogFormat, stdio)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&lines, "lines", "n", 50, "entries of the past to begin with")
	f.String("log-format", "text", "text or json")
	server.addFlags(f)
	return cmd
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
