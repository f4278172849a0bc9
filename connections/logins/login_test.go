package logins_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/connections/oauthtest"
	"reprise/runtime/call"
)

func TestCodeWithPKCE(t *testing.T) {
	for name, tc := range map[string]struct {
		provider oauthtest.Options
		change   func(*connections.Auth)
	}{
		"the secret in the header": {},
		"the secret in the body":   {oauthtest.Options{Body: true}, func(a *connections.Auth) { a.OAuth2.ClientAuth = connections.ClientBody }},
		"a public client":          {oauthtest.Options{ClientID: "public"}, func(a *connections.Auth) { a.ClientSecret = "" }},
		"another redirect": {oauthtest.Options{}, func(a *connections.Auth) {
			a.OAuth2.RedirectURL = callback // as if it were that of a proxy
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, tc.provider, tc.change)
			s := h.start()
			if _, err := s.Token(t.Context(), "crm"); true {
				wantCode(t, err, call.CodeLoginNeeded, "nobody has logged in; run: reprise connections login crm")
			}
			begun := s.begin("crm")
			q := urlOf(t, begun.URL).Query()
			if q.Get("tenant") != "a" || q.Get("access_type") != "offline" || q.Get("scope") != "read write" || q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != callback {
				t.Errorf("it leads to %s", begun.URL)
			}
			if now, err := s.Attempt(t.Context(), "crm", begun.ID, 0); err != nil || now.State != logins.Pending || now.URL != "" {
				t.Errorf("%+v, %v", now, err)
			}
			if name, err := s.Callback(t.Context(), h.person(begun.URL)); err != nil || name != "crm" {
				t.Fatalf("%s, %v", name, err)
			}
			now, err := s.Attempt(t.Context(), "crm", begun.ID, time.Minute)
			if err != nil || now.State != logins.Done || now.Login == nil || now.Login.State != connections.Authorized || !now.Login.Renews || now.KeyFile != "" {
				t.Errorf("%+v, %v", now, err)
			}
			if first := s.mustToken(h); s.mustToken(h) != first || h.p.Count("authorization_code") != 1 || h.p.Count("refresh_token") != 0 {
				t.Error("more was asked for than one token")
			}
			st := s.state("crm")
			if st.State != connections.Authorized || st.Until == nil || st.At == nil || strings.Join(st.Scopes, " ") != "read write" {
				t.Errorf("it is %+v", st)
			}
			if st := s.state("mail"); st.State != connections.LoginNeeded || st.Reason == "" {
				t.Errorf("another connection is %+v", st)
			}
			h.private(s, now)
		})
	}
}

func urlOf(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestStateIsChecked(t *testing.T) {
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	unknown := func(a logins.Answer) {
		t.Helper()
		name, err := s.Callback(t.Context(), a)
		wantCode(t, err, call.CodeForbidden, "this login is not known")
		if name != "" {
			t.Errorf("it says %s to whoever comes", name)
		}
	}
	begun := s.begin("crm")
	answer := h.person(begun.URL)
	unknown(logins.Answer{})
	unknown(logins.Answer{Code: answer.Code})
	unknown(logins.Answer{State: answer.State + "x", Code: answer.Code})
	unknown(logins.Answer{State: begun.ID, Code: answer.Code})
	if h.p.Count("authorization_code") != 0 {
		t.Error("the code went to the provider")
	}
	if _, err := s.Callback(t.Context(), answer); err != nil {
		t.Fatalf("those have used up the right one: %v", err)
	}
	unknown(answer) // the same once more

	// Twice at the same moment, as when a page is loaded anew.
	answer = h.person(s.begin("crm").URL)
	arrived, release := h.p.Hold()
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := s.Callback(t.Context(), answer); err != nil {
			t.Error(err)
		}
	})
	<-arrived
	unknown(answer)
	release()
	first.Wait()

	// The error of a provider uses it up as well.
	answer = h.person(s.begin("crm").URL)
	_, err := s.Callback(t.Context(), logins.Answer{State: answer.State, Error: "access_denied"})
	wantCode(t, err, call.CodeForbidden, "access_denied")
	unknown(answer)

	// Ten minutes, and no more.
	old := s.begin("crm")
	answer = h.person(old.URL)
	h.clock.pass(10*time.Minute + 2*time.Second)
	unknown(answer)
	if now, err := s.Attempt(t.Context(), "crm", old.ID, 0); err != nil || now.State != logins.Failed || !strings.Contains(now.Error, "within 10m") {
		t.Errorf("%+v, %v", now, err)
	}
	// Nobody came at all: who waits is told.
	old = s.begin("crm")
	h.clock.pass(11 * time.Minute)
	if now, err := s.Attempt(t.Context(), "crm", old.ID, time.Hour); err != nil || now.State != logins.Failed {
		t.Errorf("%+v, %v", now, err)
	}
	if _, err := s.Attempt(t.Context(), "mail", old.ID, 0); true {
		wantCode(t, err, call.CodeNotFound, "no such login")
	}
	if h.p.Count("authorization_code") != 2 {
		t.Errorf("%d codes went to the provider", h.p.Count("authorization_code"))
	}
}

