// crypto.subtle. Package subtle has the algorithms; here are the objects of a
// script around it. Everything is computed where it is called, in the turn, and
// the promises are settled at once: nothing leaves the VM.

package web

import (
	"errors"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
	"reprise/runtime/vm/web/subtle"
)

// subtleState is the state of crypto.subtle: none.
type subtleState struct{ vm.Cell }

// subtleArgs are the arguments of a method of crypto.subtle.
type subtleArgs struct {
	r    *realm
	name string
	f    goja.FunctionCall
}

var subtleMethods = [...]struct {
	name string
	do   func(a subtleArgs) goja.Value
}{
	{"digest", subtleDigest},
	{"generateKey", subtleGenerate},
	{"importKey", subtleImport},
	{"exportKey", subtleExport},
	{"sign", subtleSign},
	{"verify", subtleVerify},
	{"encrypt", subtleEncrypt},
	{"decrypt", subtleDecrypt},
	{"deriveBits", subtleDeriveBits},
	{"deriveKey", subtleDeriveKey},
	{"wrapKey", subtleWrap},
	{"unwrapKey", subtleUnwrap},
}

func (r *realm) subtleClass() *class { return r.class(classSubtleCrypto, r.makeSubtle) }

func (r *realm) makeSubtle() *class {
	c := r.newClass("SubtleCrypto", nil, nil)
	for _, m := range subtleMethods {
		c.method(m.name, func(f goja.FunctionCall) goja.Value {
			return r.settled(func() goja.Value {
				self[*subtleState](c, m.name, f.This)
				return m.do(subtleArgs{r, m.name, f})
			})
		})
	}
	return c
}

// done passes on a result of package subtle, or throws its error.
func done[T any](a subtleArgs, value T, err error) T {
	if err != nil {
		a.r.throwSubtle(err)
	}
	return value
}

func (r *realm) throwSubtle(err error) {
	var e *subtle.Error
	if !errors.As(err, &e) {
		panic(err)
	}
	r.throw(e.Name, e.Message)
}

// host is what the operation may use of the VM.
func (a subtleArgs) host() subtle.Host {
	return subtle.Host{
		Random: func(b []byte) { a.r.v.RandomBytes("crypto.subtle."+a.name+"()", b) },
		Pause:  a.r.v.StopIfInterrupted,
	}
}

func subtleDigest(a subtleArgs) goja.Value {
	p := a.algorithm(subtle.OpDigest, 0)
	return a.r.ownBuffer(subtle.Digest(p, a.bytes(1, "the data")))
}

func subtleGenerate(a subtleArgs) goja.Value {
	p := a.algorithm(subtle.OpGenerate, 0)
	key, public, err := subtle.Generate(p, a.flag(1), a.usages(2), a.host())
	obj := a.r.cryptoKey(done(a, key, err))
	if public == nil {
		return obj
	}
	pair := a.r.rt.NewObject()
	a.r.put(pair, "publicKey", a.r.cryptoKey(public))
	a.r.put(pair, "privateKey", obj)
	return pair
}

func subtleImport(a subtleArgs) goja.Value {
	format := a.format(0)
	p := a.algorithm(subtle.OpImport, 2)
	extractable, uses := a.flag(3), a.usages(4)
	key, err := subtle.Import(format, a.material(format, 1), p, extractable, uses)
	return a.r.cryptoKey(done(a, key, err))
}

func subtleExport(a subtleArgs) goja.Value {
	format := a.format(0)
	m, err := subtle.Export(format, a.key(1))
	return a.r.exported(done(a, m, err))
}

func subtleSign(a subtleArgs) goja.Value {
	p := a.algorithm(subtle.OpSign, 0)
	out, err := subtle.Sign(p, a.key(1), a.bytes(2, "the data"), a.host())
	return a.r.ownBuffer(done(a, out, err))
}

func subtleVerify(a subtleArgs) goja.Value {
	p := a.algorithm(subtle.OpVerify, 0)
	ok, err := subtle.Verify(p, a.key(1), a.bytes(2, "the signature"), a.bytes(3, "the data"))
	return a.r.rt.ToValue(done(a, ok, err))
}

func subtleEncrypt(a subtleArgs) goja.Value {
	p := a.algorithm(subtle.OpEncrypt, 0)
	out, err := subtle.Encrypt(p, a.key(1), a.bytes(2, "the data"), a.host())
	return a.r.ownBuffer(done(a, out, err))
}

func subtleDecrypt(a subtleArgs) goja.Value {
	p := a.algorithm(subtle.OpDecrypt, 0)
	out, err := subtle.Decrypt(p, a.key(1), a.bytes(2, "the data"), a.host())
	return a.r.ownBuffer(done(a, out, err))
}

func subtleDeriveBits(a subtleArgs) goja.Value {
	p := a.algorithm(subtle.OpDerive, 0)
	bits := -1
	if length := a.arg(2); !vm.IsNone(length) {
		bits = int(a.r.unsigned(length, "the number of bits"))
	}
	out, err := subtle.DeriveBits(p, a.key(1), bits)
	return a.r.ownBuffer(done(a, out, err))
}

func subtleDeriveKey(a subtleArgs) goja.Value {
	p := a.algorithm(subtle.OpDerive, 0)
	into := a.algorithm(subtle.OpImport, 2)
	length := a.algorithm(subtle.OpGetKeyLength, 2)
	key, err := subtle.DeriveKey(p, a.key(1), into, length, a.flag(3), a.usages(4))
	return a.r.cryptoKey(done(a, key, err))
}

func subtleWrap(a subtleArgs) goja.Value {
	format := a.format(0)
	p := a.algorithm(subtle.OpEncrypt, 3)
	m, err := subtle.Export(format, a.key(1))
	text := done(a, m, err).Raw
	if m.JWK != nil {
		if text, err = a.r.v.Stringify(a.r.exported(m)); err != nil {
			panic(a.r.v.ErrorValue(err))
		}
	}
	out, err := subtle.Wrap(p, a.key(2), text, a.host())
	return a.r.ownBuffer(done(a, out, err))
}

func subtleUnwrap(a subtleArgs) goja.Value {
	format := a.format(0)
	p, into := a.algorithm(subtle.OpDecrypt, 3), a.algorithm(subtle.OpImport, 4)
	extractable, uses := a.flag(5), a.usages(6)
	text, err := subtle.Unwrap(p, a.key(2), a.bytes(1, "the wrapped key"), a.host())
	m := subtle.Material{Raw: done(a, text, err)}
	if format == "jwk" {
		value, err := a.r.v.ParseJSON(text)
		obj, isObject := value.(*goja.Object)
		if err != nil || !isObject {
			a.r.throw("DataError", "the wrapped key is no JSON Web Key")
		}
		m = subtle.Material{JWK: a.r.jsonWebKey(obj)}
	}
	key, err := subtle.Import(format, m, into, extractable, uses)
	return a.r.cryptoKey(done(a, key, err))
}
