package httpbind_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/connections/egress"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var runKey = []byte("the key of run r1")

// host is a binding under test, and what it reported.
type host struct {
	t        testing.TB
	b        *httpbind.Binding
	mu       sync.Mutex
	attempts []call.Attempt
	waits    []time.Duration
}

func newHost(t testing.TB, o httpbind.Options) *host {
	t.Helper()
	if o.Random == nil {
		o.Random = func() float64 { return 1 }
	}
	if o.Egress == nil {
		o.Egress = egressOf(t, "public", "loopback")
	}
	h := &host{t: t, b: httpbind.New(o)}
	t.Cleanup(h.b.Close)
	return h
}

// egressOf is the server's egress policy with that list.
func egressOf(t testing.TB, allow ...string) *egress.Policy {
	t.Helper()
	p, err := egress.New(egress.Options{Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serve starts an upstream.
func serve(t testing.TB, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s
}

func classOf(method string) call.Class {
	switch method {
	case "GET", "HEAD":
		return call.Read
	case "PUT", "DELETE":
		return call.Idempotent
	}
	return call.Write
}

func (h *host) performance(req web.HTTPRequest, body string) *call.Performance {
	args, err := json.Marshal(req)
	if err != nil {
		h.t.Fatal(err)
	}
	target, _, _ := strings.Cut(req.URL, "?")
	c := call.Call{ID: 7, Kind: web.KindHTTP, Target: req.Method + " " + target, Class: classOf(req.Method), Args: args}
	if req.IdempotencyKey != "" {
		c.Class = call.Idempotent
	}
	if body != "" {
		c.Body = call.Bytes([]byte(body))
	}
	return &call.Performance{
		By: call.Caller{Run: "r1", Script: "s", SecretKey: runKey, Connections: []string{"shop", "other", "api"}}, Call: c,
		Attempt: func(a call.Attempt) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.attempts = append(h.attempts, a)
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.waits = append(h.waits, d)
			return context.Cause(ctx)
		},
		Hold: func(b []byte) call.Body { return call.Bytes(b) },
		Read: func(b call.Body) ([]byte, error) {
			if b.IsHeld() {
				return nil, errors.New("no such body")
			}
			return b.Inline, nil
		},
	}
}

func (h *host) do(req web.HTTPRequest, body string) call.Outcome {
	h.t.Helper()
	return h.b.Do(h.t.Context(), h.performance(req, body))
}

// ok performs a request that must come back with a response.
func (h *host) ok(req web.HTTPRequest, body string) (web.HTTPResponse, string) {
	h.t.Helper()
	o := h.do(req, body)
	if o.Err != nil {
		h.t.Fatalf("%s %s: %v", req.Method, req.URL, o.Err)
	}
	var res web.HTTPResponse
	if err := json.Unmarshal(o.Value, &res); err != nil {
		h.t.Fatalf("value %s: %v", o.Value, err)
	}
	return res, string(o.Body.Inline)
}

// fails performs a request that must fail with code.
func (h *host) fails(req web.HTTPRequest, body string, code call.Code, text string) *call.Error {
	h.t.Helper()
	o := h.do(req, body)
	if o.Err == nil || o.Err.Code != string(code) || !strings.Contains(o.Err.Error(), text) {
		h.t.Fatalf("%s %s: %v, want %s with %q", req.Method, req.URL, o.Err, code, text)
	}
	return o.Err
}

func get(url string) web.HTTPRequest { return web.HTTPRequest{Method: "GET", URL: url} }

func TestResponse(t *testing.T) {
	// What comes back is the status, the headers in one order, and the body.
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-B"] = []string{"1", "2"}
		w.Header().Set("X-A", "caf\xe9")
		w.Header()["Date"] = nil
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(r.Method + " " + r.RequestURI + " " + r.Header.Get("X-One") + " " + r.Header.Get("User-Agent")))
	})
	h := newHost(t, httpbind.Options{})
	req := get(s.URL + "/a%2Fb?q=1&q=2#frag")
	req.Headers = [][2]string{{"x-one", "é"}, {"Host", "evil.example.com"}, {"Accept-Encoding", "br"}, {"Content-Length", "9"}}
	o := h.do(req, "")
	want := `{"status":418,"statusText":"I'm a teapot","url":"` + s.URL + `/a%2Fb?q=1&q=2","headers":[["content-length","28"],["content-type","text/plain; charset=utf-8"],["x-a","café"],["x-b","1"],["x-b","2"]]}`
	if string(o.Value) != want {
		t.Fatalf("value = %s\nwant    %s", o.Value, want)
	}
	if got, want := string(o.Body.Inline), "GET /a%2Fb?q=1&q=2 \xe9 reprise"; got != want {
		t.Fatalf("body = %q, want %q", got, want)
	}
}

func TestBodies(t *testing.T) {
	// Bodies go out byte for byte, with a length; null and empty bodies differ.
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/none" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		var b strings.Builder
		if err := r.Write(&b); err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Length", r.Header.Get("Content-Length"))
		_, body, _ := strings.Cut(b.String(), "\r\n\r\n")
		_, _ = w.Write([]byte(body))
	})
	h := newHost(t, httpbind.Options{})
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "QUERY"} {
		res, body := h.ok(web.HTTPRequest{Method: method, URL: s.URL, Headers: [][2]string{{"content-type", "application/json"}}}, `{"a":1}`)
		if res.Status != 200 || body != `{"a":1}` {
			t.Errorf("%s: %d %q", method, res.Status, body)
		}
	}
	if o := h.do(get(s.URL+"/none"), ""); o.Body.Present {
		t.Errorf("204 has a body: %+v", o.Body)
	}
	if o := h.do(web.HTTPRequest{Method: "HEAD", URL: s.URL}, ""); o.Body.Present || o.Err != nil {
		t.Errorf("HEAD: %+v", o)
	}
	if o := h.do(web.HTTPRequest{Method: "POST", URL: s.URL}, ""); !o.Body.Present {
		t.Errorf("an empty body is missing: %+v", o)
	}
}

