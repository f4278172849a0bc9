package httpbind

import (
	"cmp"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"reprise/connections"
	"reprise/runtime/call"
	"reprise/runtime/vm/web"
)

// previewMax is how much of a body an error keeps, messageMax how much of it
// stands in the message. Errors are recorded and logged whole.
const (
	previewMax = 2 << 10
	messageMax = 200
)

// httpErrorData are the fields that an HTTPError keeps wherever it goes.
type httpErrorData struct {
	Status     int    `json:"status"`
	StatusText string `json:"statusText"`
	Method     string `json:"method"`
	URL        string `json:"url"`
	Body       string `json:"body,omitempty"`
	RetryAfter string `json:"retryAfter,omitempty"`
}

// httpError makes the error of a status outside 200-299. response, headers and
// data (a JSON body, parsed) are there for the script and are not recorded.
func (k *kit) httpError(q *request, pos call.Position, response *goja.Object, state *web.ResponseState) *goja.Object {
	url, after, text := shownAddress(q, state), state.Header("retry-after"), textOf(state)
	message := q.Method + " " + url + " answered " + statusLine(state.Status)
	if words := wordsOf(state, text); words != "" {
		message += ": " + cut(strings.Join(strings.Fields(cut(words, 2*messageMax)), " "), messageMax)
	}
	message += tooLate(q.Retry, q.Class(q.send.Idempotent), state.Status, after, k.v.Now())
	obj := k.v.ErrorAt(call.Errorf(call.CodeHTTP, "%s", message).WithData(httpErrorData{
		Status: state.Status, StatusText: state.StatusText, Method: q.Method, URL: url, Body: cut(text, previewMax), RetryAfter: after,
	}), pos)
	k.property(obj, "response", response, goja.FLAG_FALSE)
	k.property(obj, "headers", response.Get("headers"), goja.FLAG_FALSE)
	if isJSONType(state.Header("content-type")) {
		if value, err := k.v.LazyJSON(state.Body().Inline); err == nil {
			k.property(obj, "data", value, goja.FLAG_FALSE)
		}
	}
	return obj
}

// shownAddress is what was requested, without query and tokens. The base URL of a
// connection is in the response's.
func shownAddress(q *request, state *web.ResponseState) string {
	text := q.URL
	if q.Connection != "" {
		text = q.Connection + ":" + text
		if state.URL != "" && !state.Redirected {
			text = state.URL
		}
	}
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		text = text[:i]
	}
	return connections.Redact(text)
}

// textOf returns the body where it is text and here already.
func textOf(state *web.ResponseState) string {
	body := state.Body().Inline
	kind := state.Header("content-type")
	if !isJSONType(kind) && !strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "xml") && kind != "" {
		return ""
	}
	if head := body[:min(len(body), previewMax)]; !utf8.Valid(head) && len(head) == len(body) {
		return ""
	}
	return strings.ToValidUTF8(string(body[:min(len(body), 2*previewMax)]), "")
}

// wordsOf is what a message quotes of a body: what a problem document (RFC 9457)
// says for people, or the text as it is.
func wordsOf(state *web.ResponseState, text string) string {
	if !strings.HasPrefix(state.Header("content-type"), "application/problem+json") {
		return text
	}
	var problem struct{ Title, Detail string }
	if json.Unmarshal(state.Body().Inline, &problem) != nil {
		return text
	}
	return cmp.Or(problem.Detail, problem.Title, text)
}

func isJSONType(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == typeJSON || strings.HasSuffix(kind, "+json")
}

// cut shortens text to at most size bytes, between characters.
func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size-len("…")], "") + "…"
}
