package cli

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"reprise/connections"
	"reprise/runtime/call"
)

// fileConnection is an API that scripts call by name, as reprise.yaml has it.
type fileConnection struct {
	BaseURL     string         `yaml:"baseURL"`
	OpenAPI     string         `yaml:"openapi"` // of the types; the server does not read it
	Auth        *fileAuth      `yaml:"auth"`
	Headers     map[string]any `yaml:"headers"`
	Query       map[string]any `yaml:"query"`
	Timeout     *string        `yaml:"timeout"`
	Retry       *fileRetry     `yaml:"retry"`
	RetryBudget *fileBudget    `yaml:"retryBudget"`
	RateLimit   *fileRate      `yaml:"rateLimit"`
	Concurrency *int           `yaml:"concurrency"`
	Breaker     *fileBreaker   `yaml:"circuitBreaker"`
	TLS         *fileTLS       `yaml:"tls"`
	Proxy       string         `yaml:"proxy"`
	Allow       []string       `yaml:"allow"`
	Cache       *fileCache     `yaml:"cache"`
}

// fileAuth has one of its fields.
type fileAuth struct {
	Bearer *string     `yaml:"bearer"`
	Basic  *fileBasic  `yaml:"basic"`
	APIKey *fileAPIKey `yaml:"apiKey"`
	OAuth2 *fileOAuth2 `yaml:"oauth2"`
	AWS    *fileAWS    `yaml:"aws"`
	HMAC   *fileHMAC   `yaml:"hmac"`
	JWT    *fileJWT    `yaml:"jwt"`
}

type fileBasic struct {
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

// fileAPIKey has one of the first three.
type fileAPIKey struct {
	Header *string `yaml:"header"`
	Query  *string `yaml:"query"`
	Cookie *string `yaml:"cookie"`
	Value  string  `yaml:"value"`
}

type fileAWS struct {
	Service         string `yaml:"service"`
	Region          string `yaml:"region"`
	AccessKeyID     string `yaml:"accessKeyId"`
	SecretAccessKey string `yaml:"secretAccessKey"`
	SessionToken    string `yaml:"sessionToken"`
}

type fileHMAC struct {
	Secret      string         `yaml:"secret"`
	KeyEncoding string         `yaml:"keyEncoding"`
	Algorithm   string         `yaml:"algorithm"`
	Encoding    string         `yaml:"encoding"`
	Message     string         `yaml:"message"`
	Headers     map[string]any `yaml:"headers"`
}

type fileJWT struct {
	Algorithm string         `yaml:"algorithm"`
	Key       string         `yaml:"key"`
	KeyID     string         `yaml:"keyId"`
	Claims    map[string]any `yaml:"claims"`
	Expires   *string        `yaml:"expires"`
	Prefix    string         `yaml:"prefix"`
}

type fileRetry struct {
	Attempts int     `yaml:"attempts"`
	Delay    *string `yaml:"delay"`
	MaxDelay *string `yaml:"maxDelay"`
	Factor   float64 `yaml:"factor"`
	Statuses []int   `yaml:"statuses"`
}

type fileRate struct {
	Limit int     `yaml:"limit"`
	Per   *string `yaml:"per"`
	Burst int     `yaml:"burst"`
}

type fileBreaker struct {
	Failures int     `yaml:"failures"`
	Cooldown *string `yaml:"cooldown"`
}

// The defaults of a circuit breaker.
const (
	breakerFailures = 5
	breakerCooldown = 30 * time.Second
)

// upstreams are the connections of the file, with the variables of the
// environment in them, sorted by name. Their files are relative to dir.
func (f *file) upstreams(dir string, vars map[string]string) (out []connections.Upstream, err error) {
	for _, name := range slices.Sorted(maps.Keys(f.Connections)) {
		if !connections.ValidConnection(name) {
			return nil, usagef("%s: %q can not be the name of a connection: letters, digits, _ and - only, a letter first, 128 at most", configFile, name)
		}
		if _, taken := f.Env[name]; taken {
			return nil, usagef("%s: %s is a connection and a value of env; scripts would have both as env.%s", configFile, name, name)
		}
		r := &reader{dir: dir, vars: vars, at: "connections." + name}
		out = append(out, r.upstream(name, f.Connections[name]))
		if r.err != nil {
			return nil, usagef("%s: %w", configFile, r.err)
		}
	}
	if _, err := connections.NewSet(out...); err != nil {
		return nil, usagef("%s: %w", configFile, err)
	}
	return out, nil
}

// reader reads a connection and keeps the first error.
type reader struct {
	dir  string
	vars map[string]string
	at   string
	err  error
}

func (r *reader) fail(key, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(r.at+"."+key+": "+format, args...)
	}
}

