package site

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/webhook"
)

// gate takes deliveries with the header X-Sign: good, and refuses others with err.
type gate struct {
	err  error
	seen *webhook.Verified
	body string
}

func (g *gate) Verify(_ context.Context, _ *webhook.Config, d *webhook.Delivery) (*webhook.Verified, error) {
	g.body = string(d.Body)
	if d.Header.Get("X-Sign") != "good" {
		return nil, g.err
	}
	return g.seen, nil
}

func webhookFixture(t *testing.T, h *house, g *gate, config webhook.Config) *fixture {
	t.Helper()
	source := runScript("hook", nil)
	source.Webhook = &config
	if g.seen == nil {
		g.seen = &webhook.Verified{Event: "e1", Key: "event e1"}
	}
	if g.err == nil {
		g.err = &webhook.RefusedError{Cause: webhook.Unsigned, Why: "the signature is wrong"}
	}
	return newFixture(t, Options{Runs: h, Webhooks: g, MaxBody: 100, Dev: true}, source)
}

func TestReceive(t *testing.T) {
	h, g := newHouse(), &gate{}
	config := webhook.Config{Path: "/in"}
	config.Verify.Type = "stripe"
	f := webhookFixture(t, h, g, config)
	w := f.post("/in", ` {"a" : 1}`, "X-Sign", "good", "Content-Type", "application/json")
	if w.Code != http.StatusAccepted || w.Body.String() != `{"id":"r1","status":"received"}` || w.Header().Get("X-Reprise-Run") != "r1" || w.Header().Get("Location") != "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	want := []runtime.DeliverRequest{{
		Script: "hook", Input: json.RawMessage(`{"id":"e1","headers":{"content-type":"application/json","x-sign":"good"},"body":{"a":1},"text":" {\"a\" : 1}"}`),
		Webhook: runtime.Webhook{Scheme: "stripe", Event: "e1"}, Key: "event e1", TTL: 24 * time.Hour,
	}}
	if diff := cmp.Diff(want, h.delivered); diff != "" {
		t.Error(diff)
	}
	// What is verified are the bytes that came.
	if g.body != ` {"a" : 1}` {
		t.Errorf("verified %q", g.body)
	}
	if len(h.started) != 0 || len(f.book.entries) != 0 {
		t.Errorf("started %v, logged %v", h.started, f.book.entries)
	}
	h.again = true
	w = f.post("/in", `{"a":1}`, "X-Sign", "good")
	if w.Code != http.StatusOK || w.Body.String() != `{"id":"r1","status":"duplicate"}` {
		t.Errorf("a duplicate: %d %s", w.Code, w.Body)
	}
	if len(f.book.entries) != 1 || f.book.entries[0].Run != "r1" || !strings.Contains(f.book.entries[0].Msg, "came again") {
		t.Errorf("logged %v", f.book.entries)
	}
	if w := f.get("/in"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
}

// A sender that is refused learns nothing of why; the log does.
func TestTurnedAway(t *testing.T) {
	bodies := map[int]map[string]bool{}
	for _, tc := range []struct {
		err    error
		status int
		level  logs.Level
	}{
		{&webhook.RefusedError{Cause: webhook.Unsigned, Why: "there is no header X-Secret-Name"}, http.StatusUnauthorized, logs.Warn},
		{&webhook.RefusedError{Cause: webhook.Late, Why: "its time is long ago"}, http.StatusUnauthorized, logs.Warn},
		{&webhook.RefusedError{Cause: webhook.Unready, Why: "the secret S is not set; set it with"}, http.StatusServiceUnavailable, logs.Error},
		{&webhook.RefusedError{Cause: webhook.Unavailable, Why: "the keys of the issuer can not be had"}, http.StatusServiceUnavailable, logs.Error},
		{errors.New("a bug"), http.StatusServiceUnavailable, logs.Error},
	} {
		h := newHouse()
		f := webhookFixture(t, h, &gate{err: tc.err}, webhook.Config{})
		w := f.post("/hook", `{"a":1}`)
		if w.Code != tc.status || strings.Contains(w.Body.String(), tc.err.Error()) || len(h.delivered) != 0 {
			t.Errorf("%v: %d %s", tc.err, w.Code, w.Body)
		}
		if len(f.book.entries) != 1 || f.book.entries[0].Level != tc.level || !strings.Contains(f.book.entries[0].Msg, tc.err.Error()) || len(f.book.counted) != 1 {
			t.Errorf("%v: logged %v, counted %v", tc.err, f.book.entries, f.book.counted)
		}
		if bodies[tc.status] == nil {
			bodies[tc.status] = map[string]bool{}
		}
		bodies[tc.status][w.Body.String()] = true
	}
	for status, different := range bodies {
		if len(different) != 1 {
			t.Errorf("%d has the answers %v", status, different)
		}
	}
}

