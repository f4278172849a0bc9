package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"reprise/runtime/call"
	"reprise/server/api"
	"reprise/server/problem"
)

// body is an answer that is a document and nothing else.
type body[T any] struct{ Body T }

// infoEndpoints registers what describes the server and its scripts.
func (a *admin) infoEndpoints(h huma.API) {
	const server, scripts, script = "/api/v1/server", "/api/v1/scripts", "/api/v1/scripts/{name}"
	huma.Register(h, a.operation(h, http.MethodGet, server, "server", "The running server", ""), a.server)
	huma.Register(h, a.operation(h, http.MethodGet, scripts, "listScripts", "All scripts, by name", ""), a.listScripts)
	huma.Register(h, a.operation(h, http.MethodGet, script, "getScript", "One script",
		"Its state, current revision, config, routes, and why its last save does not serve, if it does not."), a.getScript)
	example(h, server, http.MethodGet, "200", exampleServer())
	example(h, scripts, http.MethodGet, "200", api.Scripts{Scripts: []api.Script{exampleScript()}})
	example(h, script, http.MethodGet, "200", exampleScript())
}

func (a *admin) server(context.Context, *struct{}) (*body[api.Server], error) {
	s := a.Server()
	s.Scripts = len(a.Scripts.List())
	return &body[api.Server]{s}, nil
}

func (a *admin) listScripts(context.Context, *struct{}) (*body[api.Scripts], error) {
	all := a.Scripts.List()
	out := make([]api.Script, 0, len(all))
	for _, s := range all {
		out = append(out, wholeScript(s))
	}
	return &body[api.Scripts]{api.Scripts{Scripts: out}}, nil
}

type scriptInput struct {
	Name string `path:"name" doc:"One percent-encoded segment: orders%2Ffulfil" example:"orders%2Ffulfil"`
}

func (a *admin) getScript(_ context.Context, in *scriptInput) (*body[api.Script], error) {
	s, ok := a.Scripts.Find(in.Name)
	if !ok {
		return nil, a.nearScript(problem.New(http.StatusNotFound, call.CodeNotFound, "there is no script %s", in.Name), in.Name)
	}
	return &body[api.Script]{wholeScript(s)}, nil
}

// nearScript adds to a problem which script was probably meant.
func (a *admin) nearScript(p *problem.Problem, name string) *problem.Problem {
	var known []string
	for _, s := range a.Scripts.List() {
		known = append(known, s.Name)
	}
	if near := call.Nearest(name, known); near != "" {
		return p.WithHint("Did you mean %s?", near)
	}
	return p
}

// wholeScript makes empty lists of missing ones, as the contract says.
func wholeScript(s api.Script) api.Script {
	if s.Handlers == nil {
		s.Handlers = []string{}
	}
	routes := make([]api.Route, 0, len(s.Routes))
	for _, r := range s.Routes {
		if r.Methods == nil {
			r.Methods = []string{}
		}
		routes = append(routes, r)
	}
	s.Routes = routes
	return s
}
