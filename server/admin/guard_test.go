package admin

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"
)

// Everything that says something needs the token; the page and the probes do not.
func TestToken(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/api/v1/server", "/api/v1/scripts", "/api/v1/scripts/a", "/api/v1/runs", "/api/v1/runs/ended", "/api/v1/logs", "/api/v1/nothing", "/api/", "/openapi.json", "/metrics"} {
		for _, auth := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + token, token, "Bearer " + token + "x"} {
			w := f.do("GET "+path, "", "Authorization", auth)
			if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" || problemOf(t, w).Code != "UNAUTHORIZED_ERROR" {
				t.Errorf("GET %s with %q: %d", path, auth, w.Code)
			}
		}
	}
	for _, request := range []string{"POST /api/v1/runs", "POST /api/v1/runs/running/cancel", "DELETE /api/v1/runs/ended"} {
		if w := f.do(request, "{}", "Authorization", ""); w.Code != 401 {
			t.Errorf("%s without a token: %d", request, w.Code)
		}
	}
	for path, want := range map[string]string{"/": "studio", "/assets/x.js": "studio", "/api/v1/tail": "tail"} {
		if w := f.do("GET "+path, "", "Authorization", ""); w.Code != 200 || w.Body.String() != want {
			t.Errorf("GET %s without a token: %d %s", path, w.Code, w.Body)
		}
	}
	if w := f.do("GET /metrics", "", "Authorization", "bearer "+token); w.Body.String() != "metrics" {
		t.Errorf("metrics: %d %s", w.Code, w.Body)
	}
}

func TestEmptyTokenLetsNobodyIn(t *testing.T) {
	if NewGuard(GuardOptions{}).Authenticate("") {
		t.Error("without a token everybody is let in")
	}
}

// A site whose name resolves to 127.0.0.1 (DNS rebinding) has its own name in
// the Host header; it gets nothing, not even the page.
func TestHost(t *testing.T) {
	f := newFixture(t)
	for host, want := range map[string]int{
		"127.0.0.1:8081": 200, "localhost:8081": 200, "LOCALHOST": 200, "localhost.:8081": 200, "[::1]:8081": 200, "127.9.9.9": 200, "[::ffff:127.0.0.1]": 200,
		"admin.example.com": 200, "Admin.Example.com:443": 200,
		"evil.test:8081": 403, "localhost.evil.test": 403, "127.0.0.1.evil.test:8081": 403, "": 403, "192.168.1.2:8081": 403, "sub.admin.example.com": 403,
	} {
		for _, path := range []string{"/", "/api/v1/server", "/api/v1/tail"} {
			if w := f.do("GET "+path, "", "Host", host); w.Code != want {
				t.Errorf("GET %s of %q: %d, want %d", path, host, w.Code, want)
			}
		}
	}
	if len(f.entries) == 0 {
		t.Error("refused hosts are not in the log")
	}
}

func TestHostWhenListeningEverywhere(t *testing.T) {
	for _, addr := range []string{":8081", "0.0.0.0:8081", "[::]:8081"} {
		g := NewGuard(GuardOptions{Addr: addr})
		for host, want := range map[string]bool{"192.168.1.2:8081": true, "[fe80::1]:8081": true, "evil.test": false} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = host
			if got := g.CheckHost(r); got != want {
				t.Errorf("listening on %s, host %s: %v", addr, host, got)
			}
		}
	}
	named := NewGuard(GuardOptions{Addr: "reprise.internal:8081"})
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = "reprise.internal:8081"
	if !named.CheckHost(r) {
		t.Error("the name it listens on is refused")
	}
}

// Pages of other origins get no answer; a page that a script serves is one.
func TestOrigin(t *testing.T) {
	f := newFixture(t)
	for _, tc := range []struct {
		host, origin, site string
		api, page          int
	}{
		{"127.0.0.1:8081", "http://127.0.0.1:8081", "same-origin", 200, 200},
		{"127.0.0.1:8081", "", "", 200, 200},
		{"127.0.0.1:8081", "", "same-origin", 200, 200},
		{"127.0.0.1:8081", "", "none", 200, 200},
		{"127.0.0.1:8081", "http://127.0.0.1:8080", "same-site", 403, 403},
		{"127.0.0.1:8081", "https://127.0.0.1:8081", "", 403, 403},
		{"127.0.0.1:8081", "http://localhost:8081", "", 403, 403},
		{"127.0.0.1:8081", "null", "", 403, 403},
		{"127.0.0.1:8081", "https://evil.test", "cross-site", 403, 403},
		{"127.0.0.1:8081", "", "cross-site", 403, 200}, // a link to the page is fine
		{"127.0.0.1:8081", "", "same-site", 403, 200},
		{"admin.example.com", "https://admin.example.com", "", 200, 200}, // TLS ends at a proxy
		{"localhost", "https://localhost", "", 403, 403},
	} {
		headers := []string{"Host", tc.host, "Origin", tc.origin, "Sec-Fetch-Site", tc.site}
		if w := f.do("GET /api/v1/server", "", headers...); w.Code != tc.api {
			t.Errorf("API, %+v: %d", tc, w.Code)
		}
		if w := f.do("GET /", "", headers...); w.Code != tc.page {
			t.Errorf("page, %+v: %d", tc, w.Code)
		}
	}
	if w := f.do("OPTIONS /api/v1/runs", "", "Origin", "https://evil.test", "Access-Control-Request-Method", "POST"); w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
}

func TestAllowedOriginsAndTLS(t *testing.T) {
	g := NewGuard(GuardOptions{Addr: "127.0.0.1:8081", Origins: []string{"http://localhost:5173/"}})
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = "127.0.0.1:8081"
	r.Header.Set("Origin", "http://localhost:5173")
	if !g.CheckOrigin(r) {
		t.Error("an allowed origin is refused")
	}
	r.Header.Set("Origin", "https://127.0.0.1:8081")
	r.TLS = &tls.ConnectionState{}
	if !g.CheckOrigin(r) {
		t.Error("the own origin is refused over TLS")
	}
	r.Header.Add("Origin", "https://127.0.0.1:8081")
	if g.CheckOrigin(r) {
		t.Error("two origins are accepted")
	}
}

func TestSecurityHeaders(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/", "/api/v1/server", "/nothing", "/healthz"} {
		h := f.do("GET "+path, "").Header()
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	if h := f.do("GET /api/v1/server", "").Header(); h.Get("Cache-Control") != "no-store" || h.Get("Content-Security-Policy") == "" {
		t.Errorf("API: %v", h)
	}
}