func TestIdempotencyKey(t *testing.T) {
	// Writes carry a key that is the same over attempts; a script's own wins.
	var mu sync.Mutex
	var keys []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		w.WriteHeader(http.StatusTooManyRequests)
	})
	h := newHost(t, httpbind.Options{})
	h.ok(web.HTTPRequest{Method: "POST", URL: s.URL}, "x")
	h.ok(web.HTTPRequest{Method: "POST", URL: s.URL, IdempotencyKey: "mine"}, "x")
	h.ok(web.HTTPRequest{Method: "PUT", URL: s.URL, Retry: &web.HTTPRetry{Attempts: 1}}, "x")
	if len(keys) != 7 || len(keys[0]) != 32 || keys[0] != keys[1] || keys[1] != keys[2] || keys[3] != "mine" || keys[5] != "mine" || keys[6] != "" {
		t.Fatalf("keys = %q", keys)
	}
}

func TestBadArguments(t *testing.T) {
	h := newHost(t, httpbind.Options{})
	for name, req := range map[string]web.HTTPRequest{
		"no method":     {URL: "http://a/"},
		"tunnel":        {Method: "CONNECT", URL: "http://a/"},
		"relative":      get("/a"),
		"scheme":        get("file:///etc/passwd"),
		"credentials":   get("http://u:p@a/"),
		"unreadable":    get("http://a/%zz"),
		"header value":  {Method: "GET", URL: "http://a/", Headers: [][2]string{{"a", "b\r\nc: d"}}},
		"header name":   {Method: "GET", URL: "http://a/", Headers: [][2]string{{"a b", "c"}}},
		"key":           {Method: "POST", URL: "http://a/", IdempotencyKey: "a\nb"},
		"unknown auth":  {Method: "GET", URL: "http://a/", Auth: &web.HTTPAuth{Type: "magic"}},
		"nameless key":  {Method: "GET", URL: "http://a/", Auth: &web.HTTPAuth{Type: "apiKey", In: "header"}},
		"oauth no URL":  {Method: "GET", URL: "http://a/", Auth: &web.HTTPAuth{Type: "oauth2"}},
		"control in it": get("http://a/\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			o := h.do(req, "")
			if o.Err == nil || o.Err.Code != string(call.CodeInvalidArgument) {
				t.Fatalf("outcome = %+v, err %v", o, o.Err)
			}
		})
	}
	h.fails(web.HTTPRequest{Method: "GET", URL: "/a", Connection: "nope"}, "", call.CodeNotFound, `"nope"`)
}

func TestDepth(t *testing.T) {
	// Our own server is told how deep the caller is, by us and not by the
	// script; others are told nothing, on no hop.
	var self, other *httptest.Server
	answer := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/end", http.StatusFound)
		case "/home":
			http.Redirect(w, r, self.URL+"/end", http.StatusFound)
		default:
			_, _ = w.Write([]byte(strings.Join(r.Header["X-Reprise-Depth"], ",")))
		}
	}
	self, other = serve(t, answer), serve(t, answer)
	set, err := connections.NewSet(connections.Upstream{Name: "other", BaseURL: other.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.SetSelf(self.URL); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, httpbind.Options{Connections: set})
	for _, tc := range []struct{ connection, url, want string }{
		{"self", "/end", "6"},
		{"self", "/home", "6"},
		{"self", "/away", ""},
		{"", self.URL + "/end", "6"},
		{"other", "/end", ""},
		{"other", "/away", ""},
		{"other", "/home", "6"},
		{"", other.URL + "/end", ""},
	} {
		p := h.performance(web.HTTPRequest{Method: "GET", URL: tc.url, Connection: tc.connection, Headers: [][2]string{{"x-reprise-depth", "0"}}}, "")
		p.By.Depth = 5
		if o := h.b.Do(t.Context(), p); o.Err != nil || string(o.Body.Inline) != tc.want {
			t.Errorf("%s %s: depth %q, %v, want %q", tc.connection, tc.url, o.Body.Inline, o.Err, tc.want)
		}
	}
}

func TestConnections(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.RequestURI)) })
	set, err := connections.NewSet(connections.Upstream{Name: "shop", BaseURL: s.URL + "/v2/"})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, httpbind.Options{Connections: set})
	h.fails(web.HTTPRequest{Method: "GET", URL: "/a", Connection: "self"}, "", call.CodeUnavailable, "not listening")
	if err := set.SetSelf(s.URL); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ connection, path, want string }{
		{"shop", "/a/b?c=1", "/v2/a/b?c=1"},
		{"shop", "a", "/v2/a"},
		{"shop", "", "/v2/"},
		{"shop", "//evil.example.com/a", "/v2/evil.example.com/a"},
		{"shop", s.URL + "/v2/next?page=2", "/v2/next?page=2"},
		{"self", "/orders", "/orders"},
	} {
		if _, body := h.ok(web.HTTPRequest{Method: "GET", URL: tc.path, Connection: tc.connection}, ""); body != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.connection, tc.path, body, tc.want)
		}
	}
	for _, path := range []string{"../admin", "/a/../../b", "%2e%2e/admin", `..\admin`, "/a/..%2f..%2fb", "http://evil.example.com/", s.URL + "/v22", s.URL + "/v1"} {
		h.fails(web.HTTPRequest{Method: "GET", URL: path, Connection: "shop"}, "", call.CodeInvalidArgument, "")
	}
}
