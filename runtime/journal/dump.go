package journal

import (
	"fmt"
	"strings"
	"time"
)

// DumpOptions say how a journal is written out.
type DumpOptions struct {
	// Stable leaves out times, durations, seeds, and the ids of runs and
	// revisions, so that the text of the same run is the same everywhere. The
	// run's own id within payloads becomes RUN.
	Stable bool
}

// Dump returns a whole journal as text: a line for each record, with its number
// and how long after the start it was written, and under a turn a line for each
// of its calls. What a retry took out of force is marked void. Load is as in
// Read, and so are the errors.
//
//	0 +0s started orders/fulfil run · input {"order":7}
//	1 +1ms turn 1 ← begin · 0.3 ms
//	      call 1 http.request GET api/x · read · scripts/orders/fulfil.ts:12:9 · args {…}
func Dump(records [][]byte, load Load, o DumpOptions) (string, error) {
	h, err := Read(records, load)
	if err != nil {
		return "", err
	}
	p := printer{most: 400, stable: o.Stable, listed: true, run: h.Started.Run}
	var b strings.Builder
	for seq, r := range h.records {
		_, _, at, _ := Describe(r)
		what := r.kind().String() + " "
		if r.kind() == kindTurn {
			what = "" // its line begins with the word
		}
		void := ""
		if h.Void(uint64(seq)) {
			void = "void "
		}
		fmt.Fprintf(&b, "%3d %s%s%s%s\n", seq, p.since(h.Started.At, at), void, what, p.line(r))
		if t, ok := r.(*Turn); ok {
			for i := range t.Calls {
				fmt.Fprintf(&b, "      %s\n", p.call(&t.Calls[i]))
			}
		}
	}
	return b.String(), nil
}

func (p *printer) line(r Record) string {
	switch r := r.(type) {
	case *Started:
		return p.started(r)
	case *Turn:
		return p.turn(r)
	case *Attempt:
		return p.attempt(r)
	case *Outcome:
		return p.outcome(r)
	case *Signal:
		return p.signal(r)
	case *Control:
		return p.control(r)
	case *Ended:
		return p.ended(r)
	}
	return ""
}

func (p *printer) since(start, at time.Time) string {
	if p.stable || at.IsZero() {
		return ""
	}
	return fmt.Sprintf("+%s ", at.Sub(start).Round(time.Millisecond/10))
}

func (p *printer) call(c *Call) string {
	scope, pos := "", ""
	if c.Scope != "" {
		scope = "step " + plain(c.Scope)
	}
	if !c.Pos.IsZero() {
		pos = plain(c.Pos.String())
	}
	head := strings.TrimRight(fmt.Sprintf("call %d %s %s", c.ID, plain(c.Kind), plain(c.Target)), " ")
	return join(head, c.Class.String(), pos, scope, p.value("args ", c.Args), p.body(c.Body))
}
