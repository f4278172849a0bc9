package runtime

import (
	"encoding/json"
	"net/http"
	"strings"

	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// FetchResult is how a request to a fetch handler ended: Response, or Err.
type FetchResult struct {
	Run      string // the id of the run, as in the log entries
	Revision string
	Response *worker.Response // its body is inline
	Err      *call.Error
}

// Fetch answers a request with a script's fetch handler. The run is ephemeral:
// it has an id in the log and no row in the store. It goes on when the client
// leaves, so that what it began is not left half done, up to its timeout.
func (e *Engine) Fetch(script string, req *worker.Request) FetchResult {
	s, missing := e.pick(script)
	if missing != nil {
		return FetchResult{Err: missing}
	}
	if !s.Has(worker.HandlerFetch) {
		e.options.Workers.Forget(s.Revision)
		return FetchResult{Revision: s.Revision, Err: call.Errorf(call.CodeNotFound, "the script %s has no fetch handler", script)}
	}
	if err := e.enter(); err != nil {
		e.options.Workers.Forget(s.Revision)
		return FetchResult{Revision: s.Revision, Err: err}
	}
	x := e.newExecution(s, worker.HandlerFetch, newRunID(), false)
	if x.limit = s.Timeout; x.limit <= 0 {
		x.limit = DefaultFetchTimeout
	}
	x.by.Depth = req.Depth
	result := FetchResult{Run: x.by.Run, Revision: s.Revision}
	turn, err := x.begin(worker.Start{Request: req})
	e.options.Workers.Forget(s.Revision) // the session has its VM
	if err != nil {
		turn = failedTurn(call.From(err))
	}
	turn = x.drive(turn, func(t worker.Turn) bool { return t.Settled })
	result.Err = turn.Err
	if turn.Response != nil {
		result.Response, result.Err = x.inline(turn.Response)
	}
	x.logRequest(req, result)
	if turn.Done && len(x.open) == 0 {
		x.leave(turn)
		return result
	}
	go x.goOn(turn)
	return result
}

// goOn finishes what a request's script does after its answer: ctx.waitUntil,
// and calls that are still open. An error of that is all there is to tell.
func (x *execution) goOn(settled worker.Turn) {
	last := x.drive(worker.Turn{N: settled.N, Done: settled.Done, Err: settled.Err}, func(t worker.Turn) bool { return t.Done })
	if last.Err != nil && settled.Err == nil {
		x.logBackground(last.Err)
	}
	if last.Err == nil {
		last.Err = settled.Err
	}
	x.leave(last)
}

// inline replaces a response body that the host keeps by its bytes.
func (x *execution) inline(r *worker.Response) (*worker.Response, *call.Error) {
	if !r.Body.IsHeld() {
		return r, nil
	}
	bytes, err := x.bodies.read(r.Body)
	if err != nil {
		return nil, call.From(err)
	}
	c := *r
	c.Body = call.Bytes(bytes)
	return &c, nil
}

// leave finishes an ephemeral execution.
func (x *execution) leave(last worker.Turn) {
	x.finish(last)
	x.engine.work.Done()
}

// FailureStatus is the HTTP status of a request whose script failed: 500 unless it was the
// server that could not go on, or time that ran out.
func FailureStatus(err *call.Error, run string) int {
	switch call.Code(err.Code) {
	case call.CodeTimeout:
		return http.StatusGatewayTimeout
	case call.CodeResource:
		var data struct {
			Limit string `json:"limit"`
		}
		// Without data it is one of the other limits.
		if json.Unmarshal(err.Data, &data) == nil && strings.HasPrefix(data.Limit, "wall") {
			return http.StatusGatewayTimeout
		}
		return http.StatusServiceUnavailable
	case call.CodeUnavailable, call.CodeServerStopped:
		return http.StatusServiceUnavailable
	case call.CodeNotFound:
		if run == "" { // the script was removed since the request was routed
			return http.StatusNotFound
		}
	}
	return http.StatusInternalServerError
}
