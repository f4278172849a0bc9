package httpbind_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// authority issues certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t}
	a.key = newKey(t)
	a.cert, a.pem = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "authority"}}, a.key, nil)
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) sign(c *x509.Certificate, key *ecdsa.PrivateKey, parent *x509.Certificate) (*x509.Certificate, string) {
	a.t.Helper()
	if parent == nil {
		parent = c
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return parsed, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// issue makes a certificate and its key for a name, as a server's for 127.0.0.1
// if the name is empty.
func (a *authority) issue(name string) (cert, key string) {
	a.t.Helper()
	c := &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	if name == "" {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		c.DNSNames = []string{name}
	}
	own := newKey(a.t)
	_, cert = a.sign(c, own, a.cert)
	der, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// serveTLS starts an upstream with a certificate of a for name that wants one of
// a from its clients.
func (a *authority) serveTLS(name string, f http.HandlerFunc, change ...func(*tls.Config)) *httptest.Server {
	a.t.Helper()
	cert, key := a.issue(name)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		a.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	s := httptest.NewUnstartedServer(f)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	s.EnableHTTP2 = true
	for _, c := range change {
		c(s.TLS)
	}
	s.Config.ErrorLog = silentLog()
	s.StartTLS()
	a.t.Cleanup(s.Close)
	return s
}

func sayWho(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName, " over ", r.Proto)
}

func inline(text string) connections.PEM { return connections.PEM{Text: text} }

// secretHost is upstreamHost with secrets of the test's own.
func secretHost(t *testing.T, u connections.Upstream, secrets map[string]string, hosts map[string][]string) (*host, *connections.Set) {
	t.Helper()
	u.Name = "shop"
	set, err := connections.NewSet(u)
	if err != nil {
		t.Fatal(err)
	}
	vault, err := connections.NewSecrets(secrets, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return newHost(t, httpbind.Options{Connections: set, Secrets: vault}), set
}

func TestAConnectionWithACertificate(t *testing.T) {
	// The server wants a certificate of our authority, and has one of it: neither
	// works without the connection's own TLS.
	a := newAuthority(t)
	s := a.serveTLS("", sayWho)
	cert, key := a.issue("reprise")
	mine := connections.TLS{CA: inline(a.pem), Cert: inline(cert), Key: inline(key)}
	with := func(change func(*connections.TLS)) *connections.TLS {
		t := mine
		change(&t)
		return &t
	}
	for name, tc := range map[string]struct {
		tls  *connections.TLS
		want string // the answer, or what the error says
		code call.Code
	}{
		"inline":          {tls: &mine, want: "reprise over HTTP/2.0"},
		"a secret":        {tls: with(func(t *connections.TLS) { t.Key = inline("${secret:TLS_KEY}") }), want: "reprise over HTTP/2.0"},
		"TLS 1.3":         {tls: with(func(t *connections.TLS) { t.MinVersion = tls.VersionTLS13 }), want: "reprise over HTTP/2.0"},
		"none":            {want: "certificate signed by unknown authority", code: call.CodeConnect},
		"no authority":    {tls: with(func(t *connections.TLS) { t.CA = connections.PEM{} }), want: "certificate signed by unknown authority", code: call.CodeConnect},
		"no secret":       {tls: with(func(t *connections.TLS) { t.Key = inline("${secret:NONE}") }), want: "the secret NONE is not set", code: call.CodeSecretMissing},
		"another's key":   {tls: with(func(t *connections.TLS) { t.Key = inline("${secret:OTHER}") }), want: "tls.key: the text is not the key of the certificate in tls.cert", code: call.CodeUnavailable},
		"not a key":       {tls: with(func(t *connections.TLS) { t.Key = inline("${secret:TEXT}") }), want: "no private key in PEM form", code: call.CodeUnavailable},
		"another's hosts": {tls: with(func(t *connections.TLS) { t.Key = inline("${secret:ELSEWHERE}") }), want: "it may be sent to other.example.com", code: call.CodeSecretNotAllowed},
		"another's name":  {tls: with(func(t *connections.TLS) { t.ServerName = "other.example.com" }), want: "wanted to match other.example.com", code: call.CodeConnect},
	} {
		t.Run(name, func(t *testing.T) {
			_, other := a.issue("other")
			h, _ := secretHost(t, connections.Upstream{BaseURL: s.URL, TLS: tc.tls}, map[string]string{
				"TLS_KEY": strings.ReplaceAll(key, "\n", `\n`), "OTHER": other, "TEXT": "just a text", "ELSEWHERE": key,
			}, map[string][]string{"ELSEWHERE": {"other.example.com"}})
			o := h.at(web.HTTPRequest{URL: "/", Retry: &web.HTTPRetry{Attempts: 1}})
			got := string(o.Body.Inline)
			if o.Err != nil {
				got = o.Err.Message
			}
			if call.CodeOf(o.Err) != tc.code || !strings.Contains(got, tc.want) || strings.Contains(got, "just a text") {
				t.Errorf("%v: %s, want %s", o.Err, got, tc.want)
			}
		})
	}
}

func TestAServerThatDoesNotWantTheCertificate(t *testing.T) {
	// Nothing was done, whichever moment the server chooses to say so. Where it
	// hangs up at once, that is all there is to see.
	a, stranger := newAuthority(t), newAuthority(t)
	cert, key := stranger.issue("stranger")
	for name, mine := range map[string]connections.TLS{
		"none":       {CA: inline(a.pem)},
		"a stranger": {CA: inline(a.pem), Cert: inline(cert), Key: inline(key)},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			s := a.serveTLS("", func(http.ResponseWriter, *http.Request) { t.Error("it was let in") }, func(c *tls.Config) { c.MaxVersion = version })
			h := upstreamHost(t, connections.Upstream{BaseURL: s.URL, TLS: &mine})
			o := h.at(web.HTTPRequest{URL: "/", Retry: &web.HTTPRetry{Attempts: 1}})
			code := call.CodeOf(o.Err)
			if code != call.CodeConnect && code != call.CodeNetwork {
				t.Errorf("%s, %x: %v", name, version, o.Err)
			}
			// TLS 1.2 has no word for a certificate that is missing.
			if said := version == tls.VersionTLS13 || name != "none"; said && code == call.CodeConnect && !strings.Contains(o.Err.Message, "it wants another client certificate") {
				t.Errorf("%s, %x: %v", name, version, o.Err)
			}
		}
	}
}

func TestACertificateIsShownToNobodyElse(t *testing.T) {
	// A redirect to another host takes neither the certificate nor the trust in
	// the connection's authority along; one to an allowed host takes both, and not
	// the name that the base URL's host goes by.
	a := newAuthority(t)
	away := a.serveTLS("", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "away ", len(r.TLS.PeerCertificates)) },
		func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert })
	s := a.serveTLS("shop.example.com", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away.URL, http.StatusFound) })
	cert, key := a.issue("reprise")
	u := connections.Upstream{BaseURL: s.URL, TLS: &connections.TLS{CA: inline(a.pem), Cert: inline(cert), Key: inline(key), ServerName: "shop.example.com"}}
	h := upstreamHost(t, u)
	if o := h.at(web.HTTPRequest{URL: "/", Retry: &web.HTTPRetry{Attempts: 1}}); call.CodeOf(o.Err) != call.CodeConnect || !strings.Contains(o.Err.Message, "unknown authority") {
		t.Errorf("another host: %s, %v", o.Body.Inline, o.Err)
	}
	u.Allow = []string{strings.TrimPrefix(away.URL, "https://")}
	if o := upstreamHost(t, u).at(web.HTTPRequest{URL: "/"}); o.Err != nil || string(o.Body.Inline) != "away 1" {
		t.Errorf("an allowed host: %s, %v", o.Body.Inline, o.Err)
	}
}

