// Streams. The classes are written in JavaScript (streams/*.js), as the standard
// describes them: their promises settle in an order that scripts can observe. They
// are made when a script first asks for one.

package web

import (
	"bytes"
	"embed"
	"sync"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// maxCollected is the largest body that is put together of a script's own stream.
const maxCollected = maxAssembled

// chunkSize is how much of bytes that are there one read of a stream returns.
const chunkSize = 64 << 10

//go:embed streams/*.js
var streamSources embed.FS

// streamProgram is a function that returns the classes, and what native code uses.
var streamProgram = sync.OnceValue(func() *goja.Program {
	var src bytes.Buffer
	src.WriteString("((TextEncoder, TextDecoder, AbortController, queueMicrotask, compressor, decompressor) => {\n")
	for _, name := range []string{"base", "readable", "writable", "transform", "native"} {
		part, err := streamSources.ReadFile("streams/" + name + ".js")
		if err != nil {
			panic(err) // it is embedded
		}
		src.Write(part)
	}
	src.WriteString("})")
	return compile(src.String())
})

// streams are the classes of one VM.
type streams struct {
	r       *realm
	classes *goja.Object
	fs      map[string]goja.Callable
}

type streamsKey struct{}

func (r *realm) streams() *streams {
	return vm.Local(r.v, streamsKey{}, func() *streams {
		make, _ := goja.AssertFunction(r.run(streamProgram()))
		own := []goja.Value{
			r.class(classTextEncoder, r.makeTextEncoder).ctor, r.class(classTextDecoder, r.makeTextDecoder).ctor,
			r.class(classAbortController, r.makeController).ctor, r.makeQueueMicrotask(),
			r.v.Func("compressor", r.compressor), r.v.Func("decompressor", r.decompressor),
		}
		r.hasStreams = true
		return &streams{r: r, classes: must(make(goja.Undefined(), own...)).(*goja.Object), fs: map[string]goja.Callable{}}
	})
}

// streamClass makes the global of a class.
func streamClass(name string) func(*realm) goja.Value {
	return func(r *realm) goja.Value { return r.streams().classes.Get(name) }
}

// do calls one of the functions of native.js.
func (s *streams) do(name string, args ...goja.Value) goja.Value {
	f := s.fs[name]
	if f == nil {
		f, _ = goja.AssertFunction(s.classes.Get(name))
		s.fs[name] = f
	}
	return must(f(goja.Undefined(), args...))
}

// isStream reports whether obj is a ReadableStream.
func (r *realm) isStream(obj *goja.Object) bool {
	return r.hasStreams && !goja.IsUndefined(r.streams().do("stateOf", obj))
}

func (s *streams) isDisturbed(stream *goja.Object) bool {
	return s.do("stateOf", stream).(*goja.Object).Get("disturbed").ToBoolean()
}

func (s *streams) isLocked(stream *goja.Object) bool {
	return s.do("stateOf", stream).(*goja.Object).Get("locked").ToBoolean()
}

// lock takes a stream for good. The reader is what the other functions take.
func (s *streams) lock(stream *goja.Object) goja.Value { return s.do("lock", stream) }

func (s *streams) tee(stream *goja.Object) (one, other *goja.Object) {
	pair := s.do("tee", stream).(*goja.Object)
	return pair.Get("0").(*goja.Object), pair.Get("1").(*goja.Object)
}

// bodySource is the state of a stream that .body returned: where its bytes are, so
// that they can be passed on without being read.
type bodySource struct {
	vm.Cell
	owner *message
}

// bodyStream returns the stream of a body, made at first need.
func (m *message) bodyStream() *goja.Object {
	if m.stream == nil {
		m.stream = m.r.streamOf(m.content)
		vm.Hide(m.r.v, m.stream, &bodySource{owner: m})
		if m.used {
			m.r.streams().lock(m.stream)
		}
	}
	return m.stream
}

// streamOf makes a stream of bytes that are here, or with the host. Nothing is read
// before somebody asks.
func (r *realm) streamOf(body call.Body) *goja.Object {
	next := r.v.Func("next", func() func(goja.FunctionCall) goja.Value {
		switch {
		case body.IsLive():
			return func(goja.FunctionCall) goja.Value { return r.v.ReadNext(body, r.chunk) }
		case body.IsHeld():
			return r.nextHeld(body)
		}
		rest := body.Inline
		return func(goja.FunctionCall) goja.Value { return r.settled(func() goja.Value { return r.cut(&rest) }) }
	}())
	cancel := goja.Undefined()
	if body.IsLive() {
		cancel = r.v.Func("cancel", func(goja.FunctionCall) goja.Value { return r.v.DropBody(body) })
	}
	return r.streams().do("ofBytes", next, cancel).(*goja.Object)
}

// nextHeld reads a body that the host keeps, whole, and hands it out in chunks.
func (r *realm) nextHeld(body call.Body) func(goja.FunctionCall) goja.Value {
	var rest []byte
	read := false
	return func(goja.FunctionCall) goja.Value {
		if read {
			return r.settled(func() goja.Value { return r.cut(&rest) })
		}
		read = true
		return r.v.ReadBody(body, func(b []byte) (goja.Value, error) {
			rest = b
			return r.cut(&rest), nil
		})
	}
}

// cut takes the next chunk off b: undefined at the end.
func (r *realm) cut(b *[]byte) goja.Value {
	n := min(len(*b), chunkSize)
	chunk := (*b)[:n]
	*b = (*b)[n:]
	return r.chunk(chunk)
}

// chunk is the value of some bytes: undefined for none.
func (r *realm) chunk(b []byte) goja.Value {
	if len(b) == 0 {
		return goja.Undefined()
	}
	return r.uint8Array(b)
}

// streamContent takes a stream of the script's as a body.
func (r *realm) streamContent(stream *goja.Object) Content {
	if s := r.streams(); s.isDisturbed(stream) || s.isLocked(stream) {
		r.typeError("the stream has already been read, or is locked by a reader, so that it can not be a body")
	}
	return Content{stream: stream}
}

// readContent passes all bytes of a body to use and returns the promise of its result.
func (r *realm) readContent(c Content, use func([]byte) (goja.Value, error)) *goja.Object {
	if c.stream == nil {
		return r.v.ReadBody(c.Body, use)
	}
	promise, resolve, reject := r.v.Promise()
	s := r.streams()
	whole := s.do("collect", s.lock(c.stream), r.rt.ToValue(maxCollected)).(*goja.Object)
	r.v.Then(whole, func(value goja.Value) {
		b, _ := r.bytesOf(value.(*goja.Object))
		result, err := use(b)
		if err != nil {
			reject(r.v.ErrorValue(err))
			return
		}
		resolve(result)
	}, reject)
	return promise
}

// sendStream begins to send a stream of the script's to the host, as the body of
// the answer. The run goes on until it has ended.
func (r *realm) sendStream(stream *goja.Object) (call.Body, error) {
	s := r.streams()
	if s.isLocked(stream) {
		return call.Body{}, call.Errorf(call.CodeInvalidArgument, "the body of the Response that the fetch handler returned is a stream that a reader has locked")
	}
	w := r.v.OpenBody()
	take := r.v.Func("send", func(f goja.FunctionCall) goja.Value {
		b, _ := r.bytesOf(f.Arguments[0].(*goja.Object))
		return w.Write(b)
	})
	sent := s.do("each", s.lock(stream), take).(*goja.Object)
	promise, resolve, reject := r.v.Promise()
	r.v.WaitFor(promise)
	done := func() { resolve(goja.Undefined()) }
	r.v.Then(sent, func(goja.Value) { w.End(nil, done) }, func(reason goja.Value) {
		if w.Left() { // that is no mistake of the script's
			done()
			return
		}
		w.End(r.v.ErrorFrom(reason), func() { reject(reason) })
	})
	return w.Body(), nil
}
