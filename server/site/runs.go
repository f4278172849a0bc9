// Runs over HTTP: a request to a script whose run handler owns the route starts
// a run. Its body is the input; the answer says where the run can be watched,
// or is the run's result.
//
// Who started a run over HTTP has no token of the admin API. What he gets
// instead is a URL with a key that is made of the run's id and of something
// that only the engine knows: it opens this one run, and it can not be guessed.

package site

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/problem"
)

const (
	// maxRunWait is the longest that a request waits for a run: what proxies
	// in between put up with.
	maxRunWait = 30 * time.Second
	// maxIdempotencyKey is as long as the admin API takes them.
	maxIdempotencyKey = 256
)

// startRun answers with a run.
func (x *exchange) startRun(route *route) {
	input, p := x.input(&route.source)
	if p != nil {
		x.refuse(p)
		return
	}
	key, p := idempotencyKey(x.r)
	if p != nil {
		x.refuse(p)
		return
	}
	run, _, err := x.site.options.Runs.Start(x.r.Context(), runtime.StartRequest{Script: x.script, Input: input, IdempotencyKey: key})
	if err != nil {
		x.refuse(x.site.startFailure(err))
		return
	}
	x.w.Header()[runHeader] = []string{run.ID}
	last := run
	if route.source.HTTP.Respond == Result {
		last = x.site.result(x.r.Context(), run)
	}
	x.answerRun(run, last, route.source.HTTP.Respond)
}

// answerRun sends what became of a run: last is the end of its line, which is
// another run where it has gone on as one.
func (x *exchange) answerRun(run, last runtime.Run, respond Respond) {
	switch {
	case respond != Result || !last.Status.Ended():
		x.accepted(run, last.Status)
	case last.Status != runtime.Succeeded:
		p := runProblem(last)
		x.count(p.Status)
		p.Write(x.w)
	case len(last.Output) == 0: // undefined
		x.count(http.StatusNoContent)
		x.w.Header().Set("Cache-Control", "no-store")
		x.w.WriteHeader(http.StatusNoContent)
	default:
		x.count(http.StatusOK)
		sendJSON(x.w, x.r, http.StatusOK, last.Output)
	}
}

// accepted says where the run can be watched, and how it, or the one that it
// goes on as, is doing.
func (x *exchange) accepted(run runtime.Run, status runtime.Status) {
	at := x.site.runURL(run.ID)
	x.w.Header().Set("Location", at)
	x.count(http.StatusAccepted)
	sendJSON(x.w, x.r, http.StatusAccepted, struct {
		ID     string         `json:"id"`
		Status runtime.Status `json:"status"`
		URL    string         `json:"url"`
	}{run.ID, status, at})
}

// runURL returns where a run can be watched: a path, because only the client
// knows what name it reached us by.
func (s *Site) runURL(id string) string {
	return runsPath + url.PathEscape(id) + "?key=" + url.QueryEscape(s.options.Runs.RunKey(id))
}

// result waits for a run's end, and for the ends of those that go on in its
// place. If that takes too long, or the run stands still, which only somebody
// can change, or the server stops, the run is as it is.
func (s *Site) result(ctx context.Context, run runtime.Run) runtime.Run {
	deadline := time.Now().Add(maxRunWait)
	for {
		if !run.Status.Ended() {
			waited, err := s.options.Runs.Wait(ctx, run.ID, time.Until(deadline))
			if err != nil {
				return run
			}
			run = waited
		}
		if run.Successor == "" || !run.Status.Ended() {
			return run
		}
		next, err := s.options.Runs.Get(ctx, run.Successor)
		if err != nil {
			run.Status = runtime.Running // it goes on, and can not be looked at now
			return run
		}
		run = next
	}
}

// input reads the run's input: JSON, or nothing, which is undefined.
func (x *exchange) input(route *RouteSource) (json.RawMessage, *problem.Problem) {
	body, p := x.site.readBody(x.w, x.r, route)
	if p != nil || len(body.Inline) == 0 {
		return nil, p
	}
	if media, _, err := mime.ParseMediaType(x.r.Header.Get("Content-Type")); x.r.Header.Get("Content-Type") != "" &&
		(err != nil || media != "application/json" && !strings.HasSuffix(media, "+json")) {
		return nil, problem.New(http.StatusUnsupportedMediaType, call.CodeInvalidArgument, "a run's input is JSON, and the request's body is %.100q", x.r.Header.Get("Content-Type")).
			WithHint("Send Content-Type: application/json.")
	}
	var input json.RawMessage
	if err := json.Unmarshal(body.Inline, &input); err != nil {
		return nil, problem.New(http.StatusBadRequest, call.CodeInvalidJSON, "the request's body is not valid JSON: %v", err).
			WithHint("Send one JSON value, or no body at all.")
	}
	if !utf8.Valid(input) {
		return nil, problem.New(http.StatusBadRequest, call.CodeInvalidJSON, "the request's body is not valid UTF-8")
	}
	return input, nil
}

// idempotencyKey returns the request's key; the same one again gets the same run.
func idempotencyKey(r *http.Request) (string, *problem.Problem) {
	lines := r.Header.Values("Idempotency-Key")
	switch {
	case len(lines) == 0:
		return "", nil
	case len(lines) > 1:
		return "", problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "the request has %d Idempotency-Key headers; send one", len(lines))
	case len(lines[0]) > maxIdempotencyKey:
		return "", problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "the Idempotency-Key has %d characters; the limit is %d", len(lines[0]), maxIdempotencyKey)
	}
	return lines[0], nil
}

// startFailure says why no run was started, without the engine's words: they
// may name other runs.
func (s *Site) startFailure(err error) *problem.Problem {
	p := problem.Of(err)
	switch call.Code(p.Code) {
	case call.CodeConflict:
		return problem.New(http.StatusUnprocessableEntity, call.CodeConflict, "this Idempotency-Key was used before with another input").
			WithHint("Use a new key for a new request, and the same one only to repeat a request as it was.")
	case call.CodeNotFound:
		// It went away between the look at the table and this.
		return problem.New(http.StatusNotFound, call.CodeNotFound, "nothing answers here any more").WithHint("")
	case call.CodeUnavailable, call.CodeStore, call.CodeServerStopped:
		if !s.options.Dev {
			p = problem.New(http.StatusServiceUnavailable, call.Code(p.Code), "the server takes no new runs now").WithHint("Try again later.")
		}
		return p
	}
	if !s.options.Dev {
		p.Detail, p.Hint = "the run could not be started", ""
	}
	return p
}

// runProblem is the answer for a run that did not succeed.
func runProblem(run runtime.Run) *problem.Problem {
	p := &problem.Problem{Title: "The run failed.", Status: http.StatusInternalServerError, Code: "ERROR", Detail: "the run failed", Run: run.ID}
	if run.Status == runtime.Cancelled {
		p.Title, p.Status, p.Code, p.Detail = "The run was cancelled.", http.StatusConflict, string(call.CodeCancelled), "the run was cancelled"
	}
	if run.Error != nil {
		p.Code, p.Detail = codeOf(run.Error), run.Error.Error()
	}
	p.Type = "urn:reprise:error:" + p.Code
	return p
}

// count counts an answer; what is refused is counted there.
func (x *exchange) count(status int) {
	if x.site.options.Meter != nil {
		x.site.options.Meter.RequestEnded(x.script, status, time.Since(x.began))
	}
}

// sendJSON answers with a document that nobody keeps.
func sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := call.Encode(v)
	if err != nil {
		panic("site: the document is not JSON: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		write(w, b)
	}
}
