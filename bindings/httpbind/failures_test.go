package httpbind_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
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
		case "/nested":
			// Once is what was asked for; this is something else.
			w.Header()["Content-Encoding"] = []string{"gzip, gzip"}
			_, _ = w.Write([]byte("as it is"))
		case "/br", "/zstd":
			// Nobody asked for these, so the bytes are the script's affair.
			w.Header().Set("Content-Encoding", r.URL.Path[1:])
			_, _ = w.Write([]byte("as it is"))
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
	for _, path := range []string{"/br", "/zstd", "/nested"} {
		if _, body := h.ok(get(s.URL+path), ""); body != "as it is" {
			t.Errorf("%s: %q", path, body)
		}
	}
}

func TestABombIsNotOpenedFurtherThanTheLimit(t *testing.T) {
	// Of many megabytes of zeros in a few kilobytes, what is read is the limit
	// and not the whole, whether or not the answer is of any use.
	var wire bytes.Buffer
	z, err := gzip.NewWriterLevel(&wire, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write(wire.Bytes())
	})
	h := newHost(t, httpbind.Options{MaxBody: 1 << 20})
	before := allocated()
	h.fails(get(s.URL), "", call.CodeBodyTooLarge, "larger than 1048576 bytes")
	req := get(s.URL + "/refused")
	req.Retry = &web.HTTPRetry{Attempts: 2}
	h.fails(req, "", call.CodeBodyTooLarge, "larger than 1048576 bytes")
	if used := allocated() - before; used > 32<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}

// allocated is how many bytes this process has allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestNothingIsSmuggled(t *testing.T) {
	// What ends a message, and where it goes, is ours to say: whatever headers,
	// method and URL a call has, one request arrives, with one length.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			arrived <- string(b[:n])
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	h := newHost(t, httpbind.Options{})
	req := web.HTTPRequest{Method: "POST", URL: "http://" + l.Addr().String() + "/a b?c HTTP/1.1", Retry: once}
	for _, name := range []string{
		"transfer-encoding", "Transfer-Encoding", "transfer_encoding", "content-length", "CONTENT-LENGTH", "content_length", "connection", "keep-alive", "te", "trailer",
		"upgrade", "expect", "host", "Host", "proxy-connection", "x-reprise-depth", "X_Reprise-Depth",
	} {
		req.Headers = append(req.Headers, [2]string{name, "chunked"}, [2]string{name, "0"})
	}
	h.ok(req, "GET /admin HTTP/1.1\r\n\r\n")
	want := "POST /a%20b?c%20HTTP/1.1 HTTP/1.1\r\nHost: " + l.Addr().String() + "\r\nUser-Agent: reprise\r\nContent-Length: 23\r\n"
	head, body, _ := strings.Cut(<-arrived, "\r\n\r\n")
	if !strings.HasPrefix(head, want) || strings.Contains(head, "chunked") || strings.Count(strings.ToLower(head), "content") != 1 || body != "GET /admin HTTP/1.1\r\n\r\n" {
		t.Errorf("arrived:\n%s\n\n%s", head, body)
	}
	for name, bad := range map[string]web.HTTPRequest{
		"a name with a space":    {Headers: [][2]string{{"content-length ", "1"}}},
		"a name with a colon":    {Headers: [][2]string{{"transfer-encoding:", "chunked"}}},
		"a line in a name":       {Headers: [][2]string{{"a\r\ntransfer-encoding", "chunked"}}},
		"a line in a value":      {Headers: [][2]string{{"a", "b\r\n\r\nGET / HTTP/1.1"}}},
		"a bare line feed":       {Headers: [][2]string{{"a", "b\nc: d"}}},
		"a nul":                  {Headers: [][2]string{{"a", "b\x00"}}},
		"a method with a line":   {Method: "GET / HTTP/1.1\r\nA:"},
		"a method with a space":  {Method: "GET /"},
		"an API key as a length": {Auth: &web.HTTPAuth{Type: "apiKey", In: "header", Name: "content_length", Token: "1"}},
		"a line in the URL":      {URL: "http://" + l.Addr().String() + "/\r\nA: b"},
		"a line in the query":    {URL: "http://" + l.Addr().String() + "/?a\nb"},
	} {
		if bad.Method == "" {
			bad.Method = "POST"
		}
		if bad.URL == "" {
			bad.URL = "http://" + l.Addr().String()
		}
		if o := h.do(bad, ""); call.CodeOf(o.Err) != call.CodeInvalidArgument {
			t.Errorf("%s: %v", name, o.Err)
		}
	}
}

func TestARedirectSmugglesNothing(t *testing.T) {
	var last string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if last = r.RequestURI; r.URL.Path == "/" {
			w.Header()["Location"] = []string{"/next?a HTTP/1.1"}
			w.WriteHeader(http.StatusFound)
		}
	})
	newHost(t, httpbind.Options{}).ok(get(s.URL), "")
	if last != "/next?a%20HTTP/1.1" {
		t.Errorf("asked for %s", last)
	}
}

func TestBodyLimitOfAScript(t *testing.T) {
	// The script's own limit holds for what it sends and for what it gets.
	received := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		received++
		_, _ = io.Copy(w, r.Body)
	})
	h := newHost(t, httpbind.Options{})
	send := func(n int, limits call.Limits) call.Outcome {
		p := h.performance(web.HTTPRequest{Method: "POST", URL: s.URL}, strings.Repeat("x", n))
		p.Limits = limits
		return h.b.Do(t.Context(), p)
	}
	if o := send(100, call.Limits{Body: 100}); o.Err != nil || o.Body.Size != 100 {
		t.Errorf("100 bytes: %+v", o)
	}
	o := send(101, call.Limits{Body: 100})
	if o.Err == nil || o.Err.Code != string(call.CodeBodyTooLarge) || !strings.Contains(o.Err.Message, "the request's body has 101 bytes, and the limit is 100") || received != 1 {
		t.Errorf("101 bytes: %v, %d requests", o.Err, received)
	}
	p := h.performance(get(s.URL+"/?"), "")
	if p.Limits.Body = 1; h.b.Do(t.Context(), p).Err != nil {
		t.Error("an empty answer is too large")
	}
	if o := send(101, call.Limits{}); o.Err != nil {
		t.Errorf("another script: %v", o.Err)
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
