package httpbind_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"reprise/bindings/httpbind"
	"reprise/connections"
	"reprise/connections/cache"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// inMemory answers requests without a network, so that a bubble of synctest can
// see who waits for what.
type inMemory func(w http.ResponseWriter, r *http.Request)

func (f inMemory) RoundTrip(r *http.Request) (res *http.Response, err error) {
	defer func() {
		if recover() != nil {
			err = io.ErrUnexpectedEOF
		}
	}()
	w := httptest.NewRecorder()
	f(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	res = w.Result()
	res.Request = r
	return res, nil
}

// pantry is an upstream that counts, and a host side that keeps its answers.
type pantry struct {
	*host
	asked atomic.Int64
	mu    sync.Mutex
	told  []string
}

func stock(t *testing.T, u connections.Upstream, f func(n int64, w http.ResponseWriter, r *http.Request)) *pantry {
	t.Helper()
	k := &pantry{}
	u.Name, u.BaseURL = "shop", "http://shop.example"
	if u.Cache == nil {
		u.Cache = &cache.Rules{}
	}
	rules := *u.Cache
	rules.MaxEntries, rules.MaxBytes = 100, 1<<20
	u.Cache = &rules
	set, err := connections.NewSet(u)
	if err != nil {
		t.Fatal(err)
	}
	set.Observe(connections.Observer{Cached: func(_, result string) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.told = append(k.told, result)
	}})
	vault, err := connections.NewSecrets(map[string]string{"KEY": "the value of KEY"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	k.host = newHost(t, httpbind.Options{Connections: set, Secrets: vault, Transport: inMemory(func(w http.ResponseWriter, r *http.Request) { f(k.asked.Add(1), w, r) })})
	return k
}

// get performs a GET and returns its body; how the cache answered is checked.
func (k *pantry) get(want, url string, headers ...string) string {
	k.t.Helper()
	req := web.HTTPRequest{URL: url, Method: "GET", Connection: "shop"}
	for i := 0; i < len(headers); i += 2 {
		req.Headers = append(req.Headers, [2]string{headers[i], headers[i+1]})
	}
	o := k.do(req, "")
	k.mu.Lock()
	defer k.mu.Unlock()
	if o.Err != nil || len(k.told) == 0 || k.told[len(k.told)-1] != want {
		k.t.Errorf("%s: told %q, want %s: %v", url, k.told, want, o.Err)
	}
	if last := k.attempts[len(k.attempts)-1]; last.Cache != want || last.Reason == "" || last.Retry {
		k.t.Errorf("%s: reported %+v", url, last)
	}
	return string(o.Body.Inline)
}

func TestAnswersAreKept(t *testing.T) {
	// As long as they say; for another run as well; until something is written.
	k := stock(t, connections.Upstream{Auth: &connections.Auth{Type: "bearer", Token: "${secret:KEY}"}}, func(n int64, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprint(w, r.Method, " ", n)
	})
	expect := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	expect(k.get("miss", "/a"), "GET 1")
	expect(k.get("hit", "/a"), "GET 1")
	expect(k.get("miss", "/a?q"), "GET 2")
	expect(k.get("miss", "/a", "accept", "text/csv"), "GET 3")
	expect(k.get("hit", "/a", "Accept", "text/csv"), "GET 3")
	p := k.performance(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/a"}, "")
	p.By.SecretKey = []byte("the key of run r2")
	if o := k.b.Do(t.Context(), p); string(o.Body.Inline) != "GET 1" {
		t.Errorf("another run: %s, %v", o.Body.Inline, o.Err)
	}
	for _, own := range [][2]string{{"Authorization", "Mine"}, {"Cookie", "a=b"}, {"X-Key", connections.Token(runKey, "KEY")}, {"Range", "bytes=0-1"}, {"If-None-Match", "x"}, {"Cache-Control", "no-store"}} {
		k.get("bypass", "/a", own[0], own[1])
	}
	k.do(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/a", Headers: [][2]string{{"Authorization", "a package's"}}, KeepAuth: true}, "")
	if last := k.attempts[len(k.attempts)-1]; last.Cache != "hit" {
		t.Errorf("a key that gives way: %+v", last)
	}
	expect(k.get("hit", "/a"), "GET 1")
	asked := k.asked.Load()
	expect(k.get("miss", "/a", "cache-control", "no-cache"), fmt.Sprint("GET ", asked+1))
	expect(k.get("hit", "/a"), fmt.Sprint("GET ", asked+1))
	if o := k.do(web.HTTPRequest{Method: "POST", Connection: "shop", URL: "/a"}, ""); o.Err != nil {
		t.Fatal(o.Err)
	}
	k.get("miss", "/a")
	k.get("miss", "/a?q")
	if n := slices.Index(k.told, "stale"); n >= 0 {
		t.Errorf("told %q", k.told)
	}
}

func TestStreamsAreNotKept(t *testing.T) {
	// Nor is the body of an answer that an old one stands in for left open.
	k := stock(t, connections.Upstream{Cache: &cache.Rules{TTL: time.Hour}, Retry: &connections.Retry{Attempts: 1}}, func(n int64, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/lines":
			w.Header().Set("Content-Type", "application/x-ndjson")
		case n == 1:
			w.Header().Set("Cache-Control", "max-age=0, stale-if-error=60")
			w.Header().Set("ETag", `"1"`)
		default:
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	get := func(url string, stream bool) (cached string, open int) {
		p := k.performance(web.HTTPRequest{Method: "GET", Connection: "shop", URL: url, Stream: stream}, "")
		p.Stream = func(body io.ReadCloser, _ int64) call.Body {
			open++
			_ = body.Close()
			return call.Body{}
		}
		k.b.Do(t.Context(), p)
		return k.attempts[len(k.attempts)-1].Cache, open
	}
	for _, tc := range []struct {
		url    string
		stream bool
		cached string
		open   int
	}{{"/old", false, "miss", 0}, {"/old", false, "stale", 0}, {"/lines", false, "miss", 1}, {"/lines", false, "miss", 1}, {"/lines", true, "bypass", 1}} {
		if cached, open := get(tc.url, tc.stream); cached != tc.cached || open != tc.open {
			t.Errorf("%+v: %s, %d streams", tc, cached, open)
		}
	}
}

func TestWhatAWriteForgets(t *testing.T) {
	// What was refused changes nothing; what has no answer may have.
	k := stock(t, connections.Upstream{Cache: &cache.Rules{TTL: time.Hour}}, func(_ int64, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("how") {
		case "refused":
			w.WriteHeader(http.StatusConflict)
		case "failed":
			w.WriteHeader(http.StatusBadGateway)
		case "broken":
			panic(http.ErrAbortHandler)
		case "elsewhere":
			w.Header().Set("Location", "/a")
			w.WriteHeader(http.StatusCreated)
		}
	})
	for _, tc := range []struct{ method, url, then string }{
		{"PUT", "/a?how=refused", "hit"},
		{"PUT", "/a?how=failed", "miss"},
		{"PUT", "/a?how=broken", "miss"},
		{"DELETE", "/a", "miss"},
		{"POST", "/b?how=elsewhere", "miss"},
		{"POST", "/b", "hit"},
		{"OPTIONS", "/a", "hit"},
		{"HEAD", "/a", "hit"},
	} {
		k.do(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/a"}, "")
		k.do(web.HTTPRequest{Method: tc.method, Connection: "shop", URL: tc.url, Retry: &web.HTTPRetry{Attempts: 1}}, "")
		k.get(tc.then, "/a")
	}
}

func TestAnOldAnswerIsRevalidated(t *testing.T) {
	k := stock(t, connections.Upstream{}, func(n int64, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("X-N", fmt.Sprint(n))
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, "body of ", n)
	})
	for i, want := range []string{"miss", "revalidated", "revalidated"} {
		if got := k.get(want, "/"); got != "body of 1" {
			t.Errorf("%d: %s", i, got)
		}
	}
	res, _ := k.ok(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/"}, "")
	if last := k.attempts[len(k.attempts)-1]; res.Status != 200 || last.Status != 200 || !strings.Contains(fmt.Sprint(res.Headers), "[x-n 4]") {
		t.Errorf("%+v, %+v", res, last)
	}
}

func TestAStaleAnswerIsUsedWhileItIsAskedForAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Once, however many want it, and on a server that stops nothing is left.
		second := make(chan struct{})
		k := stock(t, connections.Upstream{Cache: &cache.Rules{StaleWhileRevalidate: time.Hour}}, func(n int64, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprint(n)))
			switch n {
			case 1:
				w.Header().Set("Cache-Control", "max-age=0")
			case 2:
				w.Header().Set("Cache-Control", "max-age=3600")
				<-second
			}
			fmt.Fprint(w, n)
		})
		k.get("miss", "/")
		for range 3 {
			if got := k.get("stale", "/"); got != "1" {
				t.Errorf("got %s", got)
			}
		}
		close(second)
		synctest.Wait() // it is done in the background
		if got := k.get("hit", "/"); got != "2" || k.asked.Load() != 2 {
			t.Errorf("got %s, asked %d times", got, k.asked.Load())
		}
	})
}

func TestAServerThatStopsAsksForNothingMore(t *testing.T) {
	k := stock(t, connections.Upstream{Cache: &cache.Rules{StaleWhileRevalidate: time.Hour}}, func(n int64, w http.ResponseWriter, r *http.Request) {
		if n > 1 {
			<-r.Context().Done()
			return
		}
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Cache-Control", "max-age=0")
	})
	k.get("miss", "/")
	k.get("stale", "/")
	k.b.Close() // hangs, if it waited for the answer
	k.get("stale", "/")
}

func TestAnOldAnswerIsUsedWhenTheAPIFails(t *testing.T) {
	// If it says that it may. After the retries, and with the reason in the log.
	k := stock(t, connections.Upstream{Cache: &cache.Rules{}, Retry: &connections.Retry{Attempts: 2}}, func(n int64, w http.ResponseWriter, r *http.Request) {
		if n > 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("ETag", `"1"`)
		if r.URL.Path == "/may" {
			w.Header().Set("Cache-Control", "max-age=0, stale-if-error=60")
		}
		fmt.Fprint(w, "good")
	})
	k.get("miss", "/may")
	k.get("miss", "/may-not")
	if got := k.get("stale", "/may"); got != "good" {
		t.Errorf("got %s", got)
	}
	if got := k.get("stale", "/may"); got != "good" || k.asked.Load() != 6 {
		t.Errorf("got %s, asked %d times", got, k.asked.Load())
	}
	if got := k.get("miss", "/may-not"); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestAnAnswerWithACredentialIsNotKept(t *testing.T) {
	// Neither for those who come later, nor for those who wait.
	k := stock(t, connections.Upstream{Cache: &cache.Rules{TTL: time.Hour}, Auth: &connections.Auth{Type: "bearer", Token: "${secret:KEY}"}}, func(_ int64, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/header" {
			w.Header().Set("X-Echo", r.Header.Get("Authorization"))
			return
		}
		fmt.Fprint(w, r.Header.Get("Authorization"))
	})
	for _, url := range []string{"/body", "/body", "/header", "/header"} {
		if got := k.get("miss", url); strings.Contains(got, "the value") {
			t.Errorf("got %s", got)
		}
	}
}

func TestManyWhoWantTheSame(t *testing.T) {
	// One asks, the others wait and have its answer; if it fails they ask
	// themselves; each may give up by itself.
	type story struct {
		status int
		cc     string
		asked  int64
	}
	const calls = 20
	for name, tc := range map[string]story{
		"kept":     {200, "max-age=60", 1},
		"not kept": {200, "", 1},
		"a 404":    {404, "", 1},
		"no-store": {200, "no-store", calls},
		"private":  {200, "private", calls},
		"a 500":    {500, "max-age=60", calls},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			first, release := make(chan struct{}), make(chan struct{})
			k := stock(t, connections.Upstream{Retry: &connections.Retry{Attempts: 1}}, func(n int64, w http.ResponseWriter, r *http.Request) {
				if n == 1 {
					close(first)
					<-release
				}
				if tc.cc != "" {
					w.Header().Set("Cache-Control", tc.cc)
				}
				w.WriteHeader(tc.status)
			})
			var group sync.WaitGroup
			get := func() { k.do(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/"}, "") }
			group.Go(get)
			<-first
			for range calls - 1 {
				group.Go(get)
			}
			// One who gives up gets its own error, and holds up nobody.
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("enough"))
			if o := k.b.Do(ctx, k.performance(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/"}, "")); call.CodeOf(o.Err) != call.CodeCancelled {
				t.Errorf("who gave up: %v", o.Err)
			}
			synctest.Wait() // all others wait
			close(release)
			group.Wait()
			if got := k.asked.Load(); got != tc.asked {
				t.Errorf("asked %d times, want %d", got, tc.asked)
			}
		}))
	}
}

func TestWhoLeadsIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Then the others ask themselves.
		first := make(chan struct{})
		k := stock(t, connections.Upstream{}, func(n int64, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				close(first)
				<-r.Context().Done()
			}
			fmt.Fprint(w, n)
		})
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if o := k.b.Do(ctx, k.performance(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/"}, "")); o.Err == nil {
				t.Error("no error")
			}
		})
		<-first
		group.Go(func() {
			if o := k.do(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/"}, ""); o.Err != nil || string(o.Body.Inline) != "2" {
				t.Errorf("%s, %v", o.Body.Inline, o.Err)
			}
		})
		synctest.Wait() // the other one waits
		cancel()
		group.Wait()
	})
}

