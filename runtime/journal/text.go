package journal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"reprise/runtime/call"
)

// Describe returns a record for people: its kind, a line of text, when it was
// written, and data that encodes to JSON with names that stay the same. Seeds
// are left out, as secret tokens are derived from them.
//
//	turn 3 ← call 2 · calls 4 GET api/x (scripts/a.ts:12:9) · 0.4 ms
func Describe(r Record) (kind, text string, at time.Time, data any) {
	p := printer{most: 100}
	switch r := r.(type) {
	case *Started:
		at, data = r.At, startedOf(r)
	case *Turn:
		at, data = r.At, turnOf(r)
	case *Attempt:
		at, data = r.At, attemptOf(r)
	case *Outcome:
		at, data = r.At, outcomeOf(r)
	case *Signal:
		at, data = r.At, signalOf(r)
	case *Control:
		at, data = r.At, controlOf(r)
	case *Ended:
		at, data = r.At, endedOf(r)
	}
	return r.kind().String(), p.line(r), at, data
}

// printer writes records as lines.
type printer struct {
	most   int  // bytes of a payload that are shown
	stable bool // without what differs from machine to machine
	listed bool // a turn's calls follow on lines of their own
	run    string
}

// separator is between the parts of a line.
const separator = " · "

// join puts the parts that are not empty on one line.
func join(parts ...string) string {
	kept := parts[:0]
	for _, s := range parts {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, separator)
}

// when returns format with v filled in, or nothing where v is zero.
func when[T comparable](format string, v T) string {
	var zero T
	if v == zero {
		return ""
	}
	return fmt.Sprintf(format, v)
}

// id is a name that differs from machine to machine.
func (p *printer) id(s string) string {
	if p.stable && s != "" {
		return "…"
	}
	return plain(s)
}

