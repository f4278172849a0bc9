package tail

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"reprise/runtime/logs"
)

// The defaults of Options.
const (
	DefaultMaxSockets   = 1000
	DefaultAuthTimeout  = 5 * time.Second
	DefaultPingInterval = 15 * time.Second
	DefaultWriteTimeout = 30 * time.Second
	// DefaultInterval makes 25 frames a second of a busy log: as smooth as an
	// eye can follow, and 400 times fewer system calls than a frame per line.
	DefaultInterval = 40 * time.Millisecond
)

// Options configure the endpoint.
type Options struct {
	// Log is what is tailed.
	Log *logs.Log
	// Authenticate reports whether a token is good. Nil refuses all.
	Authenticate func(token string) bool
	// CheckOrigin decides about requests of browsers; nil allows a page of the
	// same host only. Requests without an Origin header do not come from pages.
	CheckOrigin func(*http.Request) bool
	// Version is the program's, for hello.
	Version string

	// MaxSockets is the most tails at a time; 1,000 if zero.
	MaxSockets int
	// MaxWaiting is the most sockets at a time that have not shown a token yet;
	// they are no tails. A quarter of MaxSockets if zero.
	MaxWaiting int
	// AuthTimeout is how long a client may take to show its token; 5 s if zero.
	AuthTimeout time.Duration
	// PingInterval is how long a socket may be silent; 15 s if zero.
	PingInterval time.Duration
	// WriteTimeout is how long a stalled reader is waited for before its
	// socket is closed; 30 s if zero.
	WriteTimeout time.Duration
	// Interval is the shortest time between two batches; 40 ms if zero.
	Interval time.Duration
}

func (o *Options) setDefaults() {
	if o.Authenticate == nil {
		o.Authenticate = func(string) bool { return false }
	}
	o.MaxSockets = orDefault(o.MaxSockets, DefaultMaxSockets)
	o.MaxWaiting = orDefault(o.MaxWaiting, max(1, o.MaxSockets/4))
	o.AuthTimeout = orDefault(o.AuthTimeout, DefaultAuthTimeout)
	o.PingInterval = orDefault(o.PingInterval, DefaultPingInterval)
	o.WriteTimeout = orDefault(o.WriteTimeout, DefaultWriteTimeout)
	o.Interval = orDefault(o.Interval, DefaultInterval)
}

func orDefault[T int | time.Duration](v, standard T) T {
	if v <= 0 {
		return standard
	}
	return v
}

// Sockets is the endpoint: an http.Handler that makes a websocket of each
// request and serves it.
type Sockets struct {
	opts     Options
	upgrader websocket.Upgrader
	stop     chan struct{} // closed by Shutdown

	mu      sync.Mutex // guards the fields below
	open    map[*websocket.Conn]struct{}
	entered int       // open, and those on the way to be
	tails   int       // of these, with a good token
	waiting []*ticket // of these, without one yet, oldest first
	stopped bool
	idle    chan struct{} // closed when stopped and none is open
}

var _ http.Handler = (*Sockets)(nil)

// Handler returns the endpoint.
func Handler(opts Options) *Sockets {
	opts.setDefaults()
	return &Sockets{
		opts: opts,
		upgrader: websocket.Upgrader{
			HandshakeTimeout: opts.AuthTimeout,
			ReadBufferSize:   1 << 10,
			WriteBufferSize:  4 << 10,
			WriteBufferPool:  &sync.Pool{},
			CheckOrigin:      opts.CheckOrigin,
			// No compression: it would hold a quarter of a megabyte per socket.
		},
		stop: make(chan struct{}),
		open: map[*websocket.Conn]struct{}{},
		idle: make(chan struct{}),
	}
}

// ServeHTTP serves one socket until it ends.
func (s *Sockets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is a websocket endpoint: connect with ws:// or wss://, or use `reprise tail`", http.StatusUpgradeRequired)
		return
	}
	ticket, err := s.enter(bearer(r))
	if err != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer s.leave(ticket)
	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered with what was wrong
	}
	s.track(ticket, conn)
	defer s.forget(conn)
	newSocket(s, conn, ticket).serve(context.WithoutCancel(r.Context()))
}

// Count returns the number of open sockets.
func (s *Sockets) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Shutdown closes all sockets with code 1001 and waits for them to end. One
// whose reader has stalled is cut off after a second.
func (s *Sockets) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.stopped {
		s.stopped = true
		close(s.stop)
		if s.entered == 0 {
			close(s.idle)
		}
	}
	s.mu.Unlock()
	patience := time.NewTimer(stopTimeout)
	defer patience.Stop()
	for {
		select {
		case <-s.idle:
			return nil
		case <-patience.C:
			s.cutOff()
		case <-ctx.Done():
			select {
			case <-s.idle:
				return nil // nobody was there to be cut off
			default:
			}
			s.cutOff()
			return fmt.Errorf("tail: %d sockets were cut off: %w", s.Count(), ctx.Err())
		}
	}
}

func (s *Sockets) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		_ = conn.Close() // an error means it is closed already
	}
}

func (s *Sockets) forget(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
	_ = conn.Close() // an error means it is closed already
}

// bearer returns the token of the Authorization header, or nil if there is none.
func bearer(r *http.Request) *string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	token = strings.TrimSpace(token)
	return &token
}
