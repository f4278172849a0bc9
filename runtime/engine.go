package runtime

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/worker"
	"reprise/store"
)

// The limits the engine holds. Each keeps one run from taking what the others need.
const (
	// DefaultFetchTimeout is the wall time of a fetch request.
	DefaultFetchTimeout = 30 * time.Second
	// maxInFlight is how many calls of one run are performed at once; more wait.
	maxInFlight = 64
	// openWriteGrace is how long writes still open at a run's end are awaited.
	openWriteGrace = 30 * time.Second
	// cleanupDeadline is how long a cancelled run may clean up.
	cleanupDeadline = 30 * time.Second
	// stopPatience is how long Close waits for scripts that it has stopped: one
	// inside a native of the JavaScript engine does not notice.
	stopPatience = 2 * time.Second
)

// Script is what the engine needs to know of a script's current revision.
type Script struct {
	Name     string
	Revision string
	Handlers []string
	Timeout  time.Duration // of a fetch request; 0 means DefaultFetchTimeout
}

// Has reports whether the script exports the handler.
func (s *Script) Has(h worker.Handler) bool { return slices.Contains(s.Handlers, string(h)) }

// Scripts finds the revision that serves new work.
type Scripts interface {
	// Current returns the script's newest good revision, or nil.
	Current(name string) *Script
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
	Workers  *worker.Host
	Bindings []Binding
	Meter    Meter // optional
	// Env is a JSON object with the plain values of env; Connections names
	// the connections beside them.
	Env         []byte
	Connections []string
	// Secrets lists the names of the secrets that exist. It may change.
	Secrets func() []string
	Logger  *slog.Logger
}

// Engine starts runs and walks their calls along the road. It is safe for
// concurrent use.
type Engine struct {
	options  Options
	bindings map[string]bound // by kind
	road     performer
	key      []byte // of the runs' secret keys

	mu       sync.Mutex
	live     map[string]*execution // durable runs in progress; guarded by mu
	stats    map[string]*counters  // by script; guarded by mu
	stopping bool                  // guarded by mu
	work     sync.WaitGroup        // executions in progress
	stop     context.CancelCauseFunc
	ctx      context.Context
	calls    context.Context // of the calls, which are cancelled one by one; never done itself
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

// New makes an engine. Runs that an earlier process left unfinished are
// marked as failed: until runs are durable they can not go on.
func New(ctx context.Context, o Options) (*Engine, error) {
	e := &Engine{
		options: o, bindings: map[string]bound{}, live: map[string]*execution{},
		stats: map[string]*counters{}, key: randomBytes(32),
	}
	if o.Secrets == nil {
		e.options.Secrets = func() []string { return nil }
	}
	for _, b := range o.Bindings {
		for kind, shape := range b.Kinds() {
			e.bindings[kind] = bound{shape: shape, binding: b}
		}
	}
	e.road = e.makeRoad()
	e.calls = context.WithoutCancel(ctx)
	e.ctx, e.stop = context.WithCancelCause(e.calls)
	if err := e.closeUnfinished(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// Close lets the executions in progress end until ctx is done, then stops them.
// The error says that some could not be stopped.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.stopping = true
	durable := slices.Collect(maps.Values(e.live))
	e.mu.Unlock()
	for _, x := range durable {
		// A durable run may be waiting for days. It ends now.
		x.cancelRun(errStopped)
	}
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
	return nil
}

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

// secretKey derives the key of a run's secret tokens.
func (e *Engine) secretKey(run string) []byte {
	mac := hmac.New(sha256.New, e.key)
	mac.Write([]byte(run))
	return mac.Sum(nil)
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	// crypto/rand.Read never fails since Go 1.24.
	_, _ = rand.Read(b)
	return b
}
