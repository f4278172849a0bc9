// What served last, for scripts whose files do not load when the program starts.
// Scripts are built while the store opens, so only those that fail wait for it.

package cli

import (
	"context"
	"errors"
	"fmt"

	"reprise/runtime"
	"reprise/runtime/script"
	"reprise/runtime/worker"
	"reprise/store"
)

// lastServed implements script.Options.Served.
func (s *scripts) lastServed(ctx context.Context) (map[string]script.Served, error) {
	if s.opened == nil {
		return nil, nil // this start serves what the files say, or nothing
	}
	var from store.Store
	select {
	case from = <-s.opened:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if from == nil {
		return nil, errors.New("the store does not open")
	}
	served, err := runtime.ReadServed(ctx, from)
	if err != nil {
		return nil, err
	}
	out := make(map[string]script.Served, len(served))
	for name, last := range served {
		out[name] = script.Served{Revision: last.Revision, Since: last.Since, Load: func(ctx context.Context) (*script.Revision, error) {
			return s.reload(ctx, from, name, last)
		}}
	}
	return out, nil
}

// reload loads the revision that served a script last.
func (s *scripts) reload(ctx context.Context, from store.Store, name string, last runtime.Served) (*script.Revision, error) {
	if last.Engine != worker.Engine {
		return nil, fmt.Errorf("it was served by another version of Reprise, with engine %d; this one has %d, and a script has to be built for it", last.Engine, worker.Engine)
	}
	packed, err := runtime.ReadRevision(ctx, from, last.Revision)
	if err != nil {
		return nil, err
	}
	rev, err := script.Unpack(packed)
	if err != nil {
		return nil, err
	}
	if rev.Script != name {
		return nil, fmt.Errorf("it is one of %s", rev.Script)
	}
	if rev.Handlers, err = s.check(ctx, rev); err != nil {
		return nil, err
	}
	return rev, nil
}

// keepServing tells the engine what serves, so that the next process knows.
func (s *scripts) keepServing(e *runtime.Engine) {
	now := map[string]runtime.Served{}
	for _, state := range s.registry.List() {
		var is runtime.Served
		if state.Revision != nil {
			is = runtime.Served{Revision: state.Revision.ID, Since: state.LoadedAt}
		}
		now[state.Name] = is
	}
	e.Serving(now)
}
