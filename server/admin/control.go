package admin

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"reprise/runtime"
	"reprise/server/api"
	"reprise/server/problem"
)

// controlEndpoints registers what changes the course of a run. A request's body
// may be missing where nothing in it is needed.
func (a *admin) controlEndpoints(h huma.API) {
	const run = "/api/v1/runs/{id}/"
	control(a, h, run+"cancel", "cancelRun", "Cancel a run",
		"Its open calls fail with CancelledError, and it may clean up for 30 seconds. 409 when it has ended.",
		func(ctx context.Context, in *runInput) (runtime.Run, error) { return a.Runs.Cancel(ctx, in.ID) })
	control(a, h, run+"kill", "killRun", "End a run at once",
		"No clean-up: neither finally blocks nor undo run. Its status is cancelled. 409 when it has ended.",
		func(ctx context.Context, in *runInput) (runtime.Run, error) { return a.Runs.Kill(ctx, in.ID) })
	control(a, h, run+"pause", "pauseRun", "Pause a run",
		"It stops after its current turn; what its open calls come back with is kept until it is resumed. 409 when it has ended.",
		func(ctx context.Context, in *runInput) (runtime.Run, error) { return a.Runs.Pause(ctx, in.ID) })
	control(a, h, run+"resume", "resumeRun", "Let a paused or diverged run go on",
		"409 when it is neither.",
		func(ctx context.Context, in *resumeInput) (runtime.Run, error) {
			return a.Runs.Resume(ctx, in.ID, runtime.ResumeRequest(given(in.Body)))
		})
	control(a, h, run+"retry", "retryRun", "Retry a failed run",
		"It goes on from just before the outcome that failed it; what was done before stays done. 409 when it has not failed, its undo has begun, or its replay with another revision diverges.",
		func(ctx context.Context, in *retryInput) (runtime.Run, error) {
			return a.Runs.Retry(ctx, in.ID, runtime.RetryRequest(given(in.Body)))
		})
	control(a, h, run+"upgrade", "upgradeRun", "Move a run to another revision",
		"409 with the divergence when its replay does not agree; then nothing has changed.",
		func(ctx context.Context, in *upgradeInput) (runtime.Run, error) {
			return a.Runs.Upgrade(ctx, in.ID, given(in.Body).Revision)
		})
	a.forkEndpoint(h, run+"fork")
}

// control registers one endpoint that answers 202 with the run.
func control[I any](a *admin, h huma.API, path, id, summary, description string, do func(context.Context, *I) (runtime.Run, error)) {
	op := a.operation(h, http.MethodPost, path, id, summary, description)
	op.DefaultStatus = http.StatusAccepted
	huma.Register(h, op, func(ctx context.Context, in *I) (*body[runtime.Run], error) {
		run, err := do(ctx, in)
		if err != nil {
			return nil, problem.Of(err)
		}
		return &body[runtime.Run]{run}, nil
	})
	example(h, path, http.MethodPost, "202", exampleRun(runtime.Running))
}

// given returns the body of a request, or what a missing one means.
func given[T any](body *T) T {
	if body == nil {
		return *new(T)
	}
	return *body
}

type runInput struct {
	ID string `path:"id"`
}

type resumeInput struct {
	ID   string `path:"id"`
	Body *api.ResumeRun
}

type retryInput struct {
	ID   string `path:"id"`
	Body *api.RetryRun
}

type upgradeInput struct {
	ID   string `path:"id"`
	Body *api.UpgradeRun
}

func (a *admin) forkEndpoint(h huma.API, path string) {
	op := a.operation(h, http.MethodPost, path, "forkRun", "Start a new run that shares the first turns",
		"The run itself does not change. 409 with the divergence when the shared turns, played with another revision, do not agree.")
	op.DefaultStatus = http.StatusCreated
	huma.Register(h, op, a.forkRun)
	forked := exampleRun(runtime.Running)
	forked.ForkOf, forked.ID = exampleID, "01936f31-02aa-7c55-b1f0-5d4c3b2a1908"
	example(h, path, http.MethodPost, "201", forked)
}

type forkInput struct {
	ID   string `path:"id"`
	Body api.ForkRun
}

type forkOutput struct {
	Location string `header:"Location" doc:"Where the new run is"`
	Body     runtime.Run
}

func (a *admin) forkRun(ctx context.Context, in *forkInput) (*forkOutput, error) {
	run, err := a.Runs.Fork(ctx, in.ID, runtime.ForkRequest(in.Body))
	if err != nil {
		return nil, problem.Of(err)
	}
	return &forkOutput{Location: location(run.ID), Body: run}, nil
}
