package tail

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"reprise/runtime/logs"
)

// ErrUnauthorized says that the server did not accept the token.
var ErrUnauthorized = errors.New("tail: the server does not accept the token; it is in the file admin.token of the server's data directory")

// Path is where the endpoint is.
const Path = "/api/v1/tail"

const (
	retryFirst = 250 * time.Millisecond
	retryMost  = 10 * time.Second

	// silenceLimit is how long the server may be silent: it pings every 15 s.
	silenceLimit = 45 * time.Second
	// dialTimeout bounds one attempt to connect, without the caller's context.
	dialTimeout = 10 * time.Second

	maxServerFrame = 64 << 20
)

// DialOptions say what to tail, and where.
type DialOptions struct {
	// URL is the admin origin ("http://127.0.0.1:8081"), or the endpoint's own
	// address. ws and wss are understood too.
	URL string
	// Token is the admin token.
	Token string
	// Filter is the filter's text.
	Filter string
	// Tail asks for that many matching entries of the past.
	Tail int
	// Since asks for everything after a cursor; it wins over Tail.
	Since *logs.Cursor
	// TLS configures wss; nil trusts what the system trusts.
	TLS *tls.Config
}

// Client tails a server's log. When the connection breaks it connects again
// and goes on after the last entry it has delivered.
type Client struct {
	opts     DialOptions
	endpoint string
	filterID string

	// These belong to the caller of Next.
	since   *logs.Cursor
	boot    string
	retries int
	wait    time.Duration // before the next attempt

	mu     sync.Mutex      // guards the fields below
	conn   *websocket.Conn // nil while there is no connection
	closed bool
}

// Dial connects and subscribes. It fails at once when the server can not be
// reached, the token is wrong or the filter is; later breaks are mended.
func Dial(ctx context.Context, opts DialOptions) (*Client, error) {
	endpoint, err := endpointOf(opts.URL)
	if err != nil {
		return nil, err
	}
	if _, err := logs.ParseFilter(opts.Filter); err != nil {
		return nil, fmt.Errorf("tail: the filter is not valid: %w", err)
	}
	c := &Client{opts: opts, endpoint: endpoint, filterID: "f1", since: opts.Since}
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func endpointOf(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("tail: the address %q is not a URL: %w", address, err)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return "", fmt.Errorf("tail: the address %q must begin with http:// or https://", address)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = Path
	}
	u.Fragment = ""
	return u.String(), nil
}

// connect makes the connection and subscribes.
func (c *Client) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, TLSClientConfig: c.opts.TLS}
	header := http.Header{"Authorization": {"Bearer " + c.opts.Token}}
	conn, resp, err := dialer.DialContext(ctx, c.endpoint, header)
	if resp != nil {
		defer func() { _ = resp.Body.Close() }() // nothing is left in it
	}
	if err != nil {
		return c.dialError(resp, err)
	}
	conn.SetReadLimit(maxServerFrame)
	// The library's own handler gives a pong one second, and ends the
	// connection after it: too little for a machine that is very busy.
	conn.SetPingHandler(func(data string) error {
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(dialTimeout))
	})
	if err := conn.WriteJSON(clientFrame{
		Type: "subscribe", FilterID: c.filterID, Filter: c.opts.Filter, Since: c.since, Tail: c.tail(),
	}); err != nil {
		_ = conn.Close() // the write's error says more
		return fmt.Errorf("tail: the connection to %s broke: %w", c.endpoint, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close() // closed by the user meanwhile
		return io.EOF
	}
	c.conn = conn
	return nil
}

// tail is the number of old entries to ask for: only without a cursor.
func (c *Client) tail() int {
	if c.since != nil {
		return 0
	}
	return c.opts.Tail
}

func (c *Client) dialError(resp *http.Response, err error) error {
	if resp == nil {
		return fmt.Errorf("tail: can not connect to %s: %w; is the server running?", c.endpoint, err)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return ErrUnauthorized
	}
	text, readErr := io.ReadAll(io.LimitReader(resp.Body, 500))
	if readErr != nil {
		text = nil // the status says enough
	}
	return fmt.Errorf("tail: %s answered %s: %s", c.endpoint, resp.Status, strings.TrimSpace(string(text)))
}

// Next returns the next frame. A frame of type disconnected comes when the
// connection broke; the call after it waits and connects again. The error is
// ErrUnauthorized, the context's, or io.EOF after Close.
func (c *Client) Next(ctx context.Context) (Frame, error) {
	conn, err := c.current(ctx)
	if err != nil {
		if c.final(ctx, err) {
			return Frame{}, c.finalError(ctx, err)
		}
		return c.disconnected(err), nil
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends the read
	f, err := readFrame(conn)
	if !stop() && ctx.Err() != nil {
		c.drop()
		return Frame{}, ctx.Err()
	}
	if err != nil {
		c.drop()
		if c.final(ctx, err) {
			return Frame{}, c.finalError(ctx, err)
		}
		return c.disconnected(err), nil
	}
	c.note(f)
	return f, nil
}

func readFrame(conn *websocket.Conn) (Frame, error) {
	if err := conn.SetReadDeadline(time.Now().Add(silenceLimit)); err != nil {
		return Frame{}, err
	}
	_, data, err := conn.ReadMessage()
	if err != nil {
		return Frame{}, err
	}
	var f Frame
	if err := json.Unmarshal(data, &f); err != nil {
		return Frame{}, fmt.Errorf("tail: the server sent a frame that is not JSON: %w", err)
	}
	return f, nil
}

// current returns the connection; if there is none it waits its time and
// connects.
func (c *Client) current(ctx context.Context) (*websocket.Conn, error) {
	c.mu.Lock()
	conn, closed := c.conn, c.closed
	c.mu.Unlock()
	if closed {
		return nil, io.EOF
	}
	if conn != nil {
		return conn, nil
	}
	timer := time.NewTimer(c.wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
	}
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return nil, io.EOF
	}
	return c.conn, nil
}

// note remembers where the stream is.
func (c *Client) note(f Frame) {
	switch f.Type {
	case FrameHello:
		c.retries = 0
		c.boot = f.Boot
		if c.since == nil && c.opts.Tail == 0 {
			// Nothing of the past was asked for: after a break, go on from here.
			c.since = &logs.Cursor{Boot: f.Boot, Seq: f.Seq}
		}
	case FrameBatch:
		if n := len(f.Entries); n > 0 {
			c.since = &logs.Cursor{Boot: c.boot, Seq: f.Entries[n-1].Seq}
		}
	case FrameGap:
		c.since = &logs.Cursor{Boot: c.boot, Seq: f.To}
	}
}

func (c *Client) disconnected(err error) Frame {
	backoff := min(retryFirst<<min(c.retries, 10), retryMost)
	c.retries++
	c.wait = backoff/2 + rand.N(backoff/2) // so that a restart is not met by all at once
	return Frame{Type: FrameDisconnected, Err: err, RetryIn: c.wait}
}

// final reports whether trying again can not help.
func (c *Client) final(ctx context.Context, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed || ctx.Err() != nil || errors.Is(err, ErrUnauthorized) || websocket.IsCloseError(err, CloseUnauthorized)
}

func (c *Client) finalError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrUnauthorized), websocket.IsCloseError(err, CloseUnauthorized):
		return ErrUnauthorized
	}
	return io.EOF
}

// drop gives up the connection.
func (c *Client) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close() // it is broken, or no longer wanted
		c.conn = nil
	}
}

// Close ends the tail. Next returns io.EOF.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	if c.conn == nil {
		return nil
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = c.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(stopTimeout)) // a courtesy
	return c.conn.Close()
}