func (p *printer) took(d time.Duration) string {
	switch {
	case p.stable || d <= 0:
		return ""
	case d < 100*time.Microsecond:
		return strconv.FormatInt(max(d.Microseconds(), 1), 10) + " µs"
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return d.Round(10 * time.Millisecond).String()
}

// payload is what the bytes say. Where they are many the hash stands for what
// is left out, so that a golden text differs when any byte does.
func (p *printer) payload(v Payload) string {
	if v.IsKept() {
		return fmt.Sprintf("%d bytes (sha256 %s)", v.Size, v.Hash.String()[:12])
	}
	s := string(v.Inline)
	if p.stable && p.run != "" {
		s = strings.ReplaceAll(s, p.run, "RUN")
	}
	if len(s) <= p.most {
		return plain(s)
	}
	return fmt.Sprintf("%s (%d bytes, sha256 %s)", plain(clipTo(s, p.most)), len(s), HashOf([]byte(s)).String()[:12])
}

func (p *printer) value(sign string, v Payload) string {
	if !v.IsKept() && len(v.Inline) == 0 {
		return ""
	}
	return sign + p.payload(v)
}

func (p *printer) body(b Body) string {
	switch {
	case !b.Present:
		return ""
	case b.Held:
		return fmt.Sprintf("body held, %d bytes", b.Size)
	case !b.IsKept() && len(b.Inline) == 0:
		return "body empty"
	}
	return "body " + p.payload(b.Payload)
}

func (p *printer) failure(e *call.Error) string {
	if e == nil {
		return ""
	}
	texts := []string{plain(clipTo(e.Error(), 2*p.most))}
	for c := e.Cause; c != nil && len(texts) < 5; c = c.Cause {
		texts = append(texts, plain(clipTo(c.Error(), p.most)))
	}
	return strings.Join(texts, ", caused by ")
}

func (p *printer) started(r *Started) string {
	var from string
	switch {
	case r.Fork != "":
		from = fmt.Sprintf("fork of %s from turn %d", p.id(r.Fork), r.ForkTurn)
	case r.Parent != "":
		from = fmt.Sprintf("started by call %d of %s", r.ParentCall, p.id(r.Parent))
	}
	return join(plain(r.Script)+" "+plain(r.Handler), when("revision %s", p.id(r.Revision)), from, p.value("input ", r.Input))
}

func (p *printer) turn(r *Turn) string {
	var cause string
	switch r.Cause {
	case ByBegin:
		cause = " ← begin"
	case ByOutcome:
		cause = fmt.Sprintf(" ← call %d", r.Outcome)
	case ByUnwind:
		cause = " ← undo"
	}
	parts := []string{fmt.Sprintf("turn %d%s", r.N, cause), p.calls(r.Calls)}
	if len(r.Aborts) > 0 {
		parts = append(parts, "aborts "+numbersText(r.Aborts))
	}
	if r.Failed {
		parts = append(parts, "failed")
	}
	if r.Held {
		parts = append(parts, "held")
	}
	if r.Unwinding {
		parts = append(parts, "undoing")
	}
	return join(append(parts, p.took(r.CPU))...)
}

func (p *printer) calls(list []Call) string {
	if len(list) == 0 || p.listed {
		return ""
	}
	const most = 6
	var b strings.Builder
	for i := range min(len(list), most) {
		b.WriteString([...]string{"calls ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%d %s", list[i].ID, plain(list[i].describe()))
	}
	if more := len(list) - most; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

func (p *printer) attempt(r *Attempt) string {
	head := fmt.Sprintf("call %d try %d", r.Call, r.N)
	if !r.Failed {
		return head + " begins"
	}
	next := ""
	if !r.RetryAt.IsZero() && !p.stable {
		next = "next in " + r.RetryAt.Sub(r.At).Round(time.Millisecond).String()
	}
	return join(head+" failed", when("status %d", r.Status), p.failure(r.Err), plain(r.Reason), p.took(r.Took), next)
}

func (p *printer) outcome(r *Outcome) string {
	result := "→ " + p.payload(r.Value)
	switch {
	case r.Err != nil:
		result = "✗ " + p.failure(r.Err)
	case !r.Value.IsKept() && len(r.Value.Inline) == 0:
		result = "→ undefined"
	}
	late := ""
	if r.Late {
		late = "late, not delivered"
	}
	return join(fmt.Sprintf("call %d %s", r.Call, result), p.body(r.Body), late)
}

func (p *printer) signal(r *Signal) string {
	return join(plain(r.Name), p.value("", r.Value), when("from %s", p.id(r.From)))
}

func (p *printer) control(r *Control) string {
	what := plain(string(r.Op))
	switch {
	case r.Op == OpRetry:
		what += fmt.Sprintf(" from turn %d", r.Turn)
	case r.Op == OpUpgrade:
		what += " to " + p.id(r.Revision)
	}
	calls := ""
	if len(r.Void) > 0 {
		calls = "again call " + numbersText(r.Void)
	}
	return join(what, plain(r.Reason), calls)
}

func (p *printer) ended(r *Ended) string {
	dropped := ""
	if len(r.Dropped) > 0 {
		dropped = "not awaited: call " + numbersText(r.Dropped)
	}
	return join(plain(r.Status), plain(r.Reason), p.failure(r.Err), p.value("→ ", r.Output), dropped, when("continues as %s", p.id(r.Successor)))
}

func numbersText(list []uint64) string {
	const most = 10
	var b strings.Builder
	for i, n := range list[:min(len(list), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.FormatUint(n, 10))
	}
	if more := len(list) - most; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// plain makes a text safe to show on one line: characters that steer a terminal
// or turn the direction of writing are shown as escapes.
func plain(s string) string {
	if strings.IndexFunc(s, steers) < 0 && strings.ToValidUTF8(s, "") == s {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if steers(c) || c == unicode.ReplacementChar {
			q := strconv.QuoteRuneToASCII(c)
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func steers(c rune) bool { return c != ' ' && !unicode.IsPrint(c) }

func clipTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
