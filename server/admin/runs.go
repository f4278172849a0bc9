package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/api"
	"reprise/server/problem"
)

// runEndpoints registers what starts runs and keeps them.
func (a *admin) runEndpoints(h huma.API) {
	const runs, run = "/api/v1/runs", "/api/v1/runs/{id}"
	start := a.operation(h, http.MethodPost, runs, "startRun", "Start a run",
		"Answers 202 with the run and its Location, or 200 when it has ended within wait. A run that is paused or has diverged is not waited for: it is answered at once, with 202. 422 when the script has no run handler, or the idempotency key was used with another input.")
	start.DefaultStatus = http.StatusAccepted
	start.BodyReadTimeout = bodyTimeout
	start.Responses["200"] = &huma.Response{
		Description: "The run has ended",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schemaOf[runtime.Run](h.OpenAPI()), Example: exampleRun(runtime.Succeeded)}},
	}
	huma.Register(h, start, a.startRun)
	huma.Register(h, a.operation(h, http.MethodGet, runs, "listRuns", "Durable runs, newest first", ""), a.listRuns)
	huma.Register(h, a.operation(h, http.MethodGet, run, "getRun", "One run", "With wait, answers when the run has ended, or is paused or diverged and so will not end by itself, or as it is after that time: status says which."), a.getRun)
	huma.Register(h, a.operation(h, http.MethodDelete, run, "deleteRun", "Forget a run", "409 while it is running."), a.deleteRun)
	example(h, runs, http.MethodPost, "202", exampleRun(runtime.Running))
	example(h, runs, http.MethodGet, "200", api.Runs{Runs: []runtime.Run{exampleRun(runtime.Succeeded)}, Cursor: exampleID})
	example(h, run, http.MethodGet, "200", exampleRun(runtime.Failed))
}

// bodyTimeout is how long a client may take to send a run's input.
const bodyTimeout = time.Minute

type startInput struct{ Body api.StartRun }

type startOutput struct {
	Status   int
	Location string `header:"Location" doc:"Where the run is"`
	Body     runtime.Run
}

func (a *admin) startRun(ctx context.Context, in *startInput) (*startOutput, error) {
	wait, p := parseWait("body.wait", in.Body.Wait)
	if p != nil {
		return nil, p
	}
	run, _, err := a.Runs.Start(ctx, runtime.StartRequest{Script: in.Body.Script, Input: in.Body.Input, IdempotencyKey: in.Body.IdempotencyKey})
	if err != nil {
		return nil, a.startProblem(in.Body.Script, err)
	}
	if wait > 0 && !run.Status.Ended() {
		waited, err := a.Runs.Wait(ctx, run.ID, wait)
		if err != nil {
			// The run is on its way; where it is must not get lost.
			return nil, huma.ErrorWithHeaders(problem.Of(err), http.Header{"Location": {location(run.ID)}})
		}
		run = waited
	}
	out := &startOutput{Status: http.StatusAccepted, Location: location(run.ID), Body: run}
	if run.Status.Ended() {
		out.Status = http.StatusOK
	}
	return out, nil
}

func location(id string) string { return "/api/v1/runs/" + url.PathEscape(id) }

// startProblem says why a run could not be started. That a key was used before
// with another input is a fault of the request, not a state to wait for.
func (a *admin) startProblem(script string, err error) error {
	p := problem.Of(err)
	switch call.Code(p.Code) {
	case call.CodeConflict:
		return p.WithStatus(http.StatusUnprocessableEntity)
	case call.CodeNotFound:
		if s, ok := a.Scripts.Find(script); ok && s.Error != nil {
			code := call.Code(s.Error.Code)
			if _, known := code.Describe(); !known {
				code = call.CodeLoad
			}
			where := ""
			if s.Error.Src != nil {
				where = s.Error.Src.String() + ": "
			}
			return problem.New(http.StatusUnprocessableEntity, code,
				"the script %s can not be loaded: %s: %s%s", script, s.Error.Name, where, s.Error.Message).WithHint("Fix the file; it is loaded again when you save it.")
		}
		return a.nearScript(p, script)
	}
	return p
}

type listInput struct {
	Script string `query:"script" doc:"Runs of this script"`
	Status string `query:"status" enum:"queued,running,waiting,paused,diverged,succeeded,failed,cancelled"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor string `query:"cursor" doc:"From the last page"`
}

func (a *admin) listRuns(ctx context.Context, in *listInput) (*body[api.Runs], error) {
	runs, cursor, err := a.Runs.List(ctx, runtime.ListQuery{Script: in.Script, Status: runtime.Status(in.Status), Limit: in.Limit, Cursor: in.Cursor})
	if err != nil {
		return nil, problem.Of(err)
	}
	if runs == nil {
		runs = []runtime.Run{}
	}
	return &body[api.Runs]{api.Runs{Runs: runs, Cursor: cursor}}, nil
}

type getInput struct {
	ID   string `path:"id"`
	Wait string `query:"wait" doc:"How long to wait for the run's end, at most 5m; not for a run that is paused or diverged" example:"10s"`
}

func (a *admin) getRun(ctx context.Context, in *getInput) (*body[runtime.Run], error) {
	wait, p := parseWait("query.wait", in.Wait)
	if p != nil {
		return nil, p
	}
	var run runtime.Run
	var err error
	if wait > 0 {
		run, err = a.Runs.Wait(ctx, in.ID, wait)
	} else {
		run, err = a.Runs.Get(ctx, in.ID)
	}
	if err != nil {
		return nil, problem.Of(err)
	}
	return &body[runtime.Run]{run}, nil
}

func (a *admin) deleteRun(ctx context.Context, in *runInput) (*struct{}, error) {
	if err := a.Runs.Delete(ctx, in.ID); err != nil {
		return nil, problem.Of(err)
	}
	return nil, nil
}

// parseWait reads how long a request wants to wait.
func parseWait(location, s string) (time.Duration, *problem.Problem) {
	if s == "" {
		return 0, nil
	}
	d, err := call.ParseDuration(s)
	if err != nil {
		return 0, field(location, err.Error(), s)
	}
	if d > maxWait {
		return 0, field(location, fmt.Sprintf("%s is too long: a request waits at most %s; ask again after that", s, maxWait), s)
	}
	return d, nil
}
