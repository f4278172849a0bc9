package oauthtest

import (
	"net/url"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

const grantTypeJWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// byAssertion checks an assertion as RFC 7523 (3) wants it. p.mu is held.
func (p *Provider) byAssertion(form url.Values) (g *grant, why string) {
	t, err := jwt.Parse([]byte(form.Get("assertion")), jwt.WithKey(jwa.RS256(), p.o.Key), jwt.WithValidate(true),
		jwt.WithIssuer(p.o.Issuer), jwt.WithAudience(p.URL+"/token"), jwt.WithRequiredClaim(jwt.ExpirationKey))
	if err != nil {
		return nil, err.Error()
	}
	id, _ := t.JwtID()
	ends, _ := t.Expiration()
	if id == "" || p.jtis[id] || time.Until(ends) > time.Hour {
		return nil, "it has no jti, was used already, or is good for too long"
	}
	p.jtis[id] = true
	var scope string
	if err := t.Get("scope", &scope); err != nil {
		return nil, "it has no scope"
	}
	return &grant{scope: scope}, ""
}
