package call

import (
	"strconv"
	"strings"
)

// Position returns where the error was made: the first place of its stack. It
// is zero for an error without a stack, and for none.
func (e *Error) Position() Position {
	if e == nil {
		return Position{}
	}
	for line := range strings.SplitSeq(e.Stack, "\n") {
		frame, ok := strings.CutPrefix(strings.TrimSpace(line), "at ")
		if !ok {
			continue
		}
		if i := strings.LastIndexByte(frame, '('); i >= 0 {
			frame = strings.TrimSuffix(frame[i+1:], ")")
		}
		if p, ok := parsePosition(frame); ok {
			return p
		}
	}
	return Position{}
}

// parsePosition reads "file:line:column". The file's name may have colons.
func parsePosition(s string) (Position, bool) {
	rest, column, ok := cutColon(s)
	if !ok {
		return Position{}, false
	}
	file, line, ok := cutColon(rest)
	return Position{File: file, Line: line, Column: column}, ok && file != ""
}

// cutColon takes ":12" off the end of a text.
func cutColon(s string) (before string, n int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, 0, false
	}
	n, err := strconv.Atoi(s[i+1:])
	return s[:i], n, err == nil
}
