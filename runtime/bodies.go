package runtime

import (
	"encoding/json"
	"strconv"
	"sync"

	"reprise/runtime/call"
)

// bodies keeps the large bodies of one run. The script gets a handle and reads
// the bytes only if it wants them; passed through, they never enter the VM.
type bodies struct {
	mu   sync.Mutex
	held map[string][]byte // guarded by mu
}

// hold returns a small body inline and keeps a large one.
func (b *bodies) hold(bytes []byte) call.Body {
	if len(bytes) <= call.InlineMax {
		return call.Bytes(bytes)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held == nil {
		b.held = map[string][]byte{}
	}
	handle := "body-" + strconv.Itoa(len(b.held)+1)
	b.held[handle] = bytes
	return call.Held(handle, int64(len(bytes)))
}

// read returns a body's bytes, wherever they are.
func (b *bodies) read(body call.Body) ([]byte, error) {
	if !body.IsHeld() {
		return body.Inline, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	bytes, ok := b.held[body.Handle]
	if !ok {
		return nil, call.Errorf(call.CodeNotFound, "the body %q does not belong to this run", body.Handle)
	}
	return bytes, nil
}

// readBody answers a "body.read" call.
func (x *execution) readBody(c call.Call) call.Outcome {
	var args struct {
		Handle string `json:"handle"`
	}
	if err := json.Unmarshal(c.Args, &args); err != nil {
		return call.Failed(c.ID, call.Errorf(call.CodeInvalidArgument, "body.read needs a handle: %v", err))
	}
	bytes, err := x.bodies.read(call.Held(args.Handle, 0))
	if err != nil {
		return call.Failed(c.ID, call.From(err))
	}
	return call.Outcome{Call: c.ID, Body: call.Bytes(bytes)}
}