func (r *reader) upstream(name string, c fileConnection) connections.Upstream {
	u := connections.Upstream{
		Name: name, BaseURL: r.text("baseURL", c.BaseURL), Headers: r.texts("headers", c.Headers), Query: r.texts("query", c.Query),
		Timeout: r.duration("timeout", c.Timeout),
	}
	if strings.Contains(u.BaseURL, "${secret:") {
		r.fail("baseURL", "a secret can not be part of where a connection leads; put it into auth, headers or query")
	}
	if c.Auth != nil {
		u.Auth = r.auth(c.Auth)
	}
	u.Proxy, u.Allow = r.text("proxy", c.Proxy), c.Allow
	if c.TLS != nil {
		u.TLS, u.Broken = r.tls(c.TLS)
	}
	if c.Retry != nil {
		if n := c.Retry.Attempts; n < 0 || n > connections.MaxAttempts {
			r.fail("retry.attempts", "it is %d; it can be 1 to %d", n, connections.MaxAttempts)
		}
		u.Retry = &connections.Retry{
			Attempts: cmp.Or(c.Retry.Attempts, connections.DefaultAttempts), Delay: r.duration("retry.delay", c.Retry.Delay), MaxDelay: r.duration("retry.maxDelay", c.Retry.MaxDelay),
			Factor: c.Retry.Factor, Statuses: c.Retry.Statuses,
		}
	}
	u.RetryBudget = c.RetryBudget.budget()
	if c.Cache != nil && !c.Cache.off {
		u.Cache = r.cache(c.Cache)
	}
	if c.RateLimit != nil {
		u.Rate = &connections.Rate{Limit: c.RateLimit.Limit, Per: r.duration("rateLimit.per", c.RateLimit.Per), Burst: c.RateLimit.Burst}
		if c.RateLimit.Per == nil {
			u.Rate.Per = time.Second
		}
	}
	if c.Concurrency != nil {
		if u.Concurrency = *c.Concurrency; u.Concurrency < 1 {
			r.fail("concurrency", "it is %d; it can be 1 to %d", u.Concurrency, connections.MaxConcurrency)
		}
	}
	if c.Breaker != nil {
		u.Breaker = &connections.Breaker{
			Failures: cmp.Or(c.Breaker.Failures, breakerFailures), Cooldown: cmp.Or(r.duration("circuitBreaker.cooldown", c.Breaker.Cooldown), breakerCooldown),
		}
	}
	return u
}

func (r *reader) auth(a *fileAuth) *connections.Auth {
	var out []*connections.Auth
	if a.Bearer != nil {
		out = append(out, &connections.Auth{Type: "bearer", Token: r.text("auth.bearer", *a.Bearer)})
	}
	if b := a.Basic; b != nil {
		out = append(out, &connections.Auth{Type: "basic", Username: r.text("auth.basic.username", b.Username), Password: r.text("auth.basic.password", b.Password)})
	}
	if a.APIKey != nil {
		out = append(out, r.apiKey(a.APIKey))
	}
	if o := a.OAuth2; o != nil {
		out = append(out, r.oauth2(o))
	}
	if w := a.AWS; w != nil {
		out = append(out, &connections.Auth{Type: "aws", AWS: &connections.AWS{
			Service: r.text("auth.aws.service", w.Service), Region: r.text("auth.aws.region", w.Region), AccessKeyID: r.text("auth.aws.accessKeyId", w.AccessKeyID),
			SecretAccessKey: r.text("auth.aws.secretAccessKey", w.SecretAccessKey), SessionToken: r.text("auth.aws.sessionToken", w.SessionToken),
		}})
	}
	if h := a.HMAC; h != nil {
		out = append(out, &connections.Auth{Type: "hmac", HMAC: &connections.HMAC{
			Secret: r.text("auth.hmac.secret", h.Secret), KeyEncoding: h.KeyEncoding, Algorithm: h.Algorithm, Encoding: h.Encoding, Message: h.Message,
			Set: r.texts("auth.hmac.headers", h.Headers),
		}})
	}
	if j := a.JWT; j != nil {
		out = append(out, &connections.Auth{Type: "jwt", JWT: &connections.JWT{
			Algorithm: j.Algorithm, Key: r.text("auth.jwt.key", j.Key), KeyID: r.text("auth.jwt.keyId", j.KeyID), Claims: j.Claims,
			Expires: r.duration("auth.jwt.expires", j.Expires), Prefix: j.Prefix,
		}})
	}
	if len(out) != 1 {
		r.fail("auth", "it has %d of bearer, basic, apiKey, oauth2, aws, hmac and jwt; it needs one", len(out))
		return nil
	}
	return out[0]
}

func (r *reader) apiKey(k *fileAPIKey) *connections.Auth {
	out := &connections.Auth{Type: "apiKey", Token: r.text("auth.apiKey.value", k.Value)}
	places := 0
	for in, name := range map[string]*string{"header": k.Header, "query": k.Query, "cookie": k.Cookie} {
		if name != nil {
			out.In, out.Name = in, *name
			places++
		}
	}
	if places != 1 {
		r.fail("auth.apiKey", "it needs one of header, query and cookie: the name of where the key goes")
	}
	return out
}

func (r *reader) duration(key string, text *string) time.Duration {
	if text == nil {
		return 0
	}
	d, err := call.ParseDuration(*text)
	if err != nil {
		r.fail(key, "%w", err)
	} else if d <= 0 {
		r.fail(key, "it is %s; it must be more than 0", *text)
	}
	return d
}

// texts reads values that YAML may have taken for numbers.
func (r *reader) texts(key string, values map[string]any) map[string]string {
	if len(values) == 0 {
		return nil
	}
	out := make(map[string]string, len(values))
	for name, value := range values {
		switch value.(type) {
		case string, bool, int, int64, uint64, float64:
			out[name] = r.text(key+"."+name, fmt.Sprint(value))
		default:
			r.fail(key+"."+name, "it is text or a number")
		}
	}
	return out
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// text puts the variables of the environment into a value: ${NAME}. What refers
// to a secret stays as it is: ${secret:NAME}.
func (r *reader) text(key, text string) string {
	return variable.ReplaceAllStringFunc(text, func(ref string) string {
		name := ref[2 : len(ref)-1]
		value, ok := r.vars[name]
		switch {
		case strings.HasPrefix(name, "secret:"):
			return ref
		case strings.HasPrefix(name, connections.EnvPrefix):
			r.fail(key, "write ${secret:%s}, so that the value is kept out of logs and answers", strings.TrimPrefix(name, connections.EnvPrefix))
		case !ok:
			r.fail(key, "the variable %s is not set", name)
		}
		return value
	})
}
