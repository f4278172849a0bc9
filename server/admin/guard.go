// The guard decides who may talk to the admin origin. Three attacks are meant:
// a page of another site that sends requests to localhost (Origin), a site
// whose name is made to resolve to 127.0.0.1, so that its own page is of the
// same origin (Host), and another program or user of the machine (token).

package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"reprise/runtime/call"
	"reprise/server/problem"
)

// GuardOptions say who may come in.
type GuardOptions struct {
	// Token is what requests to the API must carry. The empty token lets nobody in.
	Token string
	// Addr is what the origin listens on, as it was configured: its host is a
	// name the origin goes by.
	Addr string
	// Hosts are further names the origin goes by, without port: those a
	// reverse proxy passes on.
	Hosts []string
	// Origins are pages of other origins that may use the API, such as a
	// development server of the front end: "http://localhost:5173".
	Origins []string
}

// Guard decides who may talk to the admin origin.
type Guard struct {
	token   [sha256.Size]byte
	open    bool // there is a token
	anyIP   bool // listening everywhere: all addresses of the machine are its own
	hosts   []string
	proxied []string // those of hosts that a reverse proxy may stand for
	origins []string
}

// NewGuard makes a guard.
func NewGuard(o GuardOptions) *Guard {
	g := &Guard{token: sha256.Sum256([]byte(o.Token)), open: o.Token != "", hosts: []string{"localhost"}}
	if host, _, err := net.SplitHostPort(o.Addr); err == nil {
		ip, err := netip.ParseAddr(host)
		switch {
		case host == "" || err == nil && ip.IsUnspecified():
			g.anyIP = true
		default:
			g.hosts = append(g.hosts, normalHost(host))
		}
	}
	for _, h := range o.Hosts {
		g.proxied = append(g.proxied, normalHost(h))
	}
	g.hosts = append(g.hosts, g.proxied...)
	for _, origin := range o.Origins {
		g.origins = append(g.origins, strings.ToLower(strings.TrimSuffix(origin, "/")))
	}
	return g
}

// Authenticate reports whether a token is the right one. Digests of equal
// length are compared, so that time tells nothing.
func (g *Guard) Authenticate(token string) bool {
	got := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(got[:], g.token[:]) == 1 && g.open
}

// CheckHost reports whether the origin goes by the name in the Host header. An
// address can not be rebound, so every loopback one is fine.
func (g *Guard) CheckHost(r *http.Request) bool {
	host := normalHost(r.Host)
	if ip, err := netip.ParseAddr(host); err == nil && (ip.Unmap().IsLoopback() || g.anyIP) {
		return true
	}
	return slices.Contains(g.hosts, host)
}

// CheckOrigin reports whether the page that makes the request, if one does, is
// of this origin or an allowed one. The script origin is another one: a page
// that a script serves is refused.
func (g *Guard) CheckOrigin(r *http.Request) bool {
	lines := r.Header.Values("Origin")
	if len(lines) == 0 {
		// Browsers leave Origin out of plain GETs; newer ones say this instead.
		site := r.Header.Get("Sec-Fetch-Site")
		return site == "" || site == "same-origin" || site == "none"
	}
	origin := strings.ToLower(lines[0])
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	if len(lines) > 1 {
		return false
	}
	return origin == scheme+strings.ToLower(r.Host) || slices.Contains(g.origins, origin) || g.behindProxy(origin, r)
}

// behindProxy accepts https pages of a configured name whose TLS ends at a
// reverse proxy: the browser says https, and to us it is http.
func (g *Guard) behindProxy(origin string, r *http.Request) bool {
	return r.TLS == nil && slices.Contains(g.proxied, normalHost(r.Host)) && origin == "https://"+strings.ToLower(r.Host)
}

// admit refuses requests by name and origin. Navigation to the page is a
// request without an Origin that may come from a link on another site, so
// Sec-Fetch-Site is not looked at here.
func (g *Guard) admit(r *http.Request) *problem.Problem {
	if !g.CheckHost(r) {
		return problem.New(http.StatusForbidden, call.CodeForbidden, "the admin origin does not go by the name %q (Host header)", r.Host).
			WithHint("Open it under the address that the server printed, or name this host in --admin-hosts.")
	}
	if r.Header.Get("Origin") != "" && !g.CheckOrigin(r) {
		return g.foreign(r)
	}
	return nil
}

func (g *Guard) foreign(r *http.Request) *problem.Problem {
	from := r.Header.Get("Origin")
	if from == "" {
		from = "another site"
	}
	return problem.New(http.StatusForbidden, call.CodeForbidden, "pages of %s may not use the admin origin", from)
}

// authorize refuses requests without the token.
func (g *Guard) authorize(r *http.Request) *problem.Problem {
	if !g.CheckOrigin(r) {
		return g.foreign(r)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && g.Authenticate(strings.TrimSpace(token)) {
		return nil
	}
	detail := "the token is not the one of this server"
	if token == "" {
		detail = "this needs the server's token"
	}
	return problem.New(http.StatusUnauthorized, call.CodeUnauthorized, "%s", detail).
		WithHint("Send Authorization: Bearer TOKEN; the token is in the file admin.token of the server's data directory.")
}

// normalHost returns the name in a Host header: without port, brackets and
// trailing dot, in lower case.
func normalHost(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
