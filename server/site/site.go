package site

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/worker"
	"reprise/server/problem"
)

// The defaults of Options.
const (
	// DefaultMaxBody is the largest request body: what a script may hold in
	// memory twice, as bytes and as text, and leave room for others.
	DefaultMaxBody = 32 << 20
	// DefaultBodyTimeout is how long a client may take to send it.
	DefaultBodyTimeout = 60 * time.Second
)

// Engine answers requests with scripts.
type Engine interface {
	// Fetch answers a request with a script's fetch handler.
	Fetch(script string, req *worker.Request) runtime.FetchResult
}

// Runs starts runs and shows them. Errors are *call.Error: NOT_FOUND_ERROR for
// a run or script that does not exist, CONFLICT_ERROR for an idempotency key
// that was used with another input, UNAVAILABLE_ERROR where no new work is
// taken.
type Runs interface {
	// Start begins a run, or finds the one that the idempotency key began.
	Start(ctx context.Context, req runtime.StartRequest) (run runtime.Run, created bool, err error)
	// Deliver begins the run of a webhook's delivery, or finds the one that an
	// equal delivery began.
	Deliver(ctx context.Context, req runtime.DeliverRequest) (run runtime.Run, duplicate bool, err error)
	// Get returns a run.
	Get(ctx context.Context, id string) (runtime.Run, error)
	// Wait returns the run when it has ended, or as it is after d.
	Wait(ctx context.Context, id string, d time.Duration) (runtime.Run, error)
	// RunKey returns what only those know who were told where the run is. It
	// is the same after a restart.
	RunKey(id string) string
}

// Log takes entries about requests that no script has answered.
type Log interface {
	Emit(logs.Entry) uint64
}

// Meter counts the requests that no script has answered; the engine counts the others.
type Meter interface {
	RequestEnded(script string, status int, took time.Duration)
}

// Options are what a Site is made with. Only Engine and Runs are needed.
type Options struct {
	Engine Engine
	Runs   Runs
	// Ask answers below /_/ask/. Nil: nothing is there.
	Ask http.Handler
	// Login answers at /_/oauth/callback. Nil: nothing is there.
	Login http.Handler
	// Secret returns the value of a secret, for config.http.auth. Nil: none exists.
	Secret func(name string) (string, bool)
	// Webhooks verifies deliveries. Nil: none can be.
	Webhooks Webhooks
	// Dev tells whoever asks what is wrong and what exists. Without it an
	// outsider learns the code of an error and the id of the run, no more.
	Dev bool
	// Folder is where scripts are, for hints; "scripts" if empty.
	Folder string
	// Ready says why the server is not ready, or nil.
	Ready       func() error
	Log         Log
	Meter       Meter
	Logger      *slog.Logger
	MaxBody     int64
	BodyTimeout time.Duration
}

// Site is the handler of the script origin. It is safe for concurrent use.
type Site struct {
	options     Options
	table       atomic.Pointer[table]
	maxBody     int64
	bodyTimeout time.Duration
}

var _ http.Handler = (*Site)(nil)

// New makes a site that has no routes yet.
func New(o Options) *Site {
	s := &Site{options: o, maxBody: o.MaxBody, bodyTimeout: o.BodyTimeout}
	if s.maxBody <= 0 {
		s.maxBody = DefaultMaxBody
	}
	if s.bodyTimeout <= 0 {
		s.bodyTimeout = DefaultBodyTimeout
	}
	if s.options.Folder == "" {
		s.options.Folder = "scripts"
	}
	if s.options.Logger == nil {
		s.options.Logger = slog.New(slog.DiscardHandler)
	}
	s.table.Store(&table{})
	return s
}

// Update serves these scripts from now on; requests in progress are not
// touched. The error names those that can not be served because of their
// config.http or because another one answers there: Validate would have
// refused them. All others are served.
func (s *Site) Update(scripts []RouteSource) error {
	t, err := newTable(scripts)
	s.table.Store(t)
	return err
}

// ServeHTTP answers one request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{site: s, w: w, r: r, began: time.Now()}
	defer x.recover()
	if path := r.URL.Path; strings.HasPrefix(path, "/_/") || path == "/_" {
		x.reserved(path)
		return
	}
	x.serve(s.table.Load()) //nolint:contextcheck // it is the request's, which the exchange holds
}

// exchange is one request and its answer.
type exchange struct {
	site   *Site
	w      http.ResponseWriter
	r      *http.Request
	began  time.Time
	script string
}

// serve routes the request and answers it.
func (x *exchange) serve(t *table) {
	if hasDots(x.r.URL.Path) {
		x.refuse(problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "the path %q has the segments . or ..", x.r.URL.Path))
		return
	}
	if method := preflightMethod(x.r); method != "" {
		if r, _, _ := t.lookup(method, x.r.URL); r != nil && r.cors != nil {
			r.cors.preflight(x.w, x.r)
			return
		}
	}
	route, params, others := t.lookup(x.r.Method, x.r.URL)
	switch {
	case route != nil:
		x.answer(route, params)
	case len(others) > 0:
		allow := allowed(others)
		x.w.Header().Set("Allow", allow)
		x.refuse(problem.New(http.StatusMethodNotAllowed, call.CodeInvalidArgument, "%s does not take %s", x.r.URL.Path, x.r.Method).
			WithHint("It takes %s.", allow))
	default:
		x.refuse(x.site.notFound(t, x.r))
	}
}