func TestLoginThatFails(t *testing.T) {
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	_, err := s.Begin("open")
	wantCode(t, err, call.CodeConflict, "nobody logs in for the connection open")
	_, err = s.Begin("nobody")
	wantCode(t, err, call.CodeNotFound, "no connection")
	fails := func(answer func(url string) logins.Answer, text string) {
		t.Helper()
		begun := s.begin("crm")
		name, err := s.Callback(t.Context(), answer(begun.URL))
		if err == nil || name != "crm" || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v; want %q", name, err, text)
		}
		if now, err := s.Attempt(t.Context(), "crm", begun.ID, 0); err != nil || now.State != logins.Failed || !strings.Contains(now.Error, text) {
			t.Errorf("%+v, %v", now, err)
		}
	}
	h.p.Deny("access_denied")
	fails(h.person, "access_denied: the person said <no>")
	h.p.Deny("")
	fails(func(url string) logins.Answer { a := h.person(url); a.Code = ""; return a }, "neither a code nor an error")
	fails(func(url string) logins.Answer { a := h.person(url); a.Code = "made up"; return a }, "invalid_grant: no such code")
	fails(func(url string) logins.Answer {
		// Somebody has got hold of a code that was asked for by another: its
		// verifier is not this one's.
		mine, other := h.person(url), h.person(s.begin("mail").URL)
		mine.Code = other.Code
		return mine
	}, "another code_verifier")
	fails(func(url string) logins.Answer {
		a := h.person(url)
		h.auth.Scopes = []string{"read"}
		if err := h.set.Replace(connections.Upstream{Name: "crm", BaseURL: h.p.URL, Auth: &h.auth}, connections.Upstream{Name: "mail", BaseURL: h.p.URL, Auth: &h.auth}); err != nil {
			t.Fatal(err)
		}
		return a
	}, "were changed since")
	h.p.Fail(true)
	fails(h.person, "answered 503")
	h.p.Fail(false)
	if st := s.state("crm"); st.State != connections.LoginNeeded {
		t.Errorf("it is %+v", st)
	}
}

func TestLoginsAreBounded(t *testing.T) {
	// Who begins without end forgets the oldest.
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	first := s.begin("crm")
	h.clock.pass(time.Second)
	for range 100 {
		s.begin("crm")
	}
	if _, err := s.Attempt(t.Context(), "crm", first.ID, 0); call.CodeOf(err) != call.CodeNotFound {
		t.Errorf("the first one: %v", err)
	}
}

func TestLogout(t *testing.T) {
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start()
	wantCode(t, s.Logout(t.Context(), "crm"), call.CodeNotFound, "nobody has logged in")
	s.login(h, "crm")
	s.mustToken(h)
	if err := s.Logout(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Token(t.Context(), "crm")
	wantCode(t, err, call.CodeLoginNeeded, "nobody has logged in")
	s.login(h, "crm")
	s.mustToken(h)
}

func TestTokensAreForThoseSettings(t *testing.T) {
	// A refresh token is not shown to another provider, or for another client.
	h := newHouse(t, oauthtest.Options{}, nil)
	h.start().login(h, "crm")
	h.auth.ClientID = "another"
	h.set = h.connections()
	h.clock.pass(2 * time.Hour)
	s := h.start()
	_, err := s.Token(t.Context(), "crm")
	wantCode(t, err, call.CodeLoginNeeded, "its tokenURL or clientId has changed")
	if h.p.Count("refresh_token") != 0 {
		t.Error("it was shown")
	}
}

func TestSecretsGoToTheProviderOnly(t *testing.T) {
	h := newHouse(t, oauthtest.Options{}, nil)
	s := h.start(func(o *logins.Options) {
		var err error
		if o.Secrets, err = connections.NewSecrets(map[string]string{"CLIENT": "s"}, map[string][]string{"CLIENT": {"login.example.com"}}); err != nil {
			t.Fatal(err)
		}
	})
	_, err := s.Begin("crm")
	wantCode(t, err, call.CodeSecretNotAllowed, "it may be sent to login.example.com")
}

func TestSecretOfTheClientIsMissing(t *testing.T) {
	h := newHouse(t, oauthtest.Options{}, func(a *connections.Auth) { a.ClientSecret = "${secret:NOT_THERE}" })
	s := h.start()
	if _, err := s.Begin("crm"); call.CodeOf(err) != call.CodeSecretMissing {
		t.Errorf("the error is %v", err)
	}
}
