package ask

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house has one question, whose key is "k".
type house struct {
	form    runtime.AskForm
	answers []string
	err     error // what answering fails with
	logged  []logs.Entry
}

func (h *house) Ask(_ context.Context, run string, ask uint64, key string) (runtime.AskForm, error) {
	if run != h.form.Run || ask != h.form.Call || key != "k" {
		return runtime.AskForm{}, call.Errorf(call.CodeNotFound, "secret words")
	}
	return h.form, nil
}

func (h *house) Answer(_ context.Context, _ string, _ uint64, key string, value json.RawMessage) error {
	if h.err != nil {
		return h.err
	}
	if key != "k" {
		return call.Errorf(call.CodeNotFound, "secret words")
	}
	h.answers = append(h.answers, string(value))
	h.form.Answered = true
	return nil
}

func (h *house) Emit(e logs.Entry) uint64 {
	h.logged = append(h.logged, e)
	return 1
}

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func newHouse(schema string) *house {
	until := now.Add(time.Hour)
	return &house{form: runtime.AskForm{
		Run: "r1", Script: "orders/fulfil", Call: 7, Title: "Ship <it>?", Description: "“Now” & here", Schema: json.RawMessage(schema), Until: &until,
	}}
}

const at = "/_/ask/r1/7?key=k"

func (h *house) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	New(Options{Engine: h, Log: h, Now: func() time.Time { return now }}).ServeHTTP(w, r)
	return w
}

// send posts fields as a browser does.
func (h *house) send(fields ...string) *httptest.ResponseRecorder {
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return h.do("POST", at, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func (h *house) sendJSON(body string) *httptest.ResponseRecorder {
	return h.do("POST", at, body, "Content-Type", "application/json")
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) *problem.Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != problem.ContentType {
		t.Fatalf("%d, content type is %q: %s", w.Code, got, w.Body)
	}
	return problem.Parse(w.Code, w.Body.Bytes())
}

// Without a schema there are two buttons.
func TestApproveOrDeny(t *testing.T) {
	for value, want := range map[string]string{"true": "true", "false": "false"} {
		h := newHouse("")
		page := h.do("GET", at, "").Body.String()
		for _, part := range []string{`<h1>Ship &lt;it&gt;?</h1>`, `“Now” &amp; here`, `value="true" class="primary">Approve<`, `value="false" class="plain">Deny<`, `22 November 2026, 10:30 UTC`} {
			if !strings.Contains(page, part) {
				t.Errorf("the page has no %s:\n%s", part, page)
			}
		}
		w := h.send("answer", value)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "Thank you") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if diff := cmp.Diff([]string{want}, h.answers); diff != "" {
			t.Error(diff)
		}
	}
	h := newHouse("")
	for _, fields := range [][]string{nil, {"answer", "maybe"}, {"other", "true"}} {
		if w := h.send(fields...); w.Code != 422 || len(h.answers) != 0 {
			t.Errorf("%v: %d", fields, w.Code)
		}
	}
}

// Mail scanners open every link, and some try what else there is.
func TestLookingAnswersNothing(t *testing.T) {
	h := newHouse("")
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		w := h.do(method, at+"&answer=true", "answer=true", "Content-Type", mediaForm)
		if len(h.answers) != 0 {
			t.Fatalf("%s has answered", method)
		}
		if method == "HEAD" && (w.Code != 200 || w.Body.Len() != 0) {
			t.Errorf("HEAD: %d %s", w.Code, w.Body)
		}
		if method == "PUT" && (w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, POST") {
			t.Errorf("PUT: %d %v", w.Code, w.Header())
		}
	}
	// Not even a POST, if the answer is in the address.
	if w := h.do("POST", at+"&answer=true", "", "Content-Type", mediaForm); w.Code != 422 || len(h.answers) != 0 {
		t.Errorf("POST: %d, answers %v", w.Code, h.answers)
	}
}

