package cli

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"reprise/connections"
	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/schedule"
	"reprise/runtime/script"
	"reprise/runtime/worker"
	"reprise/server"
	"reprise/store"
)

// scripts joins the registry of revisions with those who need them: the
// workers that hold their VMs, the engine that asks which one is current, and
// the site that routes to them. It is told of every change and passes it on.
type scripts struct {
	registry  *script.Registry
	project   *script.Project
	builder   script.Builds
	workers   worker.Workers
	most      call.Limits // that a script may use
	upstreams *connections.Set
	lines     *logs.Throttle                // takes what scripts print
	server    atomic.Pointer[server.Server] // nil until it has been made
	reloaded  func(ok bool)                 // meter
	logger    *slog.Logger

	current atomic.Pointer[map[string]*runtime.Script]
	engine  atomic.Pointer[runtime.Engine] // nil until it has been made
	opened  chan store.Store               // gets the store, or nil if it does not open; nil where what served last does not count

	emits sync.Mutex   // held for no longer than it takes to emit
	log   *logs.Log    // nil until it is open; guarded by emits
	early []logs.Entry // emitted before; guarded by emits

	mu      sync.Mutex                  // may be held while a revision is loaded: what the workers call must not take it
	checked map[string]string           // revisions evaluated and not yet serving, by script; guarded by mu
	serving map[string]string           // revisions that serve, by script; guarded by mu
	loaded  map[string]*script.Revision // those that serve, and others that somebody runs; guarded by mu
}

func newScripts(c *Config, project *script.Project, builder script.Builds, workers worker.Workers, upstreams *connections.Set, logger *slog.Logger) *scripts {
	s := &scripts{
		upstreams: upstreams, project: project, builder: builder, workers: workers, most: c.Limits, logger: logger, reloaded: func(bool) {},
		checked: map[string]string{}, serving: map[string]string{}, loaded: map[string]*script.Revision{},
	}
	s.lines = logs.NewThrottle(s.Emit)
	s.current.Store(&map[string]*runtime.Script{})
	o := script.Options{
		Project: project, Builder: s.builder,
		Check: s.check, Validate: s.validate, Served: s.lastServed, OnEvent: s.event, Logger: logger,
		Ignore: []string{c.Data, filepath.Join(project.Root, ".reprise")},
	}
	if c.Poll {
		o.Poll = time.Second
	}
	s.registry = script.NewRegistry(o)
	return s
}

// validate reports why a revision can not serve: it names a connection that is
// not there, or its route is wrong or taken.
func (s *scripts) validate(others []*script.Revision, newcomer *script.Revision) error {
	for _, name := range newcomer.Config.Connections {
		if _, ok := s.upstreams.Get(name); !ok {
			return call.Errorf(call.CodeLoad, "config.connections names %q, and %s has no such connection; there are %s", name, configFile, strings.Join(s.upstreams.Names(), ", "))
		}
	}
	return server.Validate(others, newcomer)
}

// Current implements runtime.Scripts.
func (s *scripts) Current(name string) *runtime.Script { return (*s.current.Load())[name] }

// check evaluates a new revision in a VM, which then waits for its first run.
func (s *scripts) check(_ context.Context, rev *script.Revision) ([]string, error) {
	handlers, err := s.workers.Load(s.workerRevision(rev), s.printTopLevel(rev))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(s.checked, rev.Script)
	s.checked[rev.Script] = rev.ID
	return handlers, nil
}

func (s *scripts) workerRevision(rev *script.Revision) worker.Revision {
	limits := s.limitsOf(rev)
	return worker.Revision{
		ID: rev.ID, Script: rev.Script, Code: rev.Code, Map: rev.Map,
		Fresh:  rev.Config.Isolation == script.IsolationFresh,
		Budget: worker.Budget{TurnCPU: limits.TurnCPU, CallDepth: int(limits.CallDepth)},
	}
}

// limitsOf returns what a revision's script may use. One that was built when the
// server allowed more gets no more than it allows now.
func (s *scripts) limitsOf(rev *script.Revision) call.Limits { return rev.Config.Limits.Under(s.most) }

// drop forgets the revision that a script has in a map. s.mu is held.
func (s *scripts) drop(from map[string]string, name string) {
	if id, ok := from[name]; ok {
		s.workers.Forget(id)
		delete(from, name)
	}
}

// printTopLevel makes entries of what a script prints while it is loaded.
func (s *scripts) printTopLevel(rev *script.Revision) func(worker.Line) {
	rate := int(s.limitsOf(rev).LogRate)
	return func(l worker.Line) {
		level, _ := logs.ParseLevel(l.Level)
		e := logs.Entry{Time: time.Now(), Level: level, Kind: logs.KindConsole, Script: rev.Script, Revision: rev.ID, Msg: l.Msg, Fields: l.Fields}
		if !l.Pos.IsZero() {
			e.Src = &l.Pos
		}
		s.lines.Print(e, rate)
	}
}

