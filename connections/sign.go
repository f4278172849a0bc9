// Auth that is made of the request itself, just before it leaves.

package connections

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssign "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"golang.org/x/net/http/httpguts"
)

// Signer signs requests, anew for each attempt. Its credentials are in clear.
type Signer interface {
	// Sign sets headers of r, which are r's own. body is what r carries.
	Sign(r *http.Request, body []byte, now time.Time) error
	// Headers are those that it sets: no other host may get them.
	Headers() []string
}

// The types of Auth that sign.
const (
	authAWS  = "aws"
	authHMAC = "hmac"
	authJWT  = "jwt"
)

// Signs reports whether requests are signed with it, one by one.
func (a *Auth) Signs() bool { return a.Type == authAWS || a.Type == authHMAC || a.Type == authJWT }

// Signer makes the signer. resolve puts the values of secrets into a text.
func (a *Auth) Signer(resolve func(string) (string, error)) (Signer, error) {
	switch a.Type {
	case authAWS:
		s := *a.AWS
		return &s, resolveAll(resolve, &s.AccessKeyID, &s.SecretAccessKey, &s.SessionToken)
	case authHMAC:
		s := *a.HMAC
		return &s, resolveAll(resolve, &s.Secret)
	case authJWT:
		s := *a.JWT
		return &s, resolveAll(resolve, &s.Key)
	}
	return nil, fmt.Errorf("connections: auth %s does not sign", a.Type)
}

func resolveAll(resolve func(string) (string, error), texts ...*string) error {
	for _, t := range texts {
		value, err := resolve(*t)
		if err != nil {
			return err
		}
		*t = value
	}
	return nil
}

// AWS signs as Amazon's services want it: Signature Version 4.
type AWS struct {
	Service, Region              string // "s3", "eu-central-1"
	AccessKeyID, SecretAccessKey string
	SessionToken                 string // of temporary credentials
}

func (s *AWS) check() error {
	for what, value := range map[string]string{"service": s.Service, "region": s.Region, "accessKeyId": s.AccessKeyID, "secretAccessKey": s.SecretAccessKey} {
		if value == "" {
			return fmt.Errorf("auth aws lacks %s", what)
		}
	}
	return nil
}

const (
	headerAuthorization = "Authorization"
	headerAmzDate       = "X-Amz-Date"
	headerAmzToken      = "X-Amz-Security-Token"
	headerAmzHash       = "X-Amz-Content-Sha256"
)

// Headers implements Signer.
func (s *AWS) Headers() []string {
	return []string{headerAuthorization, headerAmzDate, headerAmzToken, headerAmzHash}
}

// Sign implements Signer.
func (s *AWS) Sign(r *http.Request, body []byte, now time.Time) error {
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	storage := s.Service == "s3"
	if storage {
		r.Header.Set(headerAmzHash, digest)
	}
	return awssign.NewSigner().SignHTTP(r.Context(), aws.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken},
		r, digest, s.Service, s.Region, now, func(o *awssign.SignerOptions) { o.DisableURIPathEscaping = storage })
}

// HMAC signs a message made of the request, and sets headers made of the result.
// Message and Headers are templates: see hmacParts.
type HMAC struct {
	Secret    string
	Algorithm string // "sha256" if empty, "sha1", "sha384" or "sha512"
	Encoding  string // of the signature: "hex" if empty, "base64" or "base64url"
	// KeyEncoding is how Secret is written: as it is if empty, "hex", "base64", or
	// "whsec", which is base64 after "whsec_", as Standard Webhooks have it.
	KeyEncoding string
	Message     string
	Set         map[string]string // header -> template
}

var (
	hmacHashes = map[string]func() hash.Hash{"": sha256.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}
	encodings  = map[string]func([]byte) string{
		"": hex.EncodeToString, "hex": hex.EncodeToString, "base64": base64.StdEncoding.EncodeToString, "base64url": base64.RawURLEncoding.EncodeToString,
	}
	decodings = map[string]func(string) ([]byte, error){
		"": func(s string) ([]byte, error) { return []byte(s), nil }, "hex": hex.DecodeString, "base64": base64.StdEncoding.DecodeString,
		"whsec": func(s string) ([]byte, error) {
			return base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		},
	}
	hmacPart = regexp.MustCompile(`\{[A-Za-z0-9.-]*\}`)
)

