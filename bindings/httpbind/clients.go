package httpbind

import (
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

// newTransport makes the one transport that all connections share.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
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

// clients makes one resty client for each connection, all on one transport.
// Credentials belong to the calls, not to the clients: runs share connections
// and have secrets of their own.
type clients struct {
	transport http.RoundTripper
	byName    sync.Map // connection name -> *resty.Client
}

func (c *clients) of(connection string) *resty.Client {
	if client, ok := c.byName.Load(connection); ok {
		return client.(*resty.Client)
	}
	client, _ := c.byName.LoadOrStore(connection, newClient(c.transport))
	return client.(*resty.Client)
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
		x.fill(r)
		return nil
	})
	return client
}

// silent is resty's logger.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
