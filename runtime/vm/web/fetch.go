package web

import (
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// SendOptions says more about a request than the request itself.
type SendOptions struct {
	// Signal is an AbortSignal, or nil.
	Signal goja.Value
	// Idempotent says that the upstream ignores repetitions of this write.
	Idempotent bool
	// Pos is the user's line that makes the call, if the caller knows it already.
	Pos call.Position
	// Then makes the promise's value of the Response; what it throws or
	// returns as an error rejects the promise. Nil keeps the Response.
	Then func(response *goja.Object, state *ResponseState) (goja.Value, error)
}

// Send makes an "http.request" call and returns the promise of its Response
// object. req.URL must be checked and normalized already (see NormalizeURL).
//
// A body that a script's stream makes is read whole before the call is made.
func Send(v *vm.VM, req HTTPRequest, body Content, opts SendOptions) *goja.Object {
	if opts.Pos.IsZero() {
		opts.Pos = v.Pos()
	}
	if body.IsStream() {
		return realmOf(v).readContent(body, func(b []byte) (goja.Value, error) {
			return Send(v, req, Content{Body: call.Bytes(b)}, opts), nil
		})
	}
	r := realmOf(v)
	signal, _ := vm.Reveal[*abortSignal](v, opts.Signal)
	if signal != nil && signal.aborted {
		return r.rejected(signal.reason)
	}
	args, err := req.encode()
	if err != nil {
		return r.rejected(v.NewError(call.Errorf(call.CodeInvalidArgument, "the request can not be encoded: %v", err)))
	}
	c := call.Call{Kind: KindHTTP, Target: target(&req), Class: req.Class(opts.Idempotent), Args: args, Body: body.Body, Pos: opts.Pos}
	promise, resolve, reject := v.Promise()
	forget := func() {}
	id := v.Issue(c, func(o call.Outcome) {
		forget()
		value, reason := r.received(o, c.Target, opts)
		if reason != nil {
			reject(reason)
		} else {
			resolve(value)
		}
	})
	if signal != nil {
		run := r.perRun()
		forget = signal.onAbort(func(reason goja.Value) {
			if r.perRun() == run { // id means another call in another run
				v.Abort(id)
				reject(reason)
			}
		})
	}
	return promise
}

// BlockRetry is the retry of a request that says nothing about it: what the
// block around it allows, such as one attempt inside retry(), or nil, which
// leaves it to the host.
func BlockRetry(v *vm.VM) *HTTPRetry {
	for s := v.Scope(); s != nil; s = s.Parent {
		if s.Attempts > 0 {
			return &HTTPRetry{Attempts: s.Attempts}
		}
	}
	return nil
}

// received turns an outcome into a Response, or into the reason of a rejection.
func (r *realm) received(o call.Outcome, target string, opts SendOptions) (value, reason goja.Value) {
	if o.Err != nil {
		return nil, r.v.ErrorAt(o.Err, opts.Pos)
	}
	var h HTTPResponse
	err := decodeHTTPResponse(o.Value, &h)
	if err != nil {
		return nil, r.v.NewError(call.Errorf(call.CodeInternal, "the outcome of an HTTP call is not what it should be: %v", err))
	}
	state, obj := r.receivedResponse(h, o.Body)
	state.asked, state.pos, state.call = target, opts.Pos, o.Call
	if opts.Then == nil {
		return obj, nil
	}
	ex := r.rt.Try(func() { value, err = opts.Then(obj, state) })
	switch {
	case ex != nil:
		return nil, ex.Value()
	case err != nil:
		return nil, r.v.ErrorValue(err)
	}
	return value, nil
}

// Class says what performing the request may do to the world. idempotent says
// that the upstream ignores repetitions of it.
func (req *HTTPRequest) Class(idempotent bool) call.Class {
	switch req.Method {
	case "GET", "HEAD", "OPTIONS":
		return call.Read
	case "PUT", "DELETE":
		return call.Idempotent
	}
	if idempotent || req.IdempotencyKey != "" {
		return call.Idempotent
	}
	return call.Write
}

// target shows what is addressed without what may be secret: no user, no
// query, no fragment. Below a connection it is "GET name:/path".
func target(req *HTTPRequest) string {
	url := req.URL
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		url = url[:i]
	}
	if req.Connection != "" {
		return req.Method + " " + req.Connection + ":" + url
	}
	if scheme, rest, ok := strings.Cut(url, "://"); ok {
		host, path, _ := strings.Cut(rest, "/")
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			return req.Method + " " + scheme + "://" + host[i+1:] + "/" + path
		}
	}
	return req.Method + " " + url
}

// NormalizeURL checks the absolute URL of a request and writes it in its
// normal form. It throws a TypeError into the script when it is not an
// http(s) URL or contains credentials.
func NormalizeURL(v *vm.VM, raw string) string { return realmOf(v).fetchURL(raw) }

// RequestFrom reads a Request object and takes its body. ok is false for any other
// value; a body that was already read throws.
func RequestFrom(v *vm.VM, value goja.Value) (req HTTPRequest, body Content, signal goja.Value, ok bool) {
	q, ok := vm.Reveal[*request](v, value)
	if !ok {
		return HTTPRequest{}, Content{}, nil, false
	}
	return HTTPRequest{Method: q.method, URL: q.url, Headers: q.headerLines().clone(), Redirect: q.redirect}, q.take(), q.signal, true
}

// makeFetch makes the global function.
func (r *realm) makeFetch() goja.Value {
	return r.v.Func("fetch", func(f goja.FunctionCall) goja.Value {
		var q *request
		if ex := r.rt.Try(func() { q = r.newRequest(r.v.Arg(f, 0), r.v.Arg(f, 1)) }); ex != nil {
			return r.rejected(ex.Value())
		}
		content := Content{Body: q.content, stream: q.stream}
		if q.content.Present {
			content.stream = nil
		}
		q.used = true
		req := HTTPRequest{Method: q.method, URL: q.url, Headers: q.headerLines(), Redirect: q.redirect, Retry: BlockRetry(r.v)}
		return Send(r.v, req, content, SendOptions{Signal: q.signal})
	})
}
