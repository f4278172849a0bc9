package site

import (
	"strings"
	"testing"

	"reprise/runtime/call"
)

func TestDefaultPath(t *testing.T) {
	for name, want := range map[string]string{
		"index": "/", "hello": "/hello", "a/b": "/a/b", "a/index": "/a", "a/b/index": "/a/b", "reindex": "/reindex",
	} {
		if got := DefaultPath(name); got != want {
			t.Errorf("DefaultPath(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestParsePattern(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "/a": "/a", "/a/": "/a", "/a/:id/b": "/a/:id/b", "/*": "/*", "/a/*": "/a/*",
		"/caf%C3%A9": "/café", "/a.b/:_x1": "/a.b/:_x1",
	} {
		p, err := parsePattern(in)
		if err != nil {
			t.Errorf("parsePattern(%q): %v", in, err)
		} else if p.String() != want {
			t.Errorf("parsePattern(%q) = %s, want %s", in, p.String(), want)
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for in, why := range map[string]string{
		"":           "begin with a slash",
		"a":          "begin with a slash",
		"//":         "empty segment",
		"/a//b":      "empty segment",
		"/a/../b":    ". and ..",
		"/a?x=1":     "no query",
		"/a#x":       "no query",
		"/a\x00":     "control characters",
		"/*/a":       "last segment only",
		"/a*":        "last segment only",
		"/:":         "letters, digits",
		"/:1":        "letters, digits",
		"/:a-b":      "letters, digits",
		"/:a/:a":     "twice",
		"/a/{id}":    "a parameter is written :id",
		"/%zz":       "hexadecimal",
		"/_/healthz": "belongs to the server",
		"/_":         "belongs to the server",
		strings.Repeat("/:a", 1) + "/:b/:c/:d/:e/:f/:g/:h/:i/:j/:k/:l/:m/:n/:o/:p/:q": "more than 16",
	} {
		_, err := parsePattern(in)
		if err == nil {
			t.Errorf("parsePattern(%q) is accepted", in)
			continue
		}
		if err.Code != string(call.CodeConfig) || !strings.Contains(err.Message, why) {
			t.Errorf("parsePattern(%q) = %v, want a CONFIG_ERROR with %q", in, err, why)
		}
	}
}

func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{"/", "/a/:b/*", "/%2e%2e", "/_x", "/:a/:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p, err := parsePattern(in)
		if err != nil {
			return
		}
		// Whatever is accepted can be put into a table and found there.
		tab, terr := newTable([]RouteSource{{Name: "x", State: Live, Handlers: []string{"fetch"}, HTTP: &HTTP{Path: in}}})
		if terr != nil || len(tab.routes) != 1 {
			t.Fatalf("%q parses as %s but has no route: %v", in, p.String(), terr)
		}
	})
}
