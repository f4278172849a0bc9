package httpbind_test

import (
	"compress/gzip"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reprise/bindings/httpbind"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// once is the option that keeps a failure from being tried again.
var once = &web.HTTPRetry{Attempts: 1}

func single(url string) web.HTTPRequest {
	return web.HTTPRequest{Method: "GET", URL: url, Retry: once}
}

func TestTooLarge(t *testing.T) {
	// A body over the limit is refused: at once when its length is known, and
	// after the limit when it is not. Decompression counts.
	const limit = 1 << 20
	zeros := make([]byte, 1<<20)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", "52428800")
			for range 50 {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/chunked":
			for range 50 {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 3 {
				if _, err := z.Write(zeros); err != nil {
					return
				}
			}
			_ = z.Close()
		case "/exactly":
			_, _ = w.Write(zeros)
		}
	})
	h := newHost(t, httpbind.Options{MaxBody: limit})
	for _, path := range []string{"/length", "/chunked", "/bomb"} {
		h.fails(get(s.URL+path), "", call.CodeBodyTooLarge, "larger than 1048576 bytes")
	}
	if len(h.attempts) != 3 {
		t.Errorf("attempts = %+v", h.attempts)
	}
	if _, body := h.ok(get(s.URL+"/exactly"), ""); len(body) != limit {
		t.Errorf("%d bytes", len(body))
	}
}

func TestDecompression(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte("hello " + r.Header.Get("Accept-Encoding")))
		_ = z.Close()
	})
	h := newHost(t, httpbind.Options{})
	if _, body := h.ok(get(s.URL), ""); body != "hello gzip" {
		t.Fatalf("body = %q", body)
	}
}

func TestHungAndSlow(t *testing.T) {
	// Nothing at all, and a body that never ends, are timeouts; a timeout is
	// not tried again, so that it lasts what it says.
	stop := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
		}
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(stop) })
	h := newHost(t, httpbind.Options{})
	for _, path := range []string{"/hung", "/slow"} {
		req := get(s.URL + path)
		req.TimeoutMS = 50
		h.fails(req, "", call.CodeTimeout, "no complete answer within 50ms")
	}
	if len(h.attempts) != 2 {
		t.Fatalf("attempts = %+v", h.attempts)
	}
}

func TestCancelled(t *testing.T) {
	// When the run no longer wants the outcome, Do returns, with the cause.
	arrived := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	h := newHost(t, httpbind.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(call.Errorf(call.CodeAbort, "enough"))
	}()
	if o := h.b.Do(ctx, h.performance(get(s.URL), "")); call.CodeOf(o.Err) != call.CodeAbort {
		t.Fatalf("outcome = %+v", o.Err)
	}
}

func TestConnectErrors(t *testing.T) {
	closed := serve(t, func(http.ResponseWriter, *http.Request) {})
	refused := closed.URL
	closed.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(secure.Close)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	h := newHost(t, httpbind.Options{})
	h.fails(single(refused), "", call.CodeConnect, strings.TrimPrefix(refused, "http://")+" refused the connection")
	h.fails(single(secure.URL), "", call.CodeConnect, "TLS handshake with "+strings.TrimPrefix(secure.URL, "https://"))
	h.fails(single(strings.Replace(plain.URL, "http:", "https:", 1)), "", call.CodeConnect, "does not speak TLS")
	h.fails(single("http://no-such-host.invalid/"), "", call.CodeConnect, "no-such-host.invalid")
}

func TestBrokenConnections(t *testing.T) {
	// What breaks after the request was sent is a network error.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answers := []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "garbage\r\n\r\n"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, answer := range answers {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	h := newHost(t, httpbind.Options{})
	for range answers {
		h.fails(single("http://"+l.Addr().String()), "", call.CodeNetwork, "")
	}
}

func TestRedirects(t *testing.T) {
	// Another host gets none of the credentials, on this hop and on later ones.
	type seen struct{ Method, Path, Auth, Cookie, Key, Plain, Referer, Body string }
	note := func(r *http.Request) seen {
		b, _ := io.ReadAll(r.Body)
		return seen{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-Key"), r.Header.Get("X-Plain"), r.Header.Get("Referer"), string(b)}
	}
	last := make(chan seen, 1)
	var first, second *httptest.Server
	answer := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/bad":
			w.Header().Set("Location", "http://%zz/")
			w.WriteHeader(http.StatusFound)
		case "/ftp":
			http.Redirect(w, r, "ftp://files.example.com/", http.StatusFound)
		case "/same":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		case "/away":
			http.Redirect(w, r, second.URL+"/end", http.StatusTemporaryRedirect)
		case "/away-and-back":
			http.Redirect(w, r, second.URL+"/back", http.StatusFound)
		case "/back":
			http.Redirect(w, r, first.URL+"/end", http.StatusFound)
		default:
			last <- note(r)
		}
	}
	first, second = serve(t, answer), serve(t, answer)
	h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, nil)})
	req := func(path string) web.HTTPRequest {
		return web.HTTPRequest{
			Method: "POST", URL: first.URL + path + "?q=" + tokenOf("QUERY"), Auth: &web.HTTPAuth{Type: "bearer", Token: tokenOf("API")},
			Headers: [][2]string{{"Cookie", "a=b"}, {"X-Key", tokenOf("API")}, {"X-Plain", "yes"}}, Retry: once,
		}
	}
	res, _ := h.ok(req("/same"), "hi")
	if got, want := <-last, (seen{"POST", "/end", "Bearer " + values["API"], "a=b", values["API"], "yes", "", "hi"}); got != want || !res.Redirected || res.URL != first.URL+"/end" {
		t.Errorf("same host: %+v, %+v", got, res)
	}
	h.ok(req("/away"), "hi")
	if got, want := <-last, (seen{"POST", "/end", "", "", "", "yes", "", "hi"}); got != want {
		t.Errorf("other host: %+v", got)
	}
	h.ok(req("/away-and-back"), "hi")
	if got, want := <-last, (seen{"GET", "/end", "", "", "", "yes", "", ""}); got != want {
		t.Errorf("there and back: %+v", got)
	}
	h.fails(req("/away"), "body with "+tokenOf("API"), call.CodeSecretNotAllowed, strings.TrimPrefix(second.URL, "http://"))
	h.fails(req("/loop"), "", call.CodeRedirect, "more than 10 times")
	h.fails(req("/bad"), "", call.CodeRedirect, "not a URL")
	h.fails(req("/ftp"), "", call.CodeRedirect, "ftp URL")
	manual, refuse := req("/same"), req("/same")
	manual.Redirect, refuse.Redirect = "manual", "error"
	if res, _ := h.ok(manual, ""); res.Status != http.StatusTemporaryRedirect || res.Redirected {
		t.Errorf("manual: %+v", res)
	}
	h.fails(refuse, "", call.CodeRedirect, `redirect: "error"`)
}

func TestDrainIsBounded(t *testing.T) {
	// A refusal with an endless body does not hold up the next attempt.
	stop := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		w.(http.Flusher).Flush()
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(stop) })
	h := newHost(t, httpbind.Options{Timeout: 5 * time.Second})
	req := get(s.URL)
	req.Retry = &web.HTTPRetry{Attempts: 2}
	req.TimeoutMS = 300
	h.fails(req, "", call.CodeTimeout, "after 2 attempts")
	if h.attempts[0].Took > 2*time.Second || !h.attempts[0].Retry {
		t.Fatalf("attempts = %+v", h.attempts)
	}
}
