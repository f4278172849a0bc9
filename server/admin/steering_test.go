package admin

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/api"
)

// steer notes what was asked for and gives the run, unless its state forbids it.
func (h *house) steer(ctx context.Context, id string, asked any) (runtime.Run, error) {
	if id == "diverging" {
		return runtime.Run{}, call.Errorf(call.CodeDiverged, "turn 2 went another way").WithData(map[string]any{"divergence": exampleDivergence()})
	}
	run, err := h.Cancel(ctx, id)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = asked
	return run, err
}

func (h *house) Kill(ctx context.Context, id string) (runtime.Run, error) {
	return h.steer(ctx, id, "kill")
}

func (h *house) Pause(ctx context.Context, id string) (runtime.Run, error) {
	return h.steer(ctx, id, "pause")
}

func (h *house) Resume(ctx context.Context, id string, req runtime.ResumeRequest) (runtime.Run, error) {
	return h.steer(ctx, id, req)
}

func (h *house) Retry(ctx context.Context, id string, req runtime.RetryRequest) (runtime.Run, error) {
	return h.steer(ctx, id, req)
}

func (h *house) Fork(ctx context.Context, id string, req runtime.ForkRequest) (runtime.Run, error) {
	run, err := h.steer(ctx, id, req)
	run.ForkOf, run.ID = id, "the fork"
	return run, err
}

func (h *house) Upgrade(ctx context.Context, id, revision string) (runtime.Run, error) {
	return h.steer(ctx, id, "upgrade to "+revision)
}

func (h *house) Signal(ctx context.Context, req runtime.SignalRequest) error {
	_, err := h.steer(ctx, req.Run, req)
	return err
}

func (h *house) Journal(ctx context.Context, id string) ([]runtime.JournalRecord, error) {
	if id == "ended" {
		return nil, nil
	}
	_, err := h.Get(ctx, id)
	return exampleJournal().Records, err
}

func (h *house) Replay(ctx context.Context, id string, req runtime.ReplayRequest) (runtime.ReplayReport, error) {
	if _, err := h.Get(ctx, id); err != nil {
		return runtime.ReplayReport{}, err
	}
	h.asked = req
	if req.Source == "bad" {
		return runtime.ReplayReport{}, call.Errorf(call.CodeCompile, "1:1: unexpected")
	}
	return runtime.ReplayReport{Run: id, Result: "same"}, nil
}

func (h *house) Check(_ context.Context, req runtime.CheckRequest) (runtime.CheckReport, error) {
	h.asked = req
	if _, ok := (scriptList{h}).Find(req.Script); !ok {
		return runtime.CheckReport{}, call.Errorf(call.CodeNotFound, "there is no script %s", req.Script)
	}
	if req.Script == "hello" {
		return runtime.CheckReport{Script: req.Script}, nil
	}
	return exampleCheck(), nil
}

