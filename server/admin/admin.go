package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/api"
	"reprise/server/problem"
)

const (
	// DefaultMaxBody is the largest request: a run's input.
	DefaultMaxBody = 32 << 20
	// maxWait is the longest that a request waits for a run: long enough for
	// scripts on a command line, short enough for proxies in between.
	maxWait = 5 * time.Minute
)

// Runs is what the API needs of the engine. Errors are *call.Error:
// NOT_FOUND_ERROR for a run, script or revision that does not exist,
// CONFLICT_ERROR for what the state of a run does not allow,
// INVALID_ARGUMENT_ERROR for a wrong request, DIVERGED_ERROR with a
// runtime.Divergence in its data where a replay went another way,
// UNAVAILABLE_ERROR while the server stops or its disk is full.
type Runs interface {
	Keeper
	Controls
	Replays
	Deliveries
	// Signal sends a signal to a run.
	Signal(ctx context.Context, req runtime.SignalRequest) error
}

// Keeper starts runs and keeps them.
type Keeper interface {
	// Start begins a run, or finds the one that the idempotency key began.
	Start(ctx context.Context, req runtime.StartRequest) (run runtime.Run, created bool, err error)
	// Wait returns the run when it has ended, or as it is after d.
	Wait(ctx context.Context, id string, d time.Duration) (runtime.Run, error)
	// Get returns a run.
	Get(ctx context.Context, id string) (runtime.Run, error)
	// List returns a page of runs, newest first.
	List(ctx context.Context, q runtime.ListQuery) (runs []runtime.Run, cursor string, err error)
	// Delete removes a run that has ended.
	Delete(ctx context.Context, id string) error
}

// Controls change the course of a run. They return it as it is then.
type Controls interface {
	// Cancel asks a run to end, and lets it clean up.
	Cancel(ctx context.Context, id string) (runtime.Run, error)
	// Kill ends a run at once.
	Kill(ctx context.Context, id string) (runtime.Run, error)
	// Pause stops a run where it is.
	Pause(ctx context.Context, id string) (runtime.Run, error)
	// Resume lets a paused or diverged run go on.
	Resume(ctx context.Context, id string, req runtime.ResumeRequest) (runtime.Run, error)
	// Retry rewinds a failed run to before its failure.
	Retry(ctx context.Context, id string, req runtime.RetryRequest) (runtime.Run, error)
	// Fork starts a new run that shares the first turns.
	Fork(ctx context.Context, id string, req runtime.ForkRequest) (runtime.Run, error)
	// Upgrade moves a run to another revision, if its replay agrees.
	Upgrade(ctx context.Context, id, revision string) (runtime.Run, error)
}

// Replays read journals and play them again.
type Replays interface {
	// Journal returns a run's records, in order.
	Journal(ctx context.Context, id string) ([]runtime.JournalRecord, error)
	// Replay plays a run again with nothing performed.
	Replay(ctx context.Context, id string, req runtime.ReplayRequest) (runtime.ReplayReport, error)
	// Check replays a script's runs against a candidate.
	Check(ctx context.Context, req runtime.CheckRequest) (runtime.CheckReport, error)
}

// Scripts lists the scripts.
type Scripts interface {
	// List returns all scripts, by name.
	List() []api.Script
	// Find returns one script.
	Find(name string) (api.Script, bool)
}

// Logs finds entries of the past and takes new ones. *logs.Log is one.
type Logs interface {
	Query(ctx context.Context, q logs.Query) (entries []logs.Entry, next uint64, err error)
	Emit(logs.Entry) uint64
}

// Check is one thing that has to be well for the server to be ready.
type Check struct {
	Name string
	Test func() error
	// Note is what those with the token read in place of "ok", if it is set.
	Note func() string
}

// Options are what the origin is made with. Studio, Tail and Metrics may be nil.
type Options struct {
	Guard   *Guard
	Runs    Runs
	Scripts Scripts
	Logs    Logs
	// Secrets may be nil: then there are no endpoints for them.
	Secrets Secrets
	// Connections may be nil: then there is no endpoint for them.
	Connections Connections
	// Logins may be nil: then there are no endpoints for them.
	Logins Logins
	// Server describes the running server; the number of scripts is filled in.
	Server  func() api.Server
	Studio  http.Handler
	Tail    http.Handler // it checks the token itself: browsers can not send the header
	Metrics http.Handler
	Checks  []Check
	Logger  *slog.Logger
	MaxBody int64
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

type admin struct {
	Options
	mux *http.ServeMux
}

// New returns the handler of the admin origin.
func New(o Options) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &admin{Options: o, mux: http.NewServeMux()}
	document := a.endpoints()
	a.guarded("GET /openapi.json", document)
	a.guarded("/api/", http.HandlerFunc(a.unknown))
	if o.Metrics != nil {
		a.guarded("GET /metrics", o.Metrics)
	}
	if o.Tail != nil {
		a.mux.Handle("GET /api/v1/tail", o.Tail)
	}
	a.mux.HandleFunc("GET /healthz", a.health)
	a.mux.HandleFunc("GET /readyz", a.ready)
	if o.Studio != nil {
		a.mux.Handle("/", o.Studio)
	} else {
		a.mux.HandleFunc("/", a.unknown)
	}
	return http.HandlerFunc(a.serve)
}

