package connections

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/url"
	"slices"
	"strings"

	"reprise/runtime/call"
)

// Use is one request's use of secrets: which tokens it held, and so what must
// not be in the answer. The zero Use knows no secrets. It is not safe for
// concurrent use.
type Use struct {
	secrets *Secrets
	key     []byte
	used    []*secret
	scrub   scrubber
}

// Use begins a use by the run whose tokens key made.
func (s *Secrets) Use(key []byte) Use { return Use{secrets: s, key: key} }

// Active reports whether any credential is in use, and so whether there is
// anything to check or to scrub.
func (u *Use) Active() bool { return len(u.used) > 0 || len(u.scrub.old) > 0 }

// Text resolves the tokens in text as they are. Foreign and forged tokens stay
// what they are; a genuine one whose secret is not set is a SECRET_MISSING_ERROR.
func (u *Use) Text(text string) (string, error) { return u.resolve(text, nil) }

// Path resolves the tokens in a URL's path.
func (u *Use) Path(path string) (string, error) { return u.resolve(path, url.PathEscape) }

// Query resolves the tokens in a URL's query or in a form.
func (u *Use) Query(query string) (string, error) { return u.resolve(query, url.QueryEscape) }

// Userinfo resolves the tokens in the name and the password of a URL.
func (u *Use) Userinfo(text string) (string, error) {
	return u.resolve(text, func(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") })
}

// Body resolves the tokens in a body, escaped as its content type wants it.
func (u *Use) Body(body []byte, contentType string) ([]byte, error) {
	if !bytes.Contains(body, []byte(tokenPrefix)) {
		return body, nil
	}
	return u.replace(body, escapeFor(contentType))
}

func escapeFor(contentType string) func(string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return nil
	case kind == "application/json" || strings.HasSuffix(kind, "+json"):
		return func(value string) string { return jsonText(value, false) }
	case kind == "application/x-www-form-urlencoded":
		return url.QueryEscape
	}
	return nil
}

func (u *Use) resolve(text string, escape func(string) string) (string, error) {
	if !HasToken(text) {
		return text, nil
	}
	b, err := u.replace([]byte(text), escape)
	return string(b), err
}

func (u *Use) replace(text []byte, escape func(string) string) ([]byte, error) {
	if len(u.key) == 0 {
		return text, nil // anyone could make such tokens
	}
	var missing string
	out, _ := replaceTokens(text, func(name string, token []byte) ([]byte, bool) {
		if !genuine(u.key, name, token) {
			return nil, false
		}
		sec := u.secrets.lookup(name)
		if sec == nil {
			missing = name
			return nil, false
		}
		u.take(sec, string(token))
		if escape == nil {
			return []byte(sec.value), true
		}
		return []byte(escape(sec.value)), true
	})
	if missing != "" {
		return nil, Missing(missing)
	}
	return out, nil
}

func (u *Use) take(sec *secret, token string) {
	if !slices.Contains(u.used, sec) {
		u.used = append(u.used, sec)
		u.scrub.add(sec.variants(), token)
	}
}

// Missing is the error of a secret that is not set.
func Missing(name string) *call.Error {
	return call.Errorf(call.CodeSecretMissing, "the secret %s is not set; set it with \"reprise secret set %s\", or as %s%s in the environment (in development in .env) and start the server again",
		name, name, EnvPrefix, name).WithData(map[string]string{"secret": name})
}

// Adopt scrubs one more credential, which was made of secrets: replaced by
// text wherever it comes back.
func (u *Use) Adopt(credential, text string) { u.scrub.add(variantsOf(credential), text) }

// Check returns a SECRET_NOT_ALLOWED_ERROR when a secret in use may not be
// sent to the host of to.
func (u *Use) Check(to *url.URL) error {
	for _, sec := range u.used {
		if !sec.allows(to) {
			return notAllowed(sec, to)
		}
	}
	return nil
}

// CheckRedirect decides about a redirect to another host, which gets none of
// the credentials. A secret that stands in the new URL, or in a body that is
// sent again, would go there all the same: then its list must name the host.
func (u *Use) CheckRedirect(to *url.URL, body []byte) error {
	for _, sec := range u.used {
		own := scrubber{old: sec.variants()}
		if (own.in(to.String()) || own.inBytes(body)) && !sec.lists(to) {
			return notAllowed(sec, to)
		}
	}
	return nil
}

func notAllowed(sec *secret, to *url.URL) *call.Error {
	where := "it has no list of hosts, so a redirect may not carry it on"
	if len(sec.hosts) > 0 {
		where = "it may be sent to " + strings.Join(sec.hosts, ", ")
	}
	return call.Errorf(call.CodeSecretNotAllowed, "the secret %s was about to be sent to %s, and %s; if that is right, add the host to the secret's hosts in reprise.yaml",
		sec.name, to.Host, where).WithData(map[string]string{"secret": sec.name, "host": to.Host})
}

// Scrub replaces the credentials in use by their tokens. It returns b itself
// when there are none in it.
func (u *Use) Scrub(b []byte) []byte { return u.scrub.bytes(b) }

// ScrubText is Scrub for text.
func (u *Use) ScrubText(text string) string { return u.scrub.string(text) }

// ScrubError returns e without the credentials in use.
func (u *Use) ScrubError(e *call.Error) *call.Error {
	if e == nil || !u.Active() {
		return e
	}
	c := *e
	c.Message = u.ScrubText(e.Message)
	c.Stack = u.ScrubText(e.Stack)
	if data := u.Scrub(e.Data); json.Valid(data) {
		c.Data = data
	} else {
		c.Data = nil
	}
	c.Cause = u.ScrubError(e.Cause)
	return &c
}
