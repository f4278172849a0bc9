package callback

import (
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/runtime/call"
)

// door notes what was handed on, and answers as it is told.
type door struct {
	got  []logins.Answer
	name string
	err  error
}

func (d *door) Callback(_ context.Context, a logins.Answer) (string, error) {
	d.got = append(d.got, a)
	return d.name, d.err
}

func TestPage(t *testing.T) {
	for name, tc := range map[string]struct {
		door   door
		target string
		status int
		has    []string
	}{
		"done":        {door{name: "crm"}, "GET /?state=s&code=c", 200, []string{"<h1>crm is authorized</h1>", "You can close this page"}},
		"unknown":     {door{err: call.Errorf(call.CodeForbidden, "this login is not known")}, "GET /?state=s&code=c", 403, []string{"<h1>This login is not known</h1>"}},
		"denied":      {door{name: "crm", err: call.Errorf(call.CodeForbidden, "the provider did not allow it: <b>no</b>")}, "GET /?state=s&error=access_denied&error_description=x", 403, []string{"The login for crm has failed", "The provider did not allow it: &lt;b&gt;no&lt;/b&gt;.", "reprise connections login crm"}},
		"refused":     {door{name: "crm", err: &connections.GrantError{Status: 400, URL: "https://a/token", Code: "invalid_grant"}}, "GET /?state=s&code=c", 502, []string{"The token endpoint https://a/token answered 400: invalid_grant"}},
		"ours":        {door{name: "crm", err: errors.New("badger: /var/lib/x")}, "GET /?state=s&code=c", 500, []string{"The server failed"}},
		"looks ahead": {door{name: "crm"}, "HEAD /?state=s&code=c", 405, nil},
		"posts":       {door{name: "crm"}, "POST /?state=s&code=c", 405, nil},
		"too long":    {door{name: "crm"}, "GET /?state=s&code=" + strings.Repeat("c", maxQuery), 414, nil},
	} {
		t.Run(name, func(t *testing.T) {
			method, target, _ := strings.Cut(tc.target, " ")
			w := httptest.NewRecorder()
			New(Options{Logins: &tc.door}).ServeHTTP(w, httptest.NewRequest(method, target, nil))
			page := w.Body.String()
			if w.Code != tc.status {
				t.Errorf("%d %s", w.Code, page)
			}
			for _, text := range tc.has {
				if !strings.Contains(page, text) {
					t.Errorf("%q is not in %s", text, page)
				}
			}
			if tc.has == nil && len(tc.door.got) > 0 {
				t.Errorf("it was used up: %v", tc.door.got)
			}
			if strings.Contains(page, "badger") || strings.Contains(page, "<script") || strings.Contains(page, " on") && regexp.MustCompile(`<[^>]* on\w+=`).MatchString(page) {
				t.Errorf("the page has what it may not have: %s", page)
			}
			nonce := regexp.MustCompile(`<style nonce="(\w+)">`).FindStringSubmatch(page)
			policy := w.Header().Get("Content-Security-Policy")
			if len(nonce) != 2 || !strings.HasPrefix(policy, "default-src 'none'; style-src 'nonce-"+nonce[1]+"'") || strings.Contains(policy, "unsafe") {
				t.Errorf("the policy is %s", policy)
			}
			for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s is %q", name, got)
				}
			}
		})
	}
}

func TestHandedOn(t *testing.T) {
	d := door{name: "crm"}
	New(Options{Logins: &d}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/_/oauth/callback?state=a%20b&code=c%2Fd&error=e&error_description=f&scope=x", nil))
	if len(d.got) != 1 || d.got[0] != (logins.Answer{State: "a b", Code: "c/d", Error: "e", Description: "f"}) {
		t.Errorf("%+v", d.got)
	}
}
