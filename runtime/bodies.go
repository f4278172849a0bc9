package runtime

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"reprise/runtime/call"
)

// How much of large bodies a run keeps. A run that goes on for days must not
// keep what it read on its first.
const (
	maxHeldRead = 64 << 20  // beyond that, bodies that were read go, oldest first
	maxHeld     = 256 << 20 // beyond that, any
)

// bodies keeps the large bodies of one run. The script gets a handle and reads
// the bytes only if it wants them; passed through, they never enter the VM.
type bodies struct {
	limit func() int64 // the largest body that is read whole, of those that arrive meanwhile
	mu    sync.Mutex
	held  []*heldBody // oldest first; guarded by mu
	size  int         // of all held; guarded by mu
	count int         // how many there ever were; guarded by mu
	live  liveBodies
}

type heldBody struct {
	handle string
	bytes  []byte
	read   bool
}

// hold returns a small body inline and keeps a large one.
func (b *bodies) hold(bytes []byte) call.Body {
	if len(bytes) <= call.InlineMax {
		return call.Bytes(bytes)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	h := &heldBody{handle: "body-" + strconv.Itoa(b.count), bytes: bytes}
	b.held = append(b.held, h)
	b.size += len(bytes)
	b.evict(maxHeldRead, func(old *heldBody) bool { return old.read })
	b.evict(maxHeld, func(old *heldBody) bool { return old != h })
	return call.Held(h.handle, int64(len(bytes)))
}

// evict drops bodies that may go, oldest first, until no more than limit is
// held. b.mu is held.
func (b *bodies) evict(limit int, mayGo func(*heldBody) bool) {
	b.held = slices.DeleteFunc(b.held, func(h *heldBody) bool {
		if b.size <= limit || !mayGo(h) {
			return false
		}
		b.size -= len(h.bytes)
		return true
	})
}

// read returns a body's bytes, wherever they are.
func (b *bodies) read(body call.Body) ([]byte, error) {
	if !body.IsHeld() {
		return body.Inline, nil
	}
	if body.IsLive() {
		return b.live.whole(body.Handle, b.limit())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.held {
		if h.handle == body.Handle {
			h.read = true
			return h.bytes, nil
		}
	}
	return nil, call.Errorf(call.CodeNotFound,
		"the body %q is not kept any more: a run keeps %d MiB of large bodies, and of those it has read %d MiB; read a response before asking for many others",
		body.Handle, maxHeld>>20, maxHeldRead>>20)
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
