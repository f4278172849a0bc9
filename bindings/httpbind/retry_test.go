package httpbind_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

func TestRetries(t *testing.T) {
	// One row: what the upstream answers, and which pauses follow. Jitter draws
	// its highest here.
	ms := func(n ...int) (out []time.Duration) {
		for _, x := range n {
			out = append(out, time.Duration(x)*time.Millisecond)
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		method string
		key    string
		status int
		after  string
		retry  *web.HTTPRetry
		waits  []time.Duration
		tries  int
	}{
		{name: "read, 503", method: "GET", status: 503, waits: ms(250, 500), tries: 3},
		{name: "read, 500", method: "GET", status: 500, waits: ms(250, 500), tries: 3},
		{name: "read, 408", method: "HEAD", status: 408, waits: ms(250, 500), tries: 3},
		{name: "read, 404", method: "GET", status: 404, tries: 1},
		{name: "put, 502", method: "PUT", status: 502, waits: ms(250, 500), tries: 3},
		{name: "delete, 504", method: "DELETE", status: 504, waits: ms(250, 500), tries: 3},
		{name: "post, 503", method: "POST", status: 503, tries: 1},
		{name: "post, 503, asked for", method: "POST", status: 503, retry: &web.HTTPRetry{Attempts: 5}, tries: 1},
		{name: "post, 425", method: "POST", status: 425, tries: 1},
		{name: "post, 429", method: "POST", status: 429, waits: ms(250, 500), tries: 3},
		{name: "keyed post, 503", method: "POST", key: "k", status: 503, waits: ms(250, 500), tries: 3},
		{name: "patch, 500", method: "PATCH", status: 500, tries: 1},
		{name: "seconds", method: "GET", status: 503, after: "2", waits: ms(2000, 2000), tries: 3},
		{name: "no seconds", method: "GET", status: 503, after: "0", waits: ms(250, 500), tries: 3},
		{name: "nonsense", method: "GET", status: 503, after: "soon", waits: ms(250, 500), tries: 3},
		{name: "a date that is over", method: "GET", status: 503, after: "Sun, 22 Nov 2020 10:00:00 GMT", waits: ms(250, 500), tries: 3},
		{name: "too long", method: "GET", status: 429, after: "61", tries: 1},
		{name: "far too long", method: "GET", status: 429, after: "99999999999999999999", tries: 1},
		{name: "long enough", method: "GET", status: 429, after: "61", retry: &web.HTTPRetry{Attempts: 2, MaxDelayMS: 61_000}, waits: ms(61_000), tries: 2},
		{name: "a far date", method: "GET", status: 503, after: "Sun, 22 Nov 2099 10:00:00 GMT", tries: 1},
		{name: "never", method: "GET", status: 503, retry: once, tries: 1},
		{name: "policy", method: "GET", status: 503, retry: &web.HTTPRetry{Attempts: 5, DelayMS: 100, Factor: 3, MaxDelayMS: 700}, waits: ms(100, 300, 700, 700), tries: 5},
		{name: "own statuses", method: "GET", status: 404, retry: &web.HTTPRetry{Attempts: 2, Statuses: []int{404}}, waits: ms(250), tries: 2},
		{name: "not in own statuses", method: "GET", status: 503, retry: &web.HTTPRetry{Attempts: 2, Statuses: []int{404}}, tries: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var hits atomic.Int64
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				hits.Add(1)
				if tc.after != "" {
					w.Header().Set("Retry-After", tc.after)
				}
				w.WriteHeader(tc.status)
			})
			h := newHost(t, httpbind.Options{})
			res, _ := h.ok(web.HTTPRequest{Method: tc.method, URL: s.URL, IdempotencyKey: tc.key, Retry: tc.retry}, "")
			if res.Status != tc.status || int(hits.Load()) != tc.tries || len(h.attempts) != tc.tries {
				t.Errorf("status %d, %d requests, %d attempts; want %d", res.Status, hits.Load(), len(h.attempts), tc.tries)
			}
			if d := cmp.Diff(tc.waits, h.waits); d != "" {
				t.Error(d)
			}
			for i, a := range h.attempts {
				last := i == len(h.attempts)-1
				if a.N != i+1 || a.Status != tc.status || a.Retry == last || !last && !strings.HasPrefix(a.Reason, res.StatusText) && a.Reason == "" {
					t.Errorf("attempt %+v", a)
				}
			}
		})
	}
}

