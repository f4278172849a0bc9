package logins

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/store"
)

// Keeper keeps what there is of logins, sealed. *vault.Vault is one. Errors are
// *call.Error.
type Keeper interface {
	// Login returns what is kept, and which version of it; zero without one.
	Login(ctx context.Context, name string) (value []byte, at store.Version, err error)
	// KeepLogin keeps value in the place of the version at, and commits c with it;
	// a CONFLICT_ERROR if there is another. keyFile is a file that wants a backup now.
	KeepLogin(ctx context.Context, name string, value []byte, at store.Version, c store.Commit) (now store.Version, keyFile string, err error)
	// DeleteLogin forgets one; a NOT_FOUND_ERROR without.
	DeleteLogin(ctx context.Context, name string) error
}

// Store is where the leases are.
type Store interface {
	Commit(ctx context.Context, c store.Commit) (store.Committed, error)
}

// Options are what Logins are made with. All but the last two are needed.
type Options struct {
	Connections *connections.Set
	Secrets     *connections.Secrets
	Keeper      Keeper
	Store       Store
	// HTTP asks token endpoints. It must not follow redirects.
	HTTP *http.Client
	// Callback returns where providers send people back to, where a connection
	// does not say so itself.
	Callback func() string
	// Logger gets what is done, without tokens; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Logins gives out access tokens. It is safe for concurrent use. Its errors are
// *call.Error, or *connections.GrantError when a token endpoint refused; there
// are no credentials in them.
type Logins struct {
	o    Options
	ctx  context.Context // of renewals, which outlive the calls that want them
	stop context.CancelFunc

	mu      sync.Mutex // guards the rest
	closed  bool
	working sync.WaitGroup
	byName  map[string]*entry
	begun   map[string]*attempt // by id
}

// entry is what is known of the login of one connection.
type entry struct {
	mu      sync.Mutex // guards the rest
	tokens  *tokens    // as the store has them; nil: not read, or none
	changes int        // how often somebody has logged in or out; what was begun before sets nothing
	refused string     // an access token that the upstream did not take
	flight  *flight    // a renewal under way
	paused  time.Time  // until when no early renewal is tried: the last one failed
	unkept  *unkept    // what a provider gave and the store did not take
}

// unkept are tokens that are in memory only. They are kept before anything else
// is done.
type unkept struct {
	tokens *tokens
	at     store.Version
}

// flight is a renewal that is under way.
type flight struct {
	done  chan struct{}
	token string
	err   error
}

// earlyPause is how long an early renewal that failed is not tried again. The
// token that there is serves on.
const earlyPause = 10 * time.Second

// New makes Logins. ctx is for what it says to the log; Close ends them.
func New(ctx context.Context, o Options) *Logins {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Logins{o: o, byName: map[string]*entry{}, begun: map[string]*attempt{}}
	l.ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	return l
}

// Close waits for renewals under way: what a provider gives has to be kept. When
// ctx is done they are given up.
func (l *Logins) Close(ctx context.Context) {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	over := make(chan struct{})
	go func() {
		l.working.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
	}
	l.stop()
	<-over
}

// work counts something that Close waits for. It reports false after Close.
func (l *Logins) work() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.working.Add(1)
	}
	return !l.closed
}

func closing() error { return call.Errorf(call.CodeUnavailable, "the server is stopping") }

func (l *Logins) entry(name string) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.byName[name]
	if e == nil {
		e = &entry{}
		l.byName[name] = e
	}
	return e
}

// Token returns an access token for a connection. The error is ctx's, a
// LOGIN_NEEDED_ERROR while a person has to log in, or what came of asking for a
// new one.
func (l *Logins) Token(ctx context.Context, name string) (string, error) {
	a, err := l.auth(name)
	if err != nil {
		return "", err
	}
	e := l.entry(name)
	token, f := e.look(a, l.o.Now())
	switch {
	case f == nil && token == "":
		f = l.fly(name, e)
	case f == nil:
		return token, nil
	case token != "": // it is good for a while
		l.fly(name, e)
		return token, nil
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// aging stands for a renewal that should begin.
var aging = &flight{}

// look returns the access token, if it can be used. With one, a flight says that
// it should be renewed; without, that it is being.
func (e *entry) look(a *connections.Auth, now time.Time) (token string, f *flight) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tokens
	if !t.are(a) || t.ended(now, e.refused) {
		return "", e.flight
	}
	if e.flight == nil && t.aging(now) && t.Refresh != "" && t.Refused == "" && now.After(e.paused) {
		return t.Access, aging
	}
	return t.Access, nil
}

// Drop says that the upstream has refused an access token. It reports whether
// there may be another.
func (l *Logins) Drop(name, token string) bool {
	e := l.entry(name)
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tokens
	if t == nil || t.Access != token {
		return true // there is another already
	}
	if t.Refresh == "" || t.Refused != "" {
		return false
	}
	e.refused = token
	return true
}

// fly begins a renewal, or finds the one that is under way.
func (l *Logins) fly(name string, e *entry) *flight {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.flight != nil {
		return e.flight
	}
	f := &flight{done: make(chan struct{})}
	if !l.work() {
		f.err = closing()
		close(f.done)
		return f
	}
	e.flight = f
	go func() {
		defer l.working.Done()
		f.token, f.err = l.renew(l.ctx, name, e)
		e.mu.Lock()
		e.flight = nil
		e.mu.Unlock()
		close(f.done)
	}()
	return f
}

// now returns what the upstream has refused, and how often somebody has logged in.
func (e *entry) now() (refused string, changes int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused, e.changes
}

// set changes what is known, unless somebody has logged in or out since.
func (e *entry) set(changes int, do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.changes == changes {
		do()
	}
}
