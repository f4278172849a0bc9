package httpbind_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/connections/logins"
	"reprise/connections/oauthtest"
	"reprise/connections/vault"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
	"reprise/store/badger"
)

const callback = "http://127.0.0.1:8080/_/oauth/callback"

// loginHost is a host whose upstream "shop" wants the tokens of a provider.
func loginHost(t *testing.T) (*host, *oauthtest.Provider, *logins.Logins) {
	t.Helper()
	p := oauthtest.New(oauthtest.Options{ClientID: "me", ClientSecret: "the value of KEY", RedirectURL: callback})
	t.Cleanup(p.Close)
	set, err := connections.NewSet(connections.Upstream{Name: "shop", BaseURL: p.URL + "/api", Auth: &connections.Auth{
		Type: "oauth2", TokenURL: p.URL + "/token", ClientID: "me", ClientSecret: "${secret:KEY}",
		OAuth2: connections.OAuth2{Grant: connections.GrantCode, AuthorizationURL: p.URL + "/authorize"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := connections.NewSecrets(map[string]string{"KEY": "the value of KEY"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := badger.Open(badger.Options{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	v, err := vault.Open(t.Context(), vault.Options{Store: store, Live: secrets, Source: vault.Given(vault.NewKey(), "the test")})
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, httpbind.Options{Connections: set, Secrets: secrets})
	l := logins.New(t.Context(), logins.Options{
		Connections: set, Secrets: secrets, Keeper: v, Store: store, HTTP: h.b.Endpoints(), Callback: func() string { return callback },
	})
	t.Cleanup(func() { l.Close(context.WithoutCancel(t.Context())) })
	return h, p, l
}

// login is a person who allows what the provider asks.
func login(t *testing.T, l *logins.Logins) {
	t.Helper()
	begun, err := l.Begin("shop")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, begun.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Callback(t.Context(), logins.Answer{State: back.Query().Get("state"), Code: back.Query().Get("code")}); err != nil {
		t.Fatal(err)
	}
}

func TestCallsShareALogin(t *testing.T) {
	h, p, l := loginHost(t)
	if o := h.at(web.HTTPRequest{URL: "/"}); call.CodeOf(o.Err) != call.CodeUnavailable || !strings.Contains(o.Err.Message, "logins are with a server") {
		t.Errorf("without logins: %v", o.Err)
	}
	h.b.BindLogins(l)
	if o := h.at(web.HTTPRequest{URL: "/"}); call.CodeOf(o.Err) != call.CodeLoginNeeded || len(h.attempts) != 1 || !bytes.Contains(o.Err.Data, []byte(`"connection":"shop"`)) {
		t.Errorf("before anybody has logged in: %v, %d attempts", o.Err, len(h.attempts))
	}
	login(t, l)
	p.Expire()
	// 200 calls, whose token the API refuses: each tries once more, with the same new one.
	var calls sync.WaitGroup
	for range 200 {
		calls.Go(func() {
			o := h.at(web.HTTPRequest{URL: "/"})
			if o.Err != nil || string(o.Body.Inline) != `{"ok":true,"with":"[access token]"}` {
				t.Errorf("%s, %v", o.Body.Inline, o.Err)
			}
		})
	}
	calls.Wait()
	if n := p.Count("refresh_token"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	// One that the API refuses again and again is refused to the script.
	p.Revoke()
	o := h.at(web.HTTPRequest{URL: "/"})
	if call.CodeOf(o.Err) != call.CodeLoginNeeded {
		t.Errorf("after it was revoked: %s, %v", o.Body.Inline, o.Err)
	}
	for _, token := range p.Tokens() {
		if strings.Contains(o.Err.Error(), token) {
			t.Errorf("the error has a token: %v", o.Err)
		}
	}
}

func TestAConnectionSignsForItsToken(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := oauthtest.New(oauthtest.Options{Issuer: "robot", Key: key.Public()})
	t.Cleanup(p.Close)
	set, err := connections.NewSet(connections.Upstream{Name: "shop", BaseURL: p.URL + "/api", Auth: &connections.Auth{
		Type: "oauth2", TokenURL: p.URL + "/token", Scopes: []string{"read"},
		OAuth2: connections.OAuth2{Grant: connections.GrantJWT, Assertion: &connections.JWT{Algorithm: "RS256", Key: "${secret:ROBOT}", Claims: map[string]any{"iss": "robot"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := map[string][]string{"ROBOT": {"login.example.com"}}
	for _, hosts := range []map[string][]string{nil, elsewhere} {
		secrets, err := connections.NewSecrets(map[string]string{"ROBOT": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))}, hosts)
		if err != nil {
			t.Fatal(err)
		}
		h := newHost(t, httpbind.Options{Connections: set, Secrets: secrets})
		for range 2 {
			o := h.at(web.HTTPRequest{URL: "/"})
			switch {
			case hosts != nil && call.CodeOf(o.Err) != call.CodeSecretNotAllowed:
				t.Errorf("the key may not be used there: %s, %v", o.Body.Inline, o.Err)
			case hosts == nil && (o.Err != nil || string(o.Body.Inline) != `{"ok":true,"with":"[access token]"}`):
				t.Errorf("%s, %v", o.Body.Inline, o.Err)
			}
		}
	}
	if n := p.Count("urn:ietf:params:oauth:grant-type:jwt-bearer"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}
