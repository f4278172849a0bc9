package logins

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/url"

	"golang.org/x/oauth2"

	"reprise/connections"
	"reprise/runtime/call"
)

// client is a connection at its provider, with the secrets in.
type client struct {
	name  string
	auth  *connections.Auth
	grant connections.Grant
	use   connections.Use // scrubs them from what is said
}

// auth returns the settings of a connection that is logged in for.
func (l *Logins) auth(name string) (*connections.Auth, error) {
	u, ok := l.o.Connections.Get(name)
	switch {
	case !ok:
		return nil, call.Errorf(call.CodeNotFound, "there is no connection %q", name)
	case !u.Auth.IsLogin():
		return nil, call.Errorf(call.CodeConflict, "nobody logs in for the connection %s: its auth is not oauth2 with the grant %s", name, connections.GrantCode)
	}
	return u.Auth, nil
}

// client resolves a connection's secrets. They go to its two endpoints only.
func (l *Logins) client(name string) (*client, error) {
	a, err := l.auth(name)
	if err != nil {
		return nil, err
	}
	key := []byte(rand.Text()) // tokens of its own, which nobody else has
	c := &client{name: name, auth: a, use: l.o.Secrets.Use(key), grant: connections.Grant{TokenURL: a.TokenURL, ClientAuth: a.OAuth2.ClientAuth}}
	if c.grant.ClientID, err = c.resolve(a.ClientID, key); err != nil {
		return nil, err
	}
	if c.grant.ClientSecret, err = c.resolve(a.ClientSecret, key); err != nil {
		return nil, err
	}
	endpoint, err := url.Parse(a.TokenURL)
	if err != nil {
		return nil, call.Errorf(call.CodeInternal, "the tokenURL of %s: %v", name, err)
	}
	c.use.Adopt(c.grant.ClientSecret, "[client secret]")
	c.use.Adopt(url.QueryEscape(c.grant.ClientID)+":"+url.QueryEscape(c.grant.ClientSecret), "[client]")
	return c, c.use.Check(endpoint)
}

// resolve puts the secrets into a text.
func (c *client) resolve(text string, key []byte) (string, error) {
	text, err := connections.Text(text, key)
	if err != nil {
		return "", err
	}
	return c.use.Text(text)
}

// buy asks the token endpoint. private are what must not come back in an error.
func (l *Logins) buy(ctx context.Context, c *client, params map[string]string, private ...string) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, endpointTimeout)
	defer cancel()
	for _, p := range private {
		c.use.Adopt(p, "[token]")
	}
	g := c.grant
	g.Params = params
	t, err := g.Buy(ctx, l.o.HTTP)
	if err == nil {
		return t, nil
	}
	refused, ok := errors.AsType[*connections.GrantError](err)
	if ok {
		refused.Code, refused.Description = c.use.ScrubText(printable(refused.Code)), c.use.ScrubText(printable(refused.Description))
		return nil, refused
	}
	return nil, l.unreached(ctx, c, err)
}

// unreached says why there was no answer.
func (l *Logins) unreached(ctx context.Context, c *client, err error) error {
	at, _ := url.Parse(c.auth.TokenURL) // it has been checked
	where := at.Scheme + "://" + at.Host + at.EscapedPath()
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // its text repeats the URL
	}
	code := call.CodeNetwork
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		code = call.CodeConnect
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return call.Errorf(call.CodeTimeout, "no access token could be had: %s gave no answer within %s", where, endpointTimeout)
	}
	return call.Errorf(code, "no access token could be had from %s: %s", where, c.use.ScrubText(err.Error()))
}

// printable is what somebody else says, short and without control characters.
func printable(text string) string {
	const longest = 300
	out := make([]rune, 0, min(len(text), longest))
	for _, r := range text {
		if len(out) == longest {
			return string(out) + "…"
		}
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			r = ' '
		}
		out = append(out, r)
	}
	return string(out)
}
