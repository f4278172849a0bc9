package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/api"
	"reprise/server/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "the-token-of-this-test"

// house is a fake of all that the admin API talks to.
type house struct {
	mu      sync.Mutex
	runs    map[string]runtime.Run
	keys    map[string]string // idempotency key -> id
	started []runtime.StartRequest
	listed  runtime.ListQuery
	waited  time.Duration
	asked   any // what the last control, signal, replay or check was asked for
	query   logs.Query
	entries []logs.Entry
	err     error // what everything fails with
	scripts []api.Script
	secrets []string // what was done to secrets
}

func (h *house) Start(_ context.Context, req runtime.StartRequest) (runtime.Run, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return runtime.Run{}, false, h.err
	}
	switch req.Script {
	case "orders/fulfil":
	case "hello":
		return runtime.Run{}, false, call.Errorf(call.CodeInvalidArgument, "the script hello has no run handler; it exports [fetch]")
	default:
		return runtime.Run{}, false, call.Errorf(call.CodeNotFound, "there is no script %s", req.Script)
	}
	if id := h.keys[req.IdempotencyKey]; req.IdempotencyKey != "" && id != "" {
		if string(h.runs[id].Input) != string(req.Input) {
			return runtime.Run{}, false, call.Errorf(call.CodeConflict, "the idempotency key %q was used before with another input, by run %s", req.IdempotencyKey, id)
		}
		return h.runs[id], false, nil
	}
	h.started = append(h.started, req)
	run := exampleRun(runtime.Running)
	run.ID, run.Input = fmt.Sprintf("run-%d", len(h.started)), req.Input
	h.runs[run.ID] = run
	h.keys[req.IdempotencyKey] = run.ID
	return run, true, nil
}

func (h *house) Deliveries(_ context.Context, q runtime.DeliveryQuery) ([]runtime.Delivery, string, error) {
	h.asked = q
	if q.Script == "none" {
		return nil, "", h.err
	}
	return []runtime.Delivery{exampleDelivery()}, "next", h.err
}

func (h *house) Delivery(_ context.Context, id string) (runtime.Delivery, error) {
	d := exampleDelivery()
	if h.err == nil && id != d.ID {
		return d, call.Errorf(call.CodeNotFound, "there is no delivery %s", id)
	}
	return d, h.err
}

func (h *house) Redeliver(ctx context.Context, id string) (runtime.Delivery, error) {
	d, err := h.Delivery(ctx, id)
	d.ID, d.RedeliveryOf = "again", id
	return d, err
}

func (h *house) Wait(ctx context.Context, id string, d time.Duration) (runtime.Run, error) {
	h.mu.Lock()
	h.waited = d
	run, ok := h.runs[id]
	if ok && d > time.Second { // as if it ended after one second
		run.Status, run.Output = runtime.Succeeded, json.RawMessage(`{"ok":true}`)
		h.runs[id] = run
	}
	h.mu.Unlock()
	return h.Get(ctx, id)
}

func (h *house) Get(_ context.Context, id string) (runtime.Run, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	run, ok := h.runs[id]
	if !ok {
		return run, call.Errorf(call.CodeNotFound, "there is no run %s", id)
	}
	return run, h.err
}

func (h *house) List(_ context.Context, q runtime.ListQuery) ([]runtime.Run, string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listed = q
	if h.err != nil {
		return nil, "", h.err
	}
	if q.Script == "none" {
		return nil, "", nil
	}
	return []runtime.Run{exampleRun(runtime.Succeeded)}, "next-page", nil
}

func (h *house) Cancel(ctx context.Context, id string) (runtime.Run, error) {
	run, err := h.Get(ctx, id)
	if err == nil && run.Status.Ended() {
		return run, call.Errorf(call.CodeConflict, "the run %s has already ended: %s", id, run.Status)
	}
	return run, err
}

func (h *house) Delete(ctx context.Context, id string) error {
	run, err := h.Get(ctx, id)
	if err == nil && !run.Status.Ended() {
		return call.Errorf(call.CodeConflict, "the run %s is still %s; cancel it first", id, run.Status)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.runs, id)
	return err
}

// scriptList is the house's list of scripts.
type scriptList struct{ *house }

func (l scriptList) List() []api.Script { return l.scripts }

