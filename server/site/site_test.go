package site

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/worker"
	"reprise/server/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine answers every request with the same result and remembers the last.
type engine struct {
	mu     sync.Mutex
	script string
	req    *worker.Request
	answer func(*worker.Request) runtime.FetchResult
}

func (e *engine) Fetch(script string, req *worker.Request) runtime.FetchResult {
	e.mu.Lock()
	e.script, e.req = script, req
	e.mu.Unlock()
	if e.answer != nil {
		return e.answer(req)
	}
	return runtime.FetchResult{Run: "run-1", Response: text("ok")}
}

func text(s string) *worker.Response {
	return &worker.Response{Status: 200, Headers: []worker.Header{{Name: "content-type", Value: "text/plain;charset=UTF-8"}}, Body: call.Bytes([]byte(s))}
}

type book struct {
	mu      sync.Mutex
	entries []logs.Entry
	counted []int
}

func (b *book) Emit(e logs.Entry) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, e)
	return uint64(len(b.entries))
}

func (b *book) RequestEnded(_ string, status int, _ time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counted = append(b.counted, status)
}

type fixture struct {
	site   *Site
	engine *engine
	book   *book
}

func newFixture(t testing.TB, o Options, scripts ...RouteSource) *fixture {
	t.Helper()
	f := &fixture{engine: &engine{}, book: &book{}}
	o.Engine, o.Log, o.Meter = f.engine, f.book, f.book
	f.site = New(o)
	if err := f.site.Update(scripts); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.site.ServeHTTP(w, r)
	return w
}

func (f *fixture) get(target string) *httptest.ResponseRecorder {
	return f.do(httptest.NewRequest("GET", target, nil))
}

func problemOf(t testing.TB, w *httptest.ResponseRecorder) *problem.Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != problem.ContentType {
		t.Fatalf("content type is %q, body %s", got, w.Body)
	}
	var p problem.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != w.Code {
		t.Errorf("the problem says %d, the answer %d", p.Status, w.Code)
	}
	return &p
}

// A request reaches its script whole: method, absolute URL, headers, body, parameters.
func TestRequestTranslation(t *testing.T) {
	f := newFixture(t, Options{}, script("order", "/orders/:id/*"))
	r := httptest.NewRequest("POST", "http://shop.test:8080/orders/a%2Fb/items/1?x=1&y=%20", strings.NewReader(`{"n":1}`))
	r.Header.Add("X-Two", "1")
	r.Header.Add("X-Two", "2")
	r.Header.Set("Accept", "application/json")
	w := f.do(r)
	if w.Code != 200 || w.Body.String() != "ok" || w.Header().Get("X-Reprise-Run") != "run-1" {
		t.Fatalf("answer is %d %s %v", w.Code, w.Body, w.Header())
	}
	want := &worker.Request{
		Method: "POST", URL: "http://shop.test:8080/orders/a%2Fb/items/1?x=1&y=%20",
		Headers: []worker.Header{{Name: "Accept", Value: "application/json"}, {Name: "Host", Value: "shop.test:8080"}, {Name: "X-Two", Value: "1"}, {Name: "X-Two", Value: "2"}},
		Body:    call.Bytes([]byte(`{"n":1}`)),
		Params:  []worker.Header{{Name: "id", Value: "a/b"}, {Name: "*", Value: "items/1"}},
	}
	if diff := cmp.Diff(want, f.engine.req); diff != "" {
		t.Error(diff)
	}
	if len(f.book.entries) != 0 {
		t.Errorf("the engine logs what it answers, but there are %v", f.book.entries)
	}
}

// A circle of scripts ends; the script learns nothing of how deep it is.
func TestDepth(t *testing.T) {
	for header, want := range map[string]int{"": 0, "1": 1, "16": 16, "-3": 0, "many": 0} {
		f := newFixture(t, Options{}, script("a", ""))
		r := httptest.NewRequest("GET", "/a", nil)
		r.Header.Set(call.DepthHeader, header)
		if w := f.do(r); w.Code != 200 || f.engine.req.Depth != want {
			t.Errorf("%q: %d, depth %d", header, w.Code, f.engine.req.Depth)
		}
		if slices.ContainsFunc(f.engine.req.Headers, func(h worker.Header) bool { return h.Name == call.DepthHeader }) {
			t.Errorf("the script sees %v", f.engine.req.Headers)
		}
	}
	f := newFixture(t, Options{}, script("a", ""))
	r := httptest.NewRequest("GET", "/a", nil)
	r.Header.Set(call.DepthHeader, "17")
	p := problemOf(t, f.do(r))
	if p.Status != http.StatusLoopDetected || p.Code != string(call.CodeResource) || !strings.Contains(p.Detail, "in a circle: GET /a is 17 calls deep") || f.engine.req != nil {
		t.Errorf("problem is %+v", p)
	}
	if len(f.book.entries) != 1 {
		t.Errorf("log: %v", f.book.entries)
	}
}

