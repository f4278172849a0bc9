// GET /_/runs/{id}?key=…: how a run that was started over HTTP is doing.

package site

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/server/problem"
)

// watched is a run as the holder of its key sees it: neither input nor stack,
// nor anything else that belongs to the script.
type watched struct {
	ID        string          `json:"id"`
	Status    runtime.Status  `json:"status"`
	Output    json.RawMessage `json:"output,omitempty"`
	Error     *watchedError   `json:"error,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
	EndedAt   *time.Time      `json:"endedAt,omitempty"`
	// Successor is where the run goes on that this one continued as.
	Successor string `json:"successor,omitempty"`
}

type watchedError struct {
	Name    string `json:"name"`
	Message string `json:"message"`
	Code    string `json:"code,omitempty"`
}

// showRun answers below /_/runs/.
func (x *exchange) showRun(id string) {
	h := x.w.Header()
	h.Set("Referrer-Policy", "no-referrer") // the key is in the URL
	// The key is all that it takes, so a page of any origin may ask with it.
	h.Set("Access-Control-Allow-Origin", "*")
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		x.refuse(problem.New(http.StatusMethodNotAllowed, call.CodeInvalidArgument, "a run can be looked at here, and nothing else").WithHint("Use GET."))
		return
	}
	query := x.r.URL.Query()
	if id == "" || strings.Contains(id, "/") || !x.site.opens(query.Get("key"), id) {
		x.refuse(noSuchRun())
		return
	}
	wait, p := runWait(query.Get("wait"))
	if p != nil {
		x.refuse(p)
		return
	}
	run, err := x.site.look(x.r, id, wait)
	if err != nil {
		x.refuse(lookFailure(err))
		return
	}
	sendJSON(x.w, x.r, http.StatusOK, x.site.watched(run))
}

func noSuchRun() *problem.Problem {
	return problem.New(http.StatusNotFound, call.CodeNotFound, "there is no run here, or the key is not the one of this run").
		WithHint("Use the whole URL that the run was started with; ended runs are forgotten after a time.")
}

// opens compares digests of equal length, so that time tells nothing, and
// before it is known whether there is such a run.
func (s *Site) opens(key, id string) bool {
	want, got := sha256.Sum256([]byte(s.options.Runs.RunKey(id))), sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && key != ""
}

// runWait reads how long a request wants to wait for the run's end.
func runWait(s string) (time.Duration, *problem.Problem) {
	if s == "" {
		return 0, nil
	}
	d, err := call.ParseDuration(s)
	switch {
	case err != nil:
		return 0, problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "wait: %v", err).WithHint("Write it like wait=10s.")
	case d > maxRunWait:
		return 0, problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "wait: %s is too long; a request waits at most %s", d, maxRunWait).WithHint("Ask again after that.")
	}
	return max(d, 0), nil
}

func (s *Site) look(r *http.Request, id string, wait time.Duration) (runtime.Run, error) {
	if wait > 0 {
		return s.options.Runs.Wait(r.Context(), id, wait)
	}
	return s.options.Runs.Get(r.Context(), id)
}

// lookFailure says why a run can not be shown.
func lookFailure(err error) *problem.Problem {
	p := problem.Of(err)
	switch {
	case p.Status == http.StatusNotFound:
		return noSuchRun()
	case p.Status == http.StatusServiceUnavailable:
		return problem.New(p.Status, call.CodeUnavailable, "the run can not be looked at now").WithHint("Try again later.")
	}
	return problem.New(http.StatusInternalServerError, call.CodeInternal, "the run can not be looked at")
}

func (s *Site) watched(run runtime.Run) watched {
	out := watched{ID: run.ID, Status: run.Status, Output: run.Output, CreatedAt: run.CreatedAt, EndedAt: run.EndedAt}
	if e := run.Error; e != nil {
		out.Error = &watchedError{Name: e.Name, Message: e.Message, Code: e.Code}
	}
	if run.Successor != "" {
		out.Successor = s.runURL(run.Successor)
	}
	return out
}
