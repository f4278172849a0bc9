package httpbind

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// The options of a call, and those that http.extend and http.create keep for
// all their calls.
var (
	callOptions = []string{
		"json", "form", "body", "query", "headers", "timeout", "retry", "throwHttpErrors", "redirect", "auth", "signal",
		"idempotencyKey", "idempotent", "inDoubt", "method", "stream", "path",
	}
	keptOptions = []string{
		"baseURL", "query", "headers", "timeout", "retry", "throwHttpErrors", "redirect", "auth", "idempotent", "inDoubt",
	}
)

// accept is what an API is asked for where the script does not say.
const accept = "application/json, text/plain;q=0.9, */*;q=0.8"

// defaults are the options that an instance has for its calls.
type defaults struct {
	connection string
	base       string // without a slash at its end
	options
}

// options are those of instances and of calls alike.
type options struct {
	headers    [][2]string
	query      [][2]string
	auth       *web.HTTPAuth
	retry      *web.HTTPRetry
	timeoutMS  int64
	redirect   string
	lenient    bool // throwHttpErrors: false
	idempotent bool
	inDoubt    string
}

// request is one call on its way out.
type request struct {
	web.HTTPRequest
	body   web.Content
	path   goja.Value // the option of that name; nil if there is none
	send   web.SendOptions
	throws bool
}

// build checks a verb's arguments and encodes them.
func (k *kit) build(d *defaults, method string, url goja.Value, obj *goja.Object) *request {
	o := d.options
	q := &request{}
	q.Method = method
	q.Connection = d.connection
	if obj != nil {
		k.readOptions(&o, q, method, obj)
	}
	text := k.urlText(url)
	if q.path != nil {
		text = k.fillPath("http."+strings.ToLower(method), text, q.path)
	}
	q.URL = k.withQuery(k.below(d, text), o.query)
	q.Headers = o.headers
	if !hasHeader(q.Headers, "accept") {
		q.Headers = append(slices.Clip(q.Headers), [2]string{"accept", accept})
	}
	q.Redirect, q.TimeoutMS, q.Auth = o.redirect, o.timeoutMS, o.auth
	if q.Retry = o.retry; q.Retry == nil {
		q.Retry = web.BlockRetry(k.v)
	}
	k.takeKey(q)
	q.send.Idempotent = o.idempotent
	q.doubt(o.inDoubt)
	q.throws = !o.lenient
	return q
}

// readOptions reads the options of one call: those that instances have too,
// then those that belong to a call alone.
func (k *kit) readOptions(o *options, q *request, method string, obj *goja.Object) {
	what := "http." + strings.ToLower(method)
	keys := obj.Keys()
	var bodies []string
	var implied string
	for _, name := range keys {
		value := obj.Get(name)
		switch name {
		case "json", "form", "body":
			if vm.IsNone(value) && (name != "json" || goja.IsUndefined(value)) {
				continue
			}
			bodies = append(bodies, name)
			q.body, implied = k.bodyOf(name, value)
		case "signal":
			q.send.Signal = k.signal(value)
		case "idempotencyKey":
			q.IdempotencyKey = k.key(value)
		case "stream":
			q.Stream = value.ToBoolean()
		case "path":
			q.path = value
		case "method":
		default:
			if !slices.Contains(callOptions, name) {
				k.unknown(what, name, callOptions)
			}
			k.readOption(o, name, value)
		}
	}
	if len(bodies) > 1 {
		k.v.Throw(call.CodeInvalidArgument, "%s has both %s and %s; a request has one body", what, bodies[0], bodies[1])
	}
	if len(bodies) == 1 && (method == "GET" || method == "HEAD") {
		k.v.Throw(call.CodeInvalidArgument, "%s can not have a body (%s); use query for parameters, or http.post", what, bodies[0])
	}
	if implied != "" && !hasHeader(o.headers, "content-type") {
		o.headers = append(slices.Clip(o.headers), [2]string{"content-type", implied})
	}
}

// extend reads the options of http.extend and http.create.
func (k *kit) extend(d *defaults, obj *goja.Object, what string) {
	if obj == nil {
		return
	}
	for _, name := range obj.Keys() {
		value := obj.Get(name)
		switch {
		case !slices.Contains(keptOptions, name):
			k.unknown(what, name, keptOptions)
		case name == "baseURL":
			d.base = k.baseURL(d, value)
		default:
			k.readOption(&d.options, name, value)
		}
	}
}

