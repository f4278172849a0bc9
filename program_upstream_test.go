package main_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// upstream is an API with all the moods of real ones.
type upstream struct {
	over chan struct{} // closed when the story is

	mu    sync.Mutex
	tries map[string]int  // requests by path and query; guarded by mu
	log   strings.Builder // guarded by mu
}

func cmdUpstream(ts *testscript.TestScript, neg bool, args []string) {
	p := programOf(ts)
	if neg || len(args) > 0 || p.upstream != nil {
		ts.Fatalf("usage: upstream (once)")
	}
	p.upstream = &upstream{over: make(chan struct{}), tries: map[string]int{}}
	server := httptest.NewServer(p.upstream)
	ts.Defer(func() {
		close(p.upstream.over)
		server.Close()
	})
	ts.Setenv("UPSTREAM", server.URL)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("REFUSED", "http://"+nobody.Addr().String())
	ts.Check(nobody.Close())
}

func cmdReceived(ts *testscript.TestScript, _ bool, _ []string) {
	u := programOf(ts).upstream
	u.mu.Lock()
	defer u.mu.Unlock()
	fmt.Fprint(ts.Stdout(), u.log.String())
}

// cmdReached waits until the upstream has got a request.
func cmdReached(ts *testscript.TestScript, neg bool, args []string) {
	count := 1
	if len(args) == 2 {
		n, err := strconv.Atoi(strings.TrimPrefix(args[0], "-count="))
		ts.Check(err)
		count, args = n, args[1:]
	}
	if neg || len(args) != 1 {
		ts.Fatalf("usage: reached [-count=N] REGEXP")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	u := programOf(ts).upstream
	lookUntil(ts, "no such request", func() (string, bool) {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.log.String(), len(want.FindAllString(u.log.String(), -1)) >= count
	})
}

// ServeHTTP answers by path:
//
//	/echo          the request as JSON: method, path, query, headers, body
//	/status/404    that status, and a JSON body
//	/mirror        200, or ?status, with the API key in headers and body
//	/repeat        403, and the API key in the body, as careless APIs do
//	/flaky?n=2     503 n times, then 200
//	/limited?n=1   429 with Retry-After: 0 n times, then 200
//	/html          200 with HTML, where JSON is expected
//	/cut           half of a response, then the connection breaks
//	/big?mb=50     that many megabytes
//	/hang          nothing, until the client leaves
//	/redirect      302 to /echo
//	/mirror        200, or ?status, with the X-Api-Key in headers and body
//	/circle        302 to itself
//	/token         an OAuth 2.0 token endpoint: the token is "fresh-token"
//
// Every request is logged: method, path with query, and the headers that
// credentials are in.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	key := r.URL.RequestURI()
	u.tries[key]++
	try := u.tries[key]
	fmt.Fprintf(&u.log, "%s %s auth=%q key=%q idempotency=%q body=%q\n", r.Method, key,
		r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.Header.Get("Idempotency-Key"), body)
	u.mu.Unlock()
	number := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil {
			return n
		}
		return otherwise
	}
	answer := func(status int, text string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
	switch path, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); path {
	case "echo":
		user, password, _ := r.BasicAuth()
		answer(200, fmt.Sprintf(`{"method":%q,"url":%q,"auth":%q,"basic":%q,"key":%q,"body":%q}`,
			r.Method, key, r.Header.Get("Authorization"), base64.StdEncoding.EncodeToString([]byte(user+":"+password)), r.Header.Get("X-Api-Key"), body))
	case "status":
		status, _ := strconv.Atoi(rest)
		answer(status, fmt.Sprintf(`{"reason":"the upstream says %d"}`, status))
	case "repeat":
		answer(403, fmt.Sprintf(`{"reason":"the key %s may not do this"}`, r.Header.Get("X-Api-Key")))
	case "mirror":
		w.Header().Set("X-Mirror", r.Header.Get("X-Api-Key"))
		w.Header().Set("Set-Cookie", "session="+r.Header.Get("X-Api-Key"))
		answer(number("status", 200), fmt.Sprintf(`{"key":%q,"query":%q,"body":%q}`, r.Header.Get("X-Api-Key"), r.URL.RawQuery, body))
	case "flaky":
		if try <= number("n", 2) {
			answer(503, `{"reason":"come back later"}`)
			return
		}
		answer(200, fmt.Sprintf(`{"try":%d}`, try))
	case "limited":
		if try <= number("n", 1) {
			w.Header().Set("Retry-After", "0")
			answer(429, `{"reason":"too fast"}`)
			return
		}
		answer(200, fmt.Sprintf(`{"try":%d}`, try))
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><h1>Bad gateway</h1></html>")
	case "cut":
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	case "big":
		megabyte := make([]byte, 1<<20)
		for range number("mb", 50) {
			if _, err := w.Write(megabyte); err != nil {
				return
			}
		}
	case "hang":
		select {
		case <-r.Context().Done():
		case <-u.over:
		}
	case "redirect":
		http.Redirect(w, r, "/echo", http.StatusFound)
	case "circle":
		http.Redirect(w, r, "/circle", http.StatusFound)
	case "token":
		answer(200, `{"access_token":"fresh-token","token_type":"Bearer","expires_in":3600}`)
	default:
		answer(404, `{"reason":"no such thing"}`)
	}
}
