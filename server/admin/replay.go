package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/api"
	"reprise/server/problem"
)

// replayEndpoints registers what plays runs again, with nothing performed.
func (a *admin) replayEndpoints(h huma.API) {
	const replay, check = "/api/v1/runs/{id}/replay", "/api/v1/scripts/{name}/check"
	what := a.operation(h, http.MethodPost, replay, "replayRun", "Play a run again, against edited code if you like",
		"Every call is answered from the journal and nothing is performed; the run does not change. Answers with the calls, the log and the outcome of the replay.")
	what.BodyReadTimeout = bodyTimeout
	huma.Register(h, what, a.replayRun)
	whether := a.operation(h, http.MethodPost, check, "checkScript", "Would this code break running runs?",
		"Replays every run of the script that has not ended, and the last finished ones, against a candidate, with nothing performed.")
	whether.BodyReadTimeout = bodyTimeout
	huma.Register(h, whether, a.checkScript)
	example(h, replay, http.MethodPost, "200", exampleReplay())
	example(h, check, http.MethodPost, "200", exampleCheck())
}

type replayInput struct {
	ID   string `path:"id"`
	Body *api.ReplayRun
}

func (a *admin) replayRun(ctx context.Context, in *replayInput) (*body[runtime.ReplayReport], error) {
	report, err := a.Runs.Replay(ctx, in.ID, runtime.ReplayRequest(given(in.Body)))
	if err != nil {
		return nil, problem.Of(err)
	}
	if report.Calls == nil {
		report.Calls = []runtime.ReplayCall{}
	}
	if report.Logs == nil {
		report.Logs = []runtime.ReplayLine{}
	}
	return &body[runtime.ReplayReport]{report}, nil
}

type checkInput struct {
	Name string `path:"name" doc:"One percent-encoded segment: orders%2Ffulfil" example:"orders%2Ffulfil"`
	Body *api.CheckScript
}

func (a *admin) checkScript(ctx context.Context, in *checkInput) (*body[runtime.CheckReport], error) {
	wanted := given(in.Body)
	report, err := a.Runs.Check(ctx, runtime.CheckRequest{Script: in.Name, Source: wanted.Source, Finished: wanted.Finished})
	if err != nil {
		p := problem.Of(err)
		if call.Code(p.Code) == call.CodeNotFound {
			p = a.nearScript(p, in.Name)
		}
		return nil, p
	}
	if report.Runs == nil {
		report.Runs = []runtime.CheckRun{}
	}
	return &body[runtime.CheckReport]{report}, nil
}
