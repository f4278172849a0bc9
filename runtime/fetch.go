package runtime

import (
	"io"
	"net/http"
	"time"

	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// FetchResult is how a request to a fetch handler ended: Response, or Err.
type FetchResult struct {
	Run      string // the id of the run, as in the log entries
	Revision string
	Response *worker.Response // its body is inline, but for that of Stream
	// Stream is the body where it has not arrived yet, or the script makes it while
	// it is sent. It must be closed. An error of reading it means that the answer is
	// not whole, which the client must be able to tell.
	Stream io.ReadCloser
	Err    *call.Error
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
	began, run := time.Now(), newRunID()
	for try := 1; ; try++ {
		result, x, turn := e.fetch(s, run, req)
		lost := isLost(result.Err) && (turn.Dead || x.session == nil) // and not an error of the script's own
		if try == 1 && lost && x.mayBeAsked(req) && time.Since(began) < retryLost {
			x.close(false)
			x.count.requests.Add(-1) // it is one request
			continue                 // in another process
		}
		e.options.Workers.Forget(s.Revision) // the session has its VM
		x.logRequest(req, result)
		if turn.Done && len(x.open) == 0 {
			x.leave(turn)
		} else {
			go x.goOn(turn)
		}
		return result
	}
}

// retryLost is how long after its beginning a request is tried once more that
// lost its process.
const retryLost = 10 * time.Second

// mayBeAsked reports whether a request can be answered by another process, as
// if it had never begun: it is a question, and nothing was written for it.
func (x *execution) mayBeAsked(req *worker.Request) bool {
	return !x.wrote && (req.Method == http.MethodGet || req.Method == http.MethodHead)
}

// fetch has a request answered, or fail.
func (e *Engine) fetch(s *Script, run string, req *worker.Request) (FetchResult, *execution, worker.Turn) {
	x := e.newExecution(s, worker.HandlerFetch, run)
	if x.limit = s.Timeout; x.limit <= 0 {
		x.limit = DefaultFetchTimeout
	}
	x.by.Depth = req.Depth
	result := FetchResult{Run: run, Revision: s.Revision}
	turn, err := x.begin(worker.Start{Request: req})
	if err != nil {
		turn = failedTurn(call.From(err))
	}
	turn = x.drive(turn, func(t worker.Turn) bool { return t.Settled })
	if turn.TooLarge > 0 {
		turn.Err = x.resultTooLarge(turn.TooLarge)
	}
	turn.Err = x.locate(turn.Err)
	result.Err = turn.Err
	if turn.Response != nil {
		result.Response, result.Stream, result.Err = x.resolve(turn.Response)
	}
	return result, x, turn
}

// goOn finishes what a request's script does after its answer: ctx.waitUntil,
// and calls that are still open. An error of that is all there is to tell.
func (x *execution) goOn(settled worker.Turn) {
	last := x.drive(worker.Turn{N: settled.N, Done: settled.Done, Err: settled.Err}, func(t worker.Turn) bool { return t.Done })
	last.Err = x.locate(last.Err)
	if last.Err != nil && settled.Err == nil {
		x.logBackground(last.Err)
	}
	if last.Err == nil {
		last.Err = settled.Err
	}
	x.leave(last)
}

// resolve finds the body of a response that the host has.
func (x *execution) resolve(r *worker.Response) (*worker.Response, io.ReadCloser, *call.Error) {
	if !r.Body.IsHeld() {
		return r, nil, nil
	}
	c := *r
	if r.Body.IsLive() {
		stream, size, err := x.streamFor(r.Body.Handle)
		if err != nil {
			return nil, nil, err
		}
		c.Body = call.Body{Present: true, Size: size}
		return &c, stream, nil
	}
	bytes, err := x.bodies.read(r.Body)
	if err != nil {
		return nil, nil, call.From(err)
	}
	c.Body = call.Bytes(bytes)
	return &c, nil, nil
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
		switch call.LimitOf(err) {
		case limitTimeout:
			return http.StatusGatewayTimeout
		case limitResult, limitCalls, limitMessage:
			return http.StatusInternalServerError // the next request would get the same
		}
		return http.StatusServiceUnavailable
	case call.CodeUnavailable, call.CodeServerStopped, call.CodeWorkerLost:
		if c, ok := worker.CrowdOf(err); ok && c.Script != "" {
			return http.StatusTooManyRequests
		}
		return http.StatusServiceUnavailable
	case call.CodeNotFound:
		if run == "" { // the script was removed since the request was routed
			return http.StatusNotFound
		}
	}
	return http.StatusInternalServerError
}

// RetryAfter says after how many seconds a request that failed may be sent
// again, if that is known: one that lost its process at once, since another one
// is there, and one that was not taken because many wait in a second.
func RetryAfter(err *call.Error) (seconds int, ok bool) {
	if isLost(err) {
		return 0, true
	}
	_, ok = worker.CrowdOf(err)
	return 1, ok
}
