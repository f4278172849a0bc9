package site

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"reprise/runtime/call"
	"reprise/server/webhook"
)

// State says whether a script serves.
type State string

// The states of a script.
const (
	Live   State = "live"   // the newest save serves
	Stale  State = "stale"  // the newest save failed; the last good revision serves
	Broken State = "broken" // there never was a good revision
)

// RouteSource is what routing needs to know of a script.
type RouteSource struct {
	Name     string
	File     string // for people: "scripts/orders/fulfil.ts"
	State    State
	Revision string          // the one that serves
	Handlers []string        // of that revision
	MaxBody  int64           // the largest request body; 0: that of Options
	HTTP     *HTTP           // config.http of that revision, or nil
	Webhook  *webhook.Config // config.webhook of that revision, or nil
	Err      *call.Error
}

// HTTP is a script's config.http.
type HTTP struct {
	Path    string   // empty: by the script's name
	Methods []string // empty: all
	CORS    *CORS    // nil: the script minds CORS itself
	// Auth is the name of the secret whose value requests must carry as a
	// bearer token; empty lets everybody in.
	Auth string
	// Respond says what a request that starts a run is answered with.
	Respond Respond
}

// Respond says when a request that starts a run is answered.
type Respond string

// The answers. The empty one is Accepted.
const (
	Accepted Respond = "accepted" // at once, with where the run can be watched
	Result   Respond = "result"   // with the result, if the run ends in time
)

// CORS says which pages of other origins may call a script.
type CORS struct {
	Origins     []string // "https://app.example.com", or "*" for any; empty means any
	Methods     []string // empty: those of the route
	Headers     []string // request headers; empty allows what the browser asks for
	Credentials bool     // cookies and Authorization of the page's user
	MaxAge      time.Duration
}

// The handlers that a route can lead to.
const (
	fetchHandler = "fetch"
	runHandler   = "run"
)

// handler returns what answers the script's requests: its fetch handler, or
// its run handler where config.http or config.webhook asks for that, or nothing.
func (s *RouteSource) handler() string {
	switch {
	case slices.Contains(s.Handlers, fetchHandler):
		return fetchHandler
	case (s.HTTP != nil || s.Webhook != nil) && slices.Contains(s.Handlers, runHandler):
		return runHandler
	}
	return ""
}

// Route is one place a script answers at.
type Route struct {
	Path    string
	Methods []string // empty means all
	Handler string   // "fetch", or "run": a request starts a run
}

// Routes returns where a script answers.
func Routes(s RouteSource) []Route {
	r, err := newRoute(&s)
	if err != nil || r.handler == "" {
		return nil
	}
	return []Route{{Path: r.pattern.String(), Methods: r.methods, Handler: r.handler}}
}

// Validate reports why newcomer can not be served beside existing: its
// config.http is wrong, or another script already answers there. It is the
// registry's check before it lets a revision serve. Its error is a
// CONFIG_ERROR.
func Validate(existing []RouteSource, newcomer RouteSource) error {
	r, err := newRoute(&newcomer)
	if err != nil {
		return err
	}
	if r.handler == "" {
		return nil
	}
	for i := range existing {
		other := &existing[i]
		if other.Name == newcomer.Name || other.handler() == "" {
			continue
		}
		// One that was let in before is right by itself.
		if o, err := newRoute(other); err == nil && r.conflicts(o) {
			return r.conflict(o)
		}
	}
	return nil
}

// route is a script's place in the table.
type route struct {
	source  RouteSource
	pattern pattern
	handler string
	methods []string // empty means all
	cors    *cors
}

func newRoute(s *RouteSource) (*route, *call.Error) {
	r := &route{source: *s, pattern: defaultPattern(s.Name), handler: s.handler()}
	if s.Webhook != nil && r.handler == runHandler {
		return r, r.takesDeliveries(s.Webhook)
	}
	if s.HTTP == nil {
		return r, nil
	}
	var err *call.Error
	if s.HTTP.Path != "" {
		if r.pattern, err = parsePattern(s.HTTP.Path); err != nil {
			return nil, err
		}
	}
	if r.methods, err = checkMethods(s.HTTP.Methods); err != nil {
		return nil, err
	}
	if err = r.startsRuns(s.HTTP); err != nil {
		return nil, err
	}
	if r.cors, err = newCORS(s.HTTP.CORS, r.methods); err != nil {
		return nil, err
	}
	return r, nil
}

// startsRuns makes the route one that starts runs, where it is one. A run sees
// its input and no URL, so nothing of the path may matter to it.
func (r *route) startsRuns(h *HTTP) *call.Error {
	if r.handler != runHandler {
		if h.Respond != "" && r.handler != "" {
			return call.Errorf(call.CodeConfig, "config.http.respond is for a run handler that owns its route; here the %s handler answers", r.handler)
		}
		return nil
	}
	if len(r.pattern.params) > 0 || r.pattern.rest {
		return call.Errorf(call.CodeConfig, "config.http.path %q has parameters, and a run handler does not see them: its input is the request's body", h.Path)
	}
	r.pattern.below = false
	if len(r.methods) == 0 {
		// A link that is followed, or looked at by a scanner, starts nothing.
		r.methods = []string{http.MethodPost}
	}
	return nil
}

// takesDeliveries makes the route that of a webhook.
func (r *route) takesDeliveries(w *webhook.Config) (err *call.Error) {
	if w.Path != "" {
		if r.pattern, err = parsePattern(w.Path); err != nil {
			return err
		}
	}
	if len(r.pattern.params) > 0 || r.pattern.rest {
		return call.Errorf(call.CodeConfig, "config.webhook.path %q has parameters, and a run handler does not see them: its input is the delivery", w.Path)
	}
	r.pattern.below, r.methods = false, []string{http.MethodPost}
	return nil
}

// takes reports whether the route answers the method. HEAD comes with GET,
// unless it would start a run.
func (r *route) takes(method string) bool {
	return len(r.methods) == 0 || slices.Contains(r.methods, method) ||
		method == http.MethodHead && r.handler != runHandler && slices.Contains(r.methods, http.MethodGet)
}

// conflicts reports whether some request would be for both. A HEAD that only
// comes with GET gives way to one that is asked for.
func (r *route) conflicts(o *route) bool {
	if !r.pattern.same(&o.pattern) {
		return false
	}
	if len(r.methods) == 0 || len(o.methods) == 0 {
		return true
	}
	return slices.ContainsFunc(r.methods, func(m string) bool { return slices.Contains(o.methods, m) })
}

func (r *route) conflict(o *route) *call.Error {
	return call.Errorf(call.CodeConfig, "the route %s is already answered by the script %s (%s); say another config.http.path or method, or rename one of the two",
		r, o.source.Name, o.source.File)
}

// String returns the methods and the path.
func (r *route) String() string {
	if len(r.methods) == 0 {
		return r.pattern.String()
	}
	return strings.Join(r.methods, ",") + " " + r.pattern.String()
}
