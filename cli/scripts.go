package cli

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/runtime/script"
	"reprise/runtime/worker"
	"reprise/server"
)

// scripts joins the registry of revisions with those who need them: the
// workers that hold their VMs, the engine that asks which one is current, and
// the site that routes to them. It is told of every change and passes it on.
type scripts struct {
	registry *script.Registry
	workers  *worker.Host
	server   atomic.Pointer[server.Server] // nil until it has been made
	reloaded func(ok bool)                 // meter
	logger   *slog.Logger

	current atomic.Pointer[map[string]*runtime.Script]

	mu      sync.Mutex
	log     *logs.Log         // nil until it is open; guarded by mu
	early   []logs.Entry      // emitted before; guarded by mu
	checked map[string]string // revisions evaluated and not yet serving, by script; guarded by mu
	serving map[string]string // revisions that serve, by script; guarded by mu
}

func newScripts(c *Config, project *script.Project, workers *worker.Host, logger *slog.Logger) *scripts {
	s := &scripts{workers: workers, logger: logger, checked: map[string]string{}, serving: map[string]string{}, reloaded: func(bool) {}}
	s.current.Store(&map[string]*runtime.Script{})
	o := script.Options{
		Project: project, Builder: script.NewBuilder(script.BuilderOptions{}),
		Check: s.check, Validate: server.Validate, OnEvent: s.event, Logger: logger,
		Ignore: []string{c.Data, filepath.Join(project.Root, ".reprise")},
	}
	if c.Poll {
		o.Poll = time.Second
	}
	s.registry = script.NewRegistry(o)
	return s
}

// Current implements runtime.Scripts.
func (s *scripts) Current(name string) *runtime.Script { return (*s.current.Load())[name] }

// check evaluates a new revision in a VM, which then waits for its first run.
func (s *scripts) check(_ context.Context, rev *script.Revision) ([]string, error) {
	handlers, err := s.workers.Load(workerRevision(rev), s.printTopLevel(rev))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(s.checked, rev.Script)
	s.checked[rev.Script] = rev.ID
	return handlers, nil
}

func workerRevision(rev *script.Revision) worker.Revision {
	return worker.Revision{
		ID: rev.ID, Script: rev.Script, Code: rev.Code, Map: rev.Map,
		Fresh: rev.Config.Isolation == script.IsolationFresh,
	}
}

// drop forgets the revision that a script has in a map. s.mu is held.
func (s *scripts) drop(from map[string]string, name string) {
	if id, ok := from[name]; ok {
		s.workers.Forget(id)
		delete(from, name)
	}
}

// printTopLevel makes entries of what a script prints while it is loaded.
func (s *scripts) printTopLevel(rev *script.Revision) func(worker.Line) {
	return func(l worker.Line) {
		level, _ := logs.ParseLevel(l.Level)
		e := logs.Entry{Time: time.Now(), Level: level, Kind: logs.KindConsole, Script: rev.Script, Revision: rev.ID, Msg: l.Msg, Fields: l.Fields}
		if !l.Pos.IsZero() {
			e.Src = &l.Pos
		}
		s.Emit(e)
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
		s.drop(s.checked, e.Script)
	case script.EventRemoved:
		s.drop(s.checked, e.Script)
		s.drop(s.serving, e.Script)
	}
	s.mu.Unlock()
	if failed != nil { // said without the lock, which the log takes
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
	} else if _, err := s.workers.Load(workerRevision(rev), nil); err != nil {
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
	for i := range states {
		if rev := states[i].Revision; rev != nil {
			current[rev.Script] = &runtime.Script{Name: rev.Script, Revision: rev.ID, Handlers: rev.Handlers, Timeout: rev.Config.RequestTimeout()}
		}
	}
	s.current.Store(&current)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log == nil {
		s.early = append(s.early, e)
		return 0
	}
	return s.log.Emit(e)
}

// attach gives the scripts their log, with what happened before it was open.
func (s *scripts) attach(l *logs.Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = l
	for _, e := range s.early {
		l.Emit(e)
	}
	s.early = nil
}
