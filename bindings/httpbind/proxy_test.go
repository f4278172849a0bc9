package httpbind_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// proxy is an HTTP proxy that wants a password, and says where it was asked to go.
type proxy struct {
	password string
	mu       sync.Mutex
	asked    []string
}

func (p *proxy) log(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, text)
}

// took returns what was asked since the last time.
func (p *proxy) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.asked = nil }()
	return strings.Join(p.asked, " ")
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.log(r.Method + " " + r.Host)
	if r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("me:"+p.password)) {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		r.RequestURI = ""
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
		return
	}
	up, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	down, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	fmt.Fprint(down, "HTTP/1.1 200 OK\r\n\r\n")
	join(down, up)
}

// join copies both ways until both are over.
func join(a, b net.Conn) {
	var group sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		group.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	group.Wait()
}

// serveSOCKS is a SOCKS5 proxy with a password, for one connection after another.
func serveSOCKS(t *testing.T, p *proxy) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer c.Close()
				p.socks(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		group.Wait()
	})
	return l.Addr().String()
}

// socks speaks RFC 1928 and RFC 1929 as far as they are needed here.
func (p *proxy) socks(c net.Conn) {
	take := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(c, b)
		return b
	}
	text := func() string { return string(take(int(take(1)[0]))) }
	take(1) // the version
	text()  // the methods
	_, _ = c.Write([]byte{5, 2})
	take(1)
	user, password := text(), text()
	if user != "me" || password != p.password {
		_, _ = c.Write([]byte{1, 1})
		return
	}
	_, _ = c.Write([]byte{1, 0})
	head, host := take(4), ""
	switch head[3] {
	case 1:
		host = net.IP(take(4)).String()
	case 3:
		host = text()
	}
	to := net.JoinHostPort(host, fmt.Sprint(binary.BigEndian.Uint16(take(2))))
	p.log("SOCKS " + to)
	up, err := net.Dial("tcp", to)
	if err != nil {
		_, _ = c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	join(c, up)
}

func TestAProxyOfAConnection(t *testing.T) {
	// Whatever the environment says. Its password is a secret with characters that
	// a URL can not have.
	const password = "p@ss: w/rd+%"
	p := &proxy{password: password}
	front := httptest.NewServer(p)
	t.Cleanup(front.Close)
	socks := serveSOCKS(t, p)
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "plain") })
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secure") }))
	t.Cleanup(secure.Close)
	plainAt, secureAt := strings.TrimPrefix(plain.URL, "http://"), strings.TrimPrefix(secure.URL, "https://")
	trust := &connections.TLS{CA: inline(pemOf(secure))}
	at := func(scheme, host string) string { return scheme + "://me:${secret:PROXY}@" + host }
	via := strings.TrimPrefix(front.URL, "http://")
	for name, tc := range map[string]struct {
		proxy, base string
		tls         *connections.TLS
		want, asked string
	}{
		"http, plain":   {at("http", via), plain.URL, nil, "plain", "GET " + plainAt},
		"http, TLS":     {at("http", via), secure.URL, trust, "secure", "CONNECT " + secureAt},
		"socks5, plain": {at("socks5", socks), plain.URL, nil, "plain", "SOCKS " + plainAt},
		"socks5, TLS":   {at("socks5h", socks), secure.URL, trust, "secure", "SOCKS " + secureAt},
		"none":          {connections.NoProxy, plain.URL, nil, "plain", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := proxyHost(t, connections.Upstream{BaseURL: tc.base, Proxy: tc.proxy, TLS: tc.tls}, password, nil)
			o := h.at(web.HTTPRequest{URL: "/"})
			if asked := p.took(); o.Err != nil || string(o.Body.Inline) != tc.want || asked != tc.asked {
				t.Errorf("%s by way of %q, want %q: %v", o.Body.Inline, asked, tc.asked, o.Err)
			}
		})
	}
	for name, tc := range map[string]struct {
		proxy, base, password string
		hosts                 []string
		code                  call.Code
		want                  string
	}{
		"http, refused":  {at("http", via), secure.URL, "wrong", nil, call.CodeConnect, "the proxy " + via + " did not connect: it answered 407 Proxy Authentication Required"},
		"socks, refused": {at("socks5", socks), plain.URL, "wrong", nil, call.CodeConnect, "the proxy did not connect: username/password authentication failed"},
		"not there":      {"http://127.0.0.1:1", plain.URL, password, nil, call.CodeConnect, "the proxy could not be reached"},
		"not its host":   {at("http", via), plain.URL, password, []string{"proxy.example.com"}, call.CodeSecretNotAllowed, "it may be sent to proxy.example.com"},
		"no secret":      {"http://me:${secret:NONE}@" + via, plain.URL, password, nil, call.CodeSecretMissing, "the secret NONE is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			h := proxyHost(t, connections.Upstream{BaseURL: tc.base, Proxy: tc.proxy}, tc.password, tc.hosts)
			o := h.at(web.HTTPRequest{URL: "/", Retry: &web.HTTPRetry{Attempts: 1}})
			if call.CodeOf(o.Err) != tc.code || !strings.Contains(o.Err.Message, tc.want) {
				t.Errorf("%v, want %s", o.Err, tc.want)
			}
		})
	}
}

// proxyHost is a host side whose environment names a proxy that is not there.
func proxyHost(t *testing.T, u connections.Upstream, password string, hosts []string) *host {
	t.Helper()
	u.Name = "shop"
	set, err := connections.NewSet(u)
	if err != nil {
		t.Fatal(err)
	}
	where := map[string][]string{}
	if hosts != nil {
		where["PROXY"] = hosts
	}
	vault, err := connections.NewSecrets(map[string]string{"PROXY": password}, where)
	if err != nil {
		t.Fatal(err)
	}
	return newHost(t, httpbind.Options{Connections: set, Secrets: vault, Proxy: func(*http.Request) (*url.URL, error) {
		return url.Parse("http://127.0.0.1:2")
	}})
}

func TestARedirectGoesThroughTheProxyOfItsConnection(t *testing.T) {
	// To a stranger it goes the same way, and is looked at before.
	p := &proxy{}
	front := httptest.NewServer(p)
	t.Cleanup(front.Close)
	stranger := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "stranger") })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, stranger.URL, http.StatusFound) })
	u := connections.Upstream{BaseURL: s.URL, Proxy: "http://me:@" + strings.TrimPrefix(front.URL, "http://")}
	o := upstreamHost(t, u).at(web.HTTPRequest{URL: "/"})
	want := "GET " + strings.TrimPrefix(s.URL, "http://") + " GET " + strings.TrimPrefix(stranger.URL, "http://")
	if asked := p.took(); o.Err != nil || string(o.Body.Inline) != "stranger" || asked != want {
		t.Errorf("%s by way of %q, want %q: %v", o.Body.Inline, asked, want, o.Err)
	}
	o = upstreamHostWith(t, u, egressOf(t, "public")).at(web.HTTPRequest{URL: "/"})
	if asked := p.took(); call.CodeOf(o.Err) != call.CodeEgressDenied || strings.Contains(asked, stranger.URL[7:]) {
		t.Errorf("by way of %q: %v", asked, o.Err)
	}
}

func TestProxiesThatCanNotBe(t *testing.T) {
	for _, text := range []string{"proxy", "ftp://proxy", "http://", "http://proxy/path", "http://proxy?x", "http://${secret:P}", "http://me@${secret:P}", "http://me:p@ss@proxy word"} {
		_, err := connections.NewSet(connections.Upstream{Name: "x", BaseURL: "http://a", Proxy: text})
		if err == nil || strings.Contains(err.Error(), "p@ss") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