// Each caller in a circle is told 508, which nobody tries again, up to the
// request from outside: that one failed like any other.
func TestACircleIsNotTriedAgain(t *testing.T) {
	for header, want := range map[string]int{"16": 508, "1": 508, "": 500} {
		f := newFixture(t, Options{}, script("a", ""))
		f.engine.answer = func(*worker.Request) runtime.FetchResult {
			return runtime.FetchResult{Run: "run-1", Err: call.Errorf(call.CodeHTTP, "GET /a answered 508").WithData(map[string]any{"status": 508})}
		}
		r := httptest.NewRequest("GET", "/a", nil)
		r.Header.Set(call.DepthHeader, header)
		if p := problemOf(t, f.do(r)); p.Status != want || p.Run != "run-1" || (want == 508) != strings.Contains(p.Detail, "in a circle") {
			t.Errorf("%q: %+v", header, p)
		}
	}
}

func TestBodyLimitOfAScript(t *testing.T) {
	// A script may have a lower limit than others.
	small := script("small", "")
	small.MaxBody = 5
	f := newFixture(t, Options{MaxBody: 10}, small, script("a", ""))
	p := problemOf(t, f.do(httptest.NewRequest("POST", "/small", strings.NewReader("123456"))))
	if p.Status != 413 || !strings.Contains(p.Detail, "5 bytes") {
		t.Errorf("problem is %+v", p)
	}
	for path, body := range map[string]string{"/small": "12345", "/a": "123456"} {
		if w := f.do(httptest.NewRequest("POST", path, strings.NewReader(body))); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestRequestWithoutBodyHasNone(t *testing.T) {
	f := newFixture(t, Options{}, script("a", ""))
	f.get("/a")
	if f.engine.req.Body.Present || f.engine.req.URL != "http://example.com/a" {
		t.Errorf("request is %+v", f.engine.req)
	}
}

func TestBodyLimit(t *testing.T) {
	f := newFixture(t, Options{MaxBody: 10}, script("a", ""))
	for name, body := range map[string]io.Reader{
		"with a length": strings.NewReader("12345678901"),
		"in chunks":     io.MultiReader(strings.NewReader("12345678901")),
	} {
		t.Run(name, func(t *testing.T) {
			p := problemOf(t, f.do(httptest.NewRequest("POST", "/a", body)))
			if p.Status != 413 || p.Code != "BODY_TOO_LARGE_ERROR" || !strings.Contains(p.Detail, "10 bytes") {
				t.Errorf("problem is %+v", p)
			}
		})
	}
	if got := len(f.book.entries); got != 2 {
		t.Errorf("%d entries in the log, want 2", got)
	}
	if w := f.do(httptest.NewRequest("POST", "/a", strings.NewReader("1234567890"))); w.Code != 200 {
		t.Errorf("a body of the limit's size: %d", w.Code)
	}
}

func TestResponseTranslation(t *testing.T) {
	header := func(pairs ...string) (out []worker.Header) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, worker.Header{Name: pairs[i], Value: pairs[i+1]})
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		method string
		resp   worker.Response
		status int
		body   string
		want   map[string]string // "-" means absent
	}{
		{
			"length is ours", "GET",
			worker.Response{Status: 200, Headers: header("content-length", "3"), Body: call.Bytes([]byte("hello"))},
			200, "hello",
			map[string]string{"Content-Length": "5", "Content-Type": "-"},
		},
		{
			"hop by hop headers are dropped", "GET",
			worker.Response{Status: 200, Headers: header("connection", "close, X-Mine", "x-mine", "1", "transfer-encoding", "chunked", "upgrade", "h2c", "keep-alive", "x", "te", "x", "trailer", "x", "x-other", "2")},
			200, "",
			map[string]string{"Connection": "-", "X-Mine": "-", "Transfer-Encoding": "-", "Upgrade": "-", "Keep-Alive": "-", "Te": "-", "Trailer": "-", "X-Other": "2"},
		},
		{
			"lines stay lines", "GET",
			worker.Response{Status: 200, Headers: header("set-cookie", "a=1", "Set-Cookie", "b=2")},
			200, "",
			map[string]string{"Set-Cookie": "a=1|b=2"},
		},
		{"204 has no body", "GET", worker.Response{Status: 204, Body: call.Bytes([]byte("x"))}, 204, "", map[string]string{"Content-Length": "-"}},
		{"304 has no body", "GET", worker.Response{Status: 304, Headers: header("etag", `"1"`), Body: call.Bytes([]byte("x"))}, 304, "", map[string]string{"Etag": `"1"`}},
		{"HEAD has the length and no body", "HEAD", worker.Response{Status: 200, Body: call.Bytes([]byte("hello"))}, 200, "", map[string]string{"Content-Length": "5"}},
		{"HEAD may know the length", "HEAD", worker.Response{Status: 200, Headers: header("content-length", "77")}, 200, "", map[string]string{"Content-Length": "77"}},
		{"the run is ours", "GET", worker.Response{Status: 200, Headers: header("x-reprise-run", "forged")}, 200, "", map[string]string{"X-Reprise-Run": "run-1"}},
		{"a redirect goes through", "GET", worker.Response{Status: 302, Headers: header("location", "/x")}, 302, "", map[string]string{"Location": "/x"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, Options{}, script("a", ""))
			f.engine.answer = func(*worker.Request) runtime.FetchResult {
				return runtime.FetchResult{Run: "run-1", Response: &tc.resp}
			}
			w := f.do(httptest.NewRequest(tc.method, "/a", nil))
			if w.Code != tc.status || w.Body.String() != tc.body {
				t.Errorf("answer is %d %q, want %d %q", w.Code, w.Body, tc.status, tc.body)
			}
			for name, want := range tc.want {
				got := strings.Join(w.Header().Values(name), "|")
				if want == "-" {
					want = ""
				}
				if got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

// What HTTP has no form for does not go out, nor does any part of it.
func TestResponseRefused(t *testing.T) {
	for name, resp := range map[string]worker.Response{
		"a line break in a value": {Status: 200, Headers: []worker.Header{{Name: "x-ok", Value: "1"}, {Name: "x-bad", Value: "a\r\nSet-Cookie: b=1"}}},
		"a space in a name":       {Status: 200, Headers: []worker.Header{{Name: "x bad", Value: "1"}}},
		"a status of its own":     {Status: 101},
		"no status":               {},
		"a held body":             {Status: 200, Body: call.Held("h", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{Dev: true}, script("a", ""))
			f.engine.answer = func(*worker.Request) runtime.FetchResult { return runtime.FetchResult{Run: "run-1", Response: &resp} }
			w := f.get("/a")
			p := problemOf(t, w)
			if p.Status != 500 || p.Run != "run-1" || !strings.Contains(p.Detail, "can not be sent") {
				t.Errorf("problem is %+v", p)
			}
			if w.Header().Get("X-Ok") != "" || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("headers of the refused response went out: %v", w.Header())
			}
			if len(f.book.entries) != 1 || f.book.entries[0].Run != "run-1" {
				t.Errorf("log has %v", f.book.entries)
			}
		})
	}
}

func TestScriptFailures(t *testing.T) {
	thrown := &call.Error{Name: "TypeError", Message: "x is undefined", Stack: "at scripts/a.ts:3:9"}
	for _, tc := range []struct {
		name   string
		run    string
		err    *call.Error
		status int
		code   string
	}{
		{"thrown", "r1", thrown, 500, "TYPE_ERROR"},
		{"own code", "r1", &call.Error{Name: "Error", Message: "inner detail", Code: "E_MINE"}, 500, "E_MINE"},
		{"odd code", "r1", &call.Error{Name: "?", Message: "inner detail", Code: "a\r\nb"}, 500, "ERROR"},
		{"upstream time-out", "r1", call.Errorf(call.CodeTimeout, "slow"), 504, "TIMEOUT_ERROR"},
		{"wall", "r1", call.Errorf(call.CodeResource, "inner detail").WithData(map[string]any{"limit": "timeout"}), 504, "RESOURCE_ERROR"},
		{"cpu", "r1", call.Errorf(call.CodeResource, "hot").WithData(map[string]any{"limit": "turnCpu"}), 503, "RESOURCE_ERROR"},
		{"result", "r1", call.Errorf(call.CodeResource, "large").WithData(map[string]any{"limit": "result"}), 500, "RESOURCE_ERROR"},
		{"stopping", "", call.Errorf(call.CodeUnavailable, "stopping"), 503, "UNAVAILABLE_ERROR"},
		{"gone", "", call.Errorf(call.CodeNotFound, "there is no script a"), 404, "NOT_FOUND_ERROR"},
		{"not found by the script", "r1", call.Errorf(call.CodeNotFound, "no such key"), 500, "NOT_FOUND_ERROR"},
	} {
		for _, dev := range []bool{true, false} {
			f := newFixture(t, Options{Dev: dev}, script("a", ""))
			f.engine.answer = func(*worker.Request) runtime.FetchResult { return runtime.FetchResult{Run: tc.run, Err: tc.err} }
			w := f.get("/a")
			p := problemOf(t, w)
			if p.Status != tc.status || p.Code != tc.code || p.Run != tc.run || w.Header().Get("X-Reprise-Run") != tc.run {
				t.Errorf("%s, dev %v: %+v", tc.name, dev, p)
			}
			told := strings.Contains(w.Body.String(), tc.err.Message) && p.Stack == tc.err.Stack
			if told != dev {
				t.Errorf("%s, dev %v: %s", tc.name, dev, w.Body)
			}
			if logged := len(f.book.entries) == 1; logged != (tc.run == "") {
				t.Errorf("%s: %d entries; the engine logs what ran, we what did not", tc.name, len(f.book.entries))
			}
		}
	}
}

func TestWhenToTryAgain(t *testing.T) {
	// A request that lost its worker may be sent again at once, one that the server
	// could not serve in a second.
	crowd := func(c worker.Crowd) *call.Error {
		c.Limit = "turns waiting"
		return call.Errorf(call.CodeUnavailable, "busy").WithData(c)
	}
	limit := func(name string) *call.Error {
		return call.Errorf(call.CodeResource, "too much").WithData(map[string]any{"limit": name, "killed": true})
	}
	for _, tc := range []struct {
		name   string
		err    *call.Error
		status int
		after  string
		title  string
	}{
		{"lost", call.Errorf(call.CodeWorkerLost, "gone"), 503, "0", "Try again."},
		{"guilty", limit("turnCpu"), 503, "1", "The script failed."},
		{"guilty of its memory", limit("memory"), 503, "1", "The script failed."},
		{"guilty of its end", limit("process"), 503, "1", "The script failed."},
		{"too large for the pipe", limit("message"), 500, "", "The script failed."},
		{"many of the script wait", crowd(worker.Crowd{Allowed: 1000, Script: "a"}), 429, "1", "Try again."},
		{"many wait", crowd(worker.Crowd{Allowed: 8000}), 503, "1", "The script failed."},
		{"no worker", call.Errorf(call.CodeUnavailable, "no worker process is ready"), 503, "1", "The script failed."},
	} {
		f := newFixture(t, Options{}, script("a", ""))
		f.engine.answer = func(*worker.Request) runtime.FetchResult { return runtime.FetchResult{Run: "r1", Err: tc.err} }
		w := f.get("/a")
		p := problemOf(t, w)
		if p.Status != tc.status || p.Title != tc.title || w.Header().Get("Retry-After") != tc.after || w.Code != tc.status {
			t.Errorf("%s: %+v, Retry-After %q", tc.name, p, w.Header().Get("Retry-After"))
		}
	}
}

func TestNotFound(t *testing.T) {
	scripts := []RouteSource{
		script("hello", ""),
		{Name: "orders/fulfil", File: "scripts/orders/fulfil.ts", State: Live, Handlers: []string{"run"}},
	}
	dev, prod := newFixture(t, Options{Dev: true}, scripts...), newFixture(t, Options{}, scripts...)

	p := problemOf(t, dev.get("/things/new"))
	if p.Status != 404 || p.Code != "NOT_FOUND_ERROR" || !strings.Contains(p.Hint, "scripts/things/new.ts") || !strings.Contains(p.Hint, "/hello (scripts/hello.ts)") {
		t.Errorf("unknown, dev: %+v", p)
	}
	if p := problemOf(t, dev.get("/../etc/passwd")); p.Status != 400 {
		t.Errorf("dots: %+v", p)
	}
	if p := problemOf(t, dev.get("/_x/<b>")); strings.Contains(p.Hint, "Create") {
		t.Errorf("a path that no file can answer: %+v", p)
	}
	for _, path := range []string{"/orders/fulfil", "/orders/fulfil/7"} {
		p := problemOf(t, dev.get(path))
		if p.Status != 404 || !strings.Contains(p.Detail, "the script orders/fulfil (scripts/orders/fulfil.ts) has no fetch handler") {
			t.Errorf("no fetch handler, dev: %+v", p)
		}
	}
	for _, path := range []string{"/things/new", "/orders/fulfil"} {
		w := prod.get(path)
		if w.Code != 404 || strings.Contains(w.Body.String(), "scripts/") {
			t.Errorf("serve tells too much: %d %s", w.Code, w.Body)
		}
	}
	if len(prod.book.entries) != 2 || prod.book.entries[0].Kind != logs.KindRequest || prod.book.entries[0].Level != logs.Warn {
		t.Errorf("log has %v", prod.book.entries)
	}
	if diff := cmp.Diff([]int{404, 404}, prod.book.counted); diff != "" {
		t.Error(diff)
	}
}

func TestBroken(t *testing.T) {
	broken := RouteSource{Name: "a", File: "scripts/a.ts", State: Broken, Err: call.Errorf(call.CodeCompile, "scripts/a.ts:3:1: unexpected }")}
	p := problemOf(t, newFixture(t, Options{Dev: true}, broken).get("/a/b"))
	if p.Status != 503 || p.Code != "COMPILE_ERROR" || !strings.Contains(p.Detail, "scripts/a.ts:3:1: unexpected }") {
		t.Errorf("dev: %+v", p)
	}
	w := newFixture(t, Options{}, broken).get("/a")
	if p := problemOf(t, w); p.Status != 503 || p.Code != "UNAVAILABLE_ERROR" || strings.Contains(w.Body.String(), "scripts") {
		t.Errorf("serve: %+v", p)
	}
}

func TestMethodNotAllowed(t *testing.T) {
	f := newFixture(t, Options{}, script("a", "", "GET", "PUT"))
	w := f.do(httptest.NewRequest("DELETE", "/a", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, PUT" {
		t.Errorf("%d, Allow: %s", w.Code, w.Header().Get("Allow"))
	}
}

func TestReserved(t *testing.T) {
	ready := error(nil)
	f := newFixture(t, Options{Ready: func() error { return ready }}, script("index", ""))
	for path, want := range map[string]int{"/_/healthz": 200, "/_/readyz": 200, "/_/": 404, "/_": 404, "/_/other": 404, "/%5F/healthz": 200, "/__": 200} {
		if got := f.get(path).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	ready = io.EOF
	if got := f.get("/_/readyz").Code; got != 503 {
		t.Errorf("/_/readyz while not ready: %d", got)
	}
}

func TestAuth(t *testing.T) {
	guarded := script("a", "")
	guarded.HTTP = &HTTP{Auth: "API_TOKEN"}
	secrets := map[string]string{"API_TOKEN": "s3cret"}
	f := newFixture(t, Options{Secret: func(n string) (string, bool) { v, ok := secrets[n]; return v, ok }}, guarded)
	for header, want := range map[string]int{
		"": 401, "Bearer s3cret": 200, "bearer s3cret": 200, "Bearer s3cre": 401, "Bearer s3cret2": 401, "Bearer": 401, "Basic s3cret": 401,
	} {
		r := httptest.NewRequest("GET", "/a", nil)
		r.Header.Set("Authorization", header)
		w := f.do(r)
		if w.Code != want {
			t.Errorf("Authorization %q: %d, want %d", header, w.Code, want)
		}
		if want == 401 && (problemOf(t, w).Code != "UNAUTHORIZED_ERROR" || w.Header().Get("WWW-Authenticate") == "") {
			t.Errorf("Authorization %q: %s %v", header, w.Body, w.Header())
		}
	}
	for _, h := range f.engine.req.Headers {
		if h.Name == "Authorization" {
			t.Error("the script sees the secret")
		}
	}
	// A secret that is not set lets nobody in, not even with an empty token.
	delete(secrets, "API_TOKEN")
	r := httptest.NewRequest("GET", "/a", nil)
	r.Header.Set("Authorization", "Bearer ")
	if w := f.do(r); w.Code != 401 {
		t.Errorf("without a secret: %d", w.Code)
	}
}

func TestCORS(t *testing.T) {
	s := script("a", "", "PUT")
	s.HTTP.CORS = &CORS{Origins: []string{"https://app.test"}, Headers: []string{"X-One"}, Credentials: true, MaxAge: time.Hour}
	s.HTTP.Auth = "NOT_SET"
	open := script("open", "", "GET")
	open.HTTP.CORS = &CORS{}
	f := newFixture(t, Options{}, s, open, script("own", ""))
	preflight := func(path, origin, method string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("OPTIONS", path, nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", method)
		r.Header.Set("Access-Control-Request-Headers", "x-asked")
		return f.do(r)
	}
	w := preflight("/a", "https://app.test", "PUT")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://app.test", "Access-Control-Allow-Methods": "PUT", "Access-Control-Allow-Headers": "X-One",
		"Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "3600",
	} {
		if got := w.Header().Get(name); got != want || w.Code != 204 {
			t.Errorf("%d, %s is %q, want %q", w.Code, name, got, want)
		}
	}
	if w := preflight("/a", "https://evil.test", "PUT"); w.Header().Get("Access-Control-Allow-Origin") != "" || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Origin") {
		t.Errorf("another origin: %v", w.Header())
	}
	if w := preflight("/open", "https://any.test", "GET"); w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Access-Control-Allow-Headers") != "x-asked" {
		t.Errorf("any origin: %v", w.Header())
	}
	// The answers to the request itself, refusals too, can be read by the page.
	r := httptest.NewRequest("PUT", "/a", nil)
	r.Header.Set("Origin", "https://app.test")
	if w := f.do(r); w.Code != 401 || w.Header().Get("Access-Control-Allow-Origin") != "https://app.test" {
		t.Errorf("refusal: %d %v", w.Code, w.Header())
	}
	// A script without config.http.cors answers preflights itself.
	f.engine.answer = func(*worker.Request) runtime.FetchResult {
		return runtime.FetchResult{Run: "r", Response: text("mine")}
	}
	if w := preflight("/own", "https://any.test", "GET"); w.Body.String() != "mine" {
		t.Errorf("own: %d %s", w.Code, w.Body)
	}
	// What a script says of CORS itself wins over its config.
	f.engine.answer = func(*worker.Request) runtime.FetchResult {
		return runtime.FetchResult{Run: "r", Response: &worker.Response{Status: 200, Headers: []worker.Header{{Name: "access-control-allow-origin", Value: "https://mine.test"}}}}
	}
	r = httptest.NewRequest("GET", "/open", nil)
	r.Header.Set("Origin", "https://any.test")
	if got := f.do(r).Header().Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != "https://mine.test" {
		t.Errorf("the script's own: %v", got)
	}
}

func TestPanicFailsOneRequest(t *testing.T) {
	f := newFixture(t, Options{}, script("a", ""))
	f.engine.answer = func(*worker.Request) runtime.FetchResult { panic("bug") }
	if p := problemOf(t, f.get("/a")); p.Status != 500 || p.Code != "INTERNAL_ERROR" || strings.Contains(p.Detail, "bug") {
		t.Errorf("problem is %+v", p)
	}
}

// An update swaps the whole table, while requests are being answered.
func TestUpdateUnderLoad(t *testing.T) {
	f := newFixture(t, Options{}, script("a", ""))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if w := f.get("/a"); w.Code != 200 {
						t.Errorf("a request was dropped: %d", w.Code)
						return
					}
				}
			}
		})
	}
	for i := range 200 {
		other := script("b", "")
		if i%2 == 0 {
			other.HTTP = &HTTP{Path: "/c/:x"}
		}
		if err := f.site.Update([]RouteSource{other, script("a", "")}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}