func TestHeaders(t *testing.T) {
	h := newHouse("")
	for _, w := range []*httptest.ResponseRecorder{
		h.do("GET", at, ""), h.do("GET", "/_/ask/r1/7?key=no", ""), h.do("GET", at, "", "Accept", "application/json"), h.sendJSON("1"), h.do("PUT", at, ""), h.send(),
	} {
		got := w.Header()
		if got.Get("Cache-Control") != "no-store" || got.Get("Referrer-Policy") != "no-referrer" || got.Get("X-Frame-Options") != "DENY" || got.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%d: headers are %v", w.Code, got)
		}
		csp := got.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; ") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("CSP is %q", csp)
		}
	}
	nonce := func() string {
		w := h.do("GET", at, "")
		_, rest, _ := strings.Cut(w.Header().Get("Content-Security-Policy"), "'nonce-")
		nonce, _, _ := strings.Cut(rest, "'")
		if len(nonce) < 20 || !strings.Contains(w.Body.String(), `<style nonce="`+nonce+`">`) || strings.Contains(w.Body.String(), "<script") {
			t.Errorf("nonce %q, page %s", nonce, w.Body)
		}
		return nonce
	}
	if first, second := nonce(), nonce(); first == second {
		t.Error("the nonce is used twice")
	}
}

// A wrong key, an unknown run and an unknown call can not be told apart.
func TestUnknown(t *testing.T) {
	h := newHouse("")
	pages := map[string]bool{}
	for _, target := range []string{"/_/ask/r1/7", "/_/ask/r1/7?key=x", "/_/ask/r2/7?key=k", "/_/ask/r1/8?key=k", "/_/ask/r1/x?key=k", "/_/ask/r1?key=k", "/_/ask/", "/_/ask/r1/7/8?key=k", "/_/ask//7?key=k"} {
		w := h.do("GET", target, "")
		if w.Code != 404 || strings.Contains(w.Body.String(), "secret words") || strings.Contains(w.Body.String(), "Ship") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
		_, main, _ := strings.Cut(w.Body.String(), "<main")
		pages[main] = true
		if p := problemOf(t, h.do("POST", target, "true", "Content-Type", "application/json")); p.Status != 404 {
			t.Errorf("%s: %+v", target, p)
		}
	}
	if len(pages) != 1 || len(h.answers) != 0 {
		t.Errorf("there are %d different pages, answers %v", len(pages), h.answers)
	}
}