func TestRetryReason(t *testing.T) {
	at := time.Now().Add(20 * time.Second).UTC()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/date" {
			w.Header().Set("Retry-After", at.Format(http.TimeFormat))
		} else {
			w.Header().Set("Retry-After", "2")
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	h := newHost(t, httpbind.Options{})
	h.ok(get(s.URL), "")
	if got := h.attempts[0].Reason; got != "503 Service Unavailable, Retry-After: 2" {
		t.Errorf("reason = %q", got)
	}
	h.waits = nil
	h.ok(get(s.URL+"/date"), "")
	if w := h.waits[0]; w < 15*time.Second || w > 20*time.Second {
		t.Errorf("waits = %v until %v", h.waits, at)
	}
}

func TestRetryFailures(t *testing.T) {
	// Nothing was sent: even an unkeyed write is tried again. Something was:
	// only what may be done twice is.
	closed := serve(t, func(http.ResponseWriter, *http.Request) {})
	refused := closed.URL
	closed.Close()
	var hits atomic.Int64
	breaks := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		panic(http.ErrAbortHandler)
	})
	h := newHost(t, httpbind.Options{})
	h.fails(web.HTTPRequest{Method: "POST", URL: refused}, "x", call.CodeConnect, "(after 3 attempts)")
	h.fails(web.HTTPRequest{Method: "GET", URL: breaks.URL}, "", call.CodeNetwork, "(after 3 attempts)")
	if n := hits.Swap(0); n != 3 {
		t.Errorf("the read was sent %d times", n)
	}
	h.fails(web.HTTPRequest{Method: "POST", URL: breaks.URL}, "x", call.CodeNetwork, "")
	h.fails(web.HTTPRequest{Method: "POST", URL: breaks.URL}, "", call.CodeNetwork, "")
	if n := hits.Load(); n != 2 {
		t.Errorf("two unkeyed writes were sent %d times", n)
	}
}

func TestTriesBeforeCount(t *testing.T) {
	// A call that is taken up again goes on counting: attempts, pauses and what
	// the error says.
	var keys []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	closed := serve(t, func(http.ResponseWriter, *http.Request) {})
	refused := closed.URL
	closed.Close()
	for _, tc := range []struct {
		name, url string
		tries     int
		attempts  []int
		waits     []time.Duration
		message   string
	}{
		{"none", s.URL, 0, []int{1, 2, 3, 4}, []time.Duration{250e6, 500e6, 1e9}, ""},
		{"two", s.URL, 2, []int{3, 4}, []time.Duration{1e9}, ""},
		{"three", s.URL, 3, []int{4}, nil, ""},
		{"more than there are", s.URL, 9, []int{10}, nil, ""},
		{"in the message", refused, 3, []int{4}, nil, "(after 4 attempts)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, httpbind.Options{})
			p := h.performance(web.HTTPRequest{Method: "POST", URL: tc.url, Retry: &web.HTTPRetry{Attempts: 4}}, "x")
			p.Call.Class, p.Tries, p.Key = call.Idempotent, tc.tries, "the engine's key"
			keys = nil
			o := h.b.Do(t.Context(), p)
			var got []int
			for i, a := range h.attempts {
				got = append(got, a.N)
				if a.Retry != (i < len(h.attempts)-1) {
					t.Errorf("attempt %+v", a)
				}
			}
			if d := cmp.Diff(tc.attempts, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tc.waits, h.waits); d != "" {
				t.Error(d)
			}
			if tc.message != "" && (o.Err == nil || !strings.HasSuffix(o.Err.Message, tc.message)) {
				t.Errorf("err = %v", o.Err)
			}
			for _, k := range keys {
				if k != p.Key {
					t.Errorf("Idempotency-Key = %q", k)
				}
			}
		})
	}
}

