package connections

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"reprise/connections/cache"
)

// Upstream is an API that scripts call by name. What it says holds for calls
// that do not say otherwise. Its credentials, headers and query may name secrets
// as ${secret:NAME}; a request gets their values when it leaves.
type Upstream struct {
	// Name is what scripts call it: env.NAME.
	Name string
	// BaseURL is absolute, without a query: "https://api.example.com/v2".
	BaseURL string
	// Auth is how requests are authorized; nil: not at all.
	Auth *Auth
	// Headers and Query are added to requests that do not have them.
	Headers, Query map[string]string
	// Timeout is for each attempt; 0 means that of the binding.
	Timeout time.Duration
	// Retry is when calls are tried again; nil means the binding's own rules.
	Retry *Retry
	// RetryBudget is how many retries there may be of all calls together; nil means
	// DefaultBudget.
	RetryBudget *Budget
	// Rate is how many requests may be sent in a time, of all scripts and runs
	// together; nil means no limit.
	Rate *Rate
	// Concurrency is how many may be under way; 0 means no limit.
	Concurrency int
	// Breaker gives the upstream up for a while that fails again and again; nil
	// means that every call tries.
	Breaker *Breaker
	// TLS is what the usual does not do for; nil: nothing.
	TLS *TLS
	// Proxy is the URL of the proxy that requests go through, with credentials if
	// it wants any, or NoProxy; empty: as the environment says.
	Proxy string
	// Allow are further hosts that the credentials may go to.
	Allow []string
	// Cache keeps answers; nil: none does.
	Cache *cache.Rules
	// Broken says why the connection can not be used; empty: it can. Calls fail
	// with it, and the others go on.
	Broken string
}

// Auth is how requests are authorized. The fields are those of the auth option of
// reprise:http.
type Auth struct {
	Type                             string // "bearer", "basic", "apiKey", "oauth2", "aws", "hmac" or "jwt"
	Token                            string // of bearer, and the value of apiKey
	Username, Password               string
	In, Name                         string // of apiKey: "header", "query" or "cookie", and its name
	TokenURL, ClientID, ClientSecret string // of oauth2
	Scopes                           []string
	Audience                         string
	OAuth2                           OAuth2 // what more there is of oauth2
	AWS                              *AWS
	HMAC                             *HMAC
	JWT                              *JWT
}

// Retry is when a call is tried again.
type Retry struct {
	Attempts        int // in all; 1: never again
	Delay, MaxDelay time.Duration
	Factor          float64
	Statuses        []int
}

// Rate is how many requests may be sent in a time: evenly, but for Burst of them
// that may go at once after a pause.
type Rate struct {
	Limit int
	Per   time.Duration
	Burst int // 0 means 1
}

// maxConnectionName is the longest name of a connection that is kept anywhere.
const maxConnectionName = 128

var connectionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// ValidConnection reports whether name can be that of a connection, which is a
// property of env.
func ValidConnection(name string) bool {
	return len(name) <= maxConnectionName && connectionName.MatchString(name)
}

// DefaultAttempts is how often calls try that say nothing about it, and
// MaxAttempts how often they can.
const (
	DefaultAttempts = 3
	MaxAttempts     = 100
)

// MaxRate and MaxConcurrency bound what an upstream can be limited to.
const (
	MaxRate        = 1_000_000
	MaxConcurrency = 100_000
)

// The bounds of a Cache that says none, and the most answers that one may keep.
const (
	DefaultCached      = 1000
	DefaultCachedBytes = 16 << 20
	MaxCached          = 1_000_000
)

var secretRef = regexp.MustCompile(`\$\{secret:([^}]*)\}`)

