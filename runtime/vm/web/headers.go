package web

import (
	"slices"
	"strings"
)

// headerList is a list of header lines in order. Names keep their case and
// compare without it.
type headerList [][2]string

func (l headerList) has(name string) bool {
	return slices.ContainsFunc(l, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
}

// get joins all values of a name, as HTTP allows.
func (l headerList) get(name string) (value string, ok bool) {
	for _, h := range l {
		switch {
		case !strings.EqualFold(h[0], name):
		case !ok:
			value, ok = h[1], true
		default:
			value += ", " + h[1]
		}
	}
	return value, ok
}

// set replaces the first line of a name and removes the others.
func (l headerList) set(name, value string) headerList {
	i := slices.IndexFunc(l, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
	if i < 0 {
		return append(l, [2]string{name, value})
	}
	l[i][1] = value
	return append(l[:i+1], l[i+1:].without(name)...)
}

func (l headerList) without(name string) headerList {
	return slices.DeleteFunc(l, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
}

func (l headerList) clone() headerList { return slices.Clone(l) }

// setCookies returns the Set-Cookie lines, which must not be joined.
func (l headerList) setCookies() []string {
	var out []string
	for _, h := range l {
		if strings.EqualFold(h[0], "set-cookie") {
			out = append(out, h[1])
		}
	}
	return out
}

// sorted returns what iteration shows: names in lower case and in order,
// values joined, except for Set-Cookie.
func (l headerList) sorted() [][2]string {
	out := make([][2]string, 0, len(l))
	at := make(map[string]int, len(l))
	for _, h := range l {
		name := strings.ToLower(h[0])
		i, seen := at[name]
		if seen && name != "set-cookie" {
			out[i][1] += ", " + h[1]
			continue
		}
		at[name] = len(out)
		out = append(out, [2]string{name, h[1]})
	}
	slices.SortStableFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

// isToken reports whether s may be a header name or a method.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			continue
		}
		if !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) || c >= 0x80 {
			return false
		}
	}
	return s != ""
}

// trimValue removes the white space around a header value.
func trimValue(s string) string { return strings.Trim(s, " \t\r\n") }

// isHeaderValue reports whether s may stand in a header line. Characters up
// to U+00FF are bytes; others have no place there.
func isHeaderValue(s string) bool {
	for _, c := range s {
		if c == 0 || c == '\r' || c == '\n' || c > 0xFF {
			return false
		}
	}
	return true
}