// answer lets the route's script answer.
func (x *exchange) answer(route *route, params []worker.Header) {
	x.script = route.source.Name
	if route.cors != nil {
		route.cors.allow(x.w.Header(), x.r.Header.Get("Origin"))
	}
	if p := tooDeep(x.r); p != nil {
		x.refuse(p)
		return
	}
	if route.source.State == Broken {
		x.refuse(x.site.broken(&route.source))
		return
	}
	auth := ""
	if route.source.HTTP != nil {
		auth = route.source.HTTP.Auth
	}
	if auth != "" {
		if p := x.site.authorize(auth, x.r); p != nil {
			x.w.Header().Set("WWW-Authenticate", `Bearer realm="script"`)
			x.refuse(p)
			return
		}
	}
	if route.handler == runHandler && route.source.Webhook != nil {
		x.receive(route)
		return
	}
	if route.handler == runHandler {
		x.startRun(route)
		return
	}
	req, p := x.site.translate(x.w, x.r, &route.source, params, auth != "")
	if p != nil {
		x.refuse(p)
		return
	}
	x.deliver(x.site.options.Engine.Fetch(x.script, req))
}

// deliver sends what the engine came back with.
func (x *exchange) deliver(result runtime.FetchResult) {
	if result.Stream != nil {
		defer result.Stream.Close()
		// A client that leaves is not waited for: whoever makes the body hears of it.
		defer context.AfterFunc(x.r.Context(), func() { _ = result.Stream.Close() })()
	}
	if result.Run != "" {
		x.w.Header()[runHeader] = []string{result.Run}
	}
	err := result.Err
	if err == nil && result.Response == nil {
		err = call.Errorf(call.CodeInternal, "the engine gave no answer")
	}
	if err == nil {
		bad := respond(x.w, x.r, result.Response, result.Stream)
		if bad == nil {
			return
		}
		if broken, ok := errors.AsType[brokenOffError](bad); ok {
			x.breakOff(result.Response.Status, broken, result.Run)
		}
		// What was copied until then must not go out with the problem.
		x.dropHeaders()
		err = call.Errorf(call.CodeInvalidArgument, "the response of the script %s can not be sent: %v", x.script, bad)
		x.emit(http.StatusInternalServerError, err.Message, result.Run)
	}
	p := x.site.failure(err, result.Run)
	if seconds, ok := runtime.RetryAfter(err); ok {
		x.w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	if depthOf(x.r) > 0 && metCircle(err) {
		p = inCircle("the one of %s %s is at least %d calls deep", x.r.Method, x.r.URL.Path, MaxDepth)
		p.Run = result.Run
	}
	if result.Run == "" {
		x.refuse(p) // it never ran, so the engine has not logged it
		return
	}
	p.Write(x.w)
}

// breakOff ends an answer in the middle: the client must not take a part for the
// whole. One that has left has not missed anything.
func (x *exchange) breakOff(status int, err error, run string) {
	if x.r.Context().Err() == nil {
		x.emit(status, "the answer broke off: "+err.Error(), run)
	}
	panic(http.ErrAbortHandler)
}

// dropHeaders forgets the script's headers and keeps the server's.
func (x *exchange) dropHeaders() {
	for name := range x.w.Header() {
		if name != runHeader && name != "Vary" && !strings.HasPrefix(name, "Access-Control-") {
			x.w.Header().Del(name)
		}
	}
}

// authorize checks the bearer token of a request against a secret. Digests of
// equal length are compared, so that time tells nothing.
func (s *Site) authorize(secret string, r *http.Request) *problem.Problem {
	refused := problem.New(http.StatusUnauthorized, call.CodeUnauthorized, "this route needs a token").
		WithHint("Send Authorization: Bearer TOKEN.")
	var value string
	var set bool
	if s.options.Secret != nil {
		value, set = s.options.Secret(secret)
	}
	if !set || value == "" {
		if s.options.Dev {
			refused.Detail = fmt.Sprintf("config.http.auth names the secret %s, which is not set", secret)
			refused.Hint = fmt.Sprintf("Set it with \"reprise secret set %s\", or as REPRISE_SECRET_%s in the environment or in .env.", secret, secret)
		}
		return refused
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(value)), sha256.Sum256([]byte(strings.TrimSpace(token)))
	if subtle.ConstantTimeCompare(want[:], got[:]) == 1 && strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return refused
}

// recover answers for a bug of ours, so that one request fails and no more.
func (x *exchange) recover() {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	x.site.options.Logger.Error("a request made the server panic; please report it", "method", x.r.Method, "path", x.r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	x.refuse(problem.New(http.StatusInternalServerError, call.CodeInternal, "the server failed on this request"))
}

// hasDots reports whether a path has the segments "." or "..". Clients resolve
// them before they ask; one that does not is up to no good.
func hasDots(path string) bool {
	if !strings.Contains(path, "/.") {
		return false
	}
	for seg := range strings.SplitSeq(path, "/") {
		if seg == "." || seg == ".." {
			return true
		}
	}
	return false
}