// event takes what happened to a script: the workers learn what serves, the
// engine and the site see the new whole, and the log gets an entry.
func (s *scripts) event(e script.Event) {
	s.publish() // before the revision that served is forgotten
	s.mu.Lock()
	var failed error
	switch e.Kind {
	case script.EventLoaded, script.EventUpdated, script.EventRecovered:
		failed = s.adopt(e.Revision)
	case script.EventFailed:
		if e.Revision != nil && s.serving[e.Script] != e.Revision.ID { // what served last serves on
			failed = s.adopt(e.Revision)
		}
		s.drop(s.checked, e.Script)
	case script.EventRemoved:
		s.drop(s.checked, e.Script)
		s.drop(s.serving, e.Script)
	}
	s.mu.Unlock()
	if failed != nil { // said when nobody waits for the lock
		s.logger.Error("a revision that was checked does not load", "script", e.Script, "revision", e.Revision.ID, "error", failed)
	}
	if e.Kind != script.EventWatching {
		s.reloaded(e.Kind != script.EventFailed)
	}
	s.Emit(reloadEntry(e))
}

// adopt makes a revision the one that serves. s.mu is held.
func (s *scripts) adopt(rev *script.Revision) error {
	if s.checked[rev.Script] == rev.ID {
		delete(s.checked, rev.Script)
	} else if _, err := s.workers.Load(s.workerRevision(rev), nil); err != nil {
		return err
	}
	s.drop(s.serving, rev.Script)
	s.serving[rev.Script] = rev.ID
	return nil
}

// publish shows the engine and the server the registry as it is now.
func (s *scripts) publish() {
	states := s.registry.List()
	current := make(map[string]*runtime.Script, len(states))
	var serving []*script.Revision
	for i := range states {
		if rev := states[i].Revision; rev != nil {
			current[rev.Script] = s.runtimeScript(rev)
			serving = append(serving, rev)
		}
	}
	s.mu.Lock()
	s.remember(serving...) // before anybody can begin a run of them
	s.mu.Unlock()
	s.current.Store(&current)
	s.tellSchedules(current)
	if srv := s.server.Load(); srv != nil {
		if err := srv.ScriptsChanged(); err != nil {
			s.logger.Error("some scripts can not be served", "error", err)
		}
	}
}

// counts says how many scripts are in each state, for the metrics.
func (s *scripts) counts() map[string]int {
	out := map[string]int{}
	for _, st := range s.registry.List() {
		out[string(st.Status)]++
	}
	return out
}

// reloadEntry is the log entry of an event.
func reloadEntry(e script.Event) logs.Entry {
	en := logs.Entry{Time: e.At, Kind: logs.KindReload, Level: logs.Info, Script: e.Script, Msg: e.Message}
	fields := map[string]any{"file": e.File, "event": string(e.Kind)}
	if e.File == "" {
		delete(fields, "file")
	}
	if e.Took > 0 {
		fields["durMs"] = float64(e.Took.Microseconds()) / 1000
	}
	if e.Revision != nil {
		en.Revision = e.Revision.ID
	}
	if !e.Since.IsZero() {
		fields["since"] = e.Since
	}
	if e.Err != nil {
		en.Level = logs.Error
		st := script.State{Err: e.Err}
		f := st.Failure()
		en.Src = f.Src
		en.Msg += ": " + f.Message
		if f.Frame != "" {
			en.Msg += "\n" + f.Frame
		}
		for _, p := range f.Problems[min(1, len(f.Problems)):] {
			en.Msg += "\n" + p.String()
			if p.Frame != "" {
				en.Msg += "\n" + p.Frame
			}
		}
		if e.Unused != nil {
			en.Msg += "\n" + e.Unused.Error()
		}
		fields["error"] = f
		fields["status"] = "failed"
	}
	if b, err := call.Encode(fields); err == nil {
		en.Fields = b
	}
	return en
}

// Emit passes an entry to the log, or keeps it until the log is open: scripts
// are loaded while the stores open.
func (s *scripts) Emit(e logs.Entry) uint64 {
	s.emits.Lock()
	defer s.emits.Unlock()
	if s.log == nil {
		s.early = append(s.early, e)
		return 0
	}
	return s.log.Emit(e)
}

// attach gives the scripts their log, with what happened before it was open.
func (s *scripts) attach(l *logs.Log) {
	s.emits.Lock()
	defer s.emits.Unlock()
	s.log = l
	for _, e := range s.early {
		l.Emit(e)
	}
	s.early = nil
}

// schedule tells the engine what is scheduled and what serves, now and after
// every change.
func (s *scripts) schedule(e *runtime.Engine) {
	s.engine.Store(e)
	s.tellSchedules(*s.current.Load())
}

func (s *scripts) tellSchedules(current map[string]*runtime.Script) {
	e := s.engine.Load()
	if e == nil {
		return
	}
	specs := make(map[string]*schedule.Spec, len(current))
	for name, script := range current {
		specs[name] = script.Schedule
	}
	e.Schedules(specs)
	s.keepServing(e)
}
