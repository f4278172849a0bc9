package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// The limits of a connection. Bodies have their own, by route.
const (
	// readHeaderTimeout is how long a client may take to say what it wants.
	readHeaderTimeout = 10 * time.Second
	// idleTimeout is how long a connection may wait for its next request.
	idleTimeout = 2 * time.Minute
	// maxHeaderBytes bounds a request's headers: cookies and tokens fit, and a
	// thousand clients that send as much as they may take 64 MB.
	maxHeaderBytes = 64 << 10
	// adminWriteTimeout bounds an answer of the admin origin: the longest wait
	// for a run, and time to send it.
	adminWriteTimeout = 10 * time.Minute
)

// origin is one listener and its HTTP server.
type origin struct {
	flag         string // for hints: what sets the address
	addr         string
	handler      http.Handler
	certificate  *certificate // nil: no TLS
	logger       *slog.Logger
	writeTimeout time.Duration

	listener net.Listener
	server   *http.Server
	release  context.CancelFunc // ends what requests wait for
}

// listen takes the address.
func (o *origin) listen(ctx context.Context) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", o.addr)
	if err != nil {
		return o.explain(err)
	}
	o.listener = l
	return nil
}

// explain says what to do when an address can not be listened on.
func (o *origin) explain(err error) error {
	var dns *net.DNSError
	var addr *net.AddrError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program, perhaps another reprise; stop it, or choose another address with %s: %w", o.addr, o.flag, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not listen on %s; ports below 1024 need rights, choose another with %s: %w", o.addr, o.flag, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &dns):
		return fmt.Errorf("this machine does not have the address %s; choose another with %s: %w", o.addr, o.flag, err)
	case errors.As(err, &addr):
		return fmt.Errorf("%s %q is not an address; write host:port, like 127.0.0.1:8080: %w", o.flag, o.addr, err)
	}
	return fmt.Errorf("can not listen on %s (%s): %w", o.addr, o.flag, err)
}

// start makes the HTTP server. Requests live in a context that release ends.
func (o *origin) start(ctx context.Context) {
	base, release := context.WithCancel(context.WithoutCancel(ctx))
	o.release = release
	o.server = &http.Server{
		Handler:           o.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		WriteTimeout:      o.writeTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(o.logger.Handler(), slog.LevelDebug),
	}
	if o.certificate != nil {
		o.server.TLSConfig = o.certificate.config()
	}
}

// serve answers until close.
func (o *origin) serve() error {
	var err error
	if o.certificate != nil {
		err = o.server.ServeTLS(o.listener, "", "")
	} else {
		err = o.server.Serve(o.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("the server stopped listening on %s: %w", o.addr, err)
}

// close stops accepting and waits for requests in progress, until ctx is done.
func (o *origin) close(ctx context.Context) error {
	if o.server == nil { // never started
		if o.listener != nil {
			return o.listener.Close()
		}
		return nil
	}
	defer o.release()
	err := o.server.Shutdown(ctx)
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("requests on %s were cut off: %w", o.address(), err), o.server.Close())
}

// address returns where the origin listens; before it does, where it will.
func (o *origin) address() string {
	if o.listener == nil {
		return o.addr
	}
	return o.listener.Addr().String()
}

// url returns a URL that this machine can open: an origin that listens
// everywhere is at the loopback address too.
func (o *origin) url() string {
	scheme := "http://"
	if o.certificate != nil {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(o.address())
	if err != nil {
		return scheme + o.address()
	}
	configured, _, err := net.SplitHostPort(o.addr)
	switch ip := net.ParseIP(host); {
	case err == nil && configured != "" && net.ParseIP(configured) == nil:
		host = configured // a name stays the name, which certificates know
	case ip != nil && ip.IsUnspecified():
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, port)
}
