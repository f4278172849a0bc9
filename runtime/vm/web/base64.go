package web

import (
	"encoding/base64"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// invalidCharacter throws what atob and btoa throw.
func (r *realm) invalidCharacter(message string) {
	panic(r.v.NewError(&call.Error{Name: "InvalidCharacterError", Message: message}))
}

func (r *realm) makeBtoa() goja.Value {
	return r.v.Func("btoa", func(f goja.FunctionCall) goja.Value {
		var b []byte
		for _, c := range r.text(r.v.Arg(f, 0)) {
			if c > 0xFF {
				r.invalidCharacter("btoa: the string contains characters above U+00FF; encode it first: new TextEncoder().encode(text).toBase64()")
			}
			b = append(b, byte(c))
		}
		return r.rt.ToValue(base64.StdEncoding.EncodeToString(b))
	})
}

func (r *realm) makeAtob() goja.Value {
	return r.v.Func("atob", func(f goja.FunctionCall) goja.Value {
		b, ok := forgivingBase64(r.text(r.v.Arg(f, 0)))
		if !ok {
			r.invalidCharacter("atob: the string is not base64")
		}
		return r.rt.ToValue(latin1(b))
	})
}

// forgivingBase64 decodes as the infra standard says: white space is ignored,
// padding may be absent, left-over bits are dropped.
func forgivingBase64(s string) ([]byte, bool) {
	s = strings.Map(func(c rune) rune {
		if strings.ContainsRune(" \t\n\f\r", c) {
			return -1
		}
		return c
	}, s)
	if len(s)%4 == 0 {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	return b, err == nil && len(s)%4 != 1
}

// latin1 makes the string whose characters are the bytes.
func latin1(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}
