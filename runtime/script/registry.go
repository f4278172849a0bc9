package script

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Builds makes revisions: a Builder does it in this process, a BuilderProcess in
// one of its own.
type Builds interface {
	// Build makes a revision of a script. What is wrong with its sources is a
	// *BuildError.
	Build(ctx context.Context, p *Project, s Script) (*Revision, error)
	// BuildText makes the revision that a script would have if its file held text.
	BuildText(ctx context.Context, p *Project, s Script, text string) (*Revision, error)
}

// Options configure a Registry.
type Options struct {
	// Project and Builder are needed.
	Project *Project
	Builder Builds
	// Check evaluates a new revision in a VM of its own and returns what it
	// exports. It must be safe for concurrent use. Nil: nothing is checked.
	Check func(ctx context.Context, rev *Revision) (handlers []string, err error)
	// Validate compares a newcomer with all other revisions that serve and
	// returns the newcomer's error, such as a route that is taken. Calls come
	// one at a time. Nil: nothing is compared.
	Validate func(others []*Revision, newcomer *Revision) error
	// Served knows, for Load, which revision of each script served last in the
	// process before. It is asked only when a script does not load. Nil: nobody
	// knows.
	Served func(ctx context.Context) (map[string]Served, error)
	// OnEvent is told what happens, in order, one call at a time. It may read
	// from the registry.
	OnEvent func(Event)
	// Logger gets what concerns watching itself. Nil: nothing is logged.
	Logger *slog.Logger
	// Ignore are absolute folders below the project that are not looked into,
	// such as the data directory.
	Ignore []string
	// Poll looks for changes at this interval instead of asking the system to
	// report them, for network file systems, which do not. Zero: ask, and poll
	// every second only if that is not possible.
	Poll time.Duration
	// ErrorAfter is how long a failure or a removal must last to be one. Zero:
	// 100 ms.
	ErrorAfter time.Duration
}

// Registry holds the current revision of every script of a project.
type Registry struct {
	options Options
	current atomic.Pointer[map[string]*Revision] // replaced as a whole

	commits sync.Mutex // held while a result is put in place and reported
	mu      sync.Mutex
	entries map[string]*entry // guarded by mu; changed only with commits held too
}

// entry is what the registry knows of a script.
type entry struct {
	state   State
	inputs  inputs   // of the newest attempt, whether it worked or not
	refused *attempt // built and checked, and turned down by Validate
}

// attempt is one try to make a revision.
type attempt struct {
	script  Script
	rev     *Revision // nil after an error
	err     error
	inputs  inputs
	noticed time.Time // when the change was seen
	check   time.Duration

	fits bool // Validate has been asked, and lets it in

	// What served last, in the process before: see recall.
	served bool                      // it is that, or is replaced by that
	last   func() (*Revision, error) // nil if nothing did, or this is it
	since  time.Time
}

// NewRegistry returns an empty registry. Load fills it.
func NewRegistry(o Options) *Registry {
	if o.ErrorAfter <= 0 {
		o.ErrorAfter = errorTime
	}
	if o.Check == nil {
		o.Check = func(context.Context, *Revision) ([]string, error) { return nil, nil }
	}
	if o.Validate == nil {
		o.Validate = func([]*Revision, *Revision) error { return nil }
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Registry{options: o, entries: map[string]*entry{}}
	r.current.Store(&map[string]*Revision{})
	return r
}

// Current returns the revision of a script that serves, or nil. It takes no
// lock.
func (r *Registry) Current(name string) *Revision { return (*r.current.Load())[name] }

// Get returns a script's state.
func (r *Registry) Get(name string) (State, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[name]
	if !ok {
		return State{}, false
	}
	return e.state, true
}

// List returns the states of all scripts, by name.
func (r *Registry) List() []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]State, 0, len(r.entries))
	for _, name := range slices.Sorted(maps.Keys(r.entries)) {
		out = append(out, r.entries[name].state)
	}
	return out
}

// Load builds all scripts of the project. Scripts that fail are a state and an
// event and no error; an error means that the project could not be read or ctx
// ended. The result does not depend on the order in which builds end.
func (r *Registry) Load(ctx context.Context) error {
	scripts, _, err := r.options.Project.list(r.options.Ignore)
	if err != nil {
		return err
	}
	attempts := make([]*attempt, len(scripts))
	for i, s := range scripts {
		attempts[i] = &attempt{script: s}
	}
	inParallel(attempts, func(a *attempt) { *a = *r.try(ctx, a.script, time.Now()) })
	r.recall(ctx, attempts)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, a := range attempts {
		r.commit(a)
	}
	return nil
}

// inParallel calls f for all attempts, for as many at a time as there are cores.
func inParallel(attempts []*attempt, f func(a *attempt)) {
	slots := make(chan struct{}, goruntime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for _, a := range attempts {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			f(a)
		})
	}
	wg.Wait()
}

