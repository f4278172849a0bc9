package site

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/problem"
)

// house starts runs that end after a time, in the way that it is told.
type house struct {
	runs    map[string]runtime.Run
	ends    map[string]runtime.Run // what a run is once it has been waited for
	after   time.Duration
	started []runtime.StartRequest

	delivered []runtime.DeliverRequest
	again     bool // what is delivered has been before
	err       error
}

func (h *house) Start(_ context.Context, req runtime.StartRequest) (runtime.Run, bool, error) {
	if h.err != nil {
		return runtime.Run{}, false, h.err
	}
	h.started = append(h.started, req)
	return h.runs["r1"], true, nil
}

func (h *house) Deliver(_ context.Context, req runtime.DeliverRequest) (runtime.Run, bool, error) {
	if h.err != nil {
		return runtime.Run{}, false, h.err
	}
	h.delivered = append(h.delivered, req)
	return h.runs["r1"], h.again, nil
}

func (h *house) Get(_ context.Context, id string) (runtime.Run, error) {
	run, ok := h.runs[id]
	if !ok {
		return run, call.Errorf(call.CodeNotFound, "there is no run %s", id)
	}
	return run, h.err
}

func (h *house) Wait(ctx context.Context, id string, d time.Duration) (runtime.Run, error) {
	select {
	case <-time.After(min(d, h.after)):
	case <-ctx.Done():
		return runtime.Run{}, context.Cause(ctx)
	}
	if end, ok := h.ends[id]; ok && h.after <= d {
		h.runs[id] = end
	}
	return h.Get(ctx, id)
}

func (h *house) RunKey(id string) string { return "key+of/" + id }

func runScript(name string, http *HTTP) RouteSource {
	return RouteSource{Name: name, File: "scripts/" + name + ".ts", State: Live, Revision: "r1", Handlers: []string{"run"}, HTTP: http}
}

func newHouse() *house {
	return &house{
		runs: map[string]runtime.Run{"r1": {ID: "r1", Script: "order", Status: runtime.Running, CreatedAt: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)}},
		ends: map[string]runtime.Run{"r1": {ID: "r1", Status: runtime.Succeeded, Output: json.RawMessage(`{"b":1,"a":"<&>"}`)}},
	}
}

func runFixture(t *testing.T, h *house, o Options, config *HTTP) *fixture {
	t.Helper()
	o.Runs = h
	return newFixture(t, o, runScript("order", config))
}

func (f *fixture) post(target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return f.do(r)
}

