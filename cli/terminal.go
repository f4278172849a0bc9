package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"reprise/runtime/logs"
	"reprise/server/tail"
)

// terminal prints the log's entries as they happen, for the one who started
// the server. It reads like any other tail: a slow terminal slows nobody.
type terminal struct {
	sub  *logs.Subscription
	done sync.WaitGroup
	stop context.CancelFunc
}

// showLog starts printing entries that filter chooses to w.
func showLog(ctx context.Context, l *logs.Log, w io.Writer, format, filter string) (*terminal, error) {
	f, err := logs.ParseFilter(filter)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	t := &terminal{sub: l.Subscribe(logs.SubscribeOptions{Filter: f}), stop: stop}
	show := printer(w, format)
	t.done.Go(func() {
		for {
			event, err := t.sub.Next(ctx)
			if err != nil {
				return // closed: the log has ended, or the terminal was
			}
			if event.Gap != nil {
				fmt.Fprintf(w, "… %d entries are not shown here (%s); they are in the log\n", event.Gap.To-event.Gap.From+1, event.Gap.Reason)
			}
			for _, r := range event.Records {
				if show(*r.Entry()) != nil {
					return // nobody reads: the terminal is gone
				}
			}
		}
	})
	return t, nil
}

// close prints what has been emitted so far and stops.
func (t *terminal) close() {
	t.done.Wait()
	t.stop()
	t.sub.Close()
}

// printer returns what prints an entry in a format.
func printer(w io.Writer, format string) func(logs.Entry) error {
	if format == "json" {
		var buffer []byte
		return func(e logs.Entry) error {
			buffer = append(e.AppendJSON(buffer[:0]), '\n')
			_, err := w.Write(buffer)
			return err
		}
	}
	color := isTerminal(w)
	return func(e logs.Entry) error { return tail.Format(w, e, color) }
}

// isTerminal reports whether w shows colours.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
