package tail_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reprise/runtime/logs"
	"reprise/server/tail"
)

func TestClient(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{})
	s.log.Emit(logs.Entry{Level: logs.Error, Msg: "old"})
	c, err := tail.Dial(t.Context(), tail.DialOptions{URL: s.URL, Token: token, Filter: "level:error", Tail: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if f := nextFrame(t, c); f.Type != tail.FrameHello || f.Boot != s.log.Boot() {
		t.Fatalf("got %+v", f)
	}
	if f := nextFrame(t, c); len(f.Entries) != 1 || f.Entries[0].Msg != "old" {
		t.Fatalf("got %+v", f)
	}
	s.log.Emit(logs.Entry{Msg: "quiet"})
	s.log.Emit(logs.Entry{Level: logs.Error, Msg: "new"})
	if f := nextFrame(t, c); len(f.Entries) != 1 || f.Entries[0].Msg != "new" {
		t.Fatalf("got %+v", f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if err := c.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	if _, err := c.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after Close: %v", err)
	}
}

func nextFrame(t *testing.T, c *tail.Client) tail.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		f, err := c.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if f.Type != tail.FramePing {
			return f
		}
	}
}

func TestClientGoesOnAfterABreak(t *testing.T) {
	// The connection breaks while entries come; nothing is lost or doubled.
	s := serve(t, logs.Options{}, tail.Options{Interval: time.Millisecond})
	var breakIt atomic.Pointer[context.CancelFunc]
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A second endpoint on the same log: shutting it down breaks its sockets.
		one := tail.Handler(tail.Options{Log: s.log, Authenticate: func(string) bool { return true }, Interval: time.Millisecond})
		ctx, cancel := context.WithCancel(context.Background())
		breakIt.Store(&cancel)
		done := make(chan struct{})
		go func() {
			defer close(done)
			<-ctx.Done()
			_ = one.Shutdown(context.Background())
		}()
		one.ServeHTTP(w, r)
		cancel()
		<-done
	}))
	defer proxy.Close()
	c, err := tail.Dial(t.Context(), tail.DialOptions{URL: proxy.URL, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	stop := make(chan struct{})
	var emitter sync.WaitGroup
	defer emitter.Wait()
	defer close(stop)
	emitter.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			s.log.Emit(logs.Entry{Msg: "x"})
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	})
	expect, breaks := uint64(0), 0
	for expect <= 500 {
		f := nextFrame(t, c)
		switch f.Type {
		case tail.FrameBatch:
			for _, e := range f.Entries {
				if expect == 0 { // subscribed from here on
					expect = e.Seq
				}
				if e.Seq != expect {
					t.Fatalf("seq %d, want %d", e.Seq, expect)
				}
				expect++
			}
			if breaks < 3 && expect > uint64(100*(breaks+1)) {
				breaks++
				(*breakIt.Load())()
			}
		case tail.FrameGap, tail.FrameError:
			t.Fatalf("got %+v", f)
		case tail.FrameDisconnected:
			if f.Err == nil || f.RetryIn <= 0 {
				t.Errorf("got %+v", f)
			}
		}
	}
	if breaks != 3 {
		t.Errorf("broke %d times", breaks)
	}
}

func TestDialErrors(t *testing.T) {
	s := serve(t, logs.Options{}, tail.Options{})
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for name, tt := range map[string]struct {
		opts tail.DialOptions
		want string
	}{
		"bad filter": {tail.DialOptions{URL: s.URL, Filter: "levle:x"}, "did you mean level?"},
		"bad URL":    {tail.DialOptions{URL: "localhost:8081"}, "must begin with http://"},
		"refused":    {tail.DialOptions{URL: dead.URL}, "is the server running?"},
		"not ours":   {tail.DialOptions{URL: other.URL}, "404 Not Found"},
	} {
		if _, err := tail.Dial(t.Context(), tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := tail.Dial(t.Context(), tail.DialOptions{URL: s.URL, Token: "guess"})
	if err == nil {
		_, err = c.Next(t.Context())
	}
	if !errors.Is(err, tail.ErrUnauthorized) {
		t.Errorf("with a wrong token: %v", err)
	}
}