func TestDeliveriesThatCanNotBeTaken(t *testing.T) {
	for name, tc := range map[string]struct {
		body   string
		err    error
		status int
	}{
		"too large":   {strings.Repeat("x", 101), nil, http.StatusRequestEntityTooLarge},
		"not text":    {"\xff", nil, http.StatusUnsupportedMediaType},
		"a full disk": {"1", call.Errorf(call.CodeUnavailable, "the disk is full"), http.StatusServiceUnavailable},
		"a gone one":  {"1", call.Errorf(call.CodeNotFound, "there is no script"), http.StatusNotFound},
	} {
		h := newHouse()
		h.err = tc.err
		f := webhookFixture(t, h, &gate{}, webhook.Config{})
		if w := f.post("/hook", tc.body, "X-Sign", "good"); w.Code != tc.status || len(h.delivered) != 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	source := runScript("hook", nil)
	source.Webhook = &webhook.Config{}
	if w := newFixture(t, Options{Runs: newHouse()}, source).post("/hook", "1"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("without a verifier: %d", w.Code)
	}
}

func TestSlackChallenge(t *testing.T) {
	h := newHouse()
	f := webhookFixture(t, h, &gate{seen: &webhook.Verified{Challenge: "3eZbrw1a<b>"}}, webhook.Config{})
	w := f.post("/hook", `{}`, "X-Sign", "good")
	if w.Code != http.StatusOK || w.Body.String() != "3eZbrw1a<b>" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || len(h.delivered) != 0 {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestAckAfter(t *testing.T) {
	for name, tc := range map[string]struct {
		end    runtime.Run
		again  bool
		status int
		body   string
	}{
		"succeeds":            {runtime.Run{ID: "r1", Status: runtime.Succeeded, Output: json.RawMessage(`"hidden"`)}, false, 200, `{"id":"r1","status":"succeeded"}`},
		"succeeds, again":     {runtime.Run{ID: "r1", Status: runtime.Succeeded}, true, 200, `{"id":"r1","status":"duplicate"}`},
		"fails":               {runtime.Run{ID: "r1", Status: runtime.Failed, Error: &call.Error{Name: "Error", Message: "hidden"}}, false, 500, "the delivery is kept, and its run ended as failed"},
		"is cancelled":        {runtime.Run{ID: "r1", Status: runtime.Cancelled}, false, 500, "its run ended as cancelled"},
		"does not end":        {runtime.Run{ID: "r1", Status: runtime.Waiting}, false, 202, `{"id":"r1","status":"received"}`},
		"does not end, again": {runtime.Run{ID: "r1", Status: runtime.Waiting}, true, 200, `{"id":"r1","status":"duplicate"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse()
				h.after, h.ends["r1"], h.again = time.Second, tc.end, tc.again
				f := webhookFixture(t, h, &gate{}, webhook.Config{Ack: webhook.AckAfter})
				w := f.post("/hook", "1", "X-Sign", "good")
				if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.body) || strings.Contains(w.Body.String(), "hidden") {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				if !h.delivered[0].Again {
					t.Error("a delivery whose run has failed may not start another")
				}
			})
		})
	}
	// A duplicate of one that was deleted: nothing is known but its id.
	h := newHouse()
	h.runs["r1"], h.again = runtime.Run{ID: "r1"}, true
	f := webhookFixture(t, h, &gate{}, webhook.Config{Ack: webhook.AckAfter})
	if w := f.post("/hook", "1", "X-Sign", "good"); w.Code != 200 || w.Body.String() != `{"id":"r1","status":"duplicate"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWebhookRoutes(t *testing.T) {
	hook := func(name, path string) RouteSource {
		s := runScript(name, nil)
		s.Webhook = &webhook.Config{Path: path}
		return s
	}
	if diff := cmp.Diff([]Route{{Path: "/a/b", Methods: []string{"POST"}, Handler: "run"}}, Routes(hook("a/b", ""))); diff != "" {
		t.Error(diff)
	}
	if err := Validate([]RouteSource{script("f", "/x")}, hook("a", "/x")); err == nil || !strings.Contains(err.Error(), "already answered by the script f") {
		t.Errorf("Validate: %v", err)
	}
	for _, path := range []string{"/x/:id", "/x/*"} {
		if err := Validate(nil, hook("a", path)); err == nil || !strings.Contains(err.Error(), "config.webhook.path") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
