package site

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// flow is a body that arrives.
type flow struct {
	io.Reader
	closed chan struct{}
}

func (f *flow) Close() error {
	close(f.closed)
	return nil
}

// streaming serves an answer whose body is r, of a size that is known or zero.
func streaming(t *testing.T, status int, r io.Reader, size int64) (f *fixture, at string, body *flow) {
	t.Helper()
	f, body = newFixture(t, Options{}, script("s", "/s")), &flow{r, make(chan struct{})}
	f.engine.answer = func(*worker.Request) runtime.FetchResult {
		return runtime.FetchResult{Run: "run-1", Response: &worker.Response{Status: status, Body: call.Body{Present: true, Size: size}}, Stream: body}
	}
	server := httptest.NewServer(f.site)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return f, server.URL + "/s", body
}

func TestBodiesThatArrive(t *testing.T) {
	for name, tc := range map[string]struct {
		method       string
		status       int
		size, length int64
		want         string
	}{
		"length unknown": {"GET", 200, 0, -1, "whole"},
		"length known":   {"GET", 200, 5, 5, "whole"},
		"HEAD":           {"HEAD", 200, 5, 5, ""},
		"no content":     {"GET", 204, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, at, body := streaming(t, tc.status, strings.NewReader("whole"), tc.size)
			req, err := http.NewRequestWithContext(t.Context(), tc.method, at, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			got, err := io.ReadAll(res.Body)
			if err != nil || string(got) != tc.want || res.ContentLength != tc.length || res.StatusCode != tc.status {
				t.Errorf("%d, length %d, %q, %v", res.StatusCode, res.ContentLength, got, err)
			}
			<-body.closed
			if len(f.book.entries) > 0 {
				t.Errorf("%+v", f.book.entries)
			}
		})
	}
}

func TestABodyThatBreaksOff(t *testing.T) {
	// The client can tell, and the log says why.
	f, at, body := streaming(t, 200, io.MultiReader(strings.NewReader("part"), iotest.ErrReader(errors.New("the upstream is gone"))), 0)
	res, err := http.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if string(got) != "part" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", got, err)
	}
	<-body.closed
	f.book.mu.Lock()
	defer f.book.mu.Unlock()
	if len(f.book.entries) != 1 || !strings.Contains(f.book.entries[0].Msg, "the answer broke off: the upstream is gone") || f.book.entries[0].Run != "run-1" {
		t.Errorf("%+v", f.book.entries)
	}
}
