package tail

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"reprise/runtime/logs"
)

// The colours of a terminal, as its escape sequences.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	cyan   = "\x1b[36m"
	violet = "\x1b[35m"

	badgeDebug = "\x1b[2;7m"
	badgeInfo  = "\x1b[30;44m"
	badgeWarn  = "\x1b[30;43m"
	badgeError = "\x1b[1;37;41m"
)

// scriptWidth is the column that script names are padded to, so that messages
// begin in one line under each other.
const scriptWidth = 18

// indent is where the further lines of an entry begin.
const indent = "             │ "

// Format writes an entry for people:
//
//	09:30:12.345 INFO  orders/fulfil      reserved  hold=h_1 durMs=12  scripts/orders/fulfil.ts:12:5
//
// Times are local. Further lines of the message, and fields of several lines
// such as stacks, follow indented. Whatever would steer the terminal is shown,
// not obeyed. w gets one Write.
func Format(w io.Writer, e logs.Entry, color bool) error {
	p := printer{color: color}
	p.head(&e)
	first, rest, _ := strings.Cut(strings.TrimRight(e.Msg, "\n"), "\n")
	p.msg(e.Level, first)
	p.fields(&e)
	if e.Src != nil && !e.Src.IsZero() {
		p.text("  ")
		p.paint(dim, e.Src.String())
	}
	p.text("\n")
	if rest != "" {
		p.block("", rest)
	}
	for _, b := range p.later {
		p.block(dim, b)
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// printer builds the lines of one entry.
type printer struct {
	color bool
	out   bytes.Buffer
	later []string // texts of several lines, to be shown below
}

func (p *printer) text(s string) { p.out.WriteString(s) }

// paint writes s, made harmless, in a style.
func (p *printer) paint(style, s string) {
	s = harmless(s)
	if p.color && style != "" && s != "" {
		s = style + s + reset
	}
	p.out.WriteString(s)
}

func (p *printer) head(e *logs.Entry) {
	p.paint(dim, e.Time.Local().Format("15:04:05.000"))
	p.text(" ")
	p.badge(e.Level)
	p.text(" ")
	name := e.Script
	if name == "" {
		name = "·"
	}
	p.paint(cyan, name)
	p.text(strings.Repeat(" ", max(scriptWidth-utf8.RuneCountInString(name), 0)+1))
	if e.Kind != logs.KindConsole {
		p.paint(violet, string(e.Kind))
		p.text(" ")
	}
}

func (p *printer) badge(l logs.Level) {
	name := strings.ToUpper(l.String())
	if !p.color {
		p.text(fmt.Sprintf("%-5s", name))
		return
	}
	style := badgeInfo
	switch l {
	case logs.Debug:
		style = badgeDebug
	case logs.Warn:
		style = badgeWarn
	case logs.Error:
		style = badgeError
	}
	p.text(style + fmt.Sprintf(" %-5s ", name) + reset)
}

func (p *printer) msg(l logs.Level, s string) {
	style := ""
	switch l {
	case logs.Debug:
		style = dim
	case logs.Error:
		style = bold
	}
	p.paint(style, s)
}

func (p *printer) fields(e *logs.Entry) {
	sep := "  "
	for key, value := range e.AllFields() {
		if e.Kind != logs.KindConsole && told[key] {
			continue
		}
		short := p.short(e.Msg, key, value)
		if short == "" {
			continue
		}
		p.text(sep)
		sep = " "
		p.paint(dim, key+"=")
		style := ""
		if key == "error" {
			style = red
		}
		p.paint(style, short)
	}
}

// told are the fields of Reprise's own entries that their messages say in
// words; they are there for filters.
var told = map[string]bool{
	"method": true, "url": true, "target": true, "status": true, "durMs": true,
	"attempt": true, "waitMs": true, "reason": true, "event": true, "file": true,
}

// short returns a value in one line. Texts of several lines go below, and of
// an error what the message has not said already.
func (p *printer) short(msg, key string, value json.RawMessage) string {
	switch {
	case len(value) > 0 && value[0] == '"':
		var s string
		if json.Unmarshal(value, &s) != nil {
			return string(value)
		}
		if strings.Contains(s, "\n") {
			p.later = append(p.later, key+": "+s)
			return ""
		}
		return quoteIfNeeded(s)
	case len(value) > 0 && value[0] == '{':
		var err failure
		if json.Unmarshal(value, &err) == nil && err.Name != "" && (err.Message != "" || strings.HasSuffix(err.Name, "Error")) {
			return p.failure(msg, &err)
		}
	}
	var flat bytes.Buffer
	if json.Compact(&flat, value) != nil {
		return string(value)
	}
	return flat.String()
}

// failure is an error in the fields of an entry.
type failure struct {
	Name, Message, Stack string
	Cause                *failure
}

func (f *failure) String() string {
	if f.Message == "" {
		return f.Name
	}
	return f.Name + ": " + f.Message
}

// failure returns an error in one line, or nothing if the message has said it.
// Its stack and its causes go below.
func (p *printer) failure(msg string, err *failure) string {
	said := strings.Contains(msg, cmp.Or(err.Message, err.Name))
	stack := err.Stack
	if said {
		stack = framesOf(stack)
	}
	if stack != "" {
		p.later = append(p.later, stack)
	}
	for c := err.Cause; c != nil; c = c.Cause {
		switch {
		case c.Stack != "" && c.Stack == err.Stack: // a rejection is its own cause
		case c.Stack != "":
			p.later = append(p.later, "caused by: "+c.Stack)
		default:
			p.later = append(p.later, "caused by: "+c.String())
		}
	}
	if said {
		return ""
	}
	return quoteIfNeeded(err.String())
}

// framesOf drops what a stack says before its first frame.
func framesOf(stack string) string {
	if i := strings.Index(stack, "\n    at "); i >= 0 {
		return stack[i+1:]
	}
	return ""
}

// quoteIfNeeded quotes what would not be recognised as one value.
func quoteIfNeeded(s string) string {
	if s == "" || strings.ContainsAny(s, " =\"\t") {
		return strconv.Quote(s)
	}
	return s
}

// block writes the lines of s, indented.
func (p *printer) block(style, s string) {
	for line := range strings.SplitSeq(strings.TrimRight(s, "\n"), "\n") {
		p.paint(dim, indent)
		p.paint(style, strings.TrimSuffix(line, "\r"))
		p.text("\n")
	}
}

// harmless shows the characters that steer a terminal or turn the direction of
// text instead of sending them: what scripts print may come from anywhere.
func harmless(s string) string {
	if strings.IndexFunc(s, steers) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !steers(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func steers(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) || r == 0x2028 || r == 0x2029)
}