// guarded registers a handler that needs the token.
func (a *admin) guarded(pattern string, h http.Handler) {
	a.mux.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if p := a.Guard.authorize(r); p != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="reprise admin"`)
			a.refuse(w, r, p)
			return
		}
		h.ServeHTTP(w, r)
	}))
}

// serve is the way into the origin.
func (a *admin) serve(w http.ResponseWriter, r *http.Request) {
	defer a.recover(w, r)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Probes ask by address or service name, and learn nothing.
	probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
	if p := a.Guard.admit(r); p != nil && !probe {
		a.refuse(w, r, p)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// refuse answers with a problem.
func (a *admin) refuse(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	a.report(r.Method, r.URL.Path, p)
	p.Write(w)
}

// report writes an entry about a request that could not be answered, so that
// whoever watches the tail sees why a start failed. Reads that find nothing and
// missing tokens are no news.
func (a *admin) report(method, path string, p *problem.Problem) {
	read := method == http.MethodGet || method == http.MethodHead
	if p.Status == http.StatusUnauthorized || read && p.Status != http.StatusForbidden && p.Status < 500 {
		return
	}
	path = withoutValue(path)
	fields, err := call.Encode(map[string]any{"method": method, "url": path, "status": p.Status, "code": p.Code})
	if err != nil {
		panic("admin: strings and numbers are JSON: " + err.Error())
	}
	level := logs.Warn
	if p.Status >= 500 {
		level = logs.Error
	}
	msg := fmt.Sprintf("%s %s → %d: %s", method, path, p.Status, p.Detail)
	a.Logs.Emit(logs.Entry{Level: level, Kind: logs.KindServer, Msg: msg, Fields: fields})
}

// recover answers for a bug of ours, so that one request fails and no more.
func (a *admin) recover(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	a.Logger.Error("a request made the admin API panic; please report it", "method", r.Method, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	a.refuse(w, r, problem.New(http.StatusInternalServerError, call.CodeInternal, "the server failed on this request"))
}

// unknown answers where there is no endpoint, or not for this method.
func (a *admin) unknown(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); strings.HasPrefix(pattern, method+" ") {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		a.refuse(w, r, problem.New(http.StatusMethodNotAllowed, call.CodeInvalidArgument, "%s does not take %s", r.URL.Path, r.Method).
			WithHint("It takes %s.", strings.Join(allow, ", ")))
		return
	}
	a.refuse(w, r, problem.New(http.StatusNotFound, call.CodeNotFound, "there is no endpoint %s", r.URL.Path).
		WithHint("The endpoints are listed at /openapi.json. A script's name is one segment: write its slashes as %%2F."))
}

// health answers as long as the process does.
func (a *admin) health(w http.ResponseWriter, _ *http.Request) {
	writeProbe(w, http.StatusOK, map[string]string{}, "")
}

// ready answers whether new work is taken. An outsider learns which check fails
// and where to look; who has the token, and the server's log, learn why.
func (a *admin) ready(w http.ResponseWriter, r *http.Request) {
	status, results, why := http.StatusOK, map[string]string{}, ""
	insider := a.Guard.authorize(r) == nil
	for _, c := range a.Checks {
		err := c.Test()
		if err == nil {
			results[c.Name] = c.note(insider)
			continue
		}
		a.Logger.WarnContext(r.Context(), "not ready", "check", c.Name, "error", err)
		status, results[c.Name] = http.StatusServiceUnavailable, "failing"
		switch {
		case why != "": // the first one is enough
		case insider:
			why = fmt.Sprintf("the server takes no new work: %s: %v", c.Name, err)
		default:
			why = fmt.Sprintf("the server takes no new work, because its check %q fails; the server's log says why, and so does this page with the token", c.Name)
		}
	}
	writeProbe(w, status, results, why)
}

func (c *Check) note(insider bool) string {
	if c.Note != nil && insider {
		return c.Note()
	}
	return "ok"
}

func writeProbe(w http.ResponseWriter, status int, checks map[string]string, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	answer := map[string]any{"ok": status == http.StatusOK, "checks": checks}
	if why != "" {
		answer["detail"] = why
	}
	// The only error is a client that went away.
	_ = json.NewEncoder(w).Encode(answer)
}
