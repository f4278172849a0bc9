package ask

import (
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"reprise/runtime"
	"reprise/runtime/call"
	"reprise/runtime/logs"
	"reprise/server/problem"
)

// Prefix is where the pages are; the run and the call follow.
const Prefix = "/_/ask/"

// Engine knows the questions. Errors are *call.Error: NOT_FOUND_ERROR for a
// question that does not exist or a key that is not its own, CONFLICT_ERROR for
// one that is not open any more, UNAVAILABLE_ERROR where nothing can be kept.
type Engine interface {
	// Ask returns a question.
	Ask(ctx context.Context, run string, ask uint64, key string) (runtime.AskForm, error)
	// Answer answers it, once.
	Answer(ctx context.Context, run string, ask uint64, key string, value json.RawMessage) error
}

// Log takes entries about questions that can not be asked.
type Log interface {
	Emit(logs.Entry) uint64
}

// Options are what the page is made with. Only Engine is needed.
type Options struct {
	Engine Engine
	Log    Log
	// BodyTimeout is how long a client may take to send its answer; a minute if zero.
	BodyTimeout time.Duration
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

type handler struct {
	Options
	template *template.Template
}

// New returns the handler of everything below Prefix.
func New(o Options) http.Handler {
	if o.BodyTimeout <= 0 {
		o.BodyTimeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &handler{o, template.Must(parsePage())}
}

// place is which question a request is about.
type place struct {
	run string
	ask uint64
	key string
}

func placeOf(r *http.Request) (place, bool) {
	run, id, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	ask, err := strconv.ParseUint(id, 10, 64)
	return place{run, ask, r.URL.Query().Get("key")}, ok && run != "" && err == nil
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{handler: h, w: w, r: r, json: wantsJSON(r)}
	x.headers()
	at, ok := placeOf(r)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		x.refuse(problem.New(http.StatusMethodNotAllowed, call.CodeInvalidArgument, "a question is looked at with GET and answered with POST"))
		return
	case !ok:
		x.refuse(unknown())
		return
	}
	form, err := h.Engine.Ask(r.Context(), at.run, at.ask, at.key)
	if err != nil {
		x.refuse(x.failure(err))
		return
	}
	x.form = form
	if r.Method == http.MethodPost {
		x.take(at) //nolint:contextcheck // it is the request's, which the exchange holds
		return
	}
	x.show()
}

// exchange is one request and its answer.
type exchange struct {
	*handler
	w    http.ResponseWriter
	r    *http.Request
	json bool // the client is a program
	form runtime.AskForm
}

// headers are those of every answer. The address is a secret: it must not be
// kept, nor be told to other sites.
func (x *exchange) headers() {
	h := x.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}

// show answers a look at the question.
func (x *exchange) show() {
	if x.json {
		x.document(http.StatusOK, x.form)
		return
	}
	if p := x.closed(); p != nil {
		x.refuse(p)
		return
	}
	q, p := x.question()
	if p != nil {
		x.refuse(p)
		return
	}
	q.root.prefill()
	x.page(http.StatusOK, x.formPage(q))
}

// closed says why the question takes no answer any more, or nil.
func (x *exchange) closed() *problem.Problem {
	until := x.form.Until
	switch {
	case x.form.Answered:
		return closed("the question is not open any more: it has been answered, or its run has ended")
	case until != nil && until.Before(x.Now()):
		return closed("the time to answer was over at " + moment(*until))
	}
	return nil
}

// question makes the form. That it can not be made is the script's fault, and
// whoever watches it is told.
func (x *exchange) question() (*question, *problem.Problem) {
	q, err := newQuestion(x.form.Schema)
	if err == nil {
		return q, nil
	}
	if x.Log != nil {
		x.Log.Emit(logs.Entry{
			Level: logs.Error, Kind: logs.KindRun, Script: x.form.Script, Run: x.form.Run,
			Msg: "the question “" + x.form.Title + "” can not be answered, because its schema can not be used: " + err.Error(),
		})
	}
	return nil, problem.New(http.StatusInternalServerError, call.CodeInvalidArgument, "the question can not be shown, because its schema can not be used").
		WithHint("Nothing is wrong with your link. The run's log says what is wrong with the schema, to whoever looks after the script %s.", x.form.Script)
}

// failure is what the engine's refusal means here.
func (x *exchange) failure(err error) *problem.Problem {
	var e *call.Error
	if !errors.As(err, &e) {
		return problem.Of(err)
	}
	switch call.Code(e.Code) {
	case call.CodeNotFound:
		return unknown()
	case call.CodeConflict:
		return closed("the question is not open any more: it has been answered, or its time is up")
	case call.CodeUnavailable, call.CodeStore, call.CodeServerStopped:
		return problem.New(http.StatusServiceUnavailable, call.Code(e.Code), "nothing can be kept at the moment").WithHint("Try again in a while; the question is still open.")
	}
	return problem.New(http.StatusInternalServerError, call.CodeInternal, "the server failed on this question")
}

func unknown() *problem.Problem {
	return problem.New(http.StatusNotFound, call.CodeNotFound, "there is no such question: the link is not complete, or its run is forgotten").
		WithHint("Open the whole link, as it was sent to you.")
}

func closed(detail string) *problem.Problem {
	return problem.New(http.StatusGone, call.CodeConflict, "%s", detail).WithHint("")
}

// refuse says why there is no form, or no answer was taken.
func (x *exchange) refuse(p *problem.Problem) {
	if x.json {
		p.Write(x.w)
		return
	}
	if p.Status == http.StatusServiceUnavailable {
		x.w.Header().Set("Retry-After", "10")
	}
	message := messagePage(p)
	message.Script, message.Run = x.form.Script, x.form.Run
	x.page(p.Status, message)
}

// document answers a program.
func (x *exchange) document(status int, v any) {
	b, err := call.Encode(v)
	if err != nil {
		panic("ask: the document is not JSON: " + err.Error())
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	x.w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		// The only error is a client that went away.
		_, _ = x.w.Write(b)
	}
}

// wantsJSON reports whether a program asks: one that sends JSON, or one that
// wants it and no page.
func wantsJSON(r *http.Request) bool {
	if r.Method == http.MethodPost {
		return mediaOf(r) == mediaJSON
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// moment writes a time for people who may be anywhere.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04") + " UTC" }
