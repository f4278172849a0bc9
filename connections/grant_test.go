package connections_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"reprise/connections"
	"reprise/connections/oauthtest"
)

// aKey is a private key, and it in PEM.
var aKey = sync.OnceValues(func() (crypto.PublicKey, string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return key.Public(), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

func providerOf(t *testing.T, o oauthtest.Options) (*oauthtest.Provider, *http.Client) {
	t.Helper()
	p := oauthtest.New(o)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		p.Close()
	})
	return p, &http.Client{Transport: transport}
}

func TestGrants(t *testing.T) {
	// What a strict provider takes, of a client and of an assertion.
	public, private := aKey()
	account, err := json.Marshal(map[string]string{"type": "service_account", "private_key": private, "private_key_id": "k1", "client_email": "robot@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	assertion := func(key string, claims map[string]any) *connections.JWT {
		return &connections.JWT{Algorithm: "RS256", Key: key, Claims: claims}
	}
	for name, tc := range map[string]struct {
		provider oauthtest.Options
		grant    connections.Grant
		fails    string
	}{
		"client credentials":     {oauthtest.Options{ClientID: "a:b", ClientSecret: "c d"}, connections.Grant{ClientID: "a:b", ClientSecret: "c d"}, ""},
		"found out":              {oauthtest.Options{ClientID: "a", ClientSecret: "b", Body: true}, connections.Grant{ClientID: "a", ClientSecret: "b"}, ""},
		"in the body":            {oauthtest.Options{ClientID: "a", ClientSecret: "b", Body: true}, connections.Grant{ClientID: "a", ClientSecret: "b", ClientAuth: connections.ClientBody}, ""},
		"in the header":          {oauthtest.Options{ClientID: "a", ClientSecret: "b", Body: true}, connections.Grant{ClientID: "a", ClientSecret: "b", ClientAuth: connections.ClientBasic}, "401: invalid_client"},
		"another secret":         {oauthtest.Options{ClientID: "a", ClientSecret: "b"}, connections.Grant{ClientID: "a", ClientSecret: "x"}, "401: invalid_client"},
		"an assertion":           {oauthtest.Options{Issuer: "me"}, connections.Grant{Assertion: assertion(private, map[string]any{"iss": "me", "sub": "ada"})}, ""},
		"of a client":            {oauthtest.Options{Issuer: "me"}, connections.Grant{ClientID: "me", Assertion: assertion(private, nil)}, ""},
		"of a service account":   {oauthtest.Options{Issuer: "robot@example.com"}, connections.Grant{Assertion: assertion(string(account), map[string]any{"sub": "ada"})}, ""},
		"of somebody else":       {oauthtest.Options{Issuer: "me"}, connections.Grant{Assertion: assertion(private, map[string]any{"iss": "you"})}, "400: invalid_grant"},
		"for somebody else":      {oauthtest.Options{Issuer: "me"}, connections.Grant{Assertion: assertion(private, map[string]any{"iss": "me", "aud": "https://other.example.com"})}, "400: invalid_grant"},
		"with a key that is not": {oauthtest.Options{Issuer: "me"}, connections.Grant{Assertion: assertion("-----BEGIN PRIVATE KEY-----", nil)}, "was not asked: the key of auth jwt can not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.provider.Key = public
			p, client := providerOf(t, tc.provider)
			tc.grant.TokenURL, tc.grant.Scopes = p.URL+"/token", []string{"read"}
			token, err := connections.NewOAuth(client).Token(t.Context(), tc.grant)
			if tc.fails != "" {
				refused, ok := errors.AsType[*connections.GrantError](err)
				if !ok || !strings.Contains(refused.Error(), tc.fails) {
					t.Errorf("the error is %v; want %q", err, tc.fails)
				}
				return
			}
			if err != nil || !strings.HasPrefix(token, "access-") {
				t.Errorf("%s, %v", token, err)
			}
		})
	}
}

