package logins_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/connections/oauthtest"
	"reprise/connections/vault"
	"reprise/runtime/call"
	"reprise/store"
	"reprise/store/badger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const callback = "http://127.0.0.1:8080/_/oauth/callback"

// clock is a time that a test moves on.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// safeBuffer is a log that several goroutines write.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// house is a provider and a store, with one server at a time, or more.
type house struct {
	t     testing.TB
	p     *oauthtest.Provider
	store store.Store
	key   *vault.Key
	clock clock
	log   safeBuffer
	set   *connections.Set
	auth  connections.Auth
}

// server is one that uses the house's store.
type server struct {
	*logins.Logins
	t     testing.TB
	vault *vault.Vault
}

func newHouse(t testing.TB, o oauthtest.Options, change func(*connections.Auth)) *house {
	t.Helper()
	if o.ClientID == "" {
		o.ClientID, o.ClientSecret = "me & you", "s+cret/of the client"
	}
	o.RedirectURL = callback
	h := &house{t: t, p: oauthtest.New(o), key: vault.NewKey()}
	t.Cleanup(h.p.Close)
	s, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	h.store = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h.auth = connections.Auth{
		Type: "oauth2", TokenURL: h.p.URL + "/token", ClientID: o.ClientID, ClientSecret: "${secret:CLIENT}", Scopes: []string{"read", "write"},
		OAuth2: connections.OAuth2{Grant: connections.GrantCode, AuthorizationURL: h.p.URL + "/authorize?tenant=a", Params: map[string]string{"access_type": "offline"}},
	}
	if change != nil {
		change(&h.auth)
	}
	h.set = h.connections()
	return h
}

func (h *house) connections() *connections.Set {
	h.t.Helper()
	auth := h.auth
	set, err := connections.NewSet(
		connections.Upstream{Name: "crm", BaseURL: h.p.URL + "/api", Auth: &auth},
		connections.Upstream{Name: "mail", BaseURL: h.p.URL + "/api", Auth: &auth},
		connections.Upstream{Name: "open", BaseURL: h.p.URL + "/api"})
	if err != nil {
		h.t.Fatal(err)
	}
	return set
}

// start starts a server. seam changes what it works with.
func (h *house) start(seam ...func(*logins.Options)) *server {
	h.t.Helper()
	live, err := connections.NewSecrets(map[string]string{"CLIENT": "s+cret/of the client"}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	v, err := vault.Open(h.t.Context(), vault.Options{Store: h.store, Live: live, Source: vault.Given(h.key, "the test")})
	if err != nil {
		h.t.Fatal(err)
	}
	transport := &http.Transport{}
	o := logins.Options{
		Connections: h.set, Secrets: live, Keeper: v, Store: h.store, HTTP: &http.Client{Transport: transport}, Callback: func() string { return callback },
		Logger: slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: h.clock.now,
	}
	for _, s := range seam {
		s(&o)
	}
	l := logins.New(h.t.Context(), o)
	s := &server{Logins: l, t: h.t, vault: v}
	h.t.Cleanup(func() {
		l.Close(context.WithoutCancel(h.t.Context()))
		v.Close()
		transport.CloseIdleConnections()
	})
	return s
}

// person opens a URL, allows what is asked for, and returns what the browser is
// sent back with.
func (h *house) person(at string) logins.Answer {
	h.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, at, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != http.StatusFound || !strings.HasPrefix(back.String(), callback+"?") {
		h.t.Fatalf("the provider answered %d, Location %q", res.StatusCode, back)
	}
	q := back.Query()
	return logins.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Description: q.Get("error_description")}
}

func (s *server) begin(name string) logins.Attempt {
	s.t.Helper()
	n, err := s.Begin(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// login logs a person in.
func (s *server) login(h *house, name string) {
	s.t.Helper()
	if got, err := s.Callback(s.t.Context(), h.person(s.begin(name).URL)); err != nil || got != name {
		s.t.Fatalf("the login of %q: %v", got, err)
	}
}

// mustToken returns an access token that the API takes.
func (s *server) mustToken(h *house) string {
	s.t.Helper()
	token, err := s.Token(s.t.Context(), "crm")
	if err != nil {
		s.t.Fatal(err)
	}
	if !h.takes(token) {
		s.t.Fatalf("the API does not take the token")
	}
	return token
}

func (h *house) takes(token string) bool {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.p.URL+"/api/", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (s *server) state(name string) connections.Login {
	s.t.Helper()
	for _, st := range s.States() {
		if st.Name == name && st.Login != nil {
			return *st.Login
		}
	}
	s.t.Fatalf("%s has no login", name)
	return connections.Login{}
}

func wantCode(t testing.TB, err error, code call.Code, text string) {
	t.Helper()
	if call.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), text) {
		t.Errorf("the error is %v, want %s with %q", err, code, text)
	}
}

// private checks that no token, and no secret of the client, is in what is said,
// nor in what the store has.
func (h *house) private(s *server, said ...any) {
	h.t.Helper()
	states, err := json.Marshal(s.States())
	if err != nil {
		h.t.Fatal(err)
	}
	text := fmt.Sprint(said...) + h.log.String() + string(states)
	for _, namespace := range []string{"secrets", "logins.leases"} {
		rows, err := h.store.List(h.t.Context(), namespace, store.Range{})
		if err != nil {
			h.t.Fatal(err)
		}
		for _, row := range rows {
			text += string(row.Key) + string(row.Value)
		}
	}
	tokens := h.p.Tokens()
	if len(tokens) == 0 {
		h.t.Error("there are no tokens, so this shows nothing")
	}
	for _, token := range append(tokens, "s+cret/of the client", url.QueryEscape("s+cret/of the client")) {
		if strings.Contains(text, token) {
			h.t.Errorf("%s is in %q", token, text)
		}
	}
}
