package web

import (
	"encoding/hex"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// maxRandomBytes is the most getRandomValues fills at once, as the standard says.
const maxRandomBytes = 65536

// cryptoState is the state of the crypto object.
type cryptoState struct {
	vm.Cell
	subtle *goja.Object // once asked for
}

// makeCrypto makes the global crypto.
func (r *realm) makeCrypto() goja.Value { return r.cryptoClass().object(&cryptoState{}) }

func (r *realm) cryptoClass() *class { return r.class(classCrypto, r.makeCryptoClass) }

// makeCryptoClass makes the class of crypto. Its bytes come from the run's own
// stream: they are as unguessable as the run's seed, and a replayed run draws
// the same.
func (r *realm) makeCryptoClass() *class {
	c := r.newClass("Crypto", nil, nil)
	getter(c, "subtle", func(s *cryptoState) any {
		if s.subtle == nil {
			s.subtle = r.subtleClass().object(&subtleState{})
		}
		return s.subtle
	})
	method(c, "randomUUID", func(*cryptoState, goja.FunctionCall) goja.Value {
		var b [16]byte
		r.v.RandomBytes("crypto.randomUUID()", b[:])
		return r.rt.ToValue(uuidText(b))
	})
	method(c, "getRandomValues", func(_ *cryptoState, f goja.FunctionCall) goja.Value {
		obj, ok := r.v.Arg(f, 0).(*goja.Object)
		name := ""
		if ok {
			name = r.viewName(obj)
		}
		switch name {
		case "", "DataView", "Float32Array", "Float64Array":
			r.throw("TypeMismatchError", "crypto.getRandomValues takes a typed array of integers")
		}
		b, _ := r.bytesOf(obj)
		if len(b) > maxRandomBytes {
			panic(r.v.NewError(&call.Error{Name: "QuotaExceededError", Message: "crypto.getRandomValues fills at most 65536 bytes at once"}))
		}
		r.v.RandomBytes("crypto.getRandomValues()", b)
		return obj
	})
	return c
}

// uuidText writes a random UUID (version 4).
func uuidText(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	at := 0
	for i, part := range [...][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			out[at] = '-'
			at++
		}
		at += hex.Encode(out[at:], part)
	}
	return string(out[:])
}
