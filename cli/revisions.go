// Revisions beyond the files they were built from: a durable run goes on with
// the one it began with, so the engine keeps it, and asks here for its packed
// form and to load it again.

package cli

import (
	"context"
	"slices"
	"time"

	"reprise/connections"
	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/script"
)

// runtimeScript is what the engine needs to know of a revision.
func (s *scripts) runtimeScript(rev *script.Revision) *runtime.Script {
	c := &rev.Config
	out := &runtime.Script{
		Name: rev.Script, File: rev.File, Revision: rev.ID, Handlers: rev.Handlers, Timeout: c.RequestTimeout(), Limits: s.limitsOf(rev),
		Strict: c.Durability == script.DurabilityStrict, PauseOnFailure: c.OnFailure == script.OnFailurePause,
		OnFailed: c.OnFailed, Schedule: c.Schedule, Connections: slices.DeleteFunc(slices.Clone(c.Connections), func(name string) bool { return name == connections.Self }),
		Egress: c.Egress.List(),
	}
	if c.Concurrency != nil {
		out.Concurrency = &runtime.Concurrency{Limit: c.Concurrency.Limit, Key: c.Concurrency.Key}
	}
	if c.Rate != nil {
		out.Rate = &runtime.Rate{Limit: c.Rate.Limit, Per: time.Duration(c.Rate.Per), Key: c.Rate.Key}
	}
	return out
}

// Pack implements runtime.Revisions.
func (s *scripts) Pack(id string) ([]byte, error) {
	rev := s.find(id)
	if rev == nil {
		return nil, call.Errorf(call.CodeNotFound, "the revision %s is not loaded", id)
	}
	return rev.Pack()
}

// Unpack implements runtime.Revisions.
func (s *scripts) Unpack(packed []byte) (*runtime.Script, error) {
	rev, err := script.Unpack(packed)
	if err != nil {
		return nil, err
	}
	if rev, err = s.load(rev); err != nil {
		return nil, err
	}
	return s.runtimeScript(rev), nil
}

// Build implements runtime.Revisions. Without a source it builds the file as
// it is now, which may be newer than what serves.
func (s *scripts) Build(ctx context.Context, name, source string) (*runtime.Script, []byte, error) {
	state, ok := s.registry.Get(name)
	if !ok {
		return nil, nil, call.Errorf(call.CodeNotFound, "there is no script %s", name)
	}
	var rev *script.Revision
	var err error
	if source == "" {
		rev, err = s.builder.Build(ctx, s.project, state.Script)
	} else {
		rev, err = s.builder.BuildText(ctx, s.project, state.Script, source)
	}
	if err != nil {
		return nil, nil, err
	}
	if rev, err = s.load(rev); err != nil {
		return nil, nil, err
	}
	packed, err := rev.Pack()
	if err != nil {
		s.workers.Forget(rev.ID)
		return nil, nil, err
	}
	return s.runtimeScript(rev), packed, nil
}

// load loads a revision into the workers and returns it, or the same one that
// is loaded already: loading that again with another map, such as that of an
// older save, would move the lines that its runs show.
func (s *scripts) load(rev *script.Revision) (*script.Revision, error) {
	if s.workers.Hold(rev.ID) {
		if known := s.find(rev.ID); known != nil {
			return known, nil
		}
		s.workers.Forget(rev.ID) // it is being checked: others do not know it yet
	}
	handlers, err := s.workers.Load(s.workerRevision(rev), nil)
	if err != nil {
		return nil, err
	}
	rev.Handlers = handlers
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(rev)
	return rev, nil
}

// find returns a revision that is loaded, or was until just now, or nil.
func (s *scripts) find(id string) *script.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loaded[id]
}

// remember notes loaded revisions, and lets go of those that are not loaded any
// more: nobody runs them. s.mu is held.
func (s *scripts) remember(revs ...*script.Revision) {
	for id := range s.loaded {
		if s.workers.Hold(id) {
			s.workers.Forget(id)
		} else {
			delete(s.loaded, id)
		}
	}
	for _, rev := range revs {
		s.loaded[rev.ID] = rev
	}
}

var _ runtime.Revisions = (*scripts)(nil)
