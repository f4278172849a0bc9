package runtime

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"reprise/runtime/blobs"
	"reprise/runtime/call"
	"reprise/runtime/call/hosts"
	"reprise/runtime/logs"
	"reprise/runtime/schedule"
	"reprise/runtime/scheduler"
	"reprise/runtime/worker"
	"reprise/store"
)

// The limits the engine holds. Each keeps one run from taking what the others need.
const (
	// DefaultFetchTimeout is the wall time of a fetch request.
	DefaultFetchTimeout = 30 * time.Second
	// openWriteGrace is how long writes still open at a run's end are awaited.
	openWriteGrace = 30 * time.Second
	// cleanupDeadline is how long a cancelled run may clean up.
	cleanupDeadline = 30 * time.Second
	// stopPatience is how long Close waits for scripts that it has stopped: one
	// inside a native of the JavaScript engine does not notice.
	stopPatience = 2 * time.Second
)

// Script is what the engine needs to know of a revision of a script.
type Script struct {
	Name     string
	File     string // its main source, as positions name it
	Revision string
	Handlers []string
	Timeout  time.Duration // of a fetch request; 0 means DefaultFetchTimeout
	// Limits are what the script may use. Zero values: the defaults, but for
	// TurnCPU that of the workers.
	Limits call.Limits
	// Egress is the script's own list of what it calls; nil without one.
	Egress *hosts.List

	// Connections are those that the script has in env, self aside.
	Connections []string

	// What follows concerns durable runs.

	// Strict waits for the disk at every step; otherwise only what can be seen
	// from outside does.
	Strict bool
	// PauseOnFailure stops a failing run before its undos.
	PauseOnFailure bool
	// OnFailed names a script that is started with every failed run.
	OnFailed string
	// Concurrency and Rate limit how runs begin; nil means no limit.
	Concurrency *Concurrency
	Rate        *Rate
	Schedule    *schedule.Spec
}

// Concurrency is how many runs of a script, or of one key, are under way.
type Concurrency struct {
	Limit int
	Key   string // dotted path into the input ("input.orderId"); empty: one key for all
}

// Rate is how many runs of a script, or of one key, begin in a time.
type Rate struct {
	Limit int
	Per   time.Duration
	Key   string
}

// selfConnection is the connection to this server, which every script has.
const selfConnection = "self"

// inEnv are the connections that stand in env.
func (s *Script) inEnv() []string { return append([]string{selfConnection}, s.Connections...) }

// Has reports whether the script exports the handler.
func (s *Script) Has(h worker.Handler) bool { return slices.Contains(s.Handlers, string(h)) }

// Scripts finds the revision that serves new work.
type Scripts interface {
	// Current returns the script's newest good revision, or nil.
	Current(name string) *Script
}

// Revisions keeps revisions beyond the file they were built from: a run goes
// on with the one it began with. Bytes are opaque to the engine, which stores
// them.
type Revisions interface {
	// Pack returns a revision that is loaded, for the store.
	Pack(id string) ([]byte, error)
	// Unpack loads a packed revision into the workers, as Load does: it needs a
	// Forget.
	Unpack(packed []byte) (*Script, error)
	// Build makes a candidate of a script from source text and loads it; it
	// needs a Forget. The files of the project are read, none is written.
	Build(ctx context.Context, script, source string) (*Script, []byte, error)
}

// Log receives entries. *logs.Log is one.
type Log interface {
	Emit(logs.Entry) uint64
}

// Meter counts for the metrics. Labels are bounded: script names and kinds.
type Meter interface {
	RunEnded(script, status string, took time.Duration)
	RequestEnded(script string, status int, took time.Duration)
	CallEnded(kind string, failed bool, took time.Duration)
}

