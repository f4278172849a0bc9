package connections_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"reprise/connections"
)

var signedAt = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

// plain resolves texts that name no secrets.
func plain(text string) (string, error) { return text, nil }

// signed returns the request with the headers that auth sets.
func signed(t *testing.T, auth connections.Auth, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	if _, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "http://a/", Auth: &auth}); err != nil {
		t.Fatal(err)
	}
	s, err := auth.Signer(plain)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	before := r.Header.Clone()
	if err := s.Sign(r, []byte(body), signedAt); err != nil {
		t.Fatal(err)
	}
	for name := range r.Header {
		listed := false
		for _, h := range s.Headers() {
			listed = listed || http.CanonicalHeaderKey(h) == name
		}
		if before[name] == nil && !listed {
			t.Errorf("it sets the header %s and does not say so", name)
		}
	}
	return r
}

func TestAWSVectors(t *testing.T) {
	// From the test suite of Signature Version 4 and its documentation.
	auth := connections.Auth{Type: "aws", AWS: &connections.AWS{
		Service: "service", Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	}}
	iam := auth
	iam.AWS = &connections.AWS{Service: "iam", Region: "us-east-1", AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	for name, tc := range map[string]struct {
		auth        connections.Auth
		method, url string
		headers     []string
		want        string
	}{
		"get-vanilla":                      {auth, "GET", "https://example.amazonaws.com/", nil, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		"get-vanilla-query-order-key-case": {auth, "GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1", nil, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		"post-vanilla":                     {auth, "POST", "https://example.amazonaws.com/", nil, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		"ListUsers": {
			iam, "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
			[]string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
			"5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
	} {
		r := signed(t, tc.auth, tc.method, tc.url, "", tc.headers...)
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+tc.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	auth.AWS.Service, auth.AWS.SessionToken = "s3", "session"
	r := signed(t, auth, "PUT", "https://b.s3.amazonaws.com/a%20b", "hello")
	if h := r.Header; h.Get("X-Amz-Security-Token") != "session" || h.Get("X-Amz-Content-Sha256") != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" {
		t.Errorf("headers = %v", h)
	}
}

func TestHMACTemplates(t *testing.T) {
	auth := connections.Auth{Type: "hmac", HMAC: &connections.HMAC{
		Secret: base64.StdEncoding.EncodeToString([]byte("a key")), KeyEncoding: "base64", Algorithm: "sha512", Encoding: "base64",
		Message: "{timestamp}\n{method}\n{host}{path}?{query}\n{header.x-app}\n{body.sha256}\n{body}",
		Set:     map[string]string{"X-Signature": "t={timestamp},v1={signature}", "X-Nonce": "{nonce}"},
	}}
	r := signed(t, auth, "POST", "https://a.example.com:8443/b%20c?d=e%26", "hello", "X-App", "reprise")
	mac := hmac.New(sha512.New, []byte("a key"))
	mac.Write([]byte("1440938160\nPOST\na.example.com:8443/b%20c?d=e%26\nreprise\n2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\nhello"))
	if want := "t=1440938160,v1=" + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("X-Signature") != want {
		t.Errorf("got  %s\nwant %s", r.Header.Get("X-Signature"), want)
	}
	if n := r.Header.Get("X-Nonce"); len(n) < 20 || n == signed(t, auth, "GET", "http://a/", "").Header.Get("X-Nonce") {
		t.Errorf("nonce = %q", n)
	}
	// What a script puts into a request can not break out of a header.
	auth.HMAC.Set = map[string]string{"X-Body": "{body}"}
	s, err := auth.Signer(plain)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sign(httptest.NewRequest("POST", "http://a/", nil), []byte("a\r\nX-Admin: 1"), signedAt); err == nil {
		t.Error("a line break is sent")
	}
}

func pemOf(t *testing.T, key any) string {
	t.Helper()
	b, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
}

func TestJWT(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		algorithm string
		key       string
		verify    any
	}{
		"RS256":           {"RS256", pemOf(t, private), private.Public()},
		"PS512":           {"PS512", pemOf(t, private), private.Public()},
		"ES256":           {"ES256", pemOf(t, curve), curve.Public()},
		"EdDSA":           {"EdDSA", pemOf(t, edwards), public},
		"HS256":           {"HS256", strings.Repeat("k", 32), []byte(strings.Repeat("k", 32))},
		"PEM in one line": {"RS256", strings.ReplaceAll(pemOf(t, private), "\n", `\n`), private.Public()},
	} {
		t.Run(name, func(t *testing.T) {
			auth := connections.Auth{Type: "jwt", JWT: &connections.JWT{
				Algorithm: tc.algorithm, Key: tc.key, KeyID: "k1", Claims: map[string]any{"iss": "me", "aud": "https://a", "scope": "x"}, Expires: time.Minute,
			}}
			r := signed(t, auth, "GET", "http://a/", "")
			text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !ok {
				t.Fatalf("authorization = %q", r.Header.Get("Authorization"))
			}
			algorithm, _ := jwa.LookupSignatureAlgorithm(tc.algorithm)
			token, err := jwt.Parse([]byte(text), jwt.WithKey(algorithm, tc.verify), jwt.WithValidate(false))
			if err != nil {
				t.Fatal(err)
			}
			issuer, _ := token.Issuer()
			expires, _ := token.Expiration()
			id, _ := token.JwtID()
			var scope string
			if err := token.Get("scope", &scope); err != nil || issuer != "me" || !expires.Equal(signedAt.Add(time.Minute)) || id == "" || scope != "x" {
				t.Errorf("token = %v, %v", token, err)
			}
		})
	}
	// A key that is none is not quoted.
	bad := connections.Auth{Type: "jwt", JWT: &connections.JWT{Algorithm: "RS256", Key: "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----"}}
	for _, auth := range []connections.Auth{bad, {Type: "jwt", JWT: &connections.JWT{Algorithm: "RS256", Key: "hush"}}} {
		s, err := auth.Signer(plain)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Sign(httptest.NewRequest("GET", "http://a/", nil), nil, signedAt); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("error = %v", err)
		}
	}
}

func TestSignersThatCanNotBe(t *testing.T) {
	key := strings.Repeat("k", 32)
	for name, a := range map[string]connections.Auth{
		"aws":              {Type: "aws", AWS: &connections.AWS{Service: "s3", Region: "x", AccessKeyID: "y"}},
		"hmac":             {Type: "hmac", HMAC: &connections.HMAC{Secret: "x", Message: "y"}},
		"hmac algorithm":   {Type: "hmac", HMAC: &connections.HMAC{Secret: "x", Message: "y", Algorithm: "md5", Set: map[string]string{"a": "b"}}},
		"hmac encoding":    {Type: "hmac", HMAC: &connections.HMAC{Secret: "x", Message: "y", Encoding: "hax", Set: map[string]string{"a": "b"}}},
		"hmac key":         {Type: "hmac", HMAC: &connections.HMAC{Secret: "x", Message: "y", KeyEncoding: "hax", Set: map[string]string{"a": "b"}}},
		"hmac part":        {Type: "hmac", HMAC: &connections.HMAC{Secret: "x", Message: "{boby}", Set: map[string]string{"a": "b"}}},
		"hmac in itself":   {Type: "hmac", HMAC: &connections.HMAC{Secret: "x", Message: "{signature}", Set: map[string]string{"a": "b"}}},
		"hmac header":      {Type: "hmac", HMAC: &connections.HMAC{Secret: "x", Message: "y", Set: map[string]string{"a b": "b"}}},
		"jwt algorithm":    {Type: "jwt", JWT: &connections.JWT{Algorithm: "none", Key: key}},
		"jwt no algorithm": {Type: "jwt", JWT: &connections.JWT{Key: key}},
		"jwt no key":       {Type: "jwt", JWT: &connections.JWT{Algorithm: "HS256"}},
	} {
		if _, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "http://a/", Auth: &a}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestStandardWebhooks(t *testing.T) {
	// The example of the specification, and that of its reference libraries.
	for _, tc := range []struct {
		secret, id, body, want string
		at                     int64
	}{
		{"whsec_plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", `{"event_type":"ping","data":{"success":true}}`, "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=", 1731705121},
		{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", 1614265330},
	} {
		r := httptest.NewRequest(http.MethodPost, "https://a.example.com/", nil)
		r.Header.Set("webhook-id", tc.id)
		if err := connections.StandardWebhooks(tc.secret).Sign(r, []byte(tc.body), time.Unix(tc.at, 0)); err != nil {
			t.Fatal(err)
		}
		if got := r.Header.Get("webhook-signature"); got != tc.want || r.Header.Get("webhook-timestamp") != strconv.FormatInt(tc.at, 10) {
			t.Errorf("%s: %s at %s", tc.id, got, r.Header.Get("webhook-timestamp"))
		}
	}
	r := httptest.NewRequest(http.MethodPost, "https://a.example.com/", nil)
	if err := connections.StandardWebhooks("whsec_not base64").Sign(r, nil, signedAt); err == nil || strings.Contains(err.Error(), "not base64") {
		t.Errorf("a secret that is none: %v", err)
	}
}
