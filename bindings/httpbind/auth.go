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

// accessToken is what stands for an OAuth access token in scrubbed text.
const accessToken = "[access token]"

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
	}
	return call.Errorf(call.CodeInvalidArgument, "%s: there is no auth of type %q; use bearer, basic, apiKey or oauth2 from reprise:auth", x.p.Call.Target, a.Type)
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
	if !x.inherited { // the operator may name any
		if err := x.permitChosen(endpoint); err != nil {
			return err
		}
	}
	use := x.b.options.Secrets.Use(x.p.By.SecretKey)
	g := &connections.Grant{TokenURL: a.TokenURL, Scopes: a.Scopes, Audience: a.Audience}
	if g.ClientID, err = use.Text(a.ClientID); err != nil {
		return err
	}
	if g.ClientSecret, err = use.Text(a.ClientSecret); err != nil {
		return err
	}
	if err := use.Check(endpoint); err != nil {
		return err
	}
	x.use.Adopt(g.ClientSecret, a.ClientSecret)
	x.use.Adopt(url.QueryEscape(g.ClientID)+":"+url.QueryEscape(g.ClientSecret), a.ClientID+":"+a.ClientSecret)
	x.grant = g
	return nil
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
	if x.grant == nil {
		return nil
	}
	token, err := x.grants().Token(ctx, *x.grant)
	if err != nil {
		return x.grantFailed(ctx, err)
	}
	if token == x.token {
		return nil
	}
	x.use.Adopt(token, accessToken)
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
	e.Message = "no access token could be had from " + x.grant.TokenURL + ": " + e.Message
	return &e
}

// renew forgets an access token that the upstream refused. It reports whether
// it makes sense to try with another.
func (x *exchange) renew() bool {
	if x.grant == nil || x.renewed {
		return false
	}
	x.renewed = true
	x.grants().Drop(*x.grant, x.token)
	return true
}
