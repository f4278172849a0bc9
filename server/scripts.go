// What the server makes of the registry: routes for the script origin, and
// documents for the API.

package server

import (
	"encoding/json"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/script"
	"reprise/server/api"
	"reprise/server/site"
)

// Registry knows the scripts. *script.Registry is one.
type Registry interface {
	// List returns the states of all scripts, by name.
	List() []script.State
	// Get returns one script's state.
	Get(name string) (script.State, bool)
}

// ScriptsChanged takes over what the registry has now. Call it at every event
// of the registry; requests in progress are not touched. The error names the
// scripts that can not be served.
func (s *Server) ScriptsChanged() error {
	s.routing.Lock() // or an older list could be put in place after a newer one
	defer s.routing.Unlock()
	states := s.options.Scripts.List()
	sources := make([]site.RouteSource, 0, len(states))
	for i := range states {
		sources = append(sources, sourceOf(&states[i], s.options.Limits))
	}
	return s.site.Update(sources)
}

// Validate reports why a revision can not be served beside the others: its
// route is wrong or taken. It is the Validate of script.Options.
func Validate(others []*script.Revision, newcomer *script.Revision) error {
	existing := make([]site.RouteSource, 0, len(others))
	for _, r := range others {
		existing = append(existing, revisionSource(r))
	}
	return site.Validate(existing, revisionSource(newcomer))
}

// sourceOf returns what routing needs of a script that may use no more than
// most.
func sourceOf(s *script.State, most call.Limits) site.RouteSource {
	out := site.RouteSource{Name: s.Name, File: s.File}
	if s.Revision != nil {
		out = revisionSource(s.Revision)
		out.MaxBody = s.Revision.Config.Limits.Under(most).Body
	}
	out.State = site.State(s.Status)
	if f := s.Failure(); f != nil {
		out.Err = &call.Error{Name: f.Name, Code: f.Code, Message: f.Message, Stack: f.Stack}
		if f.Src != nil {
			out.Err.Message = f.Src.String() + ": " + f.Message
		}
	}
	return out
}

func revisionSource(r *script.Revision) site.RouteSource {
	out := site.RouteSource{Name: r.Script, File: r.File, State: site.Live, Revision: r.ID, Handlers: r.Handlers, Webhook: r.Config.Webhook}
	h := r.Config.HTTP
	if h == nil {
		return out
	}
	out.HTTP = &site.HTTP{Path: h.Path, Methods: h.Method, Respond: site.Respond(h.Respond)}
	if h.Auth != nil {
		out.HTTP.Auth = h.Auth.Token
	}
	if c := h.CORS; c != nil {
		out.HTTP.CORS = &site.CORS{
			Origins: c.Origins, Methods: c.Methods, Headers: c.Headers,
			Credentials: c.Credentials, MaxAge: time.Duration(c.MaxAge),
		}
	}
	return out
}

// activity is what the engine knows of a script.
type activity interface {
	// Stats returns what it did since the server started.
	Stats(script string) runtime.Stats
	// NextRuns returns the next n times at which its schedule starts it.
	NextRuns(script string, n int) []time.Time
}

// shownRuns is how many of the next runs the API shows.
const shownRuns = 5

// scriptList is the API's list of scripts.
type scriptList struct {
	registry Registry
	engine   activity
	most     call.Limits                     // that a script may use
	apart    func(revision string) time.Time // until when it is kept apart; may be nil
}

// List returns all scripts, by name.
func (l scriptList) List() []api.Script {
	states := l.registry.List()
	out := make([]api.Script, 0, len(states))
	for i := range states {
		out = append(out, l.document(&states[i]))
	}
	return out
}

// Find returns one script.
func (l scriptList) Find(name string) (api.Script, bool) {
	s, ok := l.registry.Get(name)
	if !ok {
		return api.Script{}, false
	}
	return l.document(&s), true
}

// document describes a script.
func (l scriptList) document(s *script.State) api.Script {
	out := api.Script{
		Name: s.Name, File: s.File, State: string(s.Status), LoadedAt: s.LoadedAt,
		Stats: l.engine.Stats(s.Name), Error: scriptError(s.Failure()),
	}
	if r := s.Revision; r != nil {
		out.Revision, out.Handlers, out.Config, out.Bytes = r.ID, r.Handlers, r.Config.Raw, int64(r.Bytes)
		out.Limits = limitsOf(&r.Config, l.most)
		if l.apart != nil {
			if until := l.apart(r.ID); !until.IsZero() {
				out.Apart = &api.Apart{Until: until.UTC()}
			}
		}
		for _, route := range site.Routes(revisionSource(r)) {
			out.Routes = append(out.Routes, api.Route{Path: route.Path, Methods: route.Methods, Handler: route.Handler})
		}
		if out.Schedule = scheduleOf(r.Config.Raw); out.Schedule != nil {
			out.NextRuns = l.engine.NextRuns(s.Name, shownRuns)
		}
	}
	return out
}

// limitsOf returns what a script may use, as it is written in a config.
func limitsOf(c *script.Config, most call.Limits) *api.Limits {
	l := c.Limits.Under(most)
	return &api.Limits{
		TurnCPU: l.TurnCPU.String(), RunCPU: l.RunCPU.String(), Timeout: c.RequestTimeout().String(),
		CallsInFlight: l.CallsInFlight, Calls: l.Calls, CallDepth: l.CallDepth,
		Body: l.Body, Result: l.Result, KVValue: l.KVValue, LogRate: l.LogRate, Source: l.Source,
	}
}

// scheduleOf returns config.schedule as it was written.
func scheduleOf(config json.RawMessage) json.RawMessage {
	var c struct {
		Schedule json.RawMessage `json:"schedule"`
	}
	if len(config) == 0 || json.Unmarshal(config, &c) != nil {
		return nil // there is no config
	}
	return c.Schedule
}

func scriptError(f *script.Failure) *api.ScriptError {
	if f == nil {
		return nil
	}
	out := &api.ScriptError{Name: f.Name, Code: f.Code, Message: f.Message, Stack: f.Stack, Src: f.Src, Frame: f.Frame}
	for _, p := range f.Problems {
		one := api.SourceProblem{Message: p.Message, Frame: p.Frame, Notes: p.Notes}
		if !p.Pos.IsZero() {
			one.Src = &p.Pos
		}
		out.Problems = append(out.Problems, one)
	}
	return out
}