func TestACertificateIsRenewed(t *testing.T) {
	// What the set has now is what the next call shows; connections that were made
	// with the old one are not used again.
	a := newAuthority(t)
	s := a.serveTLS("", sayWho)
	tlsOf := func(name string) *connections.TLS {
		cert, key := a.issue(name)
		return &connections.TLS{CA: inline(a.pem), Cert: inline(cert), Key: inline(key)}
	}
	h, set := secretHost(t, connections.Upstream{BaseURL: s.URL, TLS: tlsOf("old")}, nil, nil)
	for _, name := range []string{"old", "new"} {
		if err := set.Replace(connections.Upstream{Name: "shop", BaseURL: s.URL, TLS: tlsOf(name)}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if o := h.at(web.HTTPRequest{URL: "/"}); o.Err != nil || !strings.HasPrefix(string(o.Body.Inline), name+" ") {
				t.Errorf("%s: %s, %v", name, o.Body.Inline, o.Err)
			}
		}
	}
}

func TestTheTokenEndpointOfAConnectionWithACertificate(t *testing.T) {
	// It is asked on the connection's own road.
	a := newAuthority(t)
	s := a.serveTLS("", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			fmt.Fprint(w, r.Header.Get("Authorization") == "Bearer bought")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"bought","token_type":"bearer"}`)
	})
	cert, key := a.issue("reprise")
	h := upstreamHost(t, connections.Upstream{
		BaseURL: s.URL, TLS: &connections.TLS{CA: inline(a.pem), Cert: inline(cert), Key: inline(key)},
		Auth: &connections.Auth{Type: "oauth2", TokenURL: s.URL + "/token", ClientID: "me", ClientSecret: "${secret:KEY}"},
	})
	if o := h.at(web.HTTPRequest{URL: "/"}); o.Err != nil || string(o.Body.Inline) != "true" {
		t.Errorf("%s, %v", o.Body.Inline, o.Err)
	}
}

func TestABrokenConnection(t *testing.T) {
	h := upstreamHost(t, connections.Upstream{BaseURL: "https://127.0.0.1:1", TLS: &connections.TLS{}, Broken: "tls.cert: a.pem can not be read"})
	if o := h.at(web.HTTPRequest{URL: "/"}); call.CodeOf(o.Err) != call.CodeUnavailable || !strings.Contains(o.Err.Message, "a.pem can not be read") {
		t.Errorf("%v", o.Err)
	}
}

// silentLog is for servers whose clients are meant to fail.
func silentLog() *log.Logger { return log.New(io.Discard, "", 0) }

// pemOf is the certificate of a server.
func pemOf(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}
