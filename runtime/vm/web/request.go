package web

import (
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// request is the state of a Request object.
type request struct {
	vm.Cell
	message
	method   string
	url      string
	redirect string // "" means follow
	signal   goja.Value
}

func (r *realm) requestClass() *class { return r.class(classRequest, r.makeRequest) }

func (r *realm) makeRequest() *class {
	c := r.newClass("Request", nil, func(this *goja.Object, input, init goja.Value) {
		vm.Hide(r.v, this, r.newRequest(input, init))
	})
	getter(c, "method", func(q *request) any { return q.method })
	getter(c, "url", func(q *request) any { return q.url })
	getter(c, "redirect", func(q *request) any {
		if q.redirect == "" {
			return "follow"
		}
		return q.redirect
	})
	getter(c, "signal", func(q *request) any {
		if q.signal == nil {
			q.signal = r.newSignal()
		}
		return q.signal
	})
	method(c, "clone", func(q *request, _ goja.FunctionCall) goja.Value {
		twin := &request{method: q.method, url: q.url, redirect: q.redirect, signal: q.signal}
		q.copyTo(&twin.message)
		return c.object(twin)
	})
	defineBody(c, func(q *request) *message { return &q.message })
	return c
}

// incomingRequest makes the Request a fetch handler gets.
func (r *realm) incomingRequest(in *vm.Request) goja.Value {
	q := &request{method: in.Method, url: in.URL}
	q.r, q.content, q.frozen = r, in.Body, true
	q.lazy = func() headerList {
		list := make(headerList, len(in.Headers))
		for i, h := range in.Headers {
			list[i] = [2]string{h.Name, h.Value}
		}
		return list
	}
	return r.requestClass().object(q)
}

// newRequest reads the arguments of fetch and of the Request constructor.
func (r *realm) newRequest(input, init goja.Value) *request {
	q := &request{method: "GET"}
	q.r = r
	from, isRequest := vm.Reveal[*request](r.v, input)
	if isRequest {
		q.method, q.url, q.redirect, q.signal = from.method, from.url, from.redirect, from.signal
		q.list = from.headerLines().clone()
	} else {
		q.url = r.fetchURL(r.text(input))
	}
	dict := r.dictionary(init, "the second argument of fetch and Request")
	body := option(dict, "body")
	if isRequest && vm.IsNone(body) {
		q.put(from.take())
	}
	if dict != nil {
		r.readInit(q, dict, body)
	}
	if q.hasBody() && (q.method == "GET" || q.method == "HEAD") {
		r.typeError("a %s request can not have a body", q.method)
	}
	return q
}

func (r *realm) readInit(q *request, dict *goja.Object, body goja.Value) {
	if m := option(dict, "method"); m != nil {
		q.method = r.httpMethod(r.text(m))
	}
	if h := option(dict, "headers"); h != nil {
		q.list = r.headersFrom(h)
	}
	if m := option(dict, "redirect"); m != nil {
		q.redirect = r.redirectMode(r.text(m))
	}
	if s := option(dict, "signal"); s != nil {
		if goja.IsNull(s) {
			s = nil
		} else if _, ok := vm.Reveal[*abortSignal](r.v, s); !ok {
			r.typeError("signal must be an AbortSignal, not %s", vm.TypeOf(s))
		}
		q.signal = s
	}
	if !vm.IsNone(body) {
		content, implied := r.bodyFrom(body)
		q.put(content)
		q.contentType(implied)
	}
}

// httpMethod checks a method and puts the usual ones into upper case.
func (r *realm) httpMethod(m string) string {
	if !isToken(m) {
		r.typeError("%s is not a valid HTTP method", quoted(m))
	}
	switch upper := strings.ToUpper(m); upper {
	case "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS":
		return upper
	case "CONNECT", "TRACE", "TRACK":
		r.typeError("the HTTP method %s is not allowed", upper)
	}
	return m
}

func (r *realm) redirectMode(m string) string {
	switch m {
	case "follow":
		return ""
	case "error", "manual":
		return m
	}
	r.typeError("redirect must be \"follow\", \"error\" or \"manual\", not %s", quoted(m))
	return ""
}

// fetchURL checks and normalizes the URL of a request.
func (r *realm) fetchURL(raw string) string {
	if isCanonical(raw) {
		return raw
	}
	u, err := parseURL(raw)
	if err != nil {
		r.typeError("%s is not a valid absolute URL", quoted(raw))
	}
	if s := u.scheme; s != "http" && s != "https" {
		r.typeError("only http and https URLs can be fetched, not %s:", s)
	}
	if u.user != "" || u.password != "" {
		r.typeError("the URL of a request can not contain credentials; send an Authorization header instead")
	}
	return u.href
}