// Every control reaches the engine with what the request says; where nothing
// has to be said, the body may be missing, and Content-Type with it.
func TestControls(t *testing.T) {
	for _, tc := range []struct {
		path, body string
		asked      any
	}{
		{"kill", "", "kill"},
		{"pause", "", "pause"},
		{"resume", "", runtime.ResumeRequest{}},
		{"resume", `{}`, runtime.ResumeRequest{InDoubt: "retry"}},
		{"resume", `{"inDoubt":"fail"}`, runtime.ResumeRequest{InDoubt: "fail"}},
		{"retry", "", runtime.RetryRequest{}},
		{"retry", `{"revision":"current"}`, runtime.RetryRequest{Revision: "current"}},
		{"upgrade", "", "upgrade to "},
		{"upgrade", `{"revision":"9f2c"}`, "upgrade to 9f2c"},
	} {
		f := newFixture(t)
		w := f.do("POST /api/v1/runs/running/"+tc.path, tc.body)
		if w.Code != 202 {
			t.Errorf("%s %s: %d %s", tc.path, tc.body, w.Code, w.Body)
			continue
		}
		if run := decode[runtime.Run](t, w); run.ID != "running" {
			t.Errorf("%s: run is %+v", tc.path, run)
		}
		if diff := cmp.Diff(tc.asked, f.asked); diff != "" {
			t.Errorf("%s %s: %s", tc.path, tc.body, diff)
		}
		if p := problemOf(t, f.do("POST /api/v1/runs/ended/"+tc.path, tc.body)); p.Status != 409 || p.Code != "CONFLICT_ERROR" {
			t.Errorf("%s of an ended run: %+v", tc.path, p)
		}
		if p := problemOf(t, f.do("POST /api/v1/runs/nope/"+tc.path, tc.body)); p.Status != 404 {
			t.Errorf("%s of no run: %+v", tc.path, p)
		}
		if w := f.do("GET /api/v1/runs/running/"+tc.path, ""); w.Code != 405 || w.Header().Get("Allow") != "POST" {
			t.Errorf("GET %s: %d", tc.path, w.Code)
		}
	}
	f := newFixture(t)
	for _, request := range []string{`resume {"inDoubt":"maybe"}`, `retry {"revison":"x"}`, `upgrade [1]`, `fork {"fromTurn":0}`, `fork {}`, `fork {"fromTurn":-1}`} {
		path, body, _ := strings.Cut(request, " ")
		if p := problemOf(t, f.do("POST /api/v1/runs/running/"+path, body)); p.Status != 422 || len(p.Errors) == 0 || f.asked != nil {
			t.Errorf("%s: %+v", request, p)
		}
	}
}

func TestFork(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST /api/v1/runs/running/fork", `{"fromTurn":4,"revision":"current"}`)
	if run := decode[runtime.Run](t, w); w.Code != 201 || run.ForkOf != "running" || w.Header().Get("Location") != "/api/v1/runs/the%20fork" {
		t.Errorf("%d %v %+v", w.Code, w.Header(), run)
	}
	if diff := cmp.Diff(runtime.ForkRequest{FromTurn: 4, Revision: "current"}, f.asked); diff != "" {
		t.Error(diff)
	}
	if p := problemOf(t, f.do("POST /api/v1/runs/running/fork", "")); p.Status != 400 || p.Code != "INVALID_JSON_ERROR" {
		t.Errorf("without a body: %+v", p)
	}
}

// Who is refused because a replay went another way sees where, and so does a
// program.
func TestDivergence(t *testing.T) {
	f := newFixture(t)
	p := problemOf(t, f.do("POST /api/v1/runs/diverging/upgrade", ""))
	var got runtime.Divergence
	if err := json.Unmarshal(p.Divergence, &got); err != nil || p.Status != 409 || p.Code != "DIVERGED_ERROR" {
		t.Fatalf("%v, %+v", err, p)
	}
	if diff := cmp.Diff(*exampleDivergence(), got); diff != "" {
		t.Error(diff)
	}
}

// A signal's value is any JSON, as it was written, or nothing.
func TestSignals(t *testing.T) {
	for _, tc := range []struct {
		body, contentType string
		status            int
		value             json.RawMessage
	}{
		{"", "", 202, nil},
		{"", "text/plain", 202, nil},
		{`{"b":1,"a":12345678901234567890}`, "", 202, json.RawMessage(`{"b":1,"a":12345678901234567890}`)},
		{`null`, "application/json", 202, json.RawMessage(`null`)},
		{` "x" `, "application/json; charset=utf-8", 202, json.RawMessage(`"x"`)},
		{`7`, "application/cloudevents+json", 202, json.RawMessage(`7`)},
		{`yes`, "", 400, nil},
		{`1 2`, "", 400, nil},
		{`a=1`, "application/x-www-form-urlencoded", 415, nil},
		{`1`, "/", 415, nil},
		{`"` + strings.Repeat("x", 1000) + `"`, "", 413, nil},
	} {
		f := newFixture(t)
		headers := []string{"Idempotency-Key", "k1"}
		if tc.contentType != "" {
			headers = append(headers, "Content-Type", tc.contentType)
		}
		w := f.do("POST /api/v1/runs/running/signals/order%2Fapproval", tc.body, headers...)
		if w.Code != tc.status {
			t.Errorf("%.40q as %q: %d %s", tc.body, tc.contentType, w.Code, w.Body)
			continue
		}
		if tc.status != 202 {
			problemOf(t, w)
			if f.asked != nil {
				t.Errorf("%q was sent", tc.body)
			}
			continue
		}
		if diff := cmp.Diff(runtime.SignalRequest{Run: "running", Name: "order/approval", Value: tc.value, IdempotencyKey: "k1"}, f.asked); diff != "" || w.Body.Len() != 0 {
			t.Errorf("%s %s", diff, w.Body)
		}
	}
	f := newFixture(t)
	if p := problemOf(t, f.do("POST /api/v1/runs/ended/signals/x", "")); p.Status != 409 {
		t.Errorf("of an ended run: %+v", p)
	}
	if p := problemOf(t, f.do("POST /api/v1/runs/running/signals/x", "", "Idempotency-Key", strings.Repeat("k", 257))); p.Status != 422 {
		t.Errorf("a long key: %+v", p)
	}
}