func (l scriptList) Find(name string) (api.Script, bool) {
	for _, s := range l.scripts {
		if s.Name == name {
			return s, true
		}
	}
	return api.Script{}, false
}

func (h *house) Query(_ context.Context, q logs.Query) ([]logs.Entry, uint64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.query = q
	return []logs.Entry{exampleEntry()}, 1043, h.err
}

func (h *house) Emit(e logs.Entry) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entries = append(h.entries, e)
	return uint64(len(h.entries))
}

type fixture struct {
	*house
	handler http.Handler
	checks  error
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{house: &house{
		runs: map[string]runtime.Run{}, keys: map[string]string{},
		scripts: []api.Script{{Name: "broken", State: api.Broken, Error: &api.ScriptError{Name: "CompileError", Code: "COMPILE_ERROR", Message: "broken.ts:1:1: unexpected }"}}, {Name: "hello", State: api.Live}, exampleScript()},
	}}
	ended, running := exampleRun(runtime.Succeeded), exampleRun(runtime.Running)
	ended.ID, running.ID = "ended", "running"
	f.runs["ended"], f.runs["running"] = ended, running
	named := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) })
	}
	f.handler = New(Options{
		Guard: NewGuard(GuardOptions{Token: token, Addr: "127.0.0.1:8081", Hosts: []string{"admin.example.com"}}),
		Runs:  f.house, Scripts: scriptList{f.house}, Logs: f.house, Secrets: safe{f.house}, Connections: gate{f.house}, Logins: gate{f.house}, Server: exampleServer,
		Studio: named("studio"), Tail: named("tail"), Metrics: named("metrics"),
		Checks:  []Check{{Name: "store", Test: func() error { return nil }}, {Name: "disk", Test: func() error { return f.checks }}},
		MaxBody: 1000, Now: exampleTime,
	})
	return f
}

// do sends "METHOD path" with the token, unless headers say otherwise.
func (f *fixture) do(request, body string, headers ...string) *httptest.ResponseRecorder {
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:8081"
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		switch {
		case headers[i] == "Host":
			r.Host = headers[i+1]
		case headers[i+1] == "":
			r.Header.Del(headers[i])
		default:
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func problemOf(t testing.TB, w *httptest.ResponseRecorder) *problem.Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != problem.ContentType {
		t.Fatalf("content type is %q, answer %d %s", got, w.Code, w.Body)
	}
	return decode[*problem.Problem](t, w)
}

// decode reads an answer strictly: a field that the type does not have fails.
func decode[T any](t testing.TB, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("answer %d: %v", w.Code, err)
	}
	return v
}

func TestServerAndScripts(t *testing.T) {
	f := newFixture(t)
	server := decode[api.Server](t, f.do("GET /api/v1/server", ""))
	if server.Scripts != 3 || server.Mode != "dev" {
		t.Errorf("server is %+v", server)
	}
	w := f.do("GET /api/v1/scripts", "")
	if !strings.Contains(w.Body.String(), `"handlers":[],"routes":[]`) {
		t.Errorf("missing lists are not empty lists: %s", w.Body)
	}
	if all := decode[api.Scripts](t, w); len(all.Scripts) != 3 {
		t.Errorf("scripts are %+v", all)
	}
	// A name with a slash is one segment of the URL.
	one := decode[api.Script](t, f.do("GET /api/v1/scripts/orders%2Ffulfil", ""))
	if diff := cmp.Diff(exampleScript(), one); diff != "" {
		t.Error(diff)
	}
	if p := problemOf(t, f.do("GET /api/v1/scripts/orders%2Fno", "")); p.Status != 404 || p.Code != "NOT_FOUND_ERROR" || !strings.Contains(p.Detail, "orders/no") {
		t.Errorf("unknown: %+v", p)
	}
	if p := problemOf(t, f.do("GET /api/v1/scripts/orders/fulfil", "")); p.Status != 404 || !strings.Contains(p.Hint, "%2F") {
		t.Errorf("two segments: %+v", p)
	}
}

