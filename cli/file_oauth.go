package cli

import (
	"cmp"

	"reprise/connections"
)

// fileOAuth2 is the auth oauth2 of a connection, as reprise.yaml has it.
type fileOAuth2 struct {
	Grant               string         `yaml:"grant"`
	TokenURL            string         `yaml:"tokenURL"`
	ClientID            string         `yaml:"clientId"`
	ClientSecret        string         `yaml:"clientSecret"`
	ClientAuth          string         `yaml:"clientAuth"`
	Scopes              []string       `yaml:"scopes"`
	Audience            string         `yaml:"audience"`
	AuthorizationURL    string         `yaml:"authorizationURL"`
	AuthorizationParams map[string]any `yaml:"authorizationParams"`
	RedirectURL         string         `yaml:"redirectURL"`
	Assertion           *fileAssertion `yaml:"assertion"`
}

// fileAssertion is what the grant jwtBearer signs.
type fileAssertion struct {
	Algorithm string         `yaml:"algorithm"`
	Key       string         `yaml:"key"`
	KeyID     string         `yaml:"keyId"`
	Claims    map[string]any `yaml:"claims"`
	Expires   *string        `yaml:"expires"`
}

func (r *reader) oauth2(o *fileOAuth2) *connections.Auth {
	const at = "auth.oauth2."
	out := &connections.Auth{
		Type: "oauth2", TokenURL: r.text(at+"tokenURL", o.TokenURL), ClientID: r.text(at+"clientId", o.ClientID),
		ClientSecret: r.text(at+"clientSecret", o.ClientSecret), Scopes: o.Scopes, Audience: r.text(at+"audience", o.Audience),
		OAuth2: connections.OAuth2{
			Grant: o.Grant, ClientAuth: o.ClientAuth, AuthorizationURL: r.text(at+"authorizationURL", o.AuthorizationURL),
			Params: r.texts(at+"authorizationParams", o.AuthorizationParams), RedirectURL: r.text(at+"redirectURL", o.RedirectURL),
		},
	}
	if s := o.Assertion; s != nil {
		out.OAuth2.Assertion = &connections.JWT{
			Algorithm: cmp.Or(s.Algorithm, "RS256"), Key: r.text(at+"assertion.key", s.Key), KeyID: r.text(at+"assertion.keyId", s.KeyID), Claims: s.Claims,
			Expires: r.duration(at+"assertion.expires", s.Expires),
		}
	}
	return out
}
