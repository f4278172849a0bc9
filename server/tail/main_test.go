package tail_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"reprise/runtime/logs"
	"reprise/server/tail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "secret"

// patience is how long a test waits for what must come.
const patience = time.Minute

type server struct {
	*httptest.Server
	log     *logs.Log
	sockets *tail.Sockets
}

// serve starts an endpoint on a log in memory.
func serve(t testing.TB, logOpts logs.Options, opts tail.Options) *server {
	t.Helper()
	log, err := logs.Open(t.Context(), logOpts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Log, opts.Version = log, "1.2.3"
	opts.Authenticate = func(s string) bool { return s == token }
	s := &server{log: log, sockets: tail.Handler(opts)}
	s.Server = httptest.NewServer(s.sockets)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.sockets.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		s.Close()
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw is a websocket without our client.
type raw struct {
	*websocket.Conn
	t testing.TB
}

func (s *server) dial(t testing.TB) *raw {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	t.Cleanup(func() { _ = conn.Close() })
	conn.SetPingHandler(func(data string) error { // patient, on a busy machine
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(patience))
	})
	return &raw{conn, t}
}

// open dials, shows the token and reads hello.
func (s *server) open(t testing.TB) *raw {
	t.Helper()
	c := s.dial(t)
	c.send(`{"type":"auth","token":"secret"}`)
	if f := c.read(); f.Type != tail.FrameHello {
		t.Fatalf("the first frame is %+v", f)
	}
	return c
}

func (c *raw) send(frame string) {
	c.t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *raw) read() tail.Frame {
	c.t.Helper()
	f, err := c.tryRead()
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

func (c *raw) tryRead() (tail.Frame, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return tail.Frame{}, err
	}
	_, data, err := c.ReadMessage()
	if err != nil {
		return tail.Frame{}, err
	}
	var f tail.Frame
	err = json.Unmarshal(data, &f)
	return f, err
}

// entries reads batches until n entries have come.
func (c *raw) entries(n int, filterID string) []logs.Entry {
	c.t.Helper()
	var out []logs.Entry
	for len(out) < n {
		f := c.read()
		if f.Type == tail.FramePing {
			continue
		}
		if f.Type != tail.FrameBatch || f.FilterID != filterID || len(f.Entries) == 0 || len(f.Entries) > 500 {
			c.t.Fatalf("after %d entries came %s of %q with %d entries: %+v", len(out), f.Type, f.FilterID, len(f.Entries), f)
		}
		out = append(out, f.Entries...)
	}
	if len(out) != n {
		c.t.Fatalf("%d entries came, want %d", len(out), n)
	}
	return out
}

// wantClose reads on until the socket is closed, with that code.
func (c *raw) wantClose(code int) {
	c.t.Helper()
	for {
		if _, err := c.tryRead(); err != nil {
			if !websocket.IsCloseError(err, code) {
				c.t.Errorf("closed with %v, want %d", err, code)
			}
			return
		}
	}
}