func TestAssertionsAreGrantsOfTheirOwn(t *testing.T) {
	// Who acts for two people has two tokens.
	public, private := aKey()
	p, client := providerOf(t, oauthtest.Options{Issuer: "me", Key: public})
	o := connections.NewOAuth(client)
	token := func(sub string) string {
		t.Helper()
		got, err := o.Token(t.Context(), connections.Grant{TokenURL: p.URL + "/token", ClientID: "me", Scopes: []string{"read"}, Assertion: &connections.JWT{Algorithm: "RS256", Key: private, Claims: map[string]any{"sub": sub}}})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if a, b := token("ada"), token("bob"); a == b || token("ada") != a || token("bob") != b {
		t.Error("they share tokens, or do not keep them")
	}
}

func TestOAuth2IsChecked(t *testing.T) {
	jwt := &connections.JWT{Algorithm: "RS256", Key: "k"}
	for name, tc := range map[string]struct {
		change func(*connections.Auth)
		want   string
	}{
		"a code":                {func(*connections.Auth) {}, ""},
		"an unknown grant":      {func(a *connections.Auth) { a.OAuth2.Grant = "password" }, `no grant "password"; use clientCredentials, authorizationCode or jwtBearer`},
		"no client":             {func(a *connections.Auth) { a.ClientID = "" }, "lacks clientId"},
		"no authorization":      {func(a *connections.Auth) { a.OAuth2.AuthorizationURL = "" }, "needs authorizationURL"},
		"a fragment":            {func(a *connections.Auth) { a.OAuth2.AuthorizationURL += "#x" }, "needs authorizationURL"},
		"no token URL":          {func(a *connections.Auth) { a.TokenURL = "ftp://a" }, "needs tokenURL"},
		"a wrong redirect":      {func(a *connections.Auth) { a.OAuth2.RedirectURL = "/_/oauth/callback" }, "redirectURL is an absolute URL"},
		"a secret that is seen": {func(a *connections.Auth) { a.OAuth2.Params = map[string]string{"x": "${secret:A}"} }, "parameter x of authorizationParams names a secret"},
		"a secret in a URL":     {func(a *connections.Auth) { a.OAuth2.AuthorizationURL += "?a=${secret:A}" }, "a secret can not be part of"},
		"the state":             {func(a *connections.Auth) { a.OAuth2.Params = map[string]string{"state": "x"} }, "can not have state"},
		"client auth":           {func(a *connections.Auth) { a.OAuth2.ClientAuth = "jwt" }, `no clientAuth "jwt"; it is basic or body`},
		"an assertion":          {func(a *connections.Auth) { a.OAuth2.Assertion = jwt }, "assertion belongs to the grant jwtBearer"},
		"client credentials":    {func(a *connections.Auth) { a.OAuth2.Grant = "" }, "belong to the grant authorizationCode"},
		"no assertion":          {func(a *connections.Auth) { a.OAuth2 = connections.OAuth2{Grant: connections.GrantJWT} }, "lacks an assertion"},
		"no key": {func(a *connections.Auth) {
			a.OAuth2 = connections.OAuth2{Grant: connections.GrantJWT, Assertion: &connections.JWT{Algorithm: "RS256"}}
		}, "lacks a key"},
		"a jwt": {func(a *connections.Auth) {
			a.ClientID, a.OAuth2 = "", connections.OAuth2{Grant: connections.GrantJWT, Assertion: jwt}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := &connections.Auth{Type: "oauth2", TokenURL: "https://a.example.com/token", ClientID: "me", OAuth2: connections.OAuth2{Grant: connections.GrantCode, AuthorizationURL: "https://a.example.com/authorize"}}
			tc.change(a)
			_, err := connections.NewSet(connections.Upstream{Name: "crm", BaseURL: "https://crm.example.com", Auth: a})
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the error is %v; want %q", err, tc.want)
			}
		})
	}
}