// readOption reads one option that instances and calls have in common.
// Undefined leaves what the instance says.
func (k *kit) readOption(o *options, name string, value goja.Value) {
	if value == nil || goja.IsUndefined(value) {
		return
	}
	switch name {
	case "headers":
		o.headers = mergeHeaders(o.headers, web.HeadersFrom(k.v, value))
	case "query":
		o.query = append(slices.Clip(o.query), k.pairs(value, "query")...)
	case "timeout":
		ms := k.v.Duration(value, "timeout").Milliseconds()
		if ms < 1 {
			k.v.Throw(call.CodeInvalidArgument, "timeout must be at least one millisecond")
		}
		o.timeoutMS = ms
	case "retry":
		o.retry = k.retry(value)
	case "redirect":
		o.redirect = k.redirect(value)
	case "auth":
		o.auth = k.auth(value)
	case "throwHttpErrors":
		o.lenient = !value.ToBoolean()
	case "idempotent":
		o.idempotent = value.ToBoolean()
	case "inDoubt":
		o.inDoubt = k.inDoubt(value)
	}
}

// unknown throws for an option that does not exist.
func (k *kit) unknown(what, name string, known []string) {
	hint := "it takes " + strings.Join(known, ", ")
	if near := call.Nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	k.v.Throw(call.CodeInvalidArgument, "%s has no option %q; %s", what, name, hint)
}

func (k *kit) redirect(value goja.Value) string {
	switch text := value.String(); text {
	case "follow", "error", "manual":
		return text
	}
	k.v.Throw(call.CodeInvalidArgument, `redirect must be "follow", "error" or "manual"`)
	return ""
}

// doubts are what can become of a write that was under way when the server died.
var doubts = []string{"pause", "retry", "fail"}

// inDoubt reads the option of that name. Null means the default.
func (k *kit) inDoubt(value goja.Value) string {
	if goja.IsNull(value) {
		return ""
	}
	if !goja.IsString(value) {
		k.v.Throw(call.CodeInvalidArgument, `inDoubt must be "pause", "retry" or "fail", not %s`, vm.TypeOf(value))
	}
	text := value.String()
	if !slices.Contains(doubts, text) {
		hint := ""
		if near := call.Nearest(text, doubts); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		k.v.Throw(call.CodeInvalidArgument, `inDoubt must be "pause", "retry" or "fail", not %q%s`, clip(text), hint)
	}
	return text
}

// doubt says what becomes of the call if it is in doubt, which only a write
// that nobody keyed can be.
func (q *request) doubt(policy string) {
	if q.Class(q.send.Idempotent) == call.Write {
		q.InDoubt = policy
	}
}

func (k *kit) signal(value goja.Value) goja.Value {
	if vm.IsNone(value) {
		return nil
	}
	if _, ok := value.(*goja.Object); !ok {
		k.v.Throw(call.CodeInvalidArgument, "signal must be an AbortSignal, not %s", vm.TypeOf(value))
	}
	return value
}

var keyPattern = regexp.MustCompile(`^[\x21-\x7E]{1,255}$`)

func (k *kit) key(value goja.Value) string {
	if vm.IsNone(value) {
		return ""
	}
	if !goja.IsString(value) || !keyPattern.MatchString(value.String()) {
		k.v.Throw(call.CodeInvalidArgument, "idempotencyKey must be 1 to 255 visible ASCII characters")
	}
	return value.String()
}

// takeKey treats an Idempotency-Key among the headers as the option.
func (k *kit) takeKey(q *request) {
	for i, h := range q.Headers {
		if strings.EqualFold(h[0], headerIdempotencyKey) {
			if q.IdempotencyKey == "" {
				q.IdempotencyKey = k.key(k.rt.ToValue(h[1]))
			}
			q.Headers = slices.Delete(slices.Clone(q.Headers), i, i+1)
			return
		}
	}
}

func (k *kit) methodName(value goja.Value) string {
	if !goja.IsString(value) || !validMethod(value.String()) {
		k.v.Throw(call.CodeInvalidArgument, "method must be the name of an HTTP method, such as \"GET\"; CONNECT and TRACE can not be sent")
	}
	return strings.ToUpper(value.String())
}

func hasHeader(headers [][2]string, name string) bool {
	return slices.ContainsFunc(headers, func(h [2]string) bool { return strings.EqualFold(h[0], name) })
}

// mergeHeaders returns base with the lines of over in place of those of the
// same name.
func mergeHeaders(base, over [][2]string) [][2]string {
	if len(base) == 0 {
		return over
	}
	out := make([][2]string, 0, len(base)+len(over))
	for _, h := range base {
		if !hasHeader(over, h[0]) {
			out = append(out, h)
		}
	}
	return append(out, over...)
}
