package httpbind_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"reprise/bindings/httpbind"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// streamed performs a request of a run that takes bodies while they arrive. body is
// nil where it came whole.
func (h *host) streamed(ctx context.Context, req web.HTTPRequest) (o call.Outcome, body io.ReadCloser) {
	h.t.Helper()
	p := h.performance(req, "")
	p.Stream = func(r io.ReadCloser, size int64) call.Body {
		body = r
		return call.Live(1, size)
	}
	return h.b.Do(ctx, p), body
}

// flush sends what a handler has written.
func flush(t testing.TB, w http.ResponseWriter) {
	if err := http.NewResponseController(w).Flush(); err != nil {
		t.Error(err)
	}
}

func TestWhatStreams(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 3<<20/16)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b := large[:len("small")]
		if strings.Contains(r.URL.Path, "large") {
			b = large
		}
		if strings.Contains(r.URL.Path, "chunked") {
			flush(t, w) // before it is known how much there is
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		}
		if strings.Contains(r.URL.Path, "events") {
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		}
		_, _ = w.Write(b)
	})
	h := newHost(t, httpbind.Options{MaxBody: 2 << 20})
	for _, tc := range []struct {
		path, method string
		stream       bool
		streams      bool
		size         int64
	}{
		{path: "/small"},
		{path: "/small-chunked"},
		{path: "/small", stream: true, streams: true, size: 5},
		{path: "/small-events", streams: true, size: 5},
		{path: "/large", streams: true, size: 3 << 20},
		{path: "/large-chunked", streams: true},
		{path: "/large", method: "HEAD"},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			req := get(s.URL + tc.path)
			req.Stream = tc.stream
			if tc.method != "" {
				req.Method = tc.method
			}
			o, body := h.streamed(t.Context(), req)
			if o.Err != nil || (body != nil) != tc.streams || o.Body.IsLive() != tc.streams {
				t.Fatalf("streams: %v, %+v, %v", body != nil, o.Body, o.Err)
			}
			want := large[:5]
			if strings.Contains(tc.path, "large") {
				want = large
			}
			switch {
			case tc.method == "HEAD":
				if o.Body.Present {
					t.Error("HEAD has a body")
				}
			case !tc.streams:
				if !bytes.Equal(o.Body.Inline, want) {
					t.Errorf("%d bytes", len(o.Body.Inline))
				}
			default:
				got, err := io.ReadAll(body)
				if err != nil || !bytes.Equal(got, want) || o.Body.Size != tc.size {
					t.Errorf("%d bytes of %d, size %d, %v", len(got), len(want), o.Body.Size, err)
				}
				_ = body.Close()
				_ = body.Close() // whoever is in doubt may
			}
		})
	}
	// Where bodies are kept whole, the limit holds.
	h.fails(get(s.URL+"/large"), "", call.CodeBodyTooLarge, "2097152")
	req := get(s.URL + "/small-events")
	req.Stream = true
	if _, body := h.ok(req, ""); body != "01234" {
		t.Errorf("%q", body)
	}
}

func TestStreamsArriveAsTheyAreSent(t *testing.T) {
	next, left := make(chan string), make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		flush(t, w)
		for {
			select {
			case text := <-next:
				_, _ = io.WriteString(w, text)
				flush(t, w)
			case <-r.Context().Done():
				close(left)
				return
			}
		}
	})
	h := newHost(t, httpbind.Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	o, body := h.streamed(ctx, get(s.URL))
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	cancel(errors.New("the call has its outcome")) // as the engine does
	buf := make([]byte, 100)
	for _, text := range []string{"data: 1\n\n", "data: 2\n\n"} {
		next <- text
		n, err := body.Read(buf)
		if err != nil || string(buf[:n]) != text {
			t.Fatalf("%q, %v", buf[:n], err)
		}
	}
	_ = body.Close()
	<-left // the upstream hears of it
	if _, err := body.Read(buf); err == nil {
		t.Error("a closed body can be read")
	}
}

func TestStreamsThatFail(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "begun")
		flush(t, w)
		if r.URL.Path == "/breaks" {
			panic(http.ErrAbortHandler)
		}
		<-r.Context().Done()
	})
	h := newHost(t, httpbind.Options{})
	for path, want := range map[string]call.Code{"/breaks": call.CodeNetwork, "/stops": call.CodeTimeout} {
		req := get(s.URL + path)
		req.TimeoutMS = 100
		if path == "/breaks" {
			req.TimeoutMS = 60_000
		}
		o, body := h.streamed(t.Context(), req)
		if o.Err != nil {
			t.Fatal(path, o.Err)
		}
		got, err := io.ReadAll(body)
		if string(got) != "begun" || call.CodeOf(err) != want || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %q, %v", path, got, err)
		}
		_ = body.Close()
	}
	// One that is given up before it has answered is none.
	ctx, cancel := context.WithCancelCause(t.Context())
	quiet := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel(errors.New("enough"))
		<-r.Context().Done()
	})
	if o, body := h.streamed(ctx, get(quiet.URL)); o.Err == nil || body != nil || o.Err.Code != string(call.CodeCancelled) {
		t.Errorf("%v", o.Err)
	}
}

func TestStreamsAreScrubbed(t *testing.T) {
	value := values["API"]
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, part := range []string{"key " + value[:5], value[5:] + " and ", r.Header.Get("X-Key")} {
			_, _ = io.WriteString(w, part)
			flush(t, w)
		}
	})
	h := newHost(t, httpbind.Options{Secrets: mustSecrets(t, nil)})
	req := get(s.URL)
	req.Headers = [][2]string{{"X-Key", tokenOf("API")}}
	o, body := h.streamed(t.Context(), req)
	if o.Err != nil || o.Body.Size != 0 {
		t.Fatal(o.Body, o.Err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if want := "key " + tokenOf("API") + " and " + tokenOf("API"); err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