func TestClosed(t *testing.T) {
	answered, late := newHouse(""), newHouse("")
	answered.form.Answered = true
	over := now.Add(-time.Minute)
	late.form.Until = &over
	for name, h := range map[string]*house{"answered": answered, "time": late} {
		w := h.do("GET", at, "")
		if w.Code != 410 || !strings.Contains(w.Body.String(), "This question is closed") || strings.Contains(w.Body.String(), "<form") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if w := h.send("answer", "true"); w.Code != 410 || len(h.answers) != 0 {
			t.Errorf("%s: %d", name, w.Code)
		}
		if p := problemOf(t, h.sendJSON("true")); p.Status != 410 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if w := late.do("GET", at, ""); !strings.Contains(w.Body.String(), "22 November 2026, 09:29 UTC") {
		t.Errorf("the page does not say when: %s", w.Body)
	}
	// Somebody else was faster.
	h := newHouse("")
	h.err = call.Errorf(call.CodeConflict, "too late")
	if w := h.send("answer", "true"); w.Code != 409 || !strings.Contains(w.Body.String(), "the first one has arrived") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if p := problemOf(t, h.sendJSON("true")); p.Status != 409 || p.Code != "CONFLICT_ERROR" {
		t.Errorf("%+v", p)
	}
}

// What was typed is not lost when the disk is full.
func TestNotNow(t *testing.T) {
	h := newHouse(`{"type":"string"}`)
	h.err = call.Errorf(call.CodeUnavailable, "disk")
	w := h.send("answer", "a long text")
	if w.Code != 503 || !strings.Contains(w.Body.String(), "a long text") || !strings.Contains(w.Body.String(), "was not taken") || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.err = call.Errorf(call.CodeInternal, "secret words")
	if w := h.send("answer", "x"); w.Code != 500 || strings.Contains(w.Body.String(), "secret words") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestPrograms(t *testing.T) {
	h := newHouse(`{"type":"object","required":["n"],"properties":{"n":{"type":"integer","minimum":1},"list":{"type":"array","items":{"type":"string"}}}}`)
	w := h.do("GET", at, "", "Accept", "application/json")
	var form runtime.AskForm
	if err := json.Unmarshal(w.Body.Bytes(), &form); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if diff := cmp.Diff(h.form, form); diff != "" {
		t.Error(diff)
	}
	if p := problemOf(t, h.do("GET", "/_/ask/r1/7?key=x", "", "Accept", "application/json")); p.Status != 404 {
		t.Errorf("%+v", p)
	}
	for body, want := range map[string]struct {
		status int
		errors []problem.FieldError
	}{
		``:                         {400, nil},
		`{"n":`:                    {400, nil},
		`{"n":1} 2`:                {400, nil},
		"{\"n\":1,\"x\":\"\xff\"}": {400, nil},
		`{}`:                       {422, []problem.FieldError{{Location: "body.n", Message: "This is needed."}}},
		`{"n":0}`:                  {422, []problem.FieldError{{Location: "body.n", Message: "This must be at least 1."}}},
		`{"n":1,"list":[1]}`:       {422, []problem.FieldError{{Location: "body.list.0", Message: "This must be a text."}}},
		`[]`:                       {422, []problem.FieldError{{Location: "body", Message: "This must be an object: {…}."}}},
		`{"n":1e999999999}`:        {422, []problem.FieldError{{Location: "body", Message: "The answer can not be taken: the number 1e999999999 is out of range."}}},
	} {
		p := problemOf(t, h.sendJSON(body))
		if diff := cmp.Diff(want.errors, p.Errors); diff != "" || p.Status != want.status {
			t.Errorf("%s: %d %s", body, p.Status, diff)
		}
	}
	if p := problemOf(t, h.sendJSON(`"`+strings.Repeat("x", maxAnswer)+`"`)); p.Status != 413 {
		t.Errorf("%+v", p)
	}
	if w := h.do("POST", at, "hello", "Content-Type", "text/plain"); w.Code != 415 {
		t.Errorf("text: %d", w.Code)
	}
	if w := h.do("POST", at, "x", "Content-Type", "multipart/form-data; boundary=x"); w.Code != 415 {
		t.Errorf("multipart: %d", w.Code)
	}
	if len(h.answers) != 0 {
		t.Errorf("answered %v", h.answers)
	}
	if w := h.sendJSON(`{"z":1, "n": 12}`); w.Code != 204 || w.Body.Len() != 0 || h.answers[0] != `{"z":1, "n": 12}` {
		t.Errorf("%d %s %v", w.Code, w.Body, h.answers)
	}
}

// A schema that can not be used is the script's fault, and its log says so.
func TestUnusableSchema(t *testing.T) {
	for _, schema := range []string{`{"type":"strin"}`, `{"$ref":"#/$defs/x"}`, `{"$ref":"https://example.com/s.json"}`, `{"properties":{"a":{"$ref":"#"}}}`, `{"type":"string","pattern":"("}`, `{"$schema":"https://example.com/meta"}`} {
		h := newHouse(schema)
		if w := h.do("GET", at, ""); w.Code != 500 || !strings.Contains(w.Body.String(), "orders/fulfil") {
			t.Errorf("%s: %d %s", schema, w.Code, w.Body)
		}
		if p := problemOf(t, h.sendJSON("1")); p.Status != 500 || len(h.answers) != 0 {
			t.Errorf("%s: %+v", schema, p)
		}
		if len(h.logged) != 2 || h.logged[0].Run != "r1" || h.logged[0].Script != "orders/fulfil" || h.logged[0].Level != logs.Error {
			t.Errorf("%s: logged %+v", schema, h.logged)
		}
	}
}
