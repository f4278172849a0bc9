package web

import (
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// text converts a value as the language's ToString does: objects may run
// code of the script, symbols throw.
func (r *realm) text(value goja.Value) string {
	if value == nil {
		return "undefined"
	}
	if _, ok := value.(*goja.Symbol); ok {
		r.typeError("can not convert a symbol to a string")
	}
	return value.String()
}

// option reads a member of a dictionary argument; nil when it is absent.
func option(dict *goja.Object, name string) goja.Value {
	if dict == nil {
		return nil
	}
	value := dict.Get(name)
	if value == nil || goja.IsUndefined(value) {
		return nil
	}
	return value
}

// dictionary takes an optional options argument.
func (r *realm) dictionary(value goja.Value, what string) *goja.Object {
	if vm.IsNone(value) {
		return nil
	}
	obj, ok := value.(*goja.Object)
	if !ok {
		r.typeError("%s must be an object, not %s", what, vm.TypeOf(value))
	}
	return obj
}

// toText makes a string of bytes that should be UTF-8: what is not becomes
// U+FFFD, one for each maximal ill-formed part, as the encoding standard says.
func toText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out strings.Builder
	out.Grow(len(b) + 8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n <= 1 {
			n = illFormed(b)
			out.WriteRune(utf8.RuneError)
		} else {
			out.Write(b[:n])
		}
		b = b[n:]
	}
	return out.String()
}

// illFormed returns the length of the ill-formed sequence that b begins with:
// a lead byte and those continuation bytes that could still have been right.
func illFormed(b []byte) int {
	need, low, high := leadByte(b[0])
	n := 1
	for ; n <= need && n < len(b); n++ {
		if b[n] < low || b[n] > high {
			break
		}
		low, high = 0x80, 0xBF
	}
	return n
}

// leadByte says how many continuation bytes follow b and the range of the first.
func leadByte(b byte) (need int, low, high byte) {
	switch {
	case b >= 0xC2 && b <= 0xDF:
		return 1, 0x80, 0xBF
	case b == 0xE0:
		return 2, 0xA0, 0xBF
	case b == 0xED:
		return 2, 0x80, 0x9F
	case b >= 0xE1 && b <= 0xEF:
		return 2, 0x80, 0xBF
	case b == 0xF0:
		return 3, 0x90, 0xBF
	case b >= 0xF1 && b <= 0xF3:
		return 3, 0x80, 0xBF
	case b == 0xF4:
		return 3, 0x80, 0x8F
	}
	return 0, 0, 0
}
