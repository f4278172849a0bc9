// What commands print for people: values of scripts in it come from anywhere,
// so nothing of them steers the terminal.

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"reprise/runtime"
	"reprise/runtime/call"
)

// printable shows the characters that would steer a terminal, line breaks
// among them, instead of sending them.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// clipped is a text in one line of at most n characters.
func clipped(s string, n int) string {
	s = printable(strings.Join(strings.Fields(s), " "))
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// ago is the time from t until now in one unit: "3m".
func ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// moment is a time for people, in their zone.
func moment(t time.Time) string { return t.Local().Format(time.DateTime) }

// shortValue is the most of a JSON value that fits beside its name.
const shortValue = 80

// jsonText is a JSON value for people: in one line if it is short.
func jsonText(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) == nil && b.Len() > shortValue {
		b.Reset()
		_ = json.Indent(&b, raw, "", "  ") // it was valid just now
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

// writeJSON prints a value as JSON, indented.
func writeJSON(w io.Writer, value any) error {
	b, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// writeLine prints a value as JSON in one line.
func writeLine(w io.Writer, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// at is a position behind what stands there, or nothing.
func at(pos *call.Position) string {
	if pos == nil || pos.IsZero() {
		return ""
	}
	return "  " + printable(pos.String())
}

// divergenceText says where a replay did something else.
func divergenceText(d *runtime.Divergence) string {
	turn := fmt.Sprintf("turn %d", d.Turn)
	switch {
	case d.Message == "":
		return turn
	case strings.Contains(d.Message, turn):
		return d.Message
	}
	return turn + ": " + d.Message
}

// printDivergence prints where a replay did something else, with both places.
func printDivergence(w io.Writer, indent string, d *runtime.Divergence) {
	fmt.Fprintf(w, "%s%s\n", indent, clipped(divergenceText(d), 300))
	printPlaces(w, indent+"  ", d)
}

// printPlaces prints what the journal has and what the script did instead.
func printPlaces(w io.Writer, indent string, d *runtime.Divergence) {
	side := func(name string, c *runtime.CallDetail) {
		text := "nothing"
		if c != nil {
			text = callText(c)
		}
		fmt.Fprintf(w, "%s%s  %s\n", indent, name, text)
	}
	if d.Expected != nil || d.Got != nil {
		side("the journal has ", d.Expected)
		side("the script makes", d.Got)
	}
}

// callText is a call in one line.
func callText(c *runtime.CallDetail) string {
	text := c.Kind
	if c.Target != "" {
		text += " " + c.Target
	}
	if c.Step != "" {
		text += " (step " + c.Step + ")"
	}
	text = clipped(text, 120)
	if len(c.Args) > 0 {
		text += " " + clipped(string(c.Args), 80)
	}
	return text + at(c.Src)
}
