package web

import (
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// ResponseState is the Go side of a Response object.
type ResponseState struct {
	vm.Cell
	message
	// Status is zero for Response.error().
	Status     int
	StatusText string
	// URL is the final one, after redirects; empty for a Response a script made.
	URL        string
	Redirected bool
	kind       string // the type property
}

// Headers returns the header lines as they are now. They must not be changed.
func (s *ResponseState) Headers() [][2]string { return s.headerLines() }

// Header returns the values of one header, joined.
func (s *ResponseState) Header(name string) string {
	value, _ := s.headerLines().get(name)
	return value
}

// Body returns the body without marking it as read. It is none where a stream of
// the script's makes it.
func (s *ResponseState) Body() call.Body { return s.content }

// Take marks the body as read and returns it. It throws a TypeError into the
// script when that has happened before.
func (s *ResponseState) Take() Content { return s.take() }

// ResponseOf returns the state of a Response object; ok is false for any
// other value.
func ResponseOf(v *vm.VM, value goja.Value) (*ResponseState, bool) {
	return vm.Reveal[*ResponseState](v, value)
}

// NewResponse makes the Response object of an answer from outside. Its headers
// can not be changed, as the standard says.
func NewResponse(v *vm.VM, h HTTPResponse, body call.Body) *goja.Object {
	_, obj := realmOf(v).receivedResponse(h, body)
	return obj
}

func (r *realm) receivedResponse(h HTTPResponse, body call.Body) (*ResponseState, *goja.Object) {
	s := &ResponseState{Status: h.Status, StatusText: h.StatusText, URL: h.URL, Redirected: h.Redirected, kind: "basic"}
	s.r, s.list, s.content, s.frozen = r, h.Headers, body, true
	return s, r.responseClass().object(s)
}

func (r *realm) responseClass() *class { return r.class(classResponse, r.makeResponse) }

func (r *realm) makeResponse() *class {
	c := r.newClass("Response", nil, func(this *goja.Object, body, init goja.Value) {
		content, implied := r.bodyFrom(body)
		vm.Hide(r.v, this, r.newResponse(content, implied, init))
	})
	getter(c, "status", func(s *ResponseState) any { return s.Status })
	getter(c, "ok", func(s *ResponseState) any { return s.Status >= 200 && s.Status <= 299 })
	getter(c, "statusText", func(s *ResponseState) any { return s.StatusText })
	getter(c, "url", func(s *ResponseState) any { return s.URL })
	getter(c, "redirected", func(s *ResponseState) any { return s.Redirected })
	getter(c, "type", func(s *ResponseState) any { return s.kind })
	method(c, "clone", func(s *ResponseState, _ goja.FunctionCall) goja.Value {
		twin := &ResponseState{Status: s.Status, StatusText: s.StatusText, URL: s.URL, Redirected: s.Redirected, kind: s.kind}
		s.copyTo(&twin.message)
		return c.object(twin)
	})
	defineBody(c, func(s *ResponseState) *message { return &s.message })
	c.static("json", func(f goja.FunctionCall) goja.Value {
		return c.object(r.jsonResponse(r.v.Arg(f, 0), r.v.Arg(f, 1)))
	})
	c.static("error", func(goja.FunctionCall) goja.Value {
		s := &ResponseState{kind: "error"}
		s.r, s.frozen = r, true
		return c.object(s)
	})
	c.static("redirect", func(f goja.FunctionCall) goja.Value {
		return c.object(r.redirect(r.v.Arg(f, 0), r.v.Arg(f, 1)))
	})
	return c
}

// newResponse reads a ResponseInit.
func (r *realm) newResponse(content Content, implied string, init goja.Value) *ResponseState {
	s := &ResponseState{Status: 200, kind: "default"}
	s.r = r
	s.put(content)
	if from, ok := ResponseOf(r.v, init); ok { // new Response(body, response)
		s.Status, s.StatusText, s.list = from.Status, from.StatusText, from.headerLines().clone()
	} else if dict := r.dictionary(init, "the second argument of Response"); dict != nil {
		r.readResponseInit(s, dict)
	}
	if s.Status < 200 || s.Status > 599 {
		r.throw("RangeError", "a Response's status must be between 200 and 599")
	}
	if content.exists() && isNullBodyStatus(s.Status) {
		r.typeError("a Response with status %d can not have a body; pass null", s.Status)
	}
	s.contentType(implied)
	return s
}

func (r *realm) readResponseInit(s *ResponseState, dict *goja.Object) {
	if value := option(dict, "status"); value != nil {
		s.Status = int(value.ToInteger())
	}
	if value := option(dict, "statusText"); value != nil {
		s.StatusText = r.text(value)
		if !isHeaderValue(s.StatusText) {
			r.typeError("statusText may not contain line breaks, NUL or characters above U+00FF")
		}
	}
	if value := option(dict, "headers"); value != nil {
		s.list = r.headersFrom(value)
	}
}

func isNullBodyStatus(status int) bool {
	return status == 204 || status == 205 || status == 304
}

// jsonResponse is Response.json: the text of JSON.stringify is the body.
func (r *realm) jsonResponse(value, init goja.Value) *ResponseState {
	text, err := r.v.Stringify(value)
	if err != nil {
		panic(err)
	}
	if text == nil {
		r.typeError("Response.json: %s has no JSON form", vm.TypeOf(value))
	}
	return r.newResponse(Content{Body: call.Bytes(text)}, "application/json", init)
}

// redirect is Response.redirect.
func (r *realm) redirect(url, status goja.Value) *ResponseState {
	s := &ResponseState{Status: 302, kind: "default"}
	s.r, s.frozen = r, true
	if !goja.IsUndefined(status) {
		s.Status = int(status.ToInteger())
	}
	switch s.Status {
	case 301, 302, 303, 307, 308:
	default:
		r.throw("RangeError", "Response.redirect: the status must be 301, 302, 303, 307 or 308")
	}
	s.list = headerList{{"location", r.location(r.text(url))}}
	return s
}

// location normalizes an absolute URL and lets a relative one pass: the
// browser resolves it against the request's.
func (r *realm) location(raw string) string {
	if u, err := parseURL(raw); err == nil {
		return u.href
	}
	if !isHeaderValue(raw) || strings.Contains(raw, " ") {
		r.typeError("Response.redirect: %s is not a valid URL", quoted(raw))
	}
	return raw
}

// outgoing reads a Response that a handler returned.
func (s *ResponseState) outgoing() (*vm.Response, error) {
	if s.kind == "error" {
		return nil, call.Errorf(call.CodeInvalidArgument, "the fetch handler returned Response.error(), which has no HTTP form")
	}
	if s.hasBody() && s.isUsed() {
		return nil, call.Errorf(call.CodeInvalidArgument, "the body of the Response that the fetch handler returned was already read; return response.clone(), or a new Response")
	}
	lines := s.headerLines()
	out := &vm.Response{Status: s.Status, StatusText: s.StatusText, Body: s.content, Headers: make([]vm.Header, len(lines))}
	for i, h := range lines {
		out.Headers[i] = vm.Header{Name: h[0], Value: h[1]}
	}
	if s.stream != nil && !s.content.Present {
		body, err := s.r.sendStream(s.stream)
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	return out, nil
}