// StandardWebhooks signs as www.standardwebhooks.com specifies. The request has to
// have the header webhook-id already.
func StandardWebhooks(secret string) *HMAC {
	return &HMAC{
		Secret: secret, KeyEncoding: "whsec", Encoding: "base64", Message: "{header.webhook-id}.{timestamp}.{body}",
		Set: map[string]string{"webhook-timestamp": "{timestamp}", "webhook-signature": "v1,{signature}"},
	}
}

// hmacParts are what a template can be made of, besides {header.NAME}.
var hmacParts = map[string]func(p *hmacRequest) string{
	"method":       func(p *hmacRequest) string { return p.r.Method },
	"host":         func(p *hmacRequest) string { return p.r.URL.Host },
	"path":         func(p *hmacRequest) string { return p.r.URL.EscapedPath() },
	"query":        func(p *hmacRequest) string { return p.r.URL.RawQuery },
	"target":       func(p *hmacRequest) string { return p.r.URL.RequestURI() },
	"body":         func(p *hmacRequest) string { return string(p.body) },
	"body.sha256":  func(p *hmacRequest) string { s := sha256.Sum256(p.body); return hex.EncodeToString(s[:]) },
	"timestamp":    func(p *hmacRequest) string { return strconv.FormatInt(p.now.Unix(), 10) },
	"timestamp.ms": func(p *hmacRequest) string { return strconv.FormatInt(p.now.UnixMilli(), 10) },
	"timestamp.iso": func(p *hmacRequest) string {
		return p.now.UTC().Format("2006-01-02T15:04:05Z")
	},
	"nonce":     func(p *hmacRequest) string { return p.nonce },
	"signature": func(p *hmacRequest) string { return p.signature },
}

// hmacRequest is a request while it is signed.
type hmacRequest struct {
	r                *http.Request
	body             []byte
	now              time.Time
	nonce, signature string
}

func (p *hmacRequest) fill(template string) string {
	return hmacPart.ReplaceAllStringFunc(template, func(part string) string {
		name := part[1 : len(part)-1]
		if header, ok := strings.CutPrefix(name, "header."); ok {
			return p.r.Header.Get(header)
		}
		return hmacParts[name](p)
	})
}

func (s *HMAC) check() error {
	switch {
	case s.Secret == "" || s.Message == "" || len(s.Set) == 0:
		return fmt.Errorf("auth hmac needs secret, message and headers")
	case hmacHashes[s.Algorithm] == nil:
		return fmt.Errorf("auth hmac has no algorithm %q; use sha1, sha256, sha384 or sha512", s.Algorithm)
	case encodings[s.Encoding] == nil:
		return fmt.Errorf("auth hmac has no encoding %q; use hex, base64 or base64url", s.Encoding)
	case decodings[s.KeyEncoding] == nil:
		return fmt.Errorf("auth hmac has no keyEncoding %q; use hex, base64 or whsec", s.KeyEncoding)
	}
	if slices.Contains(hmacPart.FindAllString(s.Message, -1), "{signature}") {
		return fmt.Errorf("auth hmac: the message can not have the signature in it")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Set)) {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(s.Set[name]) {
			return fmt.Errorf("auth hmac: the header %q, or its value, has characters that a header can not have", name)
		}
	}
	for _, template := range append(slices.Collect(maps.Values(s.Set)), s.Message) {
		for _, part := range hmacPart.FindAllString(template, -1) {
			if name := part[1 : len(part)-1]; hmacParts[name] == nil && !strings.HasPrefix(name, "header.") {
				return fmt.Errorf("auth hmac has no %s; use one of {%s}, {header.NAME}", part, strings.Join(slices.Sorted(maps.Keys(hmacParts)), "}, {"))
			}
		}
	}
	return nil
}

// Headers implements Signer.
func (s *HMAC) Headers() []string { return slices.Collect(maps.Keys(s.Set)) }

