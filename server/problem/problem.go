package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"reprise/runtime/call"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// Problem is an RFC 9457 problem document. As an error it is what an endpoint
// returns, and what the client of the admin API makes of an answer.
//
//nolint:errname // RFC 9457 calls it a problem
type Problem struct {
	Type   string       `json:"type" doc:"urn:reprise:error: and the code" example:"urn:reprise:error:NOT_FOUND_ERROR"`
	Title  string       `json:"title" doc:"What an error of this code means" example:"What was named does not exist."`
	Status int          `json:"status" doc:"The HTTP status" example:"404"`
	Detail string       `json:"detail" doc:"What happened, in a sentence" example:"there is no script orders/fulfill"`
	Code   string       `json:"code" doc:"The error's code; the reference of errors lists them" example:"NOT_FOUND_ERROR"`
	Hint   string       `json:"hint,omitempty" doc:"What to do about it"`
	Errors []FieldError `json:"errors,omitempty" nullable:"false" doc:"What is wrong with each field of the request"`
	// Run and Stack belong to failed requests to scripts.
	Run   string `json:"run,omitempty" doc:"The run that failed"`
	Stack string `json:"stack,omitempty" doc:"Where it failed, in the script's sources"`
	// Divergence belongs to DIVERGED_ERROR: the report, out of the error's data.
	Divergence json.RawMessage `json:"divergence,omitempty" doc:"Where a replay did something other than the journal has"`
}

// FieldError is what is wrong with one field of a request.
type FieldError struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty" doc:"body.script, query.limit"`
	Value    any    `json:"value,omitempty" doc:"What was sent"`
}

// New returns a problem of a catalogued code. Title and hint are the code's.
func New(status int, code call.Code, format string, args ...any) *Problem {
	d, _ := code.Describe()
	return &Problem{
		Type: "urn:reprise:error:" + string(code), Title: d.Sentence, Status: status,
		Detail: fmt.Sprintf(format, args...), Code: string(code), Hint: d.Hint,
	}
}

// Of returns the problem of an error. A *call.Error keeps its code and
// message; the end of a context is the server's or the client's going away; of
// any other error only that it happened is told.
func Of(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var e *call.Error
	switch {
	case errors.As(err, &e):
		code := call.Code(e.Code)
		p = New(StatusOf(code), code, "%s", e.Message)
		if _, known := code.Describe(); !known {
			p.Title = e.Name
		}
		if code == call.CodeDiverged {
			p.Divergence = divergence(e.Data)
		}
		return p
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return New(http.StatusServiceUnavailable, call.CodeUnavailable, "the server stopped waiting, because it is stopping or the client went away")
	}
	return New(http.StatusInternalServerError, call.CodeInternal, "the server failed in an unexpected way; its log says more")
}

// divergence takes the report out of the data of a DIVERGED_ERROR.
func divergence(data json.RawMessage) json.RawMessage {
	var d struct {
		Divergence json.RawMessage `json:"divergence"`
	}
	if json.Unmarshal(data, &d) != nil {
		return nil // it has none
	}
	return d.Divergence
}

// StatusOf returns the HTTP status for errors of a code.
func StatusOf(code call.Code) int {
	switch code {
	case call.CodeNotFound:
		return http.StatusNotFound
	case call.CodeConflict, call.CodeKVConflict, call.CodeDiverged:
		return http.StatusConflict
	case call.CodeInvalidArgument, call.CodeCompile, call.CodeConfig, call.CodeLoad:
		return http.StatusUnprocessableEntity
	case call.CodeInvalidJSON:
		return http.StatusBadRequest
	case call.CodeUnauthorized:
		return http.StatusUnauthorized
	case call.CodeForbidden:
		return http.StatusForbidden
	case call.CodeBodyTooLarge:
		return http.StatusRequestEntityTooLarge
	case call.CodeResource:
		return http.StatusTooManyRequests
	case call.CodeUnavailable, call.CodeServerStopped, call.CodeStore:
		return http.StatusServiceUnavailable
	case call.CodeTimeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// WithHint returns a copy of p with another hint.
func (p *Problem) WithHint(format string, args ...any) *Problem {
	c := *p
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// WithStatus returns a copy of p with another status.
func (p *Problem) WithStatus(status int) *Problem {
	c := *p
	c.Status = status
	return &c
}

// Error returns the detail, so that a problem reads well as an error.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// As lets errors.As find the *call.Error that the problem was made of.
func (p *Problem) As(target any) bool {
	t, ok := target.(**call.Error)
	if !ok || p.Code == "" {
		return false
	}
	e := &call.Error{Name: call.Code(p.Code).Name(), Code: p.Code, Message: p.Error(), Stack: p.Stack}
	if p.Divergence != nil {
		e = e.WithData(map[string]any{"divergence": p.Divergence})
	}
	*t = e
	return true
}

// GetStatus returns the status; huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type of the document; huma asks for it.
func (p *Problem) ContentType(string) string { return ContentType }

// Write sends the problem as the whole answer.
func (p *Problem) Write(w http.ResponseWriter) {
	b, err := call.Encode(p)
	if err != nil {
		// Only a value of a field error can be at fault; leave them out.
		c := *p
		c.Errors = nil
		b, _ = call.Encode(&c)
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	busy := p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests
	if busy && h.Get("Retry-After") == "" { // who writes it may know better
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	// The only error is a client that went away, and it can not be told.
	_, _ = w.Write(b)
}

// Parse reads a problem from the body of an answer. Anything that is not a
// problem document becomes one that says what came instead.
func Parse(status int, body []byte) *Problem {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || (p.Detail == "" && p.Title == "") {
		const preview = 200
		return &Problem{
			Type: "about:blank", Title: http.StatusText(status), Status: status,
			Detail: fmt.Sprintf("the server answered %d %s: %.*q", status, http.StatusText(status), preview, body),
		}
	}
	if p.Status == 0 {
		p.Status = status
	}
	return &p
}