func TestStartRun(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST /api/v1/runs", `{"script":"orders/fulfil","input":{"b":1,"a":[null]}}`)
	if w.Code != 202 || w.Header().Get("Location") != "/api/v1/runs/run-1" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if run := decode[runtime.Run](t, w); run.Status != runtime.Running {
		t.Errorf("run is %+v", run)
	}
	if got := string(f.started[0].Input); got != `{"b":1,"a":[null]}` {
		t.Errorf("the input became %s", got)
	}
	w = f.do("POST /api/v1/runs", `{"script":"orders/fulfil","wait":"10s","idempotencyKey":"k"}`)
	if run := decode[runtime.Run](t, w); w.Code != 200 || run.Status != runtime.Succeeded || f.waited != 10*time.Second {
		t.Errorf("%d, waited %s, run %+v", w.Code, f.waited, run)
	}
	if f.started[1].Input != nil {
		t.Errorf("no input became %s", f.started[1].Input)
	}
	if w := f.do("POST /api/v1/runs", `{"script":"orders/fulfil","wait":"500ms"}`); w.Code != 202 {
		t.Errorf("it did not end within wait, and the answer is %d", w.Code)
	}
	// The same key again: the same run, which has ended.
	w = f.do("POST /api/v1/runs", `{"script":"orders/fulfil","idempotencyKey":"k"}`)
	if run := decode[runtime.Run](t, w); w.Code != 200 || run.ID != "run-2" || len(f.started) != 3 {
		t.Errorf("%d %+v", w.Code, run)
	}
	if p := problemOf(t, f.do("POST /api/v1/runs", `{"script":"orders/fulfil","idempotencyKey":"k","input":2}`)); p.Status != 422 || p.Code != "CONFLICT_ERROR" || !strings.Contains(p.Detail, "another input") {
		t.Errorf("same key, other input: %+v", p)
	}
}

func TestMisspeltScript(t *testing.T) {
	// Who misspells a script's name is told the right one.
	f := newFixture(t)
	if p := problemOf(t, f.do("POST /api/v1/runs", `{"script":"helo"}`)); p.Hint != "Did you mean hello?" {
		t.Errorf("start: %+v", p)
	}
	if p := problemOf(t, f.do("GET /api/v1/scripts/orders%2Ffullfil", "")); p.Hint != "Did you mean orders/fulfil?" {
		t.Errorf("get: %+v", p)
	}
}

func TestStartRunRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
		detail string
	}{
		"unknown script":      {`{"script":"nope"}`, 404, "NOT_FOUND_ERROR", "there is no script nope"},
		"no run handler":      {`{"script":"hello"}`, 422, "INVALID_ARGUMENT_ERROR", "no run handler"},
		"broken script":       {`{"script":"broken"}`, 422, "COMPILE_ERROR", "broken.ts:1:1"},
		"no body":             {``, 400, "INVALID_JSON_ERROR", "body is required"},
		"not JSON":            {`{"script":`, 400, "INVALID_JSON_ERROR", "not valid JSON"},
		"trailing data":       {`{"script":"hello"} x`, 400, "INVALID_JSON_ERROR", "not valid JSON"},
		"not an object":       {`[1]`, 422, "INVALID_ARGUMENT_ERROR", "body"},
		"unknown field":       {`{"script":"hello","inptu":1}`, 422, "INVALID_ARGUMENT_ERROR", "body.inptu: unexpected property"},
		"no script":           {`{}`, 422, "INVALID_ARGUMENT_ERROR", "script"},
		"wrong type":          {`{"script":7}`, 422, "INVALID_ARGUMENT_ERROR", "body.script: expected string"},
		"wait is no time":     {`{"script":"orders/fulfil","wait":"soon"}`, 422, "INVALID_ARGUMENT_ERROR", "body.wait: \"soon\" is not a duration"},
		"wait is too long":    {`{"script":"orders/fulfil","wait":"1h"}`, 422, "INVALID_ARGUMENT_ERROR", "at most 5m"},
		"too large":           {`{"script":"hello","input":"` + strings.Repeat("x", 1000) + `"}`, 413, "BODY_TOO_LARGE_ERROR", "1000 bytes"},
		"the key is too long": {`{"script":"hello","idempotencyKey":"` + strings.Repeat("x", 300) + `"}`, 422, "INVALID_ARGUMENT_ERROR", "body.idempotencyKey"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			p := problemOf(t, f.do("POST /api/v1/runs", tc.body))
			if p.Status != tc.status || p.Code != tc.code || !strings.Contains(p.Detail, tc.detail) || p.Title == "" || p.Type == "" {
				t.Errorf("problem is %+v", p)
			}
			if len(f.started) != 0 {
				t.Error("a run was started")
			}
			if len(f.entries) != 1 || !strings.Contains(f.entries[0].Msg, p.Detail) {
				t.Errorf("the log has %+v", f.entries)
			}
		})
	}
	f := newFixture(t)
	if p := problemOf(t, f.do("POST /api/v1/runs", "a=1", "Content-Type", "application/x-www-form-urlencoded")); p.Status != 415 {
		t.Errorf("another content type: %+v", p)
	}
	f.err = call.Errorf(call.CodeUnavailable, "the disk is full")
	w := f.do("POST /api/v1/runs", `{"script":"orders/fulfil"}`)
	if p := problemOf(t, w); p.Status != 503 || p.Detail != "the disk is full" || w.Header().Get("Retry-After") == "" {
		t.Errorf("unavailable: %+v %v", p, w.Header())
	}
	f.err = errors.New("badger: /var/lib/secret/path: no space")
	if w := f.do("POST /api/v1/runs", `{"script":"orders/fulfil"}`); w.Code != 500 || strings.Contains(w.Body.String(), "badger") {
		t.Errorf("an error of ours: %d %s", w.Code, w.Body)
	}
}

