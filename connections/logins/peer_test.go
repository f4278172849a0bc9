// A provider that others have written, and that is certified: what it takes,
// and what it refuses, is nothing that we have agreed upon with ourselves.

package logins_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"

	"reprise/connections"
	"reprise/connections/logins"
	"reprise/connections/oauthtest"
)

// peer is the provider with its storage of examples, and a key of a robot.
type peer struct {
	*storage.Storage
	t     testing.TB
	url   string
	robot *rsa.PrivateKey
}

// GetKeyByIDAndClientID returns the robot's key.
func (p *peer) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return &jose.JSONWebKey{KeyID: "key1", Use: "sig", Key: p.robot.Public()}, nil
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	robot, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	storage.RegisterClients(storage.WebClient("web", "secret", callback), storage.NativeClient("native", callback))
	p := &peer{Storage: storage.NewStorage(storage.NewUserStore(server.URL)), t: t, url: server.URL, robot: robot}
	config := &op.Config{CryptoKey: sha256.Sum256([]byte("test")), CodeMethodS256: true, AuthMethodPost: true, GrantTypeRefreshToken: true}
	if handler, err = op.NewProvider(config, p, op.StaticIssuer(server.URL), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler))); err != nil {
		t.Fatal(err)
	}
	return p
}

// get returns where a URL leads to.
func (p *peer) get(at string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, at, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusFound {
		p.t.Fatalf("%s: %s", at, res.Status)
	}
	return res.Header.Get("Location")
}

// person logs in there.
func (p *peer) person(at string) logins.Answer {
	p.t.Helper()
	_, id, _ := strings.Cut(p.get(at), "authRequestID=")
	if err := p.CheckUsernamePassword("test-user@127.0.0.1", "verysecure", id); err != nil {
		p.t.Fatal(err)
	}
	q := urlOf(p.t, p.get(p.url+"/authorize/callback?id="+id)).Query()
	return logins.Answer{State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Description: q.Get("error_description")}
}

// takes reports whether the provider's own API takes an access token.
func (p *peer) takes(token string) bool {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/userinfo", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		p.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func TestPeer(t *testing.T) {
	p := newPeer(t)
	t.Run("logins", func(t *testing.T) { peerLogins(t, p) })
	t.Run("grants", func(t *testing.T) { peerGrants(t, p) })
}

func peerLogins(t *testing.T, p *peer) {
	for name, change := range map[string]func(*connections.Auth){
		"basic":  func(a *connections.Auth) { a.ClientID, a.ClientSecret = "web", "secret" },
		"public": func(a *connections.Auth) { a.ClientID, a.ClientSecret = "native", "" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, oauthtest.Options{}, func(a *connections.Auth) {
				a.TokenURL, a.Scopes = p.url+"/oauth/token", []string{"openid", "offline_access"}
				a.OAuth2.AuthorizationURL, a.OAuth2.Params = p.url+"/authorize", nil
				change(a)
			})
			s := h.start()
			wrong := p.person(s.begin("crm").URL)
			wrong.Code = p.person(s.begin("crm").URL).Code // of another challenge
			if _, err := s.Callback(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
				t.Errorf("with another verifier: %v", err)
			}
			answer := p.person(s.begin("crm").URL)
			if _, err := s.Callback(t.Context(), answer); err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for range 3 { // each refresh token is another one, and the one before is over
				token, err := s.Token(t.Context(), "crm")
				if err != nil || seen[token] || !p.takes(token) {
					t.Fatalf("the token is new: %v, taken: %v; %v", !seen[token], p.takes(token), err)
				}
				seen[token] = true
				kept, _, err := s.vault.Login(t.Context(), "crm")
				if refresh := between(kept, `"refresh":"`); err != nil || refresh == "" || seen[refresh] {
					t.Fatalf("the refresh token is %q, %v", refresh, err)
				} else {
					seen[refresh] = true
				}
				h.clock.pass(time.Hour)
				s = h.start()
			}
		})
	}
}

func peerGrants(t *testing.T, p *peer) {
	der, err := x509.MarshalPKCS8PrivateKey(p.robot)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	o := connections.NewOAuth(&http.Client{Transport: transport})
	for name, g := range map[string]connections.Grant{
		"client credentials": {ClientID: "sid1", ClientSecret: "verysecret", Scopes: []string{"openid"}},
		"in the body":        {ClientID: "sid1", ClientSecret: "verysecret", ClientAuth: connections.ClientBody, Scopes: []string{"openid"}},
		"an assertion": {Scopes: []string{"openid"}, Assertion: &connections.JWT{
			Algorithm: "RS256", Key: key, KeyID: "key1", Claims: map[string]any{"iss": "service", "sub": "service", "aud": p.url},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			g.TokenURL = p.url + "/oauth/token"
			if token, err := o.Token(t.Context(), g); err != nil || token == "" {
				t.Errorf("%q, %v", token, err)
			}
		})
	}
}
