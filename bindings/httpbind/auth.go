package httpbind

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"reprise/connections"
	"reprise/runtime/call"
)

// shownToken is what stands for an OAuth access token in scrubbed text.
const shownToken = "[access token]"

// resolveAuth puts the credentials of the auth option into the request. OAuth
// only notes what to ask for: its token is fetched with each try.
func (x *exchange) resolveAuth(target *url.URL) error {
	a := x.args.Auth
	if a == nil {
		return nil
	}
	switch a.Type {
	case "bearer":
		return x.authorize("Bearer ", a.Token)
	case "basic":
		return x.basic(a.Username, a.Password)
	case "apiKey":
		return x.apiKey(target, a.In, a.Name, a.Token)
	case "oauth2":
		return x.oauth2()
	case "standardWebhooks":
		return x.standardWebhooks()
	}
	return call.Errorf(call.CodeInvalidArgument, "%s: there is no auth of type %q; use bearer, basic, apiKey, oauth2 or standardWebhooks from reprise:auth", x.p.Call.Target, a.Type)
}

func (x *exchange) authorize(scheme, token string) error {
	value, err := x.use.Text(token)
	if err != nil {
		return err
	}
	return x.setPrivate(headerAuthorization, scheme+value)
}

func (x *exchange) basic(username, password string) error {
	user, err := x.use.Text(username)
	if err != nil {
		return err
	}
	pass, err := x.use.Text(password)
	if err != nil {
		return err
	}
	pair := user + ":" + pass
	if x.use.Active() {
		x.use.Adopt(pair, username+":"+password)
	}
	return x.setPrivate(headerAuthorization, "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
}

func (x *exchange) apiKey(target *url.URL, in, name, token string) error {
	value, err := x.use.Text(token)
	if err != nil {
		return err
	}
	switch {
	case name == "":
		return call.Errorf(call.CodeInvalidArgument, "%s: apiKey needs the name of a header or of a query parameter", x.p.Call.Target)
	case in == "query":
		addQuery(target, name, value)
		return nil
	case in == "cookie":
		cookie := name + "=" + value
		if others := x.request.header["Cookie"]; len(others) > 0 {
			cookie = strings.Join(others, "; ") + "; " + cookie
		}
		return x.setPrivate("Cookie", cookie)
	case in == "header":
		return x.setPrivate(name, value)
	}
	return call.Errorf(call.CodeInvalidArgument, "%s: apiKey goes into a header, the query or a cookie, not into %q", x.p.Call.Target, in)
}

// standardWebhooks has each attempt signed. The secret is never sent; it is held to
// its hosts all the same, because a signature is as good as one for what it signs.
func (x *exchange) standardWebhooks() error {
	if x.request.header.Get("Webhook-Id") == "" {
		return call.Errorf(call.CodeInvalidArgument, "%s: a request that standardWebhooks signs needs the header webhook-id", x.p.Call.Target)
	}
	secret, err := x.use.Text(x.args.Auth.Token)
	x.signer = connections.StandardWebhooks(secret)
	return err
}

// setPrivate sets a header that does not go to other hosts.
func (x *exchange) setPrivate(name, value string) error {
	name, value = http.CanonicalHeaderKey(name), toWire(value)
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || isOurs(name) {
		return call.Errorf(call.CodeInvalidArgument, "%s: the credential can not be sent in the header %q: the name is not allowed, or the value has line breaks or other control characters",
			x.p.Call.Target, name)
	}
	x.request.header[name] = []string{value}
	if !slices.Contains(x.request.private, name) {
		x.request.private = append(x.request.private, name)
	}
	return nil
}

// oauth2 resolves what the access token is asked for with. The client's secret
// goes to the token endpoint and nowhere else, so that is the host it is
// checked against, in a use of its own.
func (x *exchange) oauth2() error {
	a := x.args.Auth
	endpoint, err := url.Parse(a.TokenURL)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http" || endpoint.User != nil {
		return call.Errorf(call.CodeInvalidArgument, "%s: oauth2 needs tokenUrl, an absolute URL without credentials", x.p.Call.Target)
	}
	if err := x.permitChosen(endpoint); err != nil {
		return err
	}
	return x.resolveGrant(endpoint, connections.Grant{TokenURL: a.TokenURL, ClientID: a.ClientID, ClientSecret: a.ClientSecret, Scopes: a.Scopes, Audience: a.Audience})
}

