package httpbind

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// inherit takes over what the call's connection says and the call does not. What
// names a secret there gets the run's token for it, and goes the same way as one
// that the script has put into the call.
func (x *exchange) inherit() error {
	if x.args.Connection == "" {
		return nil
	}
	if !x.granted() {
		return call.Errorf(call.CodeNotFound, "the script %s may not use the connection %q; name it in config.connections", x.p.By.Script, x.args.Connection)
	}
	u, ok := x.b.options.Connections.Get(x.args.Connection)
	if !ok {
		return nil // Resolve says which there are
	}
	if x.args.TimeoutMS == 0 {
		x.args.TimeoutMS = u.Timeout.Milliseconds()
	}
	if x.args.Retry == nil {
		x.args.Retry = retryOf(u.Retry)
	}
	if x.args.KeepAuth && u.Auth != nil && u.Auth.Type != "apiKey" {
		x.args.Headers = slices.DeleteFunc(x.args.Headers, func(h [2]string) bool { return http.CanonicalHeaderKey(h[0]) == headerAuthorization })
	}
	x.own = x.args.Auth != nil || x.hasOwn(u)
	if err := x.inheritRoad(u); err != nil {
		return err
	}
	if err := x.inheritHeaders(u.Headers); err != nil {
		return err
	}
	if x.args.Auth != nil || u.Auth == nil || x.hasHeader(headerAuthorization) && u.Auth.Type != "apiKey" {
		return nil
	}
	return x.inheritAuth(u.Auth)
}

// hasOwn reports whether headers of the call are credentials, or stand in the
// place of those of the connection.
func (x *exchange) hasOwn(u *connections.Upstream) bool {
	return slices.ContainsFunc(x.args.Headers, func(h [2]string) bool {
		name := http.CanonicalHeaderKey(h[0])
		if name == headerAuthorization || name == "Cookie" || connections.HasToken(h[1]) || u.Auth != nil && u.Auth.In == "header" && name == http.CanonicalHeaderKey(u.Auth.Name) {
			return true
		}
		for own := range u.Headers {
			if http.CanonicalHeaderKey(own) == name {
				return true
			}
		}
		return false
	})
}

func (x *exchange) inheritAuth(a *connections.Auth) (err error) {
	if a.Type == "oauth2" {
		return x.inheritOAuth2(a)
	}
	if !a.Signs() {
		x.args.Auth, err = authOf(a, x.p.By.SecretKey)
		x.inherited = true
		return err
	}
	x.signer, err = a.Signer(func(text string) (string, error) {
		token, err := connections.Text(text, x.p.By.SecretKey)
		if err != nil {
			return "", err
		}
		return x.use.Text(token)
	})
	return err
}

// sign signs the request of an attempt. A request that timed out may still be on
// its way out, so the header is another one each time.
func (x *exchange) sign(r *http.Request, body []byte) error {
	if x.signer == nil {
		return nil
	}
	r.Header = r.Header.Clone()
	if err := x.signer.Sign(r, body, time.Now()); err != nil {
		return call.Errorf(call.CodeInvalidArgument, "%s can not be signed: %s", x.p.Call.Target, x.use.ScrubText(err.Error()))
	}
	for _, name := range x.signer.Headers() {
		name = http.CanonicalHeaderKey(name)
		if !slices.Contains(x.request.private, name) {
			x.request.private = append(x.request.private, name)
		}
		if value := r.Header.Get(name); name == headerAuthorization && value != "" {
			x.use.Adopt(value, "[authorization]")
		}
	}
	return nil
}

// granted reports whether the script may use the connection that the call names.
// Its VM has no others in env, and is not believed.
func (x *exchange) granted() bool {
	return x.args.Connection == connections.Self || slices.Contains(x.p.By.Connections, x.args.Connection)
}

func retryOf(r *connections.Retry) *web.HTTPRetry {
	if r == nil {
		return nil
	}
	return &web.HTTPRetry{
		Attempts: r.Attempts, DelayMS: r.Delay.Milliseconds(), MaxDelayMS: r.MaxDelay.Milliseconds(), Factor: r.Factor, Jitter: true, Statuses: r.Statuses,
	}
}

func authOf(a *connections.Auth, key []byte) (*web.HTTPAuth, error) {
	out := &web.HTTPAuth{
		Type: a.Type, Token: a.Token, Username: a.Username, Password: a.Password, In: a.In, Name: a.Name,
	}
	for _, text := range []*string{&out.Token, &out.Username, &out.Password} {
		resolved, err := connections.Text(*text, key)
		if err != nil {
			return nil, err
		}
		*text = resolved
	}
	return out, nil
}

func (x *exchange) hasHeader(name string) bool {
	return slices.ContainsFunc(x.args.Headers, func(h [2]string) bool { return http.CanonicalHeaderKey(h[0]) == name })
}

func (x *exchange) inheritHeaders(headers map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if x.hasHeader(http.CanonicalHeaderKey(name)) {
			continue
		}
		value, err := connections.Text(headers[name], x.p.By.SecretKey)
		if err != nil {
			return err
		}
		x.args.Headers = append(x.args.Headers, [2]string{name, value})
	}
	return nil
}

// inheritQuery adds the connection's parameters that the URL does not have.
func (x *exchange) inheritQuery(target *url.URL) error {
	u, ok := x.b.options.Connections.Get(x.args.Connection)
	if !ok || len(u.Query) == 0 {
		return nil
	}
	has := target.Query()
	for _, name := range slices.Sorted(maps.Keys(u.Query)) {
		if has.Has(name) {
			continue
		}
		value, err := connections.Text(u.Query[name], x.p.By.SecretKey)
		if err != nil {
			return err
		}
		addQuery(target, name, value)
	}
	return nil
}

func addQuery(target *url.URL, name, value string) {
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += url.QueryEscape(name) + "=" + url.QueryEscape(value)
}
