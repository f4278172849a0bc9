// Bodies on their way: what an upstream still sends while the script reads it or
// passes it on, and answers that a script makes while they are sent. Only requests
// have them; a durable run keeps bodies whole.

package runtime

import (
	"encoding/json"
	"io"
	"sync"

	"reprise/runtime/call"
	"reprise/runtime/worker"
)

// maxChunk is the most that one body.next reads.
const maxChunk = call.InlineMax

// liveBodies are the bodies of a request that are still arriving.
type liveBodies struct {
	mu     sync.Mutex
	byName map[string]*liveBody // guarded by mu
	count  int                  // how many there ever were; guarded by mu
	closed bool                 // guarded by mu
}

type liveBody struct {
	mu   sync.Mutex // held while it is read
	r    io.ReadCloser
	size int64 // zero where nobody knows it
}

// stream takes a body into the request's keeping.
func (b *bodies) stream(r io.ReadCloser, size int64) call.Body {
	l := &b.live
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = r.Close() // the request is over, and nobody will read it
		return call.Body{Present: true}
	}
	if l.byName == nil {
		l.byName = map[string]*liveBody{}
	}
	l.count++
	body := call.Live(l.count, size)
	l.byName[body.Handle] = &liveBody{r: r, size: size}
	return body
}

func (l *liveBodies) find(handle string) (*liveBody, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if body := l.byName[handle]; body != nil {
		return body, nil
	}
	return nil, call.Errorf(call.CodeNotFound, "the body %q has been read, passed on or given up", handle)
}

// take gives a body away: whoever gets it closes it.
func (l *liveBodies) take(handle string) (*liveBody, error) {
	body, err := l.find(handle)
	l.mu.Lock()
	delete(l.byName, handle)
	l.mu.Unlock()
	return body, err
}

// whole reads what has not been read yet.
func (l *liveBodies) whole(handle string, most int64) ([]byte, error) {
	body, err := l.take(handle)
	if err != nil {
		return nil, err
	}
	body.mu.Lock()
	defer body.mu.Unlock()
	defer body.r.Close()
	bytes, err := io.ReadAll(io.LimitReader(body.r, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(bytes)) > most:
		return nil, call.Errorf(call.CodeBodyTooLarge, "the body is larger than %d bytes, which is what a script may read whole; read it as a stream, or pass it on", most).
			WithData(call.LimitData{Limit: "body", Used: int64(len(bytes)), Allowed: most})
	}
	return bytes, nil
}

// next reads what comes next; nothing at the end.
func (l *liveBodies) next(handle string) ([]byte, error) {
	body, err := l.find(handle)
	if err != nil {
		return nil, err
	}
	body.mu.Lock()
	defer body.mu.Unlock()
	buf := make([]byte, maxChunk)
	for {
		n, err := body.r.Read(buf)
		if n > 0 {
			return buf[:n], nil // an error comes once more
		}
		if err != nil {
			l.drop(handle)
			if err == io.EOF {
				return nil, nil
			}
			return nil, err
		}
	}
}

// drop gives a body up.
func (l *liveBodies) drop(handle string) {
	if body, err := l.take(handle); err == nil {
		_ = body.r.Close() // an error says nothing that anybody could use
	}
}

func (l *liveBodies) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for handle, body := range l.byName {
		delete(l.byName, handle)
		_ = body.r.Close()
	}
}

// outgoing is an answer that the script makes while it is sent. What it writes goes
// on as the client takes it.
type outgoing struct {
	lane lane // writes, one after another
	r    *io.PipeReader
	w    *io.PipeWriter
}

// streamFor returns the body of an answer that is not there yet.
func (x *execution) streamFor(handle string) (io.ReadCloser, int64, *call.Error) {
	if handle == call.Live(0, 0).Handle {
		if x.sending == nil {
			x.sending = newOutgoing()
		}
		return x.sending.r, 0, nil
	}
	b, ok := x.bodies.(*bodies)
	if !ok {
		return nil, 0, call.Errorf(call.CodeNotFound, "there is no body %q", handle)
	}
	body, err := b.live.take(handle)
	if err != nil {
		return nil, 0, call.From(err)
	}
	return body.r, body.size, nil
}

func newOutgoing() *outgoing {
	r, w := io.Pipe()
	return &outgoing{r: r, w: w}
}

// errClientGone is what a script is told that writes to nobody.
var errClientGone = call.Errorf(call.CodeAbort, "the client does not read the answer any more")

// errCutOff is what the client's side is told of an answer that nobody goes on with.
var errCutOff = call.Errorf(call.CodeCancelled, "the run ended before its answer was whole")

func (o *outgoing) write(b []byte) *call.Error {
	if _, err := o.w.Write(b); err != nil {
		return errClientGone
	}
	return nil
}

func (o *outgoing) close() {
	_ = o.w.CloseWithError(errCutOff) // it never fails, and does nothing where it has ended
	o.lane.close()
}

func (x *execution) closeStreams() {
	if b, ok := x.bodies.(*bodies); ok {
		b.live.close()
	}
	if x.sending != nil {
		x.sending.close()
	}
}

// bodyArgs are those of all calls about bodies.
type bodyArgs struct {
	Handle string `json:"handle"`
	Error  string `json:"error"`
}

// moveBody performs a call about a body. It answers like any other call: a loop of
// reads must not outrun the clock.
func (x *execution) moveBody(c call.Call) {
	var args bodyArgs
	if err := json.Unmarshal(c.Args, &args); err != nil {
		go x.answer(call.Failed(c.ID, call.Errorf(call.CodeInvalidArgument, "%s needs a handle: %v", c.Kind, err)))
		return
	}
	switch c.Kind {
	case worker.KindBodyWrite, worker.KindBodyEnd:
		if x.sending == nil {
			x.sending = newOutgoing() // the answer is of this very turn
		}
		o := x.sending
		o.lane.add(func() { x.answer(o.perform(c, args)) })
	default:
		go x.answer(x.readLive(c, args))
	}
}

func (o *outgoing) perform(c call.Call, args bodyArgs) call.Outcome {
	var err *call.Error
	switch {
	case c.Kind == worker.KindBodyWrite:
		err = o.write(c.Body.Inline)
	case args.Error != "":
		_ = o.w.CloseWithError(call.Errorf(call.CodeCancelled, "the stream of the answer failed: %s", args.Error))
	default:
		_ = o.w.Close()
	}
	if err != nil {
		return call.Failed(c.ID, err)
	}
	return call.OK(c.ID, nil)
}

// readLive performs the calls that read.
func (x *execution) readLive(c call.Call, args bodyArgs) call.Outcome {
	b, ok := x.bodies.(*bodies)
	switch {
	case c.Kind == worker.KindBodyRead:
		return x.readBody(c)
	case !ok:
		return call.Failed(c.ID, call.Errorf(call.CodeNotFound, "there is no body %q", args.Handle))
	case c.Kind == worker.KindBodyDrop:
		b.live.drop(args.Handle)
		return call.OK(c.ID, nil)
	}
	bytes, err := b.live.next(args.Handle)
	if err != nil {
		return call.Failed(c.ID, call.From(err))
	}
	o := call.OK(c.ID, nil)
	if len(bytes) > 0 {
		o.Body = call.Bytes(bytes)
	}
	return o
}
