package web

import (
	"bytes"
	"errors"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// message is what Request and Response have in common: headers and a body.
type message struct {
	r       *realm
	list    headerList        // until the script touches .headers
	lazy    func() headerList // where list comes from, when it is not yet read
	frozen  bool              // the Headers object will be immutable
	headers *headers          // the state of the Headers object, once there is one
	object  *goja.Object      // the Headers object
	content call.Body         // the body, if bytes or the host have it
	stream  *goja.Object      // what .body returns, once asked for; without content it is the body
	used    bool              // the body was read or passed on
	asked   string            // "GET https://…", where it is the answer to a call
	pos     call.Position     // the user's line that made the call
	call    uint64            // that call
}

// headerLines returns the header lines as they are now.
func (m *message) headerLines() headerList {
	if m.headers != nil {
		return m.headers.list
	}
	if m.lazy != nil {
		m.list, m.lazy = m.lazy(), nil
	}
	return m.list
}

// headersObject returns the Headers object, made at first touch.
func (m *message) headersObject() *goja.Object {
	if m.object == nil {
		m.headers = &headers{list: m.headerLines(), immutable: m.frozen}
		m.object = m.r.headersClass().object(m.headers)
	}
	return m.object
}

// contentType adds a Content-Type where there is none and the body implies one.
func (m *message) contentType(implied string) {
	if implied != "" && !m.headerLines().has("content-type") {
		m.list = append(m.list, [2]string{"content-type", implied})
	}
}

// Content is the body of a message on its way somewhere: bytes, wherever they
// are, or a stream that a script made. The zero Content is none.
type Content struct {
	call.Body
	stream *goja.Object
}

// IsStream reports whether the bytes are yet to be made by the script.
func (c *Content) IsStream() bool { return c.stream != nil }

// exists reports whether there is a body at all.
func (c *Content) exists() bool { return c.Present || c.stream != nil }

// hasBody reports whether the message has one.
func (m *message) hasBody() bool { return m.content.Present || m.stream != nil }

// isUsed reports whether the body was read, even in part, or passed on.
func (m *message) isUsed() bool {
	return m.used || m.stream != nil && m.r.streams().isDisturbed(m.stream)
}

// take passes the body on: to a reader, to another message, to the network.
func (m *message) take() Content {
	if !m.hasBody() {
		return Content{}
	}
	if m.isUsed() || m.stream != nil && m.r.streams().isLocked(m.stream) {
		m.r.typeError("the body has already been read or passed on; use clone() before reading it")
	}
	m.used = true
	if m.content.Present {
		if m.stream != nil {
			m.r.streams().lock(m.stream) // whoever has it can not read it any more
		}
		return Content{Body: m.content}
	}
	return Content{stream: m.stream}
}

// put makes c the body.
func (m *message) put(c Content) { m.content, m.stream = c.Body, c.stream }

// copyTo gives another message the same body, for clone().
func (m *message) copyTo(other *message) {
	if m.isUsed() || m.stream != nil && m.r.streams().isLocked(m.stream) {
		m.r.typeError("can not clone: the body has already been read or passed on")
	}
	other.r, other.frozen, other.content = m.r, m.frozen, m.content
	other.asked, other.pos, other.call = m.asked, m.pos, m.call
	other.list = m.headerLines().clone()
	if m.stream != nil || m.content.IsLive() { // it can be read once, so that both read one reader
		m.stream, other.stream = m.r.streams().tee(m.bodyStream())
		m.content, other.content = call.Body{}, call.Body{}
	}
}

// bodyObject returns .body: null, or a stream.
func (m *message) bodyObject() goja.Value {
	if !m.hasBody() {
		return goja.Null()
	}
	return m.bodyStream()
}

// bodyFrom reads a BodyInit. implied is the Content-Type that goes with it.
func (r *realm) bodyFrom(value goja.Value) (content Content, implied string) {
	if obj, ok := value.(*goja.Object); ok {
		if s, ok := vm.Reveal[*bodySource](r.v, obj); ok {
			return s.owner.take(), ""
		}
		if r.isStream(obj) {
			return r.streamContent(obj), ""
		}
	}
	body, implied := r.bytesFrom(value)
	return Content{Body: body}, implied
}

// bytesFrom reads a BodyInit whose bytes are there.
func (r *realm) bytesFrom(value goja.Value) (body call.Body, implied string) {
	if vm.IsNone(value) {
		return call.Body{}, ""
	}
	obj, ok := value.(*goja.Object)
	if !ok {
		return call.Bytes([]byte(r.text(value))), "text/plain;charset=UTF-8"
	}
	if p, ok := vm.Reveal[*searchParams](r.v, obj); ok {
		return call.Bytes([]byte(p.String())), "application/x-www-form-urlencoded;charset=UTF-8"
	}
	if b, ok := vm.Reveal[*blob](r.v, obj); ok {
		return blobBody(b)
	}
	if d, ok := vm.Reveal[*formData](r.v, obj); ok {
		return r.formBody(d)
	}
	if b, ok := r.bytesOf(obj); ok {
		return call.Bytes(bytes.Clone(b)), ""
	}
	if _, ok := vm.Reveal[*ResponseState](r.v, obj); ok {
		r.typeError("a Response is not a body; pass response.body")
	}
	return call.Bytes([]byte(r.text(obj))), "text/plain;charset=UTF-8"
}

// BodyFrom reads whatever a Request or Response takes as its body: a string,
// an ArrayBuffer or a view of one, a Blob, FormData, URLSearchParams, a
// ReadableStream, or another message's .body, which is passed on without being read.
// contentType is the one that goes with it, or empty. err is what misuse throws, such
// as a body that was already read.
func BodyFrom(v *vm.VM, value goja.Value) (body Content, contentType string, err error) {
	r := realmOf(v)
	if ex := r.rt.Try(func() { body, contentType = r.bodyFrom(value) }); ex != nil {
		return Content{}, "", ex
	}
	return body, contentType, nil
}

// defineBody defines the members that Request and Response share.
func defineBody[T goja.DynamicObject](c *class, of func(T) *message) {
	r := c.r
	getter(c, "headers", func(t T) any { return of(t).headersObject() })
	getter(c, "body", func(t T) any { return of(t).bodyObject() })
	getter(c, "bodyUsed", func(t T) any { return of(t).isUsed() })
	read := func(name string, use func(m *message, b []byte) (goja.Value, error)) {
		c.method(name, func(f goja.FunctionCall) goja.Value {
			var m *message
			var body Content
			if ex := r.rt.Try(func() { m = of(self[T](c, name, f.This)); body = m.take() }); ex != nil {
				return r.rejected(ex.Value())
			}
			return r.readContent(body, func(b []byte) (goja.Value, error) { return use(m, b) })
		})
	}
	read("json", (*message).parseJSON)
	read("text", func(_ *message, b []byte) (goja.Value, error) { return r.rt.ToValue(toText(trimBOM(b))), nil })
	read("arrayBuffer", func(_ *message, b []byte) (goja.Value, error) { return r.buffer(b), nil })
	read("blob", func(m *message, b []byte) (goja.Value, error) {
		return r.blobClass().object(&blob{data: b, kind: m.mimeType()}), nil
	})
	read("formData", (*message).formFrom)
	read("bytes", func(_ *message, b []byte) (goja.Value, error) { return r.uint8Array(b), nil })
}

// mimeType is the Content-Type as the type of a Blob. The parameters keep their
// case: a boundary has one.
func (m *message) mimeType() string {
	header, _ := m.headerLines().get("content-type")
	kind, params, some := strings.Cut(trimValue(header), ";")
	if kind = blobType(kind); kind == "" || blobType(params) == "" && some {
		return kind
	}
	if some {
		kind += ";" + params
	}
	return kind
}

// parseJSON is the reader of json(): an empty body is no JSON.
func (m *message) parseJSON(b []byte) (goja.Value, error) {
	if len(trimBOM(b)) == 0 {
		return nil, m.Explain(call.Errorf(call.CodeInvalidJSON, "not valid JSON: the body is empty"))
	}
	value, err := m.r.v.LazyJSON(b)
	return value, m.Explain(err)
}

// Explain adds to the error of reading a body which call it answered, and the
// user's line that made the call. The error stems from that call, however much
// later the body was read, and not from the call that read it: the same bytes
// would come once more.
func (m *message) Explain(err error) error {
	var e *call.Error
	if m.asked == "" || !errors.As(err, &e) {
		return err
	}
	explained := *e
	explained.Call = m.call
	explained.Message = "the answer to " + m.asked + " is " + e.Message
	if !m.pos.IsZero() && e.Stack == "" {
		explained.Stack = explained.Error() + "\n    at " + m.pos.String()
	}
	return &explained
}

func trimBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }
