package httpbind_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/connections/egress"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// upstreamHost makes a host side with one upstream, "shop", and one secret, KEY.
func upstreamHost(t *testing.T, u connections.Upstream) *host {
	t.Helper()
	return upstreamHostWith(t, u, nil)
}

func upstreamHostWith(t *testing.T, u connections.Upstream, policy *egress.Policy) *host {
	t.Helper()
	u.Name = "shop"
	set, err := connections.NewSet(u)
	if err != nil {
		t.Fatal(err)
	}
	vault, err := connections.NewSecrets(map[string]string{"KEY": "the value of KEY"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return newHost(t, httpbind.Options{Connections: set, Secrets: vault, Egress: policy})
}

// at performs a GET of the shop.
func (h *host) at(req web.HTTPRequest) call.Outcome {
	h.t.Helper()
	req.Method, req.Connection = "GET", "shop"
	return h.do(req, "")
}

func TestACallInheritsFromItsConnection(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s auth=%s cookie=%s version=%s key=%s", r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-Version"), r.Header.Get("X-Key"))
	})
	token := connections.Token(runKey, "KEY")
	shared := connections.Upstream{
		BaseURL: s.URL + "/v2", Headers: map[string]string{"x-version": "2", "X-Key": "${secret:KEY}"}, Query: map[string]string{"v": "2", "k": "${secret:KEY}"},
	}
	for name, tc := range map[string]struct {
		auth *connections.Auth
		req  web.HTTPRequest
		want string
	}{
		"all": {
			&connections.Auth{Type: "bearer", Token: "${secret:KEY}"},
			web.HTTPRequest{URL: "/a"},
			"/v2/a?k=" + token + "&v=2 auth=Bearer " + token + " cookie= version=2 key=" + token,
		},
		"the call's own": {
			&connections.Auth{Type: "bearer", Token: "${secret:KEY}"},
			web.HTTPRequest{URL: "/a?v=3&k=", Headers: [][2]string{{"X-version", "3"}, {"x-key", "mine"}, {"authorization", "Mine"}}},
			"/v2/a?v=3&k= auth=Mine cookie= version=3 key=mine",
		},
		"a package's key": {
			&connections.Auth{Type: "bearer", Token: "${secret:KEY}"},
			web.HTTPRequest{URL: "/a?k=&v=", Headers: [][2]string{{"authorization", "Bearer its own"}}, KeepAuth: true},
			"/v2/a?k=&v= auth=Bearer " + token + " cookie= version=2 key=" + token,
		},
		"a package's key beside another": {
			&connections.Auth{Type: "apiKey", In: "query", Name: "api_key", Token: "${secret:KEY}"},
			web.HTTPRequest{URL: "/a?k=&v=", Headers: [][2]string{{"authorization", "Bearer its own"}}, KeepAuth: true},
			"/v2/a?k=&v=&api_key=" + token + " auth=Bearer its own cookie= version=2 key=" + token,
		},
		"cookie": {
			&connections.Auth{Type: "apiKey", In: "cookie", Name: "key", Token: "${secret:KEY}"},
			web.HTTPRequest{URL: "a?k=&v=", Headers: [][2]string{{"Cookie", "a=b"}}},
			"/v2/a?k=&v= auth= cookie=a=b; key=" + token + " version=2 key=" + token,
		},
		"query": {
			&connections.Auth{Type: "apiKey", In: "query", Name: "api_key", Token: "${secret:KEY}"},
			web.HTTPRequest{URL: "a?k=&v="},
			"/v2/a?k=&v=&api_key=" + token + " auth= cookie= version=2 key=" + token,
		},
		"without a secret": {
			&connections.Auth{Type: "basic", Username: "ada", Password: ""},
			web.HTTPRequest{URL: "a?k=&v="},
			"/v2/a?k=&v= auth=Basic ada: cookie= version=2 key=" + token,
		},
	} {
		t.Run(name, func(t *testing.T) {
			shared.Auth = tc.auth
			o := upstreamHost(t, shared).at(tc.req)
			got := string(o.Body.Inline)
			if o.Err != nil || got != tc.want {
				t.Errorf("got  %s\nwant %s\n%v", got, tc.want, o.Err)
			}
		})
	}
}

