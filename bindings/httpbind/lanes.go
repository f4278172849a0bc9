package httpbind

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"sync"

	"reprise/connections"
	"reprise/runtime/call"
)

// lanes are the roads of connections that have certificates of their own: nobody
// else may use a connection that was made with these. They are made when they
// are first needed, and again when the certificates or the secret have changed.
// It is safe for concurrent use.
type lanes struct {
	open func(*tls.Config) *http.Transport

	mu     sync.Mutex
	byName map[string]*lane // by connection; guarded by mu
}

// lane is the road of one connection.
type lane struct {
	settings     connections.TLS // with the key in clear
	home, abroad *http.Transport // to the host of the base URL, and to the others that it may go to
}

func newLanes(open func(*tls.Config) *http.Transport) *lanes {
	return &lanes{open: open, byName: map[string]*lane{}}
}

// of returns the lane of a connection. Requests that are on another one end
// there.
func (l *lanes) of(connection string, t connections.TLS) (*lane, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.byName[connection]
	if old != nil && old.settings == t {
		return old, nil
	}
	c, err := t.Config()
	if err != nil {
		return nil, err
	}
	next := &lane{settings: t, home: l.open(c)}
	next.abroad = next.home
	if c.ServerName != "" { // it is the name of one host
		others := c.Clone()
		others.ServerName = ""
		next.abroad = l.open(others)
	}
	l.byName[connection] = next
	if old != nil {
		old.close()
	}
	return next, nil
}

func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lane := range l.byName {
		lane.close()
	}
}

func (l *lane) close() {
	l.home.CloseIdleConnections()
	l.abroad.CloseIdleConnections()
}

func (l *lane) to(home bool) *http.Transport {
	if home {
		return l.home
	}
	return l.abroad
}

// inheritRoad takes over how requests of the connection get there.
func (x *exchange) inheritRoad(u *connections.Upstream) error {
	if u.Broken != "" {
		return nil // Resolve says so
	}
	if err := x.inheritProxy(u.Proxy); err != nil {
		return err
	}
	if u.TLS == nil || x.b.roads.lanes == nil {
		return nil
	}
	t := *u.TLS
	token, err := connections.Text(t.Key.Text, x.p.By.SecretKey)
	if err != nil {
		return err
	}
	if t.Key.Text, err = x.use.Text(token); err != nil {
		return err
	}
	if x.lane, err = x.b.roads.lanes.of(u.Name, t); err != nil {
		return call.Errorf(call.CodeUnavailable, "%s was not sent: the connection %s can not be used: %s", x.p.Call.Target, u.Name, err)
	}
	return nil
}

// inheritProxy takes over the connection's proxy. Its credentials go there and
// nowhere else, so that is the host they are checked against, in a use of their
// own.
func (x *exchange) inheritProxy(text string) error {
	if text == "" {
		return nil
	}
	x.proxied = true
	if text == connections.NoProxy {
		return nil
	}
	use := x.b.options.Secrets.Use(x.p.By.SecretKey)
	token, err := connections.Text(text, x.p.By.SecretKey)
	if err != nil {
		return err
	}
	resolved, err := use.Userinfo(token)
	if err != nil {
		return err
	}
	if x.proxy, err = url.Parse(resolved); err != nil {
		return call.Errorf(call.CodeUnavailable, "%s was not sent: the proxy of the connection is not a URL", x.p.Call.Target)
	}
	if password, ok := x.proxy.User.Password(); ok && password != "" {
		x.use.Adopt(password, "[proxy password]")
	}
	return use.Check(x.proxy)
}
