package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"reprise/server/datadir"
	"reprise/server/problem"
)

// ErrNotRunning says that there is no server to talk to.
var ErrNotRunning = errors.New("no server is running")

// maxAnswer bounds what is read of an answer: a page of logs is 8 MiB at most,
// a run with its input and output less than a hundred.
const maxAnswer = 128 << 20

// Options say which server, and how.
type Options struct {
	// URL is the admin origin: "http://127.0.0.1:8081".
	URL   string
	Token string
	// HTTP makes the requests; nil means a client of its own without a
	// time-out: the context says how long to wait.
	HTTP *http.Client
}

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	url, token string
	http       *http.Client
}

// New returns a client of a server. It does not connect yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%q is not the URL of a server; write it like http://127.0.0.1:8081", o.URL)
	}
	if strings.ContainsAny(o.Token, "\r\n") {
		return nil, errors.New("the token has a line break in it; copy it again")
	}
	c := &Client{url: u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/"), token: o.Token, http: o.HTTP}
	if c.http == nil {
		c.http = &http.Client{Transport: &http.Transport{IdleConnTimeout: 30 * time.Second}}
	}
	return c, nil
}

// Open returns a client of the server that uses a data directory. Without one
// the error is ErrNotRunning; one that has died without saying so is found out
// by the first request, with the same error.
func Open(dataDir string) (*Client, error) {
	info, err := datadir.ReadInfo(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w with the data directory %s; start one with: reprise dev", ErrNotRunning, dataDir)
	}
	if err != nil {
		return nil, err
	}
	if info.AdminURL == "" {
		return nil, fmt.Errorf("the server of %s (process %d) runs with --no-admin, so it can not be asked", dataDir, info.PID)
	}
	token, err := datadir.ReadToken(dataDir)
	if err != nil {
		return nil, err
	}
	return New(Options{URL: info.AdminURL, Token: token})
}

// URL returns the admin origin's URL, and Token its token: what a tail needs.
func (c *Client) URL() string { return c.url }

// Token returns the token that requests carry.
func (c *Client) Token() string { return c.token }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// get asks for a document.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}

// do makes a request whose body, if there is one, is JSON; into may be nil.
func (c *Client) do(ctx context.Context, method, path string, body, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("the request is not JSON: %w", err)
		}
	}
	return c.send(ctx, method, path, text, nil, into)
}

// send makes a request with a body of JSON text; into may be nil.
func (c *Client) send(ctx context.Context, method, path string, body []byte, header map[string]string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request %s %s: %w", method, path, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/json")
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }() // it has been read, or is given up
	return c.read(resp, into)
}

// read takes the answer.
func (c *Client) read(resp *http.Response, into any) error {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("the answer of the server at %s broke off: %w", c.url, err)
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("the answer of the server at %s is larger than %d bytes", c.url, maxAnswer)
	}
	if resp.StatusCode >= 300 {
		return problem.Parse(resp.StatusCode, b)
	}
	if into == nil {
		return nil
	}
	// Fields that are not known here come from a newer server, and do no harm.
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("the server at %s answered something else than its API says; is it a reprise? %w", c.url, err)
	}
	return nil
}

// unreachable says why there was no answer.
func (c *Client) unreachable(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w at %s; start one with: reprise dev", ErrNotRunning, c.url)
	}
	if u, ok := errors.AsType[*url.Error](err); ok { // its text repeats method and URL
		err = u.Err
	}
	return fmt.Errorf("the server at %s can not be reached: %w", c.url, err)
}
