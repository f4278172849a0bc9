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

// showLog starts printing to w the entries that choose wants.
func showLog(ctx context.Context, l *logs.Log, w io.Writer, format string, choose func(*logs.Entry) bool) *terminal {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	t := &terminal{sub: l.Subscribe(logs.SubscribeOptions{}), stop: stop}
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
				if e := r.Entry(); choose(e) && show(*e) != nil {
					return // nobody reads: the terminal is gone
				}
			}
		}
	})
	return t
}

// everything is what dev shows: all but what is for debugging.
func everything(e *logs.Entry) bool { return e.Level >= logs.Info }

// noteworthy is what serve shows: not every request and call of a busy server,
// unless it went wrong. The tail has them all.
func noteworthy(e *logs.Entry) bool {
	return e.Level >= logs.Warn || e.Level == logs.Info && e.Kind != logs.KindHTTP && e.Kind != logs.KindRequest
}

// close prints what has been emitted so far and stops, at the latest when ctx
// is done: a terminal that nobody reads holds up nothing.
func (t *terminal) close(ctx context.Context) {
	printed := make(chan struct{})
	go func() {
		t.done.Wait()
		close(printed)
	}()
	select {
	case <-printed:
	case <-ctx.Done():
	}
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