func TestJournal(t *testing.T) {
	f := newFixture(t)
	if diff := cmp.Diff(exampleJournal(), decode[api.Journal](t, f.do("GET /api/v1/runs/running/journal", ""))); diff != "" {
		t.Error(diff)
	}
	w := f.do("GET /api/v1/runs/running/journal?format=text", "")
	lines := strings.Split(w.Body.String(), "\n")
	if len(lines) != 4 || lines[0] != "     1  2026-11-22T09:30:12.345Z  started   orders/fulfil started, revision 9f2c51d0a7be" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%v %q", w.Header(), lines)
	}
	if w := f.do("GET /api/v1/runs/ended/journal", ""); strings.TrimSpace(w.Body.String()) != `{"records":[]}` {
		t.Errorf("an empty one: %s", w.Body)
	}
	for query, status := range map[string]int{"nope/journal": 404, "running/journal?format=xml": 422} {
		if p := problemOf(t, f.do("GET /api/v1/runs/"+query, "")); p.Status != status {
			t.Errorf("%s: %+v", query, p)
		}
	}
	line := string(journalText([]runtime.JournalRecord{{Seq: 7, Kind: "signal", Text: "a\nb\x1b[31m\u202e", Void: true}}))
	if line != "     7                            signal    (a b [31m )\n" {
		t.Errorf("line is %q", line)
	}
}

func TestReplayAndCheck(t *testing.T) {
	f := newFixture(t)
	if w := f.do("POST /api/v1/runs/running/replay", `{"source":"export default 1"}`); !strings.Contains(w.Body.String(), `"logs":[],"calls":[]`) || w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if diff := cmp.Diff(runtime.ReplayRequest{Source: "export default 1"}, f.asked); diff != "" {
		t.Error(diff)
	}
	if p := problemOf(t, f.do("POST /api/v1/runs/running/replay", `{"source":"bad"}`)); p.Status != 422 || p.Code != "COMPILE_ERROR" {
		t.Errorf("%+v", p)
	}
	report := decode[runtime.CheckReport](t, f.do("POST /api/v1/scripts/orders%2Ffulfil/check", `{"source":"x","finished":3}`))
	if diff := cmp.Diff(exampleCheck(), report); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(runtime.CheckRequest{Script: "orders/fulfil", Source: "x", Finished: 3}, f.asked); diff != "" {
		t.Error(diff)
	}
	if w := f.do("POST /api/v1/scripts/hello/check", ""); !strings.Contains(w.Body.String(), `"runs":[]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if p := problemOf(t, f.do("POST /api/v1/scripts/orders%2Ffulfill/check", "")); p.Status != 404 || p.Hint != "Did you mean orders/fulfil?" {
		t.Errorf("%+v", p)
	}
	if p := problemOf(t, f.do("POST /api/v1/scripts/hello/check", `{"finished":0}`)); p.Status != 422 {
		t.Errorf("%+v", p)
	}
}