// Options are what an Engine is made with.
type Options struct {
	Store    store.Store
	Log      Log
	Scripts  Scripts
	Workers  worker.Workers
	Bindings []Binding
	Meter    Meter // optional
	// Env is a JSON object with the plain values of env.
	Env []byte
	// Secrets lists the names of the secrets that exist. It may change.
	Secrets func() []string
	// Revisions keeps revisions for runs; nil means that runs can only execute
	// what serves.
	Revisions Revisions
	// URL is where people reach the script origin, for the forms of ask.
	URL func() string
	// Retention says how long runs that have ended are kept.
	Retention Retention
	// Lines takes what scripts print. Nil: the engine makes one for Log.
	Lines  *logs.Throttle
	Logger *slog.Logger
}

// Engine starts runs and walks their calls along the road. It is safe for
// concurrent use.
type Engine struct {
	options  Options
	bindings map[string]bound // by kind
	road     performer
	key      []byte // of the runs' secret keys

	blobs *blobs.Blobs
	clock *clock
	flow  *flow

	scheduler *scheduler.Scheduler
	serving   *serving

	mu            sync.Mutex
	actors        map[string]*actor    // of the runs that have something to do; guarded by mu
	waiters       map[string][]*waiter // of a run; guarded by mu
	keptRevisions map[string]time.Time // are in the store, and when they were last asked for; guarded by mu
	stats         map[string]*counters // by script; guarded by mu
	stopping      bool                 // guarded by mu

	keeping sync.Mutex // held while a revision is put into the store or taken out of it

	pins   sync.Mutex
	loaded map[string]*loaded // revisions the workers hold for runs; guarded by pins

	replays chan struct{}  // one for each replay that may be under way
	quit    chan struct{}  // closed when the engine begins to stop
	work    sync.WaitGroup // executions and actors
	stop    context.CancelCauseFunc
	ctx     context.Context // of everything; done when patience is over
	calls   context.Context // of the calls, which are cancelled one by one; never done itself
	writes  context.Context // of commits; done shortly after ctx
}

// bound is a kind's binding and shape.
type bound struct {
	shape   call.Shape
	binding Binding
}

type counters struct {
	requests, failures, running, last atomic.Int64
}

// errStopped is why executions end when the server stops.
var errStopped = call.Errorf(call.CodeServerStopped, "the server stopped")

// New makes an engine and takes up the runs of the process before.
func New(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{
		options: o, bindings: map[string]bound{}, actors: map[string]*actor{}, waiters: map[string][]*waiter{},
		keptRevisions: map[string]time.Time{}, loaded: map[string]*loaded{},
		stats: map[string]*counters{}, blobs: blobs.New(o.Store),
		replays: make(chan struct{}, maxWaking), quit: make(chan struct{}),
	}
	if o.Secrets == nil {
		e.options.Secrets = func() []string { return nil }
	}
	if o.URL == nil {
		e.options.URL = func() string { return "" }
	}
	if o.Lines == nil {
		e.options.Lines = logs.NewThrottle(o.Log.Emit)
	}
	for _, b := range o.Bindings {
		e.Bind(b)
	}
	e.road = e.makeRoad()
	e.calls = context.WithoutCancel(ctx)
	e.ctx, e.stop = context.WithCancelCause(e.calls)
	e.writes = e.ctx
	e.clock, e.flow, e.scheduler = newClock(e), newFlow(e), e.newScheduler()
	e.serving = &serving{engine: e, rang: make(chan struct{}, 1)}
	var err error
	e.key, err = e.ownKey(ctx)
	return e, err
}

// Bind adds a binding. It must be called before Run.
func (e *Engine) Bind(b Binding) {
	for kind, shape := range b.Kinds() {
		e.bindings[kind] = bound{shape: shape, binding: b}
	}
}

// Run takes up the runs of the process before and begins to wake those whose
// time has come. It returns at once.
func (e *Engine) Run() {
	background := []func(){e.clock.run, e.flow.run, e.resumeAll, e.sweepForever, e.serving.run}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return
	}
	for _, f := range background {
		e.work.Add(1)
		go f()
	}
	e.scheduler.Start(e.ctx)
	e.flow.lookAtAll()
}

