package journal

import (
	"errors"
	"fmt"

	"reprise/runtime/call"
	"reprise/runtime/call/wire"
)

// appendPayload writes the size with, in its lowest bit, whether a hash or the
// bytes follow.
func appendPayload(b []byte, p Payload) []byte {
	if p.IsKept() {
		b = wire.AppendNumber(b, uint64(max(p.Size, 0))<<1|1)
		return append(b, p.Hash[:]...)
	}
	b = wire.AppendNumber(b, uint64(len(p.Inline))<<1)
	return append(b, p.Inline...)
}

// The bits of a body's form. A body that is not present has no payload.
const (
	bodyPresent = 1 << iota
	bodyHeld
)

func bodyForm(body Body) byte {
	switch {
	case !body.Present:
		return 0
	case body.Held:
		return bodyPresent | bodyHeld
	}
	return bodyPresent
}

func appendBody(b []byte, body Body) []byte {
	if !body.Present {
		return b
	}
	return appendPayload(b, body.Payload)
}

// decoder reads the parts of records.
type decoder struct{ wire.Reader }

// end returns the first mistake; bytes that are left over are one.
func (d *decoder) end(k kind) error {
	if n := d.Len(); n > 0 {
		d.Failf("%d bytes follow the %s record", n, k)
	}
	return d.damage()
}

// damage returns the first mistake, as one of a journal.
func (d *decoder) damage() error {
	err := d.Err()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, call.ErrWireNewer):
		return fmt.Errorf("%w (it has errors of a form that this one does not know)", ErrNewer)
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

func (d *decoder) payload() Payload {
	n := d.Number()
	if n&1 == 0 {
		if s := d.Take(n >> 1); len(s) > 0 {
			return Inline(s)
		}
		return Payload{}
	}
	p := Kept(d.Key(), int64(n>>1))
	if !p.IsKept() {
		d.Failf("a payload has no hash")
		return Payload{}
	}
	return p
}

func (d *decoder) body(form byte) Body {
	switch form {
	case 0:
		return Body{}
	case bodyPresent, bodyPresent | bodyHeld:
		return Body{Present: true, Held: form&bodyHeld != 0, Payload: d.payload()}
	}
	d.Failf("no body has the form %d", form)
	return Body{}
}

// failure reads an error, which has a version of its own.
func (d *decoder) failure() *call.Error { return call.ReadError(&d.Reader) }