func TestPausesThatDoNotEndHere(t *testing.T) {
	// A run that is put aside gives up its pause. The attempt was told before,
	// and nothing is sent any more.
	var hits atomic.Int64
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	h := newHost(t, httpbind.Options{})
	p := h.performance(web.HTTPRequest{Method: "POST", URL: s.URL}, "x")
	ctx, cancel := context.WithCancelCause(t.Context())
	aside := errors.New("put aside")
	p.Wait = func(ctx context.Context, d time.Duration) error {
		if len(h.attempts) != 1 || !h.attempts[0].Retry || h.attempts[0].RetryIn != d || d != 30*time.Second {
			t.Errorf("before the pause of %s: %+v", d, h.attempts)
		}
		cancel(aside)
		return context.Cause(ctx)
	}
	o := h.b.Do(ctx, p)
	if hits.Load() != 1 || len(h.attempts) != 1 || o.Err == nil {
		t.Errorf("%d requests, %d attempts, outcome %+v", hits.Load(), len(h.attempts), o)
	}
}

func TestStaleConnection(t *testing.T) {
	// net/http repeats requests by itself when a kept connection turns out to
	// be dead; it must not do that with a write that only carries our own key.
	var hits atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			hits.Add(1)
			panic(http.ErrAbortHandler)
		}
	})
	h := newHost(t, httpbind.Options{})
	h.ok(get(s.URL), "") // leaves a connection behind
	h.fails(web.HTTPRequest{Method: "POST", URL: s.URL}, "", call.CodeNetwork, "")
	h.ok(get(s.URL), "")
	h.fails(web.HTTPRequest{Method: "POST", URL: s.URL}, "body", call.CodeNetwork, "")
	if n := hits.Load(); n != 2 {
		t.Fatalf("two writes were sent %d times", n)
	}
}

func TestOAuth(t *testing.T) {
	// The token is bought once, brought along, and replaced once when refused.
	var bought, served atomic.Int64
	var current atomic.Value
	current.Store("")
	tokens := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "me" || secret == "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_client","error_description":"no such secret: ` + r.FormValue("client_secret") + `"}`))
			return
		}
		token := "access-token-" + string(rune('a'+bought.Add(1)))
		current.Store(token)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"` + token + `","token_type":"Bearer","expires_in":3600}`))
	})
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		if r.Header.Get("Authorization") != "Bearer "+current.Load().(string) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = w.Write([]byte("you sent " + r.Header.Get("Authorization")))
	})
	h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, nil)})
	req := web.HTTPRequest{Method: "POST", URL: api.URL, Auth: &web.HTTPAuth{
		Type: "oauth2", TokenURL: tokens.URL, ClientID: "me", ClientSecret: tokenOf("PLAIN"), Scopes: []string{"a"},
	}}
	h.fails(req, "", call.CodeSecretMissing, "PLAIN")
	req.Auth.ClientSecret = tokenOf("PASS")
	for range 3 {
		if res, body := h.ok(req, "x"); res.Status != 200 || body != "you sent Bearer [access token]" {
			t.Fatalf("%d %s", res.Status, body)
		}
	}
	if bought.Load() != 1 || served.Load() != 3 {
		t.Fatalf("%d tokens for %d requests", bought.Load(), served.Load())
	}
	current.Store("revoked")
	if res, _ := h.ok(req, "x"); res.Status != 200 || bought.Load() != 2 || served.Load() != 5 {
		t.Fatalf("status %d, %d tokens for %d requests", res.Status, bought.Load(), served.Load())
	}
	if a := h.attempts[len(h.attempts)-2]; a.Status != 401 || !a.Retry || !strings.Contains(a.Reason, "new access token") {
		t.Errorf("attempt %+v", a)
	}
	req.Auth.ClientID = "you"
	err := h.fails(req, "x", call.CodeHTTP, "invalid_client")
	if strings.Contains(err.Message, values["PASS"]) || !strings.Contains(err.Message, tokenOf("PASS")) {
		t.Errorf("message = %s", err.Message)
	}
}