// SecretRefs returns the names of the secrets that a text refers to.
func SecretRefs(text string) (names []string) {
	for _, m := range secretRef.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// check reports what can not be right about an upstream.
func (u *Upstream) check() error {
	if _, err := baseURL(u.BaseURL); err != nil {
		return err
	}
	for _, text := range u.texts() {
		for _, name := range SecretRefs(text) {
			if !ValidName(name) {
				return fmt.Errorf("%q can not be the name of a secret", name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.Headers)) {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(u.Headers[name]) {
			return fmt.Errorf("the header %q, or its value, has characters that a header can not have", name)
		}
	}
	if u.Timeout < 0 {
		return fmt.Errorf("the timeout is %s", u.Timeout)
	}
	if u.Concurrency < 0 || u.Concurrency > MaxConcurrency {
		return fmt.Errorf("concurrency is %d; it can be 1 to %d", u.Concurrency, MaxConcurrency)
	}
	if r := u.Rate; r != nil && (r.Limit < 1 || r.Limit > MaxRate || r.Per <= 0 || r.Burst < 0 || r.Burst > r.Limit) {
		return fmt.Errorf("rateLimit is %d in %s with a burst of %d; it needs a limit of 1 to %d, a time, and a burst that is no larger", r.Limit, r.Per, r.Burst, MaxRate)
	}
	if b := u.Breaker; b != nil && (b.Failures < 1 || b.Failures > MaxFailures || b.Cooldown <= 0) {
		return fmt.Errorf("circuitBreaker has %d failures and %s; it needs 1 to %d, and a cooldown", b.Failures, b.Cooldown, MaxFailures)
	}
	if err := u.RetryBudget.check(); err != nil {
		return err
	}
	if err := u.checkRoad(); err != nil {
		return err
	}
	if u.Auth != nil {
		return u.Auth.check()
	}
	return nil
}

// checkRoad is check for how requests get there.
func (u *Upstream) checkRoad() error {
	if u.TLS != nil {
		if !strings.HasPrefix(u.BaseURL, "https://") {
			return fmt.Errorf("tls is set, and the base URL does not begin with https://")
		}
		if u.Broken == "" {
			if err := u.TLS.Check(); err != nil {
				return err
			}
		}
	}
	if c := u.Cache; c != nil && (c.TTL < 0 || c.StaleWhileRevalidate < 0 || c.MaxEntries < 1 || c.MaxEntries > MaxCached || c.MaxBytes < 1) {
		return fmt.Errorf("cache has %d maxEntries and %d maxBytes; it needs 1 to %d, and some bytes", c.MaxEntries, c.MaxBytes, MaxCached)
	}
	if u.Cache != nil && u.Auth.IsLogin() {
		return fmt.Errorf("cache can not be with a login (auth oauth2 with the grant %s): who logs in next would find the answers to another", GrantCode)
	}
	if err := checkProxy(u.Proxy); err != nil {
		return err
	}
	return checkAllow(u.Allow)
}

// texts are those that may name secrets.
func (u *Upstream) texts() []string {
	out := slices.Concat(slices.Collect(maps.Values(u.Headers)), slices.Collect(maps.Values(u.Query)), []string{u.Proxy})
	if u.TLS != nil {
		out = append(out, u.TLS.Key.Text)
	}
	if a := u.Auth; a != nil {
		out = append(out, a.Token, a.Username, a.Password, a.ClientID, a.ClientSecret)
		if a.AWS != nil {
			out = append(out, a.AWS.AccessKeyID, a.AWS.SecretAccessKey, a.AWS.SessionToken)
		}
		if a.HMAC != nil {
			out = append(out, a.HMAC.Secret)
		}
		if a.JWT != nil {
			out = append(out, a.JWT.Key)
		}
		if a.OAuth2.Assertion != nil {
			out = append(out, a.OAuth2.Assertion.Key)
		}
	}
	return out
}

func (a *Auth) check() error {
	missing := func(what, value string) error {
		if value == "" {
			return fmt.Errorf("auth %s lacks %s", a.Type, what)
		}
		return nil
	}
	switch a.Type {
	case "bearer":
		return missing("a token", a.Token)
	case "basic":
		return missing("a username", a.Username)
	case "apiKey":
		if err := missing("a value", a.Token); err != nil {
			return err
		}
		if a.In == "header" && !httpguts.ValidHeaderFieldName(a.Name) || a.In == "cookie" && (&http.Cookie{Name: a.Name, Value: "x"}).Valid() != nil {
			return fmt.Errorf("%q can not be the name of a %s", a.Name, a.In)
		}
		return missing("a name", a.Name)
	case "oauth2":
		return a.checkOAuth2()
	case authAWS:
		return a.AWS.check()
	case authHMAC:
		return a.HMAC.check()
	case authJWT:
		return a.JWT.check()
	}
	return fmt.Errorf("there is no auth of type %q", a.Type)
}

// Text puts a run's tokens in the place of the secrets that a text of an upstream
// names, so that it can be treated like one of the script's own. The error is a
// *call.Error.
func Text(text string, key []byte) (string, error) {
	if !strings.Contains(text, "${secret:") {
		return text, nil
	}
	if len(key) == 0 { // there is no secret at all
		return "", Missing(SecretRefs(text)[0])
	}
	return secretRef.ReplaceAllStringFunc(text, func(ref string) string {
		return Token(key, secretRef.FindStringSubmatch(ref)[1])
	}), nil
}