// Sign implements Signer.
func (s *HMAC) Sign(r *http.Request, body []byte, now time.Time) error {
	key, err := decodings[s.KeyEncoding](s.Secret)
	if err != nil {
		return fmt.Errorf("the secret of auth hmac is not %s", s.KeyEncoding) // the error would quote it
	}
	p := &hmacRequest{r: r, body: body, now: now, nonce: rand.Text()}
	mac := hmac.New(hmacHashes[s.Algorithm], key)
	mac.Write([]byte(p.fill(s.Message)))
	p.signature = encodings[s.Encoding](mac.Sum(nil))
	for _, name := range slices.Sorted(maps.Keys(s.Set)) {
		value := p.fill(s.Set[name])
		if !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("auth hmac: the value of the header %s would have a line break or another control character", name)
		}
		r.Header.Set(name, value)
	}
	return nil
}

// JWT authorizes with a token that it signs itself.
type JWT struct {
	Algorithm string // "RS256", "ES256", "EdDSA", "HS256", …
	Key       string // a private key in PEM or as a JWK, or for HS… the shared secret
	KeyID     string
	Claims    map[string]any
	Expires   time.Duration // 0 means 5 minutes
	Prefix    string        // of the header's value; "Bearer" if empty
}

const jwtExpires = 5 * time.Minute

func (s *JWT) check() error {
	if s.Key == "" {
		return fmt.Errorf("auth jwt lacks a key")
	}
	if _, ok := jwa.LookupSignatureAlgorithm(s.Algorithm); !ok || s.Algorithm == "none" {
		return fmt.Errorf("auth jwt has no algorithm %q; use RS256, PS256, ES256, EdDSA or HS256, or their larger ones", s.Algorithm)
	}
	if s.Expires < 0 || !httpguts.ValidHeaderFieldValue(s.Prefix) {
		return fmt.Errorf("auth jwt: expires or prefix can not be that")
	}
	return nil
}

// Headers implements Signer.
func (s *JWT) Headers() []string { return []string{headerAuthorization} }

// Sign implements Signer.
func (s *JWT) Sign(r *http.Request, _ []byte, now time.Time) error {
	expires, prefix := s.Expires, s.Prefix
	if expires == 0 {
		expires = jwtExpires
	}
	if prefix == "" {
		prefix = "Bearer"
	}
	token, err := s.token(now, expires)
	if err != nil {
		return err
	}
	r.Header.Set(headerAuthorization, prefix+" "+token)
	return nil
}

func (s *JWT) token(now time.Time, expires time.Duration) (string, error) {
	algorithm, _ := jwa.LookupSignatureAlgorithm(s.Algorithm) // it has been checked
	key, err := s.key()
	if err != nil {
		return "", fmt.Errorf("the key of auth jwt can not be read; it is a private key in PEM, a JWK, or for HS256 a text") // the error might quote it
	}
	t := jwt.New()
	if _, one := s.Claims[jwt.AudienceKey].(string); one {
		t.Options().Enable(jwt.FlattenAudience) // as it was written; some servers want it so
	}
	claims := maps.Clone(s.Claims)
	if claims == nil {
		claims = map[string]any{}
	}
	claims[jwt.IssuedAtKey], claims[jwt.ExpirationKey] = now, now.Add(expires)
	if _, ok := claims[jwt.JwtIDKey]; !ok {
		claims[jwt.JwtIDKey] = rand.Text()
	}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if err := t.Set(name, claims[name]); err != nil {
			return "", fmt.Errorf("the claim %s of auth jwt: %w", name, err)
		}
	}
	headers := jws.NewHeaders()
	if s.KeyID != "" {
		if err := headers.Set(jws.KeyIDKey, s.KeyID); err != nil {
			return "", fmt.Errorf("the keyId of auth jwt: %w", err)
		}
	}
	signed, err := jwt.Sign(t, jwt.WithKey(algorithm, key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return "", fmt.Errorf("auth jwt: the key does not fit the algorithm %s", s.Algorithm)
	}
	return string(signed), nil
}

func (s *JWT) key() (any, error) {
	switch {
	case strings.Contains(s.Key, "-----BEGIN "):
		return jwk.ParseKey([]byte(strings.ReplaceAll(s.Key, `\n`, "\n")), jwk.WithPEM(true))
	case strings.HasPrefix(strings.TrimSpace(s.Key), "{"):
		return jwk.ParseKey([]byte(s.Key))
	}
	return []byte(s.Key), nil
}