func TestAConnectionsSecretThatIsNotSet(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	for _, u := range []connections.Upstream{
		{BaseURL: s.URL, Auth: &connections.Auth{Type: "bearer", Token: "${secret:NONE}"}},
		{BaseURL: s.URL, Headers: map[string]string{"x": "${secret:NONE}"}},
		{BaseURL: s.URL, Query: map[string]string{"x": "${secret:NONE}"}},
	} {
		if o := upstreamHost(t, u).at(web.HTTPRequest{URL: "/"}); o.Err == nil || o.Err.Code != string(call.CodeSecretMissing) {
			t.Errorf("%+v: %v", u, o.Err)
		}
	}
	// A run of a server without any secret has no key.
	h := upstreamHost(t, connections.Upstream{BaseURL: s.URL, Auth: &connections.Auth{Type: "bearer", Token: "${secret:NONE}"}})
	p := h.performance(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/"}, "")
	p.By.SecretKey = nil
	if o := h.b.Do(t.Context(), p); o.Err == nil || o.Err.Code != string(call.CodeSecretMissing) {
		t.Errorf("without a key: %v", o.Err)
	}
}

func TestAConnectionThatIsNotGranted(t *testing.T) {
	// A VM is not believed: it may name any connection in a call.
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
	h := upstreamHost(t, connections.Upstream{BaseURL: s.URL})
	p := h.performance(web.HTTPRequest{Method: "GET", URL: "/", Connection: "shop"}, "")
	p.By.Connections = []string{"other"}
	if o := h.b.Do(t.Context(), p); call.CodeOf(o.Err) != call.CodeNotFound || !strings.Contains(o.Err.Message, "config.connections") {
		t.Errorf("error = %v", o.Err)
	}
}

func TestRetryAndTimeoutOfAConnection(t *testing.T) {
	var asked atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); r.URL.Path == "/slow" {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusTeapot)
	})
	h := upstreamHost(t, connections.Upstream{BaseURL: s.URL, Timeout: 50 * time.Millisecond, Retry: &connections.Retry{Attempts: 5, Delay: time.Second, Factor: 2, MaxDelay: 3 * time.Second, Statuses: []int{418}}})
	h.at(web.HTTPRequest{URL: "/"})
	if got := fmt.Sprint(h.waits); asked.Load() != 5 || got != "[1s 2s 3s 3s]" {
		t.Errorf("asked %d times, after %s", asked.Load(), got)
	}
	if h.at(web.HTTPRequest{URL: "/", Retry: &web.HTTPRetry{Attempts: 1}}); asked.Load() != 6 {
		t.Errorf("a call with a policy of its own: asked %d times", asked.Load())
	}
	if o := h.at(web.HTTPRequest{URL: "/slow"}); o.Err == nil || o.Err.Code != string(call.CodeTimeout) {
		t.Errorf("timeout: %v", o.Err)
	}
}

func TestConcurrencyOfAConnection(t *testing.T) {
	// Twenty calls of all runs, three at a time.
	var now, most atomic.Int64
	arrived, release := make(chan struct{}), make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) {
		for n := now.Add(1); ; {
			if old := most.Load(); n <= old || most.CompareAndSwap(old, n) {
				break
			}
		}
		arrived <- struct{}{}
		<-release
		now.Add(-1)
	})
	h := upstreamHost(t, connections.Upstream{BaseURL: s.URL, Concurrency: 3})
	var group sync.WaitGroup
	const calls = 20
	for range calls {
		group.Go(func() {
			if o := h.at(web.HTTPRequest{URL: "/"}); o.Err != nil {
				t.Error(o.Err)
			}
		})
	}
	for range 3 {
		<-arrived
	}
	for range calls - 3 {
		release <- struct{}{}
		<-arrived
	}
	for range 3 {
		release <- struct{}{}
	}
	group.Wait()
	if most.Load() != 3 {
		t.Errorf("%d at a time", most.Load())
	}
}

func TestRequestsOfAConnectionAreSigned(t *testing.T) {
	// Anew for each attempt, with the body as it leaves, and for no other host.
	var seen []string
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, "other "+r.Header.Get("X-Sign")) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("X-Sign"))
		switch len(seen) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	})
	h := upstreamHost(t, connections.Upstream{BaseURL: s.URL, Auth: &connections.Auth{Type: "hmac", HMAC: &connections.HMAC{
		Secret: "${secret:KEY}", Message: "{body}", Set: map[string]string{"x-sign": "{nonce} {signature}"},
	}}})
	req := web.HTTPRequest{Method: "PUT", Connection: "shop", URL: "/"}
	if o := h.do(req, "body of "+connections.Token(runKey, "KEY")); o.Err != nil && call.CodeOf(o.Err) != call.CodeSecretNotAllowed {
		t.Fatal(o.Err)
	}
	mac := hmac.New(sha256.New, []byte("the value of KEY"))
	mac.Write([]byte("body of the value of KEY"))
	want := " " + hex.EncodeToString(mac.Sum(nil))
	if len(seen) < 2 || !strings.HasSuffix(seen[0], want) || !strings.HasSuffix(seen[1], want) || seen[0] == seen[1] {
		t.Errorf("signatures %q, want %q", seen, want)
	}
	if len(seen) > 2 && seen[2] != "other " {
		t.Errorf("another host got %q", seen[2])
	}
}

func TestAConnectionBuysItsToken(t *testing.T) {
	// From wherever the operator says: scripts could not choose that address.
	var asked atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			asked.Add(1)
			w.Header().Set("Content-Type", "application/json")
			user, password, _ := r.BasicAuth()
			fmt.Fprintf(w, `{"access_token":"for %s %s","token_type":"bearer","expires_in":3600}`, user, strings.ReplaceAll(password, "+", " "))
			return
		}
		fmt.Fprint(w, r.Header.Get("Authorization") == "Bearer for me the value of KEY")
	})
	strict, err := egress.New(egress.Options{})
	if err != nil {
		t.Fatal(err)
	}
	auth := &connections.Auth{Type: "oauth2", TokenURL: s.URL + "/token", ClientID: "me", ClientSecret: "${secret:KEY}"}
	h := upstreamHostWith(t, connections.Upstream{BaseURL: s.URL, Auth: auth}, strict)
	for range 2 {
		if o := h.at(web.HTTPRequest{URL: "/"}); o.Err != nil || string(o.Body.Inline) != "true" {
			t.Errorf("%s, %v", o.Body.Inline, o.Err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	own := &web.HTTPAuth{Type: "oauth2", TokenURL: s.URL + "/token", ClientID: "me", ClientSecret: connections.Token(runKey, "KEY")}
	if o := h.at(web.HTTPRequest{URL: "/", Auth: own}); call.CodeOf(o.Err) != call.CodeEgressDenied {
		t.Errorf("a token endpoint of the script's own: %v", o.Err)
	}
}
