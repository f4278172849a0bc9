package script

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"reprise/runtime/call"
)

const (
	framesBefore = 2   // lines shown above the one that is meant
	frameWidth   = 160 // columns of a line shown, for minified files
)

// codeFrame shows the line of source that pos means, with a caret below it:
//
//	  2 | export const config = {
//	> 3 |   timout: "5s",
//	    |   ^^^^^^
//
// length is how many characters the caret spans; at least one is shown.
func codeFrame(source string, pos call.Position, length int) string {
	lines := strings.Split(source, "\n")
	if pos.Line < 1 || pos.Line > len(lines) {
		return ""
	}
	var b strings.Builder
	digits := len(fmt.Sprint(pos.Line))
	at := byteColumn(lines[pos.Line-1], pos.Column-1)
	start := frameStart(lines[pos.Line-1], at)
	for n := max(1, pos.Line-framesBefore); n <= pos.Line; n++ {
		mark := " "
		if n == pos.Line {
			mark = ">"
		}
		text := window(strings.TrimSuffix(lines[n-1], "\r"), start)
		b.WriteString(strings.TrimRight(fmt.Sprintf("%s %*d | %s", mark, digits, n, text), " \t") + "\n")
	}
	line := strings.TrimSuffix(lines[pos.Line-1], "\r")
	at = min(at, len(line))
	fmt.Fprintf(&b, "  %*s | %s%s", digits, "", indent(line[min(start, at):at]), carets(window(line[at:], 0), length))
	return b.String()
}

// byteColumn turns a column counted in UTF-16 units, as source maps and editors
// count, into bytes.
func byteColumn(line string, units int) int {
	for i, r := range line {
		if units <= 0 {
			return i
		}
		units -= utf16.RuneLen(max(r, 0))
	}
	return len(line)
}

// unitColumn is the reverse of byteColumn.
func unitColumn(line string, bytes int) int {
	units := 0
	for i, r := range line {
		if i >= bytes {
			return units
		}
		units += utf16.RuneLen(max(r, 0))
	}
	return units
}

// frameStart is where the shown part of a long line begins.
func frameStart(line string, at int) int {
	if len(line) <= frameWidth || at < frameWidth*2/3 {
		return 0
	}
	start := at - frameWidth/2
	for start > 0 && !utf8.RuneStart(line[start]) {
		start--
	}
	return start
}

func window(line string, start int) string {
	if start >= len(line) {
		return ""
	}
	line = line[start:]
	if len(line) <= frameWidth {
		return line
	}
	end := frameWidth
	for end > 0 && !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}

// indent is as wide as text, and has its tabs.
func indent(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return '\t'
		}
		return ' '
	}, text)
}

// carets underlines the first length bytes of text.
func carets(text string, length int) string {
	n := utf8.RuneCountInString(text[:min(max(length, 0), len(text))])
	return strings.Repeat("^", max(1, n))
}