func TestAReplacedConnectionKeepsWhatHolds(t *testing.T) {
	// Other limits change nothing; other credentials and other rules do.
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {})
	u := connections.Upstream{Name: "shop", BaseURL: s.URL, Cache: &cache.Rules{TTL: time.Hour, MaxEntries: 1, MaxBytes: 1 << 20}}
	set, err := connections.NewSet(u)
	if err != nil {
		t.Fatal(err)
	}
	before := set.Cache("shop")
	u.Concurrency = 5
	if err := set.Replace(u); err != nil || set.Cache("shop") != before {
		t.Errorf("another limit: %v", err)
	}
	u.Auth = &connections.Auth{Type: "bearer", Token: "x"}
	if err := set.Replace(u); err != nil || set.Cache("shop") == before {
		t.Errorf("other credentials: %v", err)
	}
	u.Cache = nil
	if err := set.Replace(u); err != nil || set.Cache("shop") != nil {
		t.Errorf("no cache: %v", err)
	}
}

func inBubble(f func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}

func TestWhoLeadsIsTriedAgain(t *testing.T) {
	// The others do not wait for its pauses.
	synctest.Test(t, func(t *testing.T) {
		first := make(chan struct{})
		k := stock(t, connections.Upstream{Cache: &cache.Rules{TTL: time.Hour}}, func(n int64, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				<-first
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		rested := make(chan struct{})
		p := k.performance(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/"}, "")
		p.Wait = func(context.Context, time.Duration) error {
			<-rested
			return nil
		}
		var group sync.WaitGroup
		group.Go(func() { k.b.Do(t.Context(), p) })
		synctest.Wait()
		done := false
		group.Go(func() {
			k.do(web.HTTPRequest{Method: "GET", Connection: "shop", URL: "/"}, "")
			done = true
		})
		synctest.Wait()
		close(first)
		synctest.Wait()
		if !done {
			t.Error("it waits for the pause of another")
		}
		close(rested)
		group.Wait()
	})
}

func TestAnAnswerByWayOfARedirectIsNotKept(t *testing.T) {
	k := stock(t, connections.Upstream{Cache: &cache.Rules{TTL: time.Hour}}, func(_ int64, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	})
	k.get("miss", "/")
	k.get("miss", "/")
	k.get("miss", "/end")
	k.get("hit", "/end")
}
