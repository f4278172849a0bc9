// Patterns: where a script answers. "/a/b" is exactly that path, "/a/:id" takes
// any one segment, and a last segment "*" takes whatever is below.

package site

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"reprise/runtime/call"
)

// maxParams is how many parameters a path may have, so that a lookup keeps
// them on its stack.
const maxParams = 16

// reserved is the first segment of the paths that are the server's own.
const reserved = "_"

// restParam is the name of what a trailing * has matched, in ctx.params.
const restParam = "*"

// pattern is a path, taken apart.
type pattern struct {
	segments []segment
	below    bool     // the path and everything below it
	rest     bool     // it was written with *, so ctx.params tells what is below
	params   []string // names, in order
}

// segment is one part of a path: a literal, or a parameter.
type segment struct {
	literal string
	param   bool
}

// DefaultPath returns where a script of that name answers if its config does
// not say: "a/b" at /a/b, "a/index" at /a, "index" at /.
func DefaultPath(name string) string {
	if name == "index" {
		return "/"
	}
	return "/" + strings.TrimSuffix(name, "/index")
}

// defaultPattern is the path of the script's name, and everything below.
func defaultPattern(name string) pattern {
	p := pattern{below: true}
	for seg := range strings.SplitSeq(strings.Trim(DefaultPath(name), "/"), "/") {
		if seg != "" {
			p.segments = append(p.segments, segment{literal: seg})
		}
	}
	return p
}

// parsePattern reads config.http.path.
func parsePattern(path string) (pattern, *call.Error) {
	bad := func(why string) (pattern, *call.Error) {
		return pattern{}, call.Errorf(call.CodeConfig, "config.http.path %q %s", path, why)
	}
	if !strings.HasPrefix(path, "/") {
		return bad("must begin with a slash")
	}
	if strings.ContainsAny(path, "?#\\") || strings.ContainsFunc(path, isControl) {
		return bad("must be a path only: no query, no fragment, no backslash, no control characters")
	}
	var p pattern
	if path == "/" {
		return p, nil
	}
	all := strings.Split(strings.TrimSuffix(path[1:], "/"), "/")
	for i, text := range all {
		last := i == len(all)-1
		switch {
		case text == "*" && last:
			p.below, p.rest = true, true
			continue
		case strings.Contains(text, "*"):
			return bad("may have * as its last segment only")
		}
		seg, why := parseSegment(text, p.params)
		if why != "" {
			return bad(why)
		}
		if seg.param {
			p.params = append(p.params, text[1:])
		}
		p.segments = append(p.segments, seg)
	}
	if len(p.segments) > 0 && p.segments[0].literal == reserved {
		return bad("is under /_/, which belongs to the server")
	}
	return p, nil
}

// parseSegment reads one segment; why says what is wrong with it.
func parseSegment(text string, params []string) (seg segment, why string) {
	switch {
	case text == "":
		return seg, "has an empty segment"
	case text == "." || text == "..":
		return seg, "may not have the segments . and .."
	case strings.ContainsAny(text, "{}[]<>"):
		return seg, "has " + text + ", and a parameter is written :id"
	case text[0] != ':':
		literal, err := url.PathUnescape(text)
		if err != nil {
			return seg, "has a % that is not followed by two hexadecimal digits"
		}
		return segment{literal: literal}, ""
	case !isName(text[1:]):
		return seg, "has a parameter whose name is not letters, digits and _: " + text
	case slices.Contains(params, text[1:]):
		return seg, "has the parameter " + text + " twice"
	case len(params) == maxParams:
		return seg, "has more than 16 parameters"
	}
	return segment{param: true}, ""
}

// String returns the pattern as people write it.
func (p *pattern) String() string {
	var b strings.Builder
	params := p.params
	for _, s := range p.segments {
		b.WriteByte('/')
		if s.param {
			b.WriteString(":" + params[0])
			params = params[1:]
		} else {
			b.WriteString(s.literal)
		}
	}
	switch {
	case p.rest:
		b.WriteString("/*")
	case b.Len() == 0:
		return "/"
	}
	return b.String()
}

// same reports whether two patterns match the same paths; the names of
// parameters make no difference.
func (p *pattern) same(q *pattern) bool {
	return p.below == q.below && slices.Equal(p.segments, q.segments)
}

// checkMethods checks config.http.method and returns it in upper case.
func checkMethods(methods []string) ([]string, *call.Error) {
	out := make([]string, 0, len(methods))
	for _, m := range methods {
		m = strings.ToUpper(m)
		if !httpguts.ValidHeaderFieldName(m) || m == http.MethodConnect || m == http.MethodTrace {
			return nil, call.Errorf(call.CodeConfig, "config.http.method %q is not a method that a script can answer", m)
		}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out, nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