func TestRuns(t *testing.T) {
	f := newFixture(t)
	page := decode[api.Runs](t, f.do("GET /api/v1/runs?script=a/b&status=failed&limit=7&cursor=c", ""))
	if diff := cmp.Diff(runtime.ListQuery{Script: "a/b", Status: runtime.Failed, Limit: 7, Cursor: "c"}, f.listed); diff != "" {
		t.Error(diff)
	}
	if page.Cursor != "next-page" || len(page.Runs) != 1 {
		t.Errorf("page is %+v", page)
	}
	if w := f.do("GET /api/v1/runs?script=none", ""); strings.TrimSpace(w.Body.String()) != `{"runs":[]}` || f.listed.Limit != 50 {
		t.Errorf("no runs: %s, limit %d", w.Body, f.listed.Limit)
	}
	for query, location := range map[string]string{"status=done": "query.status", "limit=0": "query.limit", "limit=x": "query.limit", "limit=501": "query.limit", "statsu=failed": "query.statsu"} {
		if p := problemOf(t, f.do("GET /api/v1/runs?"+query, "")); p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != location {
			t.Errorf("%s: %+v", query, p)
		}
	}
	if run := decode[runtime.Run](t, f.do("GET /api/v1/runs/ended", "")); run.ID != "ended" {
		t.Errorf("run is %+v", run)
	}
	if run := decode[runtime.Run](t, f.do("GET /api/v1/runs/running?wait=2s", "")); run.Status != runtime.Succeeded {
		t.Errorf("run is %+v", run)
	}
	f.runs["running"] = exampleRun(runtime.Running)
	for request, want := range map[string]struct {
		status int
		code   string
	}{
		"GET /api/v1/runs/nope":            {404, "NOT_FOUND_ERROR"},
		"GET /api/v1/runs/nope?wait=x":     {422, "INVALID_ARGUMENT_ERROR"},
		"GET /api/v1/runs/nope?wait=1s":    {404, "NOT_FOUND_ERROR"},
		"POST /api/v1/runs/nope/cancel":    {404, "NOT_FOUND_ERROR"},
		"POST /api/v1/runs/ended/cancel":   {409, "CONFLICT_ERROR"},
		"POST /api/v1/runs/running/cancel": {202, ""},
		"DELETE /api/v1/runs/running":      {409, "CONFLICT_ERROR"},
		"DELETE /api/v1/runs/nope":         {404, "NOT_FOUND_ERROR"},
		"PUT /api/v1/runs/nope":            {405, "INVALID_ARGUMENT_ERROR"},
		"GET /api/v1/runs/nope/cancel":     {405, "INVALID_ARGUMENT_ERROR"},
		"GET /api/v2/runs":                 {404, "NOT_FOUND_ERROR"},
	} {
		w := f.do(request, "")
		if w.Code != want.status {
			t.Errorf("%s: %d %s", request, w.Code, w.Body)
		} else if want.code != "" && problemOf(t, w).Code != want.code {
			t.Errorf("%s: another code", request)
		}
	}
	if w := f.do("DELETE /api/v1/runs/ended", ""); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("delete: %d %s", w.Code, w.Body)
	}
	if got := f.do("PUT /api/v1/runs/x", "").Header().Get("Allow"); got != "GET, DELETE" {
		t.Errorf("Allow is %q", got)
	}
}

