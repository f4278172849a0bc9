package admin

import (
	"context"
	"testing"
	"time"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/runtime/call"
)

// gate is the house's place for logins, and for connections.
type gate struct{ *house }

func (g gate) known(name string) error {
	if name != "crm" {
		return call.Errorf(call.CodeNotFound, "there is no connection %q", name)
	}
	return g.err
}

func (g gate) Begin(name string) (logins.Attempt, error) {
	begun := exampleAttempt()
	begun.URL = "https://login.example.com/authorize?state=s"
	return begun, g.known(name)
}

func (g gate) Attempt(_ context.Context, name, id string, wait time.Duration) (logins.Attempt, error) {
	g.mu.Lock()
	g.waited = wait
	g.mu.Unlock()
	now := exampleAttempt()
	now.ID = id
	return now, g.known(name)
}

func (g gate) Logout(_ context.Context, name string) error { return g.known(name) }

func (g gate) States() []connections.State {
	until := exampleTime()
	return []connections.State{
		{Name: "crm", BaseURL: "https://crm.example.com", Auth: "oauth2", Grant: connections.GrantCode, Login: &connections.Login{State: connections.Authorized, Until: &until, Renews: true}},
		{Name: "mail", BaseURL: "https://mail.example.com", Auth: "oauth2", Grant: connections.GrantCode, Login: &connections.Login{State: connections.LoginNeeded, Reason: "nobody has logged in"}},
	}
}

func TestLogins(t *testing.T) {
	f := newFixture(t)
	w := f.do("POST /api/v1/connections/crm/login", "")
	if begun := decode[logins.Attempt](t, w); w.Code != 201 || begun.URL == "" || w.Header().Get("Location") != "/api/v1/connections/crm/login/"+begun.ID {
		t.Errorf("%d %v %+v", w.Code, w.Header(), begun)
	}
	if now := decode[logins.Attempt](t, f.do("GET /api/v1/connections/crm/login/abc?wait=10s", "")); now.ID != "abc" || now.State != logins.Pending || f.waited != 10*time.Second {
		t.Errorf("%+v, waited %s", now, f.waited)
	}
	if w := f.do("DELETE /api/v1/connections/crm/login", ""); w.Code != 204 || w.Body.Len() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for request, status := range map[string]int{
		"POST /api/v1/connections/nobody/login":         404,
		"GET /api/v1/connections/nobody/login/abc":      404,
		"DELETE /api/v1/connections/nobody/login":       404,
		"GET /api/v1/connections/crm/login":             405,
		"GET /api/v1/connections/crm/login/abc?wait=1h": 422,
	} {
		if w := f.do(request, ""); w.Code != status {
			t.Errorf("%s: %d %s", request, w.Code, w.Body)
		}
	}
	for _, request := range []string{"POST /api/v1/connections/crm/login", "GET /api/v1/connections/crm/login/abc", "DELETE /api/v1/connections/crm/login"} {
		if w := f.do(request, "", "Authorization", ""); w.Code != 401 {
			t.Errorf("%s without the token: %d", request, w.Code)
		}
		if w := f.do(request, "", "Origin", "https://evil.example.com"); w.Code != 403 {
			t.Errorf("%s from another page: %d", request, w.Code)
		}
	}
}
