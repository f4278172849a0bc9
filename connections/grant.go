// The grants of OAuth 2.0: what buys an access token.

package connections

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// The grants of an Auth of type oauth2.
const (
	// GrantClient are client credentials (RFC 6749, 4.4): what an Auth that names
	// no grant has.
	GrantClient = "clientCredentials"
	// GrantCode is the authorization code with PKCE (RFC 6749, 4.1 and RFC 7636):
	// a person logs in, and the tokens are kept.
	GrantCode = "authorizationCode"
	// GrantJWT is an assertion that is signed here (RFC 7523).
	GrantJWT = "jwtBearer"
)

// How a client proves to a token endpoint who it is.
const (
	ClientBasic = "basic" // in the Authorization header
	ClientBody  = "body"  // in the request's body
)

// grantTypeJWT is what RFC 7523 calls its grant.
const grantTypeJWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// OAuth2 is what an Auth of type oauth2 says beside the client. The zero value
// is client credentials.
type OAuth2 struct {
	Grant string // "" means GrantClient
	// ClientAuth is ClientBasic or ClientBody. Empty: for client credentials both
	// are tried, for a code it is ClientBasic.
	ClientAuth string
	// AuthorizationURL is where a person logs in, and Params what is added to it.
	AuthorizationURL string
	Params           map[string]string
	// RedirectURL is where the provider sends the person back to; empty means the
	// server's own origin.
	RedirectURL string
	// Assertion is what GrantJWT signs.
	Assertion *JWT
}

// IsLogin reports whether a person has to log in before a can be used.
func (a *Auth) IsLogin() bool {
	return a != nil && a.Type == "oauth2" && a.OAuth2.Grant == GrantCode
}

// ourParams are parameters of the authorization URL that are not for others to set.
var ourParams = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}

func (a *Auth) checkOAuth2() error {
	if !isEndpoint(a.TokenURL) {
		return errors.New("auth oauth2 needs tokenURL, an absolute URL without credentials")
	}
	o := &a.OAuth2
	if !slices.Contains([]string{"", GrantClient, GrantCode, GrantJWT}, o.Grant) {
		return fmt.Errorf("auth oauth2 has no grant %q; use %s, %s or %s", o.Grant, GrantClient, GrantCode, GrantJWT)
	}
	if o.ClientAuth != "" && o.ClientAuth != ClientBasic && o.ClientAuth != ClientBody {
		return fmt.Errorf("auth oauth2 has no clientAuth %q; it is %s or %s", o.ClientAuth, ClientBasic, ClientBody)
	}
	if o.Grant != GrantCode && (o.AuthorizationURL != "" || o.RedirectURL != "" || len(o.Params) > 0) {
		return fmt.Errorf("auth oauth2: authorizationURL, authorizationParams and redirectURL belong to the grant %s", GrantCode)
	}
	if o.Grant != GrantJWT && o.Assertion != nil {
		return fmt.Errorf("auth oauth2: assertion belongs to the grant %s", GrantJWT)
	}
	switch o.Grant {
	case GrantCode:
		if err := a.checkLogin(); err != nil {
			return err
		}
	case GrantJWT:
		if o.Assertion == nil {
			return errors.New("auth oauth2 with the grant jwtBearer lacks an assertion, with the key that signs it")
		}
		return o.Assertion.check()
	}
	if a.ClientID == "" {
		return errors.New("auth oauth2 lacks clientId")
	}
	return nil
}

// checkLogin looks at what a browser is sent to. It shows it, so that no secret
// can be in there.
func (a *Auth) checkLogin() error {
	o := &a.OAuth2
	if !isEndpoint(o.AuthorizationURL) || strings.Contains(o.AuthorizationURL, "#") {
		return errors.New("auth oauth2 needs authorizationURL, an absolute URL without credentials or a fragment")
	}
	if o.RedirectURL != "" && (!isEndpoint(o.RedirectURL) || strings.Contains(o.RedirectURL, "#")) {
		return errors.New("auth oauth2: redirectURL is an absolute URL without credentials or a fragment, which leads to /_/oauth/callback of this server")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		if slices.Contains(ourParams, name) {
			return fmt.Errorf("auth oauth2: authorizationParams can not have %s, which is set by itself", name)
		}
		if len(SecretRefs(o.Params[name])) > 0 {
			return fmt.Errorf("auth oauth2: the parameter %s of authorizationParams names a secret, and is seen by whoever logs in", name)
		}
	}
	if len(SecretRefs(o.AuthorizationURL+o.RedirectURL)) > 0 {
		return errors.New("auth oauth2: a secret can not be part of authorizationURL or redirectURL")
	}
	return nil
}

func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil
}

// Grant is what an access token is asked for with, in clear. With an Assertion
// that is what buys it (RFC 7523), else client credentials do, or what Params
// say.
type Grant struct {
	TokenURL, ClientID, ClientSecret string
	ClientAuth                       string // "": both are tried, where there is a secret
	Scopes                           []string
	Audience                         string
	Assertion                        *JWT
	// Params are sent to the token endpoint, grant_type among them.
	Params map[string]string
}