// Close lets requests and turns in progress end until ctx is done, then stops
// them. Durable runs stay as they are: the next process takes them up. The
// error says that some could not be stopped.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	if !e.stopping {
		e.stopping = true
		close(e.quit)
	}
	e.mu.Unlock()
	e.scheduler.Close()
	ended := make(chan struct{})
	go func() {
		e.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		e.stop(errStopped)
		select {
		case <-ended:
		case <-time.After(stopPatience):
			return call.Errorf(call.CodeInternal, "some scripts do not let themselves be stopped; their runs end with the process")
		}
	}
	e.stop(errStopped)
	e.options.Lines.Close()
	return nil
}

// beginReplay waits until another replay may begin.
func (e *Engine) beginReplay() (release func()) {
	e.replays <- struct{}{}
	return func() { <-e.replays }
}

// tableEngine has what belongs to the store as a whole.
const tableEngine = "engine"

// ownKey is a secret of this store, made at first use. What it makes
// unguessable stays the same after a restart.
func (e *Engine) ownKey(ctx context.Context) ([]byte, error) {
	fresh := randomBytes(32)
	_, err := e.options.Store.Commit(ctx, store.Commit{Rows: []store.RowOp{{Table: tableEngine, Key: "key", Value: fresh, IfAbsent: true}}})
	if err != nil && !errors.Is(err, store.ErrRowExists) {
		if errors.Is(err, store.ErrFull) {
			if key, ok, _ := e.options.Store.Row(ctx, tableEngine, "key"); ok {
				return key, nil
			}
		}
		return nil, storeError("keep the server's key", err)
	}
	key, ok, err := e.options.Store.Row(ctx, tableEngine, "key")
	if err != nil || !ok {
		return nil, storeError("read the server's key", err)
	}
	return key, nil
}

// RunKey is what lets a stranger read a run that was started over HTTP.
func (e *Engine) RunKey(id string) string { return hex.EncodeToString(mac(e.key, "run/"+id)[:16]) }

// pick returns a script's current revision and holds it, so that a save in
// between can not take it away. The caller forgets it once the run has begun.
func (e *Engine) pick(script string) (*Script, *call.Error) {
	for {
		s := e.options.Scripts.Current(script)
		if s == nil {
			return nil, call.Errorf(call.CodeNotFound, "there is no script %s", script)
		}
		if e.options.Workers.Hold(s.Revision) {
			return s, nil
		}
		if e.options.Scripts.Current(script) == s {
			return nil, call.Errorf(call.CodeInternal, "the current revision %s of %s is not loaded", s.Revision, script)
		}
		// It was replaced just now: take the newer one.
	}
}

// enter counts an execution in, unless the engine is stopping.
func (e *Engine) enter() *call.Error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return call.Errorf(call.CodeUnavailable, "the server is stopping")
	}
	e.work.Add(1)
	return nil
}

// Stats returns what a script did since the server started.
func (e *Engine) Stats(script string) Stats {
	c := e.counters(script)
	s := Stats{Requests: c.requests.Load(), Failures: c.failures.Load(), Running: c.running.Load()}
	if last := c.last.Load(); last != 0 {
		s.LastActivity = time.UnixMilli(last).UTC()
	}
	return s
}

func (e *Engine) counters(script string) *counters {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.stats[script]
	if c == nil {
		c = &counters{}
		e.stats[script] = c
	}
	return c
}

// newRunID returns a UUIDv7: runs sort by when they were made.
func newRunID() string { return uuid.Must(uuid.NewV7()).String() }

// secretKey derives the key of a request's secret tokens.
func (e *Engine) secretKey(run string) []byte { return mac(e.key, "secrets/"+run) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	// crypto/rand.Read never fails since Go 1.24.
	_, _ = rand.Read(b)
	return b
}