func TestLogs(t *testing.T) {
	f := newFixture(t)
	page := decode[api.Logs](t, f.do("GET /api/v1/logs", ""))
	if diff := cmp.Diff(api.Logs{Entries: []logs.Entry{exampleEntry()}, Next: 1043}, page); diff != "" {
		t.Error(diff)
	}
	f.do("GET /api/v1/logs?run=0193&script=orders/*&level=%3E%3Dwarn&filter=kind:http+status:5xx&since=15m&from=3&to=9&limit=10&order=desc", "")
	q := f.query
	if got, want := q.Filter.String(), "run:0193 script:orders/* level:>=warn kind:http status:5xx"; got != want {
		t.Errorf("filter is %q, want %q", got, want)
	}
	q.Filter = nil
	if diff := cmp.Diff(logs.Query{From: 3, To: 9, Since: exampleTime().Add(-15 * time.Minute), Limit: 10, Desc: true}, q); diff != "" {
		t.Error(diff)
	}
	for since, want := range map[string]string{"2026-11-22T09:30:00Z": "09:30:00", "2026-11-22T10:30:00%2B01:00": "09:30:00", "2026-11-22T10:30:00+01:00": "09:30:00"} {
		f.do("GET /api/v1/logs?since="+since, "")
		if got := f.query.Since.UTC().Format("15:04:05"); got != want {
			t.Errorf("since=%s is %s", since, got)
		}
	}
	f.do("GET /api/v1/logs?script=two+words%22", "")
	if got := f.query.Filter.String(); got != `script:"two words\""` {
		t.Errorf("a name with a space is %s", got)
	}
	for query, want := range map[string]string{
		"filter=levle:warn": "query.filter", "level=loud": "query.level", "since=yesterday": "query.since", "order=up": "query.order",
		"limit=10001": "query.limit", "from=-1": "query.from", "colour=red": "query.colour",
	} {
		if p := problemOf(t, f.do("GET /api/v1/logs?"+query, "")); p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != want {
			t.Errorf("%s: %+v", query, p)
		}
	}
	f.err = logs.ErrClosed
	if p := problemOf(t, f.do("GET /api/v1/logs", "")); p.Status != 503 {
		t.Errorf("a closed log: %+v", p)
	}
}

func TestProbes(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		// By service name and without a token, as an orchestrator asks.
		if w := f.do("GET "+path, "", "Authorization", "", "Host", "reprise.svc:8081"); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	f.checks = errors.New("/data is full")
	w := f.do("GET /readyz", "", "Authorization", "")
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"disk":"failing"`) || strings.Contains(w.Body.String(), "/data") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// A sentence for everybody; with the token, the reason.
	if !strings.Contains(w.Body.String(), `"detail":"the server takes no new work, because its check \"disk\" fails;`) {
		t.Errorf("outsiders read %s", w.Body)
	}
	if w := f.do("GET /readyz", ""); w.Code != 503 || !strings.Contains(w.Body.String(), `"detail":"the server takes no new work: disk: /data is full"`) {
		t.Errorf("with the token: %d %s", w.Code, w.Body)
	}
	if w := f.do("GET /healthz", ""); w.Code != 200 {
		t.Errorf("health while not ready: %d", w.Code)
	}
}

// A panic of an endpoint is one failed request.
func TestPanic(t *testing.T) {
	f := newFixture(t)
	f.scripts = nil
	f.handler = New(Options{Guard: NewGuard(GuardOptions{Token: token}), Runs: f.house, Scripts: scriptList{nil}, Logs: f.house, Server: exampleServer})
	if p := problemOf(t, f.do("GET /api/v1/scripts", "")); p.Status != 500 || p.Code != "INTERNAL_ERROR" {
		t.Errorf("problem is %+v", p)
	}
}
