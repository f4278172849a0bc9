// Taking an answer: from a form's fields or from JSON, through the schema, to
// the engine.

package ask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"reprise/runtime/call"
	"reprise/server/problem"
)

// maxAnswer is the largest body of an answer: a long text, and no file.
const maxAnswer = 256 << 10

// The media types of answers.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// mediaOf returns the request's media type; every kind of JSON is JSON.
func mediaOf(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return ""
	case strings.HasSuffix(media, "+json"):
		return mediaJSON
	}
	return media
}

// take answers a POST.
func (x *exchange) take(at place) {
	if p := x.closed(); p != nil {
		x.refuse(p)
		return
	}
	media := mediaOf(x.r)
	if media != mediaJSON && media != mediaForm {
		x.refuse(problem.New(http.StatusUnsupportedMediaType, call.CodeInvalidArgument, "an answer is a form or JSON").WithHint("Send Content-Type: application/json."))
		return
	}
	q, p := x.question()
	if p != nil {
		x.refuse(p)
		return
	}
	body, p := x.body()
	if p != nil {
		x.refuse(p)
		return
	}
	if media == mediaJSON {
		x.takeJSON(at, q, body)
	} else {
		x.takeForm(at, q, body)
	}
}

// body reads the answer, up to the limit.
func (x *exchange) body() ([]byte, *problem.Problem) {
	// It fails only where deadlines do not exist, as in tests.
	control := http.NewResponseController(x.w)
	_ = control.SetReadDeadline(time.Now().Add(x.BodyTimeout))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxAnswer))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, problem.New(http.StatusRequestEntityTooLarge, call.CodeBodyTooLarge, "the answer is larger than the limit of %d bytes", maxAnswer).
			WithHint("Write less, or keep it elsewhere and answer with a link.")
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "the answer did not arrive whole")
	}
	return body, nil
}

// takeJSON takes the answer of a program.
func (x *exchange) takeJSON(at place, q *question, body []byte) {
	var value json.RawMessage
	if err := json.Unmarshal(body, &value); err != nil || !utf8.Valid(body) {
		x.refuse(problem.New(http.StatusBadRequest, call.CodeInvalidJSON, "the answer is not valid JSON").WithHint("Send one JSON value: true, for example."))
		return
	}
	if troubles := q.check(value); len(troubles) > 0 {
		p := problem.New(http.StatusUnprocessableEntity, call.CodeInvalidArgument, "the answer does not fit the question's schema").
			WithHint("Look at errors: each names a place in the answer and what is expected there.")
		for _, t := range troubles {
			p.Errors = append(p.Errors, problem.FieldError{Location: strings.Join(append([]string{"body"}, t.path...), "."), Message: t.message})
		}
		x.refuse(p)
		return
	}
	if err := x.Engine.Answer(x.r.Context(), at.run, at.ask, at.key, value); err != nil {
		x.refuse(x.answerFailure(err))
		return
	}
	x.w.WriteHeader(http.StatusNoContent)
}

// takeForm takes the answer of a human. What was typed is shown again where it
// was not right.
func (x *exchange) takeForm(at place, q *question, body []byte) {
	values, err := url.ParseQuery(string(body))
	if err != nil || !utf8.Valid(body) {
		x.refuse(problem.New(http.StatusBadRequest, call.CodeInvalidArgument, "the form did not arrive as a browser sends it"))
		return
	}
	value := q.root.answer(values)
	if value != nil {
		q.show(q.check(value))
	}
	if q.wrong() {
		x.page(http.StatusUnprocessableEntity, x.formPage(q))
		return
	}
	err = x.Engine.Answer(x.r.Context(), at.run, at.ask, at.key, value)
	if err == nil {
		x.page(http.StatusOK, x.thanks())
		return
	}
	p := x.answerFailure(err)
	if p.Status != http.StatusServiceUnavailable {
		x.refuse(p)
		return
	}
	x.w.Header().Set("Retry-After", "10")
	q.general = append(q.general, fmt.Sprintf("Your answer was not taken: %s. It is still below; send it again in a while.", p.Detail))
	x.page(p.Status, x.formPage(q))
}

// answerFailure tells those who come second from those who come to a closed question.
func (x *exchange) answerFailure(err error) *problem.Problem {
	p := x.failure(err)
	if p.Status == http.StatusGone {
		p = p.WithStatus(http.StatusConflict)
	}
	return p
}

// compact removes the space between values.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}