// resolveGrant puts secrets in the place of their tokens.
func (x *exchange) resolveGrant(endpoint *url.URL, g connections.Grant) (err error) {
	use := x.b.options.Secrets.Use(x.p.By.SecretKey)
	id, secret := g.ClientID, g.ClientSecret
	if g.ClientID, err = use.Text(id); err != nil {
		return err
	}
	if g.ClientSecret, err = use.Text(secret); err != nil {
		return err
	}
	if g.Assertion != nil {
		if g.Assertion.Key, err = use.Text(g.Assertion.Key); err != nil {
			return err
		}
	}
	if err := use.Check(endpoint); err != nil {
		return err
	}
	x.use.Adopt(g.ClientSecret, secret)
	x.use.Adopt(url.QueryEscape(g.ClientID)+":"+url.QueryEscape(g.ClientSecret), id+":"+secret)
	x.grant = &g
	return nil
}

// Logins has the access tokens of connections that people log in for.
// *logins.Logins is one. The errors are a context's, *call.Error and
// *connections.GrantError, without credentials.
type Logins interface {
	// Token returns an access token for a connection.
	Token(ctx context.Context, connection string) (string, error)
	// Drop says that the upstream has refused one, and asks whether there may be
	// another.
	Drop(connection, token string) bool
}

// BindLogins says who has the access tokens of logins. It is called before there
// are any calls.
func (b *Binding) BindLogins(l Logins) { b.logins = l }

// Endpoints returns the client that asks the token endpoints of connections.
func (b *Binding) Endpoints() *http.Client {
	return &http.Client{Transport: tokenRoad{b.roads}, CheckRedirect: noRedirect}
}

// inheritOAuth2 takes over how the connection gets its access tokens.
func (x *exchange) inheritOAuth2(a *connections.Auth) error {
	x.inherited = true // the operator may name any endpoint
	if a.IsLogin() {
		if x.b.logins == nil {
			return call.Errorf(call.CodeUnavailable, "%s was not sent: the connection %s is used with a login, and logins are with a server; start the run there, with: reprise runs start", x.p.Call.Target, x.args.Connection)
		}
		x.login = true
		return nil
	}
	endpoint, err := url.Parse(a.TokenURL)
	if err != nil {
		return call.Errorf(call.CodeInvalidArgument, "%s: the tokenURL of the connection can not be read", x.p.Call.Target)
	}
	g := connections.Grant{TokenURL: a.TokenURL, ClientAuth: a.OAuth2.ClientAuth, Scopes: a.Scopes, Audience: a.Audience}
	texts := map[*string]string{&g.ClientID: a.ClientID, &g.ClientSecret: a.ClientSecret}
	if a.OAuth2.Assertion != nil {
		own := *a.OAuth2.Assertion
		g.Assertion = &own
		texts[&own.Key] = own.Key
	}
	for to, text := range texts {
		if *to, err = connections.Text(text, x.p.By.SecretKey); err != nil {
			return err
		}
	}
	return x.resolveGrant(endpoint, g)
}

// accessToken returns a valid access token, from wherever this exchange has them.
func (x *exchange) accessToken(ctx context.Context) (string, error) {
	if x.login {
		return x.b.logins.Token(ctx, x.args.Connection)
	}
	if x.inherited { // it goes the way of the connection
		ctx = context.WithValue(ctx, exchangeKey{}, x)
	}
	return x.grants().Token(ctx, *x.grant)
}

// grants are the access tokens of those who wrote the token endpoint's URL.
func (x *exchange) grants() *connections.OAuth {
	if x.inherited {
		return x.b.granter
	}
	return x.b.oauth
}

// bringToken puts a valid access token into the request, for this try.
func (x *exchange) bringToken(ctx context.Context) error {
	if x.grant == nil && !x.login {
		return nil
	}
	token, err := x.accessToken(ctx)
	if err != nil {
		return x.grantFailed(ctx, err)
	}
	if token == x.token {
		return nil
	}
	x.use.Adopt(token, shownToken)
	// A request that timed out may still be on its way out: its header is not
	// ours to change, not even to the same.
	x.request.header = x.request.header.Clone()
	if err := x.setPrivate(headerAuthorization, "Bearer "+token); err != nil {
		return err
	}
	x.token = token
	return nil
}

func (x *exchange) grantFailed(ctx context.Context, err error) error {
	if refused, ok := errors.AsType[*connections.GrantError](err); ok {
		return call.Errorf(call.CodeHTTP, "%s was not sent: %s", x.p.Call.Target, refused).
			WithData(map[string]any{"status": refused.Status, "method": http.MethodPost, "url": refused.URL})
	}
	e := *x.failure(ctx, err)
	if x.login {
		return &e // it says so itself
	}
	e.Message = "no access token could be had from " + x.grant.TokenURL + ": " + e.Message
	return &e
}

// renew forgets an access token that the upstream refused. It reports whether
// it makes sense to try with another.
func (x *exchange) renew() bool {
	if x.renewed {
		return false
	}
	x.renewed = true
	if x.login {
		return x.b.logins.Drop(x.args.Connection, x.token)
	}
	if x.grant == nil {
		return false
	}
	x.grants().Drop(*x.grant, x.token)
	return true
}