// try builds and checks a script. It changes nothing.
func (r *Registry) try(ctx context.Context, s Script, noticed time.Time) *attempt {
	a := &attempt{script: s, inputs: inputs{s.Path: stampOf(s.Path)}, noticed: noticed}
	rev, err := r.options.Builder.Build(ctx, r.options.Project, s)
	var failed *BuildError
	if errors.As(err, &failed) && len(failed.seen) > 0 {
		a.inputs = failed.seen
	}
	if err != nil {
		a.err = err
		return a
	}
	a.inputs = rev.seen
	if have := r.Current(s.Name); have != nil && have.ID == rev.ID {
		rev.Handlers = have.Handlers
		a.rev = rev
		return a
	}
	start := time.Now()
	rev.Handlers, err = r.options.Check(ctx, rev)
	a.check = time.Since(start)
	if err == nil && rev.Handlers != nil {
		err = rev.checkHandlers()
	}
	if err != nil {
		a.err = err
		return a
	}
	a.rev = rev
	return a
}

// commit puts an attempt's result in place and reports it. Then scripts that
// were turned down because of another get another chance.
func (r *Registry) commit(a *attempt) {
	r.commits.Lock()
	defer r.commits.Unlock()
	r.put(a)
	r.reconsider()
}

// put must be called with commits held.
func (r *Registry) put(a *attempt) {
	var refused *attempt
	err := a.err
	if err == nil && !a.fits {
		if err = r.options.Validate(r.others(a.script.Name), a.rev); err != nil {
			refused = a
		}
	}
	now := time.Now()
	event := Event{Script: a.script.Name, File: a.script.File, At: now, Took: now.Sub(a.noticed), Check: a.check}
	var last *Revision
	if err != nil {
		last, event.Unused = r.fallBack(a)
	}
	report := r.update(a.script.Name, func(e *entry) bool {
		before := e.state
		e.state.Script, e.inputs, e.refused = a.script, a.inputs, refused
		if last != nil {
			e.state.Revision, e.state.LoadedAt, event.Since = last, a.since, a.since
		}
		if err != nil {
			return e.fail(err, now, &event)
		}
		e.serve(a.rev, now, &event)
		return event.Kind != EventUpdated || before.Revision.ID != a.rev.ID
	})
	if report {
		event.Message = event.sentence()
		r.options.OnEvent(event)
	}
}

// fail notes an error and reports whether it is news.
func (e *entry) fail(err error, now time.Time, event *Event) bool {
	old := e.state.Err
	e.state.Err, e.state.FailedAt, e.state.Status = err, now, Broken
	if e.state.Revision != nil {
		e.state.Status = Stale
	}
	event.Kind, event.Err, event.Revision = EventFailed, err, e.state.Revision
	return old == nil || old.Error() != err.Error()
}

// serve switches to a revision.
func (e *entry) serve(rev *Revision, now time.Time, event *Event) {
	old := e.state.Revision
	switch {
	case e.state.Err != nil:
		event.Kind = EventRecovered
	case old == nil:
		event.Kind = EventLoaded
	default:
		event.Kind = EventUpdated
	}
	if old != nil && old.ID != rev.ID {
		event.Previous = old.ID
	}
	if old == nil || old.ID != rev.ID {
		e.state.LoadedAt = now
	}
	if old == nil || old.ID != rev.ID || string(old.Map) != string(rev.Map) {
		e.state.Revision = rev // with the same id: lines have moved
	}
	e.state.Err, e.state.FailedAt, e.state.Status = nil, time.Time{}, Live
	event.Revision = e.state.Revision
}

// update changes an entry and publishes the revisions. change says whether
// there is something to report.
func (r *Registry) update(name string, change func(*entry) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[name]
	if e == nil {
		e = &entry{}
		r.entries[name] = e
	}
	report := change(e)
	r.publish()
	return report
}

// publish must be called with mu held.
func (r *Registry) publish() {
	current := make(map[string]*Revision, len(r.entries))
	for name, e := range r.entries {
		if e.state.Revision != nil {
			current[name] = e.state.Revision
		}
	}
	r.current.Store(&current)
}

// others are the revisions that serve, but for one script's.
func (r *Registry) others(name string) []*Revision {
	current := *r.current.Load()
	var out []*Revision
	for _, n := range slices.Sorted(maps.Keys(current)) {
		if n != name {
			out = append(out, current[n])
		}
	}
	return out
}

// Reconsider gives scripts that Validate turned down another chance, when
// something else than a script has changed.
func (r *Registry) Reconsider() {
	r.commits.Lock()
	defer r.commits.Unlock()
	r.reconsider()
}

// reconsider must be called with commits held. A script that is let in may give
// up what an older revision of it held, so it looks until nothing moves.
func (r *Registry) reconsider() {
	for moved := true; moved; {
		moved = false
		for _, a := range r.refused() {
			if r.options.Validate(r.others(a.script.Name), a.rev) == nil {
				r.put(a)
				moved = true
			}
		}
	}
}

func (r *Registry) refused() []*attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*attempt
	for _, name := range slices.Sorted(maps.Keys(r.entries)) {
		if a := r.entries[name].refused; a != nil {
			out = append(out, a)
		}
	}
	return out
}

// remove forgets a script whose file is gone.
func (r *Registry) remove(name string, noticed time.Time) {
	r.commits.Lock()
	defer r.commits.Unlock()
	r.mu.Lock()
	e, ok := r.entries[name]
	delete(r.entries, name)
	r.publish()
	r.mu.Unlock()
	if !ok {
		return
	}
	now := time.Now()
	event := Event{Kind: EventRemoved, Script: name, File: e.state.File, At: now, Took: now.Sub(noticed)}
	if e.state.Revision != nil {
		event.Previous = e.state.Revision.ID
	}
	event.Message = event.sentence()
	r.options.OnEvent(event)
	r.reconsider()
}