func TestStartOverHTTP(t *testing.T) {
	h := newHouse()
	f := runFixture(t, h, Options{}, &HTTP{})
	w := f.post("/order", `{"b":1,"a":[null]}`, "Content-Type", "application/json; charset=utf-8", "Idempotency-Key", "o-7")
	const at = "/_/runs/r1?key=key%2Bof%2Fr1"
	if w.Code != 202 || w.Header().Get("Location") != at || w.Header().Get("X-Reprise-Run") != "r1" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := w.Body.String(); got != `{"id":"r1","status":"running","url":"`+at+`"}` {
		t.Errorf("body is %s", got)
	}
	if diff := cmp.Diff([]runtime.StartRequest{{Script: "order", Input: json.RawMessage(`{"b":1,"a":[null]}`), IdempotencyKey: "o-7"}}, h.started); diff != "" {
		t.Error(diff)
	}
	// Where it can be watched is where the answer says.
	if w := f.get(at); w.Code != 200 || !strings.Contains(w.Body.String(), `"status":"running"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if diff := cmp.Diff([]int{202}, f.book.counted); diff != "" || len(f.book.entries) != 0 {
		t.Errorf("%s %v", diff, f.book.entries)
	}
	// No body is undefined, and not null.
	f.post("/order", "")
	f.post("/order", "null")
	if h.started[1].Input != nil || string(h.started[2].Input) != "null" {
		t.Errorf("started with %q and %q", h.started[1].Input, h.started[2].Input)
	}
}

func TestStartOverHTTPRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
	}{
		"form":          {`a=1`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "INVALID_ARGUMENT_ERROR"},
		"text":          {`hello`, []string{"Content-Type", "text/plain"}, 415, "INVALID_ARGUMENT_ERROR"},
		"odd type":      {`1`, []string{"Content-Type", ";"}, 415, "INVALID_ARGUMENT_ERROR"},
		"not JSON":      {`{"a":`, nil, 400, "INVALID_JSON_ERROR"},
		"two values":    {`1 2`, nil, 400, "INVALID_JSON_ERROR"},
		"not UTF-8":     {"\"\xff\"", nil, 400, "INVALID_JSON_ERROR"},
		"too large":     {`"` + strings.Repeat("x", 200) + `"`, nil, 413, "BODY_TOO_LARGE_ERROR"},
		"long key":      {`1`, []string{"Idempotency-Key", strings.Repeat("k", 257)}, 400, "INVALID_ARGUMENT_ERROR"},
		"two keys":      {`1`, []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}, 400, "INVALID_ARGUMENT_ERROR"},
		"unauthorized":  {`1`, []string{"Authorization", "Bearer wrong"}, 401, "UNAUTHORIZED_ERROR"},
		"in a circle":   {`1`, []string{call.DepthHeader, "17"}, 508, "RESOURCE_ERROR"},
		"authorized":    {`1`, nil, 202, ""},
		"vendor's JSON": {`1`, []string{"Content-Type", "application/vnd.api+json"}, 202, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse()
			f := runFixture(t, h, Options{MaxBody: 100, Secret: func(string) (string, bool) { return "s3cret", true }}, &HTTP{Auth: "TOKEN"})
			headers := tc.headers
			if len(headers) == 0 || headers[0] != "Authorization" {
				headers = append(headers, "Authorization", "Bearer s3cret")
			}
			w := f.post("/order", tc.body, headers...)
			if w.Code != tc.status {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if tc.code == "" {
				return
			}
			if p := problemOf(t, w); p.Code != tc.code || len(h.started) != 0 || len(f.book.entries) != 1 {
				t.Errorf("%+v, started %v, logged %v", p, h.started, f.book.entries)
			}
		})
	}
}

// What the engine refuses is told without naming other runs.
func TestStartOverHTTPFailures(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
		detail string
	}{
		{call.Errorf(call.CodeConflict, "used before by run r-secret"), 422, "used before with another input"},
		{call.Errorf(call.CodeNotFound, "there is no script r-secret"), 404, "nothing answers here any more"},
		{call.Errorf(call.CodeUnavailable, "disk r-secret is full"), 503, "takes no new runs now"},
		{call.Errorf(call.CodeInvalidArgument, "r-secret"), 422, "could not be started"},
		{context.Canceled, 503, "takes no new runs now"},
	} {
		h := newHouse()
		h.err = tc.err
		p := problemOf(t, runFixture(t, h, Options{}, &HTTP{}).post("/order", "1"))
		if p.Status != tc.status || !strings.Contains(p.Detail, tc.detail) || strings.Contains(p.Detail, "r-secret") {
			t.Errorf("%v: %+v", tc.err, p)
		}
	}
	h := newHouse()
	h.err = call.Errorf(call.CodeUnavailable, "the disk is full")
	if p := problemOf(t, runFixture(t, h, Options{Dev: true}, &HTTP{}).post("/order", "1")); p.Detail != "the disk is full" {
		t.Errorf("in development: %+v", p)
	}
}

// A run route takes POST unless it says otherwise, and a HEAD that only comes
// with GET starts nothing.
func TestRunRouteMethods(t *testing.T) {
	h := newHouse()
	f := runFixture(t, h, Options{}, &HTTP{Path: "/orders"})
	for _, method := range []string{"GET", "HEAD", "PUT"} {
		if w := f.do(httptest.NewRequest(method, "/orders", nil)); w.Code != 405 || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
	f = runFixture(t, h, Options{}, &HTTP{Methods: []string{"GET"}})
	if w := f.do(httptest.NewRequest("HEAD", "/order", nil)); w.Code != 405 || w.Header().Get("Allow") != "GET" || len(h.started) != 0 {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	if w := f.get("/order?x=1"); w.Code != 202 || h.started[0].Input != nil {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestRunRouteCORS(t *testing.T) {
	f := runFixture(t, newHouse(), Options{}, &HTTP{CORS: &CORS{Origins: []string{"https://a.example"}}})
	r := httptest.NewRequest("OPTIONS", "/order", nil)
	r.Header.Set("Origin", "https://a.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	if w := f.do(r); w.Code != 204 || w.Header().Get("Access-Control-Allow-Methods") != "POST" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	if w := f.post("/order", "1", "Origin", "https://a.example"); w.Code != 202 || w.Header().Get("Access-Control-Allow-Origin") != "https://a.example" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestRespondResult(t *testing.T) {
	failed := runtime.Run{ID: "r1", Status: runtime.Failed, Error: &call.Error{Name: "HTTPError", Code: "HTTP_ERROR", Message: "no", Stack: "at secret.ts", Data: json.RawMessage(`{"x":1}`)}}
	for name, tc := range map[string]struct {
		end    runtime.Run
		after  time.Duration
		status int
		body   string
		took   time.Duration
	}{
		"output":       {runtime.Run{ID: "r1", Status: runtime.Succeeded, Output: json.RawMessage(`{"b":1,"a":"<&>"}`)}, 2 * time.Second, 200, `{"b":1,"a":"<&>"}`, 2 * time.Second},
		"null":         {runtime.Run{ID: "r1", Status: runtime.Succeeded, Output: json.RawMessage(`null`)}, 0, 200, `null`, 0},
		"undefined":    {runtime.Run{ID: "r1", Status: runtime.Succeeded}, 0, 204, ``, 0},
		"failed":       {failed, 0, 500, `{"type":"urn:reprise:error:HTTP_ERROR","title":"The run failed.","status":500,"detail":"HTTPError: no","code":"HTTP_ERROR","run":"r1"}`, 0},
		"cancelled":    {runtime.Run{ID: "r1", Status: runtime.Cancelled}, 0, 409, `{"type":"urn:reprise:error:CANCELLED_ERROR","title":"The run was cancelled.","status":409,"detail":"the run was cancelled","code":"CANCELLED_ERROR","run":"r1"}`, 0},
		"takes long":   {runtime.Run{ID: "r1", Status: runtime.Succeeded}, time.Minute, 202, `{"id":"r1","status":"running","url":"/_/runs/r1?key=key%2Bof%2Fr1"}`, 30 * time.Second},
		"pauses":       {runtime.Run{ID: "r1", Status: runtime.Paused}, 5 * time.Second, 202, `{"id":"r1","status":"paused","url":"/_/runs/r1?key=key%2Bof%2Fr1"}`, 5 * time.Second},
		"diverges":     {runtime.Run{ID: "r1", Status: runtime.Diverged}, 5 * time.Second, 202, `{"id":"r1","status":"diverged","url":"/_/runs/r1?key=key%2Bof%2Fr1"}`, 5 * time.Second},
		"pauses as 3":  {runtime.Run{ID: "r1", Status: runtime.Succeeded, Successor: "r3"}, 5 * time.Second, 202, `{"id":"r1","status":"paused","url":"/_/runs/r1?key=key%2Bof%2Fr1"}`, 10 * time.Second},
		"goes on as 2": {runtime.Run{ID: "r1", Status: runtime.Succeeded, Successor: "r2"}, 10 * time.Second, 200, `"from 2"`, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse()
				h.after, h.ends["r1"] = tc.after, tc.end
				h.runs["r2"] = runtime.Run{ID: "r2", Status: runtime.Running}
				h.runs["r3"] = runtime.Run{ID: "r3", Status: runtime.Running}
				h.ends["r3"] = runtime.Run{ID: "r3", Status: runtime.Paused}
				h.ends["r2"] = runtime.Run{ID: "r2", Status: runtime.Succeeded, Output: json.RawMessage(`"from 2"`)}
				f := runFixture(t, h, Options{}, &HTTP{Respond: Result})
				began := time.Now()
				w := f.post("/order", "1")
				if took := time.Since(began); w.Code != tc.status || w.Body.String() != tc.body || took != tc.took {
					t.Errorf("%d %s after %s", w.Code, w.Body, took)
				}
				if w.Header().Get("X-Reprise-Run") != "r1" || len(f.book.counted) != 1 {
					t.Errorf("%v %v", w.Header(), f.book.counted)
				}
			})
		})
	}
}

// Where a run is must not get lost when the server stops while somebody waits.
func TestRespondResultWhileStopping(t *testing.T) {
	h := newHouse()
	h.after = time.Hour
	f := runFixture(t, h, Options{}, &HTTP{Respond: Result})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if w := f.do(httptest.NewRequest("POST", "/order", nil).WithContext(ctx)); w.Code != 202 || w.Header().Get("Location") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestWatch(t *testing.T) {
	ended := time.Date(2026, 11, 22, 9, 31, 0, 0, time.UTC)
	h := newHouse()
	h.ends["r1"] = runtime.Run{
		ID: "r1", Status: runtime.Failed, Input: json.RawMessage(`"hidden"`), CreatedAt: ended.Add(-time.Minute), EndedAt: &ended, Successor: "r2",
		Error: &call.Error{Name: "Error", Message: "no", Stack: "hidden"}, Output: json.RawMessage(`1`), State: json.RawMessage(`"hidden"`), IdempotencyKey: "hidden",
	}
	f := runFixture(t, h, Options{}, &HTTP{})
	w := f.get("/_/runs/r1?key=key%2Bof%2Fr1&wait=30s")
	want := `{"id":"r1","status":"failed","output":1,"error":{"name":"Error","message":"no"},"createdAt":"2026-11-22T09:30:00Z","endedAt":"2026-11-22T09:31:00Z","successor":"/_/runs/r2?key=key%2Bof%2Fr2"}`
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := w.Header(); got.Get("Cache-Control") != "no-store" || got.Get("Referrer-Policy") != "no-referrer" || got.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers are %v", got)
	}
	if w := f.do(httptest.NewRequest("HEAD", "/_/runs/r1?key=key%2Bof%2Fr1", nil)); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d %s", w.Code, w.Body)
	}
	var answers []*problem.Problem
	for _, target := range []string{"/_/runs/r1", "/_/runs/r1?key=", "/_/runs/r1?key=wrong", "/_/runs/r1?key=key%2Bof%2Fr2", "/_/runs/nope?key=key%2Bof%2Fnope", "/_/runs/", "/_/runs/r1/x?key=key%2Bof%2Fr1%2Fx"} {
		answers = append(answers, problemOf(t, f.get(target)))
	}
	for i, p := range answers {
		// An unknown run and a wrong key can not be told apart.
		if diff := cmp.Diff(answers[0], p); diff != "" || p.Status != 404 {
			t.Errorf("answer %d: %s", i, diff)
		}
	}
	for _, wait := range []string{"soon", "31s", "1h"} {
		if p := problemOf(t, f.get("/_/runs/r1?key=key%2Bof%2Fr1&wait="+wait)); p.Status != 400 {
			t.Errorf("wait=%s: %+v", wait, p)
		}
	}
	if w := f.post("/_/runs/r1?key=key%2Bof%2Fr1", ""); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
	for err, status := range map[error]int{call.Errorf(call.CodeUnavailable, "x"): 503, call.Errorf(call.CodeInternal, "x"): 500} {
		h.err = err
		if p := problemOf(t, f.get("/_/runs/r1?key=key%2Bof%2Fr1")); p.Status != status || p.Detail == "x" {
			t.Errorf("%v: %+v", err, p)
		}
	}
}

// The key stays out of the log.
func TestKeyIsNotLogged(t *testing.T) {
	f := runFixture(t, newHouse(), Options{}, &HTTP{})
	f.get("/_/runs/nope?key=verysecret")
	if len(f.book.entries) != 1 || strings.Contains(f.book.entries[0].Msg+string(f.book.entries[0].Fields), "verysecret") {
		t.Errorf("logged %v", f.book.entries)
	}
}

func TestAskIsReserved(t *testing.T) {
	h := newHouse()
	ask := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("asked " + r.URL.Path)) })
	if w := runFixture(t, h, Options{Ask: ask}, &HTTP{}).get("/_/ask/r1/2?key=k"); w.Body.String() != "asked /_/ask/r1/2" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("back with " + r.URL.RawQuery)) })
	if w := runFixture(t, h, Options{Login: login}, &HTTP{}).get("/_/oauth/callback?state=s"); w.Body.String() != "back with state=s" {
		t.Errorf("the callback: %d %s", w.Code, w.Body)
	}
	if w := runFixture(t, h, Options{}, &HTTP{}).get("/_/oauth/callback?state=s"); w.Code != 404 {
		t.Errorf("the callback, without logins: %d", w.Code)
	}
	if w := runFixture(t, h, Options{}, &HTTP{}).get("/_/ask/r1/2?key=k"); w.Code != 404 {
		t.Errorf("without a page: %d", w.Code)
	}
}

func TestRunRoutes(t *testing.T) {
	both := runScript("both", &HTTP{Path: "/b"})
	both.Handlers = []string{"fetch", "run"}
	for _, tc := range []struct {
		source RouteSource
		want   []Route
	}{
		{runScript("a", nil), nil},
		{runScript("a", &HTTP{}), []Route{{Path: "/a", Methods: []string{"POST"}, Handler: "run"}}},
		{runScript("a", &HTTP{Path: "/x", Methods: []string{"put"}}), []Route{{Path: "/x", Methods: []string{"PUT"}, Handler: "run"}}},
		{both, []Route{{Path: "/b", Methods: []string{}, Handler: "fetch"}}},
	} {
		if diff := cmp.Diff(tc.want, Routes(tc.source)); diff != "" {
			t.Errorf("%+v: %s", tc.source, diff)
		}
	}
	// Runs and fetch handlers compete for routes like any other two.
	if err := Validate([]RouteSource{script("f", "/x")}, runScript("a", &HTTP{Path: "/x"})); err == nil || !strings.Contains(err.Error(), "already answered by the script f") {
		t.Errorf("Validate: %v", err)
	}
	if err := Validate([]RouteSource{script("a", "")}, runScript("a/b", nil)); err != nil {
		t.Errorf("a run without config.http takes no route: %v", err)
	}
	for _, path := range []string{"/x/:id", "/x/*"} {
		if err := Validate(nil, runScript("a", &HTTP{Path: path})); err == nil || !strings.Contains(err.Error(), "has parameters") {
			t.Errorf("%s: %v", path, err)
		}
	}
	both.HTTP.Respond = Result
	if err := Validate(nil, both); err == nil || !strings.Contains(err.Error(), "respond") {
		t.Errorf("respond on a fetch handler: %v", err)
	}
}
