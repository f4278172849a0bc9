// Bodies on their way: what an upstream still sends while the script reads it or
// passes it on (live.go), and answers that a script makes while they are sent
// (outgoing.go). Only requests have them; a durable run keeps bodies whole. This file
// performs the calls about them.

package runtime

import (
	"encoding/json"
	"io"

	"reprise/runtime/call"
	"reprise/runtime/worker"
)

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
