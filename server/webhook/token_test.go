package webhook_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"reprise/runtime/script"
	"reprise/server/webhook"
)

// issuer is an identity provider with keys that change.
type issuer struct {
	*httptest.Server
	keys  atomic.Pointer[jwk.Set] // that it shows; nil: it does not answer
	asked atomic.Int32
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		if set := i.keys.Load(); set != nil {
			_ = json.NewEncoder(w).Encode(*set)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) show(t *testing.T, keys ...jwk.Key) {
	t.Helper()
	set := jwk.NewSet()
	for _, key := range keys {
		if err := set.AddKey(key); err != nil {
			t.Fatal(err)
		}
	}
	i.keys.Store(&set)
}

// pair makes a private key and its public one.
func pair(t *testing.T, id string) (private, public jwk.Key) {
	t.Helper()
	raw, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if private, err = jwk.Import(raw); err == nil {
		if err = private.Set(jwk.KeyIDKey, id); err == nil {
			public, err = private.PublicKey()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

func token(t *testing.T, algorithm jwa.SignatureAlgorithm, key any, at time.Time, change func(jwt.Token)) string {
	t.Helper()
	claims, err := jwt.NewBuilder().Issuer("https://accounts.example.com").Audience([]string{"hooks"}).IssuedAt(at).Expiration(at.Add(time.Hour)).Build()
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(claims)
	}
	signed, err := jwt.Sign(claims, jwt.WithKey(algorithm, key))
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

func TestTokens(t *testing.T) {
	i := newIssuer(t)
	private, public := pair(t, "k1")
	stranger, _ := pair(t, "k1")
	shared, err := jwk.Import([]byte("a shared secret that somebody put there"))
	if err != nil {
		t.Fatal(err)
	}
	i.show(t, public, shared)
	v := webhook.New(webhook.Options{Client: i.Client()})
	config := webhook.Config{Verify: script.Verify{Type: script.SchemeJWT, JWKS: i.URL, Issuer: "https://accounts.example.com", Audience: []string{"other", "hooks"}}}
	now := time.Unix(1_700_000_000, 0)
	rs := jwa.RS256()
	set := func(name string, value any) func(jwt.Token) {
		return func(c jwt.Token) {
			if err := c.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	public2, err := jwk.Pem(public)
	if err != nil {
		t.Fatal(err)
	}
	unsigned, err := jwt.Sign(jwt.New(), jwt.WithInsecureNoSignature())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		header string
		want   webhook.Cause
	}{
		"good":                     {"Bearer " + token(t, rs, private, now, nil), taken},
		"small letters":            {"bearer " + token(t, rs, private, now, nil), taken},
		"a clock that is off":      {"Bearer " + token(t, rs, private, now.Add(4*time.Minute), nil), taken},
		"a stranger's key":         {"Bearer " + token(t, rs, stranger, now, nil), webhook.Unsigned},
		"another issuer":           {"Bearer " + token(t, rs, private, now, set("iss", "https://evil.example.com")), webhook.Unsigned},
		"another audience":         {"Bearer " + token(t, rs, private, now, set("aud", []string{"else"})), webhook.Unsigned},
		"no audience":              {"Bearer " + token(t, rs, private, now, func(c jwt.Token) { _ = c.Remove("aud") }), webhook.Unsigned},
		"no end":                   {"Bearer " + token(t, rs, private, now, func(c jwt.Token) { _ = c.Remove("exp") }), webhook.Unsigned},
		"over":                     {"Bearer " + token(t, rs, private, now.Add(-2*time.Hour), nil), webhook.Late},
		"not yet":                  {"Bearer " + token(t, rs, private, now, set("nbf", now.Add(time.Hour))), webhook.Late},
		"no signature":             {"Bearer " + string(unsigned), webhook.Unsigned},
		"signed with the public":   {"Bearer " + token(t, jwa.HS256(), public2, now, nil), webhook.Unsigned},
		"signed with a shared key": {"Bearer " + token(t, jwa.HS256(), shared, now, nil), webhook.Unsigned},
		"no token":                 {"", webhook.Unsigned},
		"another scheme":           {"Basic YTpi", webhook.Unsigned},
		"nonsense":                 {"Bearer a.b.c", webhook.Unsigned},
		"far too long":             {"Bearer " + strings.Repeat("a", 20_000), webhook.Unsigned},
	} {
		d := delivery(now.Unix(), `{"message":{"messageId":"7"}}`, "Authorization: "+tc.header)
		cause := taken
		if _, err := v.Verify(t.Context(), &config, d); err != nil {
			cause = err.(*webhook.RefusedError).Cause //nolint:errorlint // what Verify promises
		}
		if cause != tc.want {
			t.Errorf("%s: cause %d, want %d", name, cause, tc.want)
		}
	}
	if n := i.asked.Load(); n > 2 {
		t.Errorf("the issuer was asked %d times", n)
	}
	// In another header the token is there alone.
	config.Verify.Header = "X-Token"
	seen, err := v.Verify(t.Context(), &config, delivery(now.Unix(), "1", "X-Token: "+token(t, rs, private, now, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if in, err := seen.Input(delivery(now.Unix(), "1", "X-Token: x")); err != nil || strings.Contains(string(in), "token") {
		t.Errorf("%s, %v", in, err)
	}
}

func TestKeysOfIssuersAreKept(t *testing.T) {
	i := newIssuer(t)
	first, firstPublic := pair(t, "k1")
	second, secondPublic := pair(t, "k2")
	v := webhook.New(webhook.Options{Client: i.Client()})
	config := webhook.Config{Verify: script.Verify{Type: script.SchemeJWT, JWKS: i.URL, Issuer: "https://accounts.example.com", Audience: []string{"hooks"}}}
	now := time.Unix(1_700_000_000, 0)
	is := func(what string, key jwk.Key, want webhook.Cause, asked int32) {
		t.Helper()
		cause := taken
		if _, err := v.Verify(t.Context(), &config, delivery(now.Unix(), "1", "Authorization: Bearer "+token(t, jwa.RS256(), key, now, nil))); err != nil {
			cause = err.(*webhook.RefusedError).Cause //nolint:errorlint // what Verify promises
		}
		if cause != want || i.asked.Load() != asked {
			t.Errorf("%s: cause %d, want %d; asked %d times, want %d", what, cause, want, i.asked.Load(), asked)
		}
	}
	is("the issuer is away", first, webhook.Unavailable, 1)
	is("and is not asked at once again", first, webhook.Unavailable, 1)
	i.show(t, firstPublic)
	now = now.Add(10 * time.Second)
	is("it is back", first, taken, 2)
	is("its keys are kept", first, taken, 2)
	is("a key that nobody knows, just after that", second, webhook.Unsigned, 2)
	i.show(t, firstPublic, secondPublic)
	now = now.Add(2 * time.Minute)
	is("a new key", second, taken, 3)
	is("which is kept, too", second, taken, 3)
	i.keys.Store(nil)
	now = now.Add(2 * time.Hour)
	is("the issuer is away, and the old keys hold", first, taken, 4)
	now = now.Add(time.Second)
	is("without asking each time", first, taken, 4)
}