// keeper is a transport that refuses everything and keeps the headers as it
// got them, as one does whose write is still under way.
type keeper struct {
	tokens func() string
	kept   []http.Header
	lines  []*string // where the line Authorization of each was
}

func (k *keeper) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.URL.Path == "/token" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.WriteString(`{"access_token":"` + k.tokens() + `","token_type":"Bearer","expires_in":3600}`)
	} else {
		k.kept, k.lines = append(k.kept, r.Header), append(k.lines, &r.Header["Authorization"][0])
		w.WriteHeader([]int{503, 401, 503}[min(len(k.kept), 3)-1])
	}
	res := w.Result()
	res.Request = r
	return res, nil
}

func TestOAuthLeavesSentHeadersAlone(t *testing.T) {
	// A header that went out is not written to again, with the same token or another.
	n := 0
	k := &keeper{tokens: func() string { n++; return "access-token-" + string(rune('a'+n)) }}
	h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, nil), Transport: k})
	h.ok(web.HTTPRequest{Method: "GET", URL: "http://api.invalid/", Auth: &web.HTTPAuth{
		Type: "oauth2", TokenURL: "http://auth.invalid/token", ClientID: "me", ClientSecret: tokenOf("PASS"),
	}}, "")
	if len(k.kept) != 4 || n != 2 {
		t.Fatalf("%d requests with %d tokens", len(k.kept), n)
	}
	for i, header := range k.kept {
		if &header["Authorization"][0] != k.lines[i] {
			t.Errorf("the header of attempt %d was written to after it was sent", i+1)
		}
	}
}

func FuzzDo(f *testing.F) {
	// No argument bytes make Do panic, and each gives an outcome.
	f.Add([]byte(`{"method":"GET","url":"http://127.0.0.1:1/","retry":{"attempts":1}}`), "x")
	f.Add([]byte(`{"method":"GET","url":"/","connection":"self"}`), "")
	f.Add([]byte(`{"method":"POST","url":"http://127.0.0.1:1/rps_API_00000000000000000000000000000000","auth":{"type":"basic"}}`), "{}")
	f.Fuzz(func(t *testing.T, args []byte, body string) {
		h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, nil), Transport: nowhere{}, Timeout: time.Second})
		p := h.performance(get("http://a/"), body)
		p.Call.Args = args
		if o := h.b.Do(t.Context(), p); o.Call != p.Call.ID || o.Err == nil && len(o.Value) == 0 {
			t.Fatalf("outcome = %+v", o)
		}
	})
}

// nowhere answers without a network.
type nowhere struct{}

func (nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusOK)
	res := w.Result()
	res.Request = r
	return res, nil
}

func TestRetriesOfAConnectionHaveABudget(t *testing.T) {
	// When it is spent, a call ends with its real error, and says so; nothing else
	// about it changes.
	var asked atomic.Int64
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "not now")
	})
	h := upstreamHost(t, connections.Upstream{BaseURL: s.URL, RetryBudget: &connections.Budget{Floor: 3}})
	for i, want := range []int64{3, 5, 6} { // 2 retries, 1, none
		o := h.at(web.HTTPRequest{URL: "/"})
		if asked.Load() != want || o.Err != nil || string(o.Body.Inline) != "not now" {
			t.Errorf("call %d: asked %d times, want %d: %s, %v", i, asked.Load(), want, o.Body.Inline, o.Err)
		}
	}
	last := h.attempts[len(h.attempts)-1]
	if last.Retry || last.Reason != "not tried again: the retry budget of the connection shop is spent" {
		t.Errorf("reported %+v", last)
	}
	if o := h.do(get(s.URL), ""); o.Err != nil || asked.Load() != 9 {
		t.Errorf("a call to no connection: asked %d times, %v", asked.Load(), o.Err)
	}
}
