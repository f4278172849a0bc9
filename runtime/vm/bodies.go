package vm

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// The calls about bodies that the host has. Their Args are {"handle": string}.
const (
	// KindBodyRead fetches a body whole. The outcome's Body has the bytes.
	KindBodyRead = "body.read"
	// KindBodyNext fetches what comes next of a body that arrives while it is read.
	// The outcome's Body has the bytes; it has none at the end.
	KindBodyNext = "body.next"
	// KindBodyDrop says that nobody reads the rest of one.
	KindBodyDrop = "body.drop"
	// KindBodyWrite sends the next bytes of an answer that the script makes while it
	// is sent: the call's Body. The outcome comes once they are on their way.
	KindBodyWrite = "body.write"
	// KindBodyEnd ends such an answer. Args may have an "error", which breaks it off.
	KindBodyEnd = "body.end"
)

// IsBodyKind reports whether a call moves a body between the VM and the host, and
// nothing else.
func IsBodyKind(kind string) bool {
	switch kind {
	case KindBodyRead, KindBodyNext, KindBodyDrop, KindBodyWrite, KindBodyEnd:
		return true
	}
	return false
}

// ReadBody passes a body's bytes to use and returns the promise of its result.
// Inline bytes are there at once; what the host has costs a call.
func (v *VM) ReadBody(b call.Body, use func([]byte) (goja.Value, error)) *goja.Object {
	if !b.IsHeld() {
		promise, resolve, reject := v.Promise()
		value, err := v.decode(call.Outcome{}, func(call.Outcome) (goja.Value, error) { return use(b.Inline) })
		if err != nil {
			reject(v.ErrorValue(err))
		} else {
			resolve(value)
		}
		return promise
	}
	return v.Call(bodyCall(KindBodyRead, b.Handle), func(o call.Outcome) (goja.Value, error) { return use(o.Body.Inline) })
}

// ReadNext passes the next bytes of a body that arrives while it is read to use,
// none at its end, and returns the promise of the result.
func (v *VM) ReadNext(b call.Body, use func([]byte) goja.Value) *goja.Object {
	return v.Call(bodyCall(KindBodyNext, b.Handle), func(o call.Outcome) (goja.Value, error) { return use(o.Body.Inline), nil })
}

// DropBody tells the host that nobody reads the rest of a body. It returns the
// promise of undefined.
func (v *VM) DropBody(b call.Body) *goja.Object {
	return v.Call(bodyCall(KindBodyDrop, b.Handle), func(call.Outcome) (goja.Value, error) { return goja.Undefined(), nil })
}

func bodyCall(kind, handle string) call.Call {
	args := append(append([]byte(`{"handle":`), quoteJSON(handle)...), '}')
	return call.Call{Kind: kind, Target: handle, Class: call.Pure, Args: args}
}

// How much of an answer may be on its way to the host, in bytes and in chunks: what
// makes it neither wait for each chunk nor run ahead of a slow client.
const (
	windowBytes  = 256 << 10
	windowChunks = 64
)

// BodyWriter sends an answer that the script makes while it is sent.
type BodyWriter struct {
	v      *VM
	body   call.Body
	onWay  int    // bytes sent and not acknowledged
	chunks int    // the same in chunks
	resume func() // of the one who waits for room
	failed goja.Value
}

// OpenBody begins such an answer. A run has one at most.
func (v *VM) OpenBody() *BodyWriter {
	return &BodyWriter{v: v, body: call.Live(0, 0)}
}

// Body is what stands for it in a Response.
func (w *BodyWriter) Body() call.Body { return w.body }

// Write sends bytes. It returns undefined, or a promise of room for more. It throws
// what became of earlier ones: a client that has left.
func (w *BodyWriter) Write(b []byte) goja.Value {
	if w.failed != nil {
		panic(w.failed)
	}
	c := bodyCall(KindBodyWrite, w.body.Handle)
	c.Body = call.Bytes(append([]byte(nil), b...))
	n := len(b)
	w.onWay += n
	w.chunks++
	w.v.Issue(c, func(o call.Outcome) { w.sent(n, o) })
	if w.onWay < windowBytes && w.chunks < windowChunks {
		return goja.Undefined()
	}
	promise, resolve, reject := w.v.Promise()
	w.resume = func() {
		if w.failed != nil {
			reject(w.failed)
		} else {
			resolve(goja.Undefined())
		}
	}
	return promise
}

func (w *BodyWriter) sent(n int, o call.Outcome) {
	w.onWay -= n
	w.chunks--
	if o.Err != nil {
		w.failed = w.v.NewError(o.Err)
	}
	if resume := w.resume; resume != nil && (w.onWay < windowBytes/2 && w.chunks < windowChunks/2 || w.failed != nil) {
		w.resume = nil
		resume()
	}
}

// End ends the answer and calls then once the host knows; with an error it breaks
// off, so that the client knows that it is not whole.
func (w *BodyWriter) End(err *call.Error, then func()) {
	if w.failed != nil {
		then() // the host knows
		return
	}
	c := bodyCall(KindBodyEnd, w.body.Handle)
	if err != nil {
		c.Args = append(append(append(c.Args[:len(c.Args)-1], `,"error":`...), quoteJSON(err.Error())...), '}')
	}
	w.v.Issue(c, func(call.Outcome) { then() })
}

// Left reports whether nobody takes the answer any more.
func (w *BodyWriter) Left() bool { return w.failed != nil }

// WaitFor keeps the run alive until the promise settles, as ctx.waitUntil does.
func (v *VM) WaitFor(promise *goja.Object) { v.waitUntil(promise) }
