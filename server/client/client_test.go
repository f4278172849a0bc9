package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/api"
	"reprise/server/datadir"
	"reprise/server/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serverWith answers every request with status and body, and notes the last.
func serverWith(t *testing.T, status int, body string) (c *Client, last func() string) {
	t.Helper()
	var request string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		request = strings.TrimSpace(r.Method + " " + r.RequestURI + " " + string(b))
		if r.Header.Get("Authorization") != "Bearer tok" {
			t.Errorf("Authorization is %q", r.Header.Get("Authorization"))
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	c, err := New(Options{URL: srv.URL + "/", Token: "tok"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, func() string { return request }
}

// Each method asks what docs/reference/admin-api.md describes.
func TestRequests(t *testing.T) {
	ctx := t.Context()
	for want, ask := range map[string]func(*Client) error{
		"GET /api/v1/server":                              func(c *Client) error { _, err := c.Server(ctx); return err },
		"GET /api/v1/scripts":                             func(c *Client) error { _, err := c.Scripts(ctx); return err },
		"GET /api/v1/scripts/orders%2Ffulfil":             func(c *Client) error { _, err := c.Script(ctx, "orders/fulfil"); return err },
		"POST /api/v1/connections/crm/login":              func(c *Client) error { _, err := c.BeginLogin(ctx, "crm"); return err },
		"GET /api/v1/connections/crm/login/a?wait=1000ms": func(c *Client) error { _, err := c.Login(ctx, "crm", "a", time.Second); return err },
		"DELETE /api/v1/connections/crm/login":            func(c *Client) error { return c.Logout(ctx, "crm") },
		"GET /api/v1/runs/r1":                             func(c *Client) error { _, err := c.Run(ctx, "r1", 0); return err },
		"GET /api/v1/runs/r1?wait=1500ms":                 func(c *Client) error { _, err := c.Run(ctx, "r1", 1500*time.Millisecond); return err },
		"GET /api/v1/runs":                                func(c *Client) error { _, _, err := c.Runs(ctx, runtime.ListQuery{}); return err },
		"GET /api/v1/runs?cursor=c&limit=3&script=a%2Fb&status=failed": func(c *Client) error {
			_, _, err := c.Runs(ctx, runtime.ListQuery{Script: "a/b", Status: runtime.Failed, Limit: 3, Cursor: "c"})
			return err
		},
		"GET /api/v1/connections":                        func(c *Client) error { _, err := c.Connections(ctx); return err },
		"GET /api/v1/secrets":                            func(c *Client) error { _, err := c.Secrets(ctx); return err },
		`PUT /api/v1/secrets/CRM_KEY {"value":"v"}`:      func(c *Client) error { _, err := c.SetSecret(ctx, "CRM_KEY", "v"); return err },
		"DELETE /api/v1/secrets/CRM_KEY":                 func(c *Client) error { return c.DeleteSecret(ctx, "CRM_KEY") },
		"POST /api/v1/secrets/rotate-key {}":             func(c *Client) error { _, err := c.RotateKey(ctx, api.RotateKey{}); return err },
		`POST /api/v1/secrets/rotate-key {"newKey":"k"}`: func(c *Client) error { _, err := c.RotateKey(ctx, api.RotateKey{NewKey: "k"}); return err },
		"POST /api/v1/runs/r1/kill":                      func(c *Client) error { _, err := c.KillRun(ctx, "r1"); return err },
		"POST /api/v1/runs/r1/pause":                     func(c *Client) error { _, err := c.PauseRun(ctx, "r1"); return err },
		`POST /api/v1/runs/r1/resume {"inDoubt":"fail"}`: func(c *Client) error {
			_, err := c.ResumeRun(ctx, "r1", api.ResumeRun{InDoubt: "fail"})
			return err
		},
		`POST /api/v1/runs/r1/retry {"revision":"current"}`: func(c *Client) error {
			_, err := c.RetryRun(ctx, "r1", api.RetryRun{Revision: "current"})
			return err
		},
		`POST /api/v1/runs/r1/upgrade {}`: func(c *Client) error { _, err := c.UpgradeRun(ctx, "r1", api.UpgradeRun{}); return err },
		`POST /api/v1/runs/r1/fork {"fromTurn":3}`: func(c *Client) error {
			_, err := c.ForkRun(ctx, "r1", api.ForkRun{FromTurn: 3})
			return err
		},
		`POST /api/v1/runs/r1/signals/a%2Fb%20c {"x":1}`: func(c *Client) error {
			return c.SignalRun(ctx, "r1", "a/b c", json.RawMessage(`{"x":1}`), "")
		},
		"POST /api/v1/runs/r1/signals/go": func(c *Client) error { return c.SignalRun(ctx, "r1", "go", nil, "") },
		"GET /api/v1/runs/r1/journal":     func(c *Client) error { _, err := c.Journal(ctx, "r1"); return err },
		`POST /api/v1/runs/r1/replay {"source":"x"}`: func(c *Client) error {
			_, err := c.ReplayRun(ctx, "r1", api.ReplayRun{Source: "x"})
			return err
		},
		`POST /api/v1/scripts/orders%2Ffulfil/check {"finished":5}`: func(c *Client) error {
			_, err := c.CheckScript(ctx, "orders/fulfil", api.CheckScript{Finished: 5})
			return err
		},
		"POST /api/v1/runs/r1/cancel": func(c *Client) error { _, err := c.CancelRun(ctx, "r1"); return err },
		"DELETE /api/v1/runs/r1":      func(c *Client) error { return c.DeleteRun(ctx, "r1") },
		`POST /api/v1/runs {"script":"a","input":{"x":1},"wait":"10s"}`: func(c *Client) error {
			_, err := c.StartRun(ctx, api.StartRun{Script: "a", Input: json.RawMessage(`{"x":1}`), Wait: "10s"})
			return err
		},
		"GET /api/v1/logs": func(c *Client) error { _, err := c.Logs(ctx, LogQuery{}); return err },
		"GET /api/v1/logs?filter=x+y&from=1&level=%3E%3Dwarn&limit=5&order=desc&run=r&script=s&since=15m&to=2": func(c *Client) error {
			_, err := c.Logs(ctx, LogQuery{Run: "r", Script: "s", Level: ">=warn", Filter: "x y", Since: "15m", From: 1, To: 2, Limit: 5, Desc: true})
			return err
		},
	} {
		c, last := serverWith(t, 200, `{}`)
		if err := ask(c); err != nil || last() != want {
			t.Errorf("asked %s (%v), want %s", last(), err, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	c, _ := serverWith(t, 200, `{"id":"r1","script":"a","status":"succeeded","output":[1],"createdAt":"2026-11-22T09:30:00Z","new":"field"}`)
	run, err := c.Run(t.Context(), "r1", 0)
	want := runtime.Run{ID: "r1", Script: "a", Status: runtime.Succeeded, Output: json.RawMessage(`[1]`), CreatedAt: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)}
	if diff := cmp.Diff(want, run); diff != "" || err != nil {
		t.Error(diff, err)
	}
	c, _ = serverWith(t, 200, `{"runs":[{"id":"r1"}],"cursor":"next"}`)
	if runs, cursor, err := c.Runs(t.Context(), runtime.ListQuery{}); len(runs) != 1 || cursor != "next" || err != nil {
		t.Errorf("%v %q %v", runs, cursor, err)
	}
	c, _ = serverWith(t, 204, "")
	if err := c.DeleteRun(t.Context(), "r1"); err != nil {
		t.Error(err)
	}
}

func TestSignalOnce(t *testing.T) {
	// The key of a signal travels as a header; its value is the body as it is.
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || string(b) != ` [1]` || r.Header.Get("Idempotency-Key") != "k" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("body %q, header %v, %v", b, r.Header, err)
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	c, err := New(Options{URL: srv.URL, Token: "tok"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SignalRun(t.Context(), "r1", "go", json.RawMessage(` [1]`), "k"); err != nil {
		t.Error(err)
	}
}

func TestJournal(t *testing.T) {
	c, _ := serverWith(t, 200, `{"records":[{"seq":1,"kind":"started","text":"orders/fulfil began","data":{"a":1}},{"seq":2,"kind":"turn","text":"turn 1","data":{},"void":true}]}`)
	got, err := c.Journal(t.Context(), "r1")
	want := []runtime.JournalRecord{
		{Seq: 1, Kind: "started", Text: "orders/fulfil began", Data: json.RawMessage(`{"a":1}`)},
		{Seq: 2, Kind: "turn", Text: "turn 1", Data: json.RawMessage(`{}`), Void: true},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestProblems(t *testing.T) {
	c, _ := serverWith(t, 409, `{"type":"urn:reprise:error:CONFLICT_ERROR","title":"T","status":409,"detail":"the run r1 has already ended: failed","code":"CONFLICT_ERROR","hint":"H"}`)
	_, err := c.CancelRun(t.Context(), "r1")
	var e *call.Error
	var p *problem.Problem
	if !errors.As(err, &e) || e.Code != string(call.CodeConflict) || e.Name != "ConflictError" || err.Error() != "the run r1 has already ended: failed" {
		t.Errorf("error is %v, %+v", err, e)
	}
	if !errors.As(err, &p) || p.Status != 409 || p.Hint != "H" {
		t.Errorf("problem is %+v", p)
	}
	c, _ = serverWith(t, 502, "<html>Bad Gateway")
	if _, err := c.Server(t.Context()); err == nil || !strings.Contains(err.Error(), "502 Bad Gateway") {
		t.Errorf("a proxy's page: %v", err)
	}
	c, _ = serverWith(t, 200, "<html>")
	if _, err := c.Server(t.Context()); err == nil || !strings.Contains(err.Error(), "is it a reprise") {
		t.Errorf("another server's page: %v", err)
	}
}

func TestNotRunning(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("without server.json: %v", err)
	}
	// A server that died has left its server.json.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	if err := datadir.WriteInfo(dir, datadir.Info{Admin: addr, AdminURL: "http://" + addr, PID: os.Getpid()}); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("without a token: %v", err)
	}
	if _, err := datadir.LoadToken(dir); err != nil {
		t.Fatal(err)
	}
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Server(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("nobody listens: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Server(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestWrongOptions(t *testing.T) {
	for _, o := range []Options{{}, {URL: "127.0.0.1:8081"}, {URL: "ftp://x"}, {URL: "http://"}, {URL: "http://x", Token: "a\nb"}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