// key identifies the grant. The order of scopes means nothing.
func (g Grant) key() [sha256.Size]byte {
	assertion, err := json.Marshal(g.Assertion) // with its claims in one order
	if err != nil {
		assertion = fmt.Append(nil, g.Assertion)
	}
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q %s", g.TokenURL, g.ClientID, g.ClientSecret, g.ClientAuth, slices.Sorted(slices.Values(g.Scopes)), g.Audience, assertion))
}

// Buy asks the token endpoint, once. The error is ctx's, the client's, or a
// *GrantError when the endpoint refused; it may quote the credentials, so scrub
// it.
func (g Grant) Buy(ctx context.Context, client *http.Client) (*oauth2.Token, error) {
	config := clientcredentials.Config{
		ClientID: g.ClientID, ClientSecret: g.ClientSecret, TokenURL: g.TokenURL, Scopes: g.Scopes, AuthStyle: g.style(), EndpointParams: url.Values{},
	}
	if g.Audience != "" {
		config.EndpointParams.Set("audience", g.Audience)
	}
	for name, value := range g.Params {
		config.EndpointParams.Set(name, value)
	}
	assertion := ""
	if g.Assertion != nil {
		var err error
		if assertion, err = g.assertion(time.Now()); err != nil {
			return nil, &GrantError{URL: g.shownURL(), Unsent: err}
		}
		config.EndpointParams.Set("grant_type", grantTypeJWT)
		config.EndpointParams.Set("assertion", assertion)
	}
	t, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		e := grantError(g, refused)
		if assertion != "" { // nobody else knows it, to scrub it
			e.Description = strings.ReplaceAll(e.Description, assertion, "[assertion]")
		}
		return nil, e
	}
	return t, err
}

// style is how the client says who it is. One without a secret has nothing to
// prove, and only says its name.
func (g Grant) style() oauth2.AuthStyle {
	switch {
	case g.ClientSecret == "" && (g.Assertion != nil || g.Params != nil), g.ClientAuth == ClientBody:
		return oauth2.AuthStyleInParams
	case g.ClientAuth == ClientBasic, g.Params != nil:
		return oauth2.AuthStyleInHeader // codes and refresh tokens are shown once, so nothing is tried out with them
	}
	return oauth2.AuthStyleAutoDetect
}

// assertion makes the signed text: what is not in its claims is what nearly
// every endpoint wants there.
func (g Grant) assertion(now time.Time) (string, error) {
	s := *g.Assertion
	claims := map[string]any{"aud": g.shownURL()}
	if len(g.Scopes) > 0 {
		claims["scope"] = strings.Join(g.Scopes, " ")
	}
	if g.ClientID != "" {
		claims["iss"], claims["sub"] = g.ClientID, g.ClientID
	}
	if account, ok := serviceAccount(s.Key); ok {
		s.Key = account.Key
		if s.KeyID == "" {
			s.KeyID = account.KeyID
		}
		claims["iss"] = account.Email
		delete(claims, "sub") // that is whom it acts for, and itself unless one is named
	}
	maps.Copy(claims, s.Claims)
	s.Claims = claims
	expires := s.Expires
	if expires == 0 {
		expires = jwtExpires
	}
	return s.token(now, expires)
}

// account is what counts of the file that Google gives for a service account.
type account struct {
	Type  string `json:"type"`
	Key   string `json:"private_key"`
	KeyID string `json:"private_key_id"`
	Email string `json:"client_email"`
}

func serviceAccount(key string) (a account, ok bool) {
	if !strings.HasPrefix(strings.TrimSpace(key), "{") {
		return a, false
	}
	err := json.Unmarshal([]byte(key), &a)
	return a, err == nil && a.Type == "service_account" && a.Key != ""
}

func (g Grant) shownURL() string {
	at, _, _ := strings.Cut(g.TokenURL, "?")
	return at
}

// GrantError says that a token endpoint refused, or was not asked.
type GrantError struct {
	Status            int
	URL               string // without its query
	Code, Description string // as the endpoint put it
	Unsent            error  // why it was not asked
}

func (e *GrantError) Error() string {
	if e.Unsent != nil {
		return fmt.Sprintf("the token endpoint %s was not asked: %s", e.URL, e.Unsent)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "the token endpoint %s answered %d", e.URL, e.Status)
	for _, part := range []string{e.Code, e.Description} {
		if part != "" {
			text.WriteString(": " + part)
		}
	}
	return text.String() + "; check clientId, clientSecret and scopes"
}

func grantError(g Grant, refused *oauth2.RetrieveError) *GrantError {
	e := &GrantError{URL: g.shownURL(), Code: refused.ErrorCode, Description: refused.ErrorDescription}
	if refused.Response != nil {
		e.Status = refused.Response.StatusCode
	}
	return e
}
