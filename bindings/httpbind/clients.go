package httpbind

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-resty/resty/v2"
)

// The limits of the shared transport.
const (
	// connectTimeout bounds dialling and, again, the TLS handshake.
	connectTimeout = 10 * time.Second
	// idlePerHost is how many idle connections to one host are kept: as many as
	// calls run at once against it on a busy server. Above it, each call pays
	// for a new connection.
	idlePerHost = 256
	idleTotal   = 1024
	idleTimeout = 90 * time.Second
	// maxResponseHeader bounds what a hostile upstream can make us hold before
	// the body limit applies.
	maxResponseHeader = 1 << 20
)

func newDialer(resolver *net.Resolver) *net.Dialer {
	return &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second, Resolver: resolver}
}

// newTransport makes a transport with our limits.
func newTransport(dialer *net.Dialer) *http.Transport {
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           idleTotal,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleTimeout,
		TLSHandshakeTimeout:    connectTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxResponseHeader,
	}
}

// clients makes one resty client for each connection, all on the same roads.
// Credentials belong to the calls, not to the clients: runs share connections
// and have secrets of their own.
type clients struct {
	transport http.RoundTripper
	byName    sync.Map // connection name -> *client
}

func (c *clients) of(connection string) *client {
	if found, ok := c.byName.Load(connection); ok {
		return found.(*client)
	}
	found, _ := c.byName.LoadOrStore(connection, &client{resty: newClient(c.transport)})
	return found.(*client)
}

// client is a resty client and its spare requests. A resty request is five maps
// and a dozen fields, of which we use none but the method, the URL and the
// context, so it is used again: what is sent is the http.Request, which is new
// each time.
type client struct {
	resty *resty.Client
	spare sync.Pool // of *resty.Request
}

// execute sends the exchange's request through resty.
func (c *client) execute(ctx context.Context, x *exchange) (*http.Response, error) {
	r, ok := c.spare.Get().(*resty.Request)
	if !ok {
		r = c.resty.R()
	}
	res, err := r.SetContext(context.WithValue(ctx, exchangeKey{}, x)).Execute(x.args.Method, x.request.url)
	r.RawRequest = nil
	r.SetContext(nil) //nolint:staticcheck,contextcheck // lets go of the exchange; the next use sets its own
	c.spare.Put(r)
	if err != nil {
		return nil, err
	}
	return res.RawResponse, nil
}

// newClient makes a resty client that leaves headers, bodies, retries and
// reading to us, and keeps the pipeline.
func newClient(transport http.RoundTripper) *resty.Client {
	client := resty.NewWithClient(&http.Client{Transport: transport}).
		SetLogger(silent{}). // errors are returned; nothing of a request may be printed
		SetRetryCount(0).
		SetDoNotParseResponse(true).
		SetAllowGetMethodPayload(false).
		SetRedirectPolicy(resty.RedirectPolicyFunc(followRedirect))
	client.SetPreRequestHook(func(_ *resty.Client, r *http.Request) error {
		x, err := exchangeOf(r)
		if err != nil {
			return err
		}
		return x.fill(r)
	})
	return client
}

// silent is resty's logger.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
