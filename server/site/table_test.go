package site

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"reprise/runtime/call"
)

func script(name, path string, methods ...string) RouteSource {
	s := RouteSource{Name: name, File: "scripts/" + name + ".ts", State: Live, Revision: "r1", Handlers: []string{"fetch"}}
	if path != "" || len(methods) > 0 {
		s.HTTP = &HTTP{Path: path, Methods: methods}
	}
	return s
}

func mustTable(t testing.TB, sources ...RouteSource) *table {
	t.Helper()
	tab, err := newTable(sources)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// find returns "script name=value …" or "405 methods" or "404".
func find(t testing.TB, tab *table, request string) string {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	r, params, others := tab.lookup(method, u)
	switch {
	case r != nil:
		out := r.source.Name
		for _, p := range params {
			out += " " + p.Name + "=" + p.Value
		}
		return out
	case len(others) > 0:
		return "405 " + allowed(others)
	}
	return "404"
}

func TestLookup(t *testing.T) {
	tab := mustTable(t,
		script("hello", ""),
		script("orders/index", ""),
		script("orders/fulfil", "", "POST"),
		script("get", "/users/:id", "GET"),
		script("me", "/users/me", "POST"),
		script("deep", "/users/:id/posts/:post"),
		script("files", "/files/*", "get"),
		script("meta", "/files/:name/meta"),
		script("exact", "/exact"),
		script("write", "/things", "POST", "PUT"),
		script("head", "/things", "HEAD"),
		script("read", "/things", "GET"),
		script("space here", ""),
		script("greek/λ", ""),
	)
	for request, want := range map[string]string{
		"GET /hello":              "hello",
		"GET /hello/":             "hello",
		"GET /hello/and/below":    "hello",
		"GET /hello?x=/orders":    "hello",
		"GET /hellos":             "404",
		"GET /":                   "404",
		"GET //hello":             "404",
		"GET /orders":             "orders/index",
		"GET /orders/7":           "orders/index",
		"POST /orders/fulfil":     "orders/fulfil",
		"POST /orders/fulfil/now": "orders/fulfil",
		"GET /orders/fulfil":      "405 POST", // the longest prefix wins, and it does not take GET
		"GET /orders/fulfilled":   "orders/index",
		"GET /users/7":            "get id=7",
		"GET /users/7/":           "get id=7",
		"HEAD /users/7":           "get id=7",
		"POST /users/me":          "me",
		"GET /users/me":           "get id=me", // equally long: the method decides
		"PUT /users/me":           "405 GET, HEAD, POST",
		"GET /users/":             "404", // a parameter is never empty
		"GET /users/a%2Fb":        "get id=a/b",
		"GET /users/a%20b":        "get id=a b",
		"GET /users/7/posts/9":    "deep id=7 post=9",
		"GET /users/me/posts/9":   "deep id=me post=9",
		"GET /users/7/x":          "404",
		"GET /files":              "files *=",
		"GET /files/":             "files *=",
		"GET /files/a/b.txt":      "files *=a/b.txt",
		"GET /files/a%2Fb/c%20d":  "files *=a/b/c d",
		"GET /files/a/meta":       "meta name=a",
		"GET /files/a/meta/x":     "files *=a/meta/x",
		"GET /exact/below":        "404",
		"GET /things":             "read",
		"HEAD /things":            "head", // named HEAD is better than the one that comes with GET
		"PUT /things":             "write",
		"DELETE /things":          "405 GET, HEAD, POST, PUT",
		"GET /space%20here":       "space here",
		"GET /greek/%CE%BB":       "greek/λ",
		"GET /%zz":                "",
	} {
		if strings.HasSuffix(request, "%zz") {
			continue // net/url refuses it, so it can not get here
		}
		if got := find(t, tab, request); got != want {
			t.Errorf("%s: got %q, want %q", request, got, want)
		}
	}
}

func TestIndexAnswersWhatNobodyElseDoes(t *testing.T) {
	tab := mustTable(t, script("index", ""), script("a/b", ""), script("post", "/only", "POST"))
	for request, want := range map[string]string{
		"GET /": "index", "GET /x/y": "index", "GET /a": "index", "GET /a/b/c": "a/b", "GET /only": "405 POST",
	} {
		if got := find(t, tab, request); got != want {
			t.Errorf("%s: got %q, want %q", request, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	existing := []RouteSource{
		script("a/b", ""), script("users", "/users/:id", "GET"), script("all", "/all/*"), script("head", "/h", "HEAD"),
		{Name: "runner", State: Live, Handlers: []string{"run"}},
	}
	for _, tc := range []struct {
		name     string
		newcomer RouteSource
		why      string // "" means fine
	}{
		{"another place", script("c", ""), ""},
		{"itself again", script("a/b", ""), ""},
		{"the folder's index", script("a/b/index", ""), "already answered by the script a/b (scripts/a/b.ts)"},
		{"the same path, exactly", script("c", "/a/b"), ""}, // more exact, so no other place
		{"the same path and below", script("c", "/a/b/*"), "already answered"},
		{"another name for the parameter", script("c", "/users/:name", "GET"), "already answered"},
		{"another method", script("c", "/users/:name", "POST"), ""},
		{"all methods", script("c", "/users/:name"), "already answered"},
		{"one of the methods", script("c", "/users/:name", "POST", "get"), "GET /users/:name is already answered"},
		{"head gives way", script("c", "/h", "GET"), ""},
		{"a wrong path", script("c", "users"), "begin with a slash"},
		{"a wrong method", script("c", "/x", "GE T"), "not a method"},
		{"connect", script("c", "/x", "CONNECT"), "not a method"},
		{"no fetch handler", RouteSource{Name: "a/b/index", Handlers: []string{"run"}}, ""},
		{"beside a script without one", script("runner", ""), ""},
		{"credentials to anybody", RouteSource{Name: "c", Handlers: []string{"fetch"}, HTTP: &HTTP{CORS: &CORS{Credentials: true}}}, "credentials"},
		{"no origin", RouteSource{Name: "c", Handlers: []string{"fetch"}, HTTP: &HTTP{CORS: &CORS{Origins: []string{"example.com"}}}}, "not an origin"},
		{"no header", RouteSource{Name: "c", Handlers: []string{"fetch"}, HTTP: &HTTP{CORS: &CORS{Headers: []string{"x y"}}}}, "not a header"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Validate(existing, tc.newcomer)
			if tc.why == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.why) || call.CodeOf(err) != call.CodeConfig {
				t.Fatalf("got %v, want a CONFIG_ERROR with %q", err, tc.why)
			}
		})
	}
}

func TestTableKeepsTheFirstOfTwoAndSaysSo(t *testing.T) {
	tab, err := newTable([]RouteSource{script("a", ""), script("b", "/a/*"), script("c", "")})
	if err == nil || !strings.Contains(err.Error(), "script a (scripts/a.ts)") {
		t.Errorf("error is %v", err)
	}
	if got := find(t, tab, "GET /a"); got != "a" {
		t.Errorf("GET /a goes to %s", got)
	}
	if got := find(t, tab, "GET /c"); got != "c" {
		t.Errorf("GET /c goes to %s", got)
	}
}

func TestBrokenScriptTakesNoPlaceFromOneThatServes(t *testing.T) {
	broken := RouteSource{Name: "a", State: Broken}
	tab := mustTable(t, broken, script("b", "/a/*"))
	if got := find(t, tab, "GET /a"); got != "b *=" {
		t.Errorf("GET /a goes to %s", got)
	}
}

func TestRoutes(t *testing.T) {
	got := Routes(script("orders/fulfil", "/orders/:id", "post"))
	if diff := cmp.Diff([]Route{{Path: "/orders/:id", Methods: []string{"POST"}, Handler: "fetch"}}, got); diff != "" {
		t.Error(diff)
	}
	if got := Routes(RouteSource{Name: "a", Handlers: []string{"run"}}); got != nil {
		t.Errorf("a script without fetch has routes %v", got)
	}
}

// The table agrees with the rule, written as a loop over all routes: the
// longest prefix wins; among equals literals do, from left to right; then the
// more exact one.
func TestLongestPrefixWins(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", "c"})
	rapid.Check(t, func(t *rapid.T) {
		var sources []RouteSource
		for i := range rapid.IntRange(1, 12).Draw(t, "routes") {
			path := ""
			for j := range rapid.IntRange(0, 4).Draw(t, "length") {
				if rapid.Bool().Draw(t, "param") {
					path += "/:p" + string(rune('0'+j))
				} else {
					path += "/" + segment.Draw(t, "literal")
				}
			}
			if rapid.Bool().Draw(t, "below") {
				path += "/*"
			}
			methods := [][]string{nil, {"GET"}, {"POST"}}[rapid.IntRange(0, 2).Draw(t, "method")]
			s := script("s"+string(rune('a'+i)), orElse(path, "/"), methods...)
			if Validate(sources, s) == nil {
				sources = append(sources, s)
			}
		}
		tab, err := newTable(sources)
		if err != nil {
			t.Fatal(err)
		}
		path := "/" + strings.Join(rapid.SliceOfN(segment, 0, 5).Draw(t, "path"), "/")
		method := rapid.SampledFrom([]string{"GET", "POST"}).Draw(t, "asked")
		got, _, _ := tab.lookup(method, &url.URL{Path: path})
		want := slowLookup(tab.routes, method, path)
		if got != want {
			t.Fatalf("%s %s: got %v, want %v, of %v", method, path, got, want, tab.routes)
		}
	})
}

func slowLookup(routes []*route, method, path string) *route {
	var segs []string
	if path != "/" {
		segs = strings.Split(path[1:], "/")
	}
	var best *route
	longest := -1
	for _, r := range routes {
		if matches(r, segs) {
			longest = max(longest, len(r.pattern.segments))
		}
	}
	for _, r := range routes {
		if len(r.pattern.segments) == longest && matches(r, segs) && r.takes(method) && (best == nil || rank(r) < rank(best)) {
			best = r
		}
	}
	return best
}

func matches(r *route, segs []string) bool {
	p := r.pattern
	if len(segs) < len(p.segments) || len(segs) > len(p.segments) && !p.below {
		return false
	}
	for i, s := range p.segments {
		if !s.param && s.literal != segs[i] {
			return false
		}
	}
	return true
}

// rank orders routes of one length: a literal before a parameter, exact before below.
func rank(r *route) string {
	var b strings.Builder
	for _, s := range r.pattern.segments {
		if s.param {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	if r.pattern.below {
		b.WriteByte('1')
	} else {
		b.WriteByte('0')
	}
	return b.String()
}
