package web

import (
	"github.com/dop251/goja"

	"reprise/runtime/vm"
	"reprise/runtime/vm/web/subtle"
)

// cryptoKey is the state of a CryptoKey object.
type cryptoKey struct {
	vm.Cell
	key       *subtle.Key
	algorithm *goja.Object // what the property returns, once asked for
	usages    *goja.Object
}

// cryptoKey makes the object of a key.
func (r *realm) cryptoKey(key *subtle.Key) *goja.Object {
	return r.cryptoKeyClass().object(&cryptoKey{key: key})
}

func (r *realm) cryptoKeyClass() *class { return r.class(classCryptoKey, r.makeCryptoKey) }

func (r *realm) makeCryptoKey() *class {
	c := r.newClass("CryptoKey", nil, nil)
	getter(c, "type", func(k *cryptoKey) any { return k.key.Type })
	getter(c, "extractable", func(k *cryptoKey) any { return k.key.Extractable })
	getter(c, "algorithm", func(k *cryptoKey) any {
		if k.algorithm == nil {
			k.algorithm = r.keyAlgorithm(&k.key.Info)
		}
		return k.algorithm
	})
	getter(c, "usages", func(k *cryptoKey) any {
		if k.usages == nil {
			k.usages = r.strings(k.key.Usages.Names()).(*goja.Object)
		}
		return k.usages
	})
	return c
}

// keyAlgorithm makes the algorithm property. It is for scripts to read: what
// they change in it changes nothing of the key.
func (r *realm) keyAlgorithm(info *subtle.Info) *goja.Object {
	obj := r.rt.NewObject()
	put := func(name string, there bool, value any) {
		if there {
			r.put(obj, name, value)
		}
	}
	put("name", true, info.Name)
	put("length", info.Length > 0, info.Length)
	put("namedCurve", info.NamedCurve != "", info.NamedCurve)
	put("modulusLength", info.ModulusLength > 0, info.ModulusLength)
	if len(info.PublicExponent) > 0 {
		put("publicExponent", true, r.uint8Array(info.PublicExponent))
	}
	if info.Hash != "" {
		hash := r.rt.NewObject()
		r.put(hash, "name", info.Hash)
		put("hash", true, hash)
	}
	return obj
}

// material reads the key data of an import.
func (a subtleArgs) material(format string, i int) subtle.Material {
	if format != "jwk" {
		return subtle.Material{Raw: a.bytes(i, "the key data")}
	}
	obj, ok := a.arg(i).(*goja.Object)
	if ok {
		if _, binary := a.r.bytesOf(obj); !binary {
			return subtle.Material{JWK: a.r.jsonWebKey(obj)}
		}
	}
	a.r.typeError("a key in the format jwk must be an object, not %s", vm.TypeOf(a.arg(i)))
	return subtle.Material{}
}

// maxKeyOps is how many usages can be listed, for a key or in a JSON Web Key; the
// standard has eight, and in the latter each is compared with all the others.
const maxKeyOps = 100

// jsonWebKey reads a JSON Web Key.
func (r *realm) jsonWebKey(obj *goja.Object) *subtle.JWK {
	j := &subtle.JWK{Text: map[string]string{}}
	for _, name := range subtle.TextMembers {
		if value := option(obj, name); value != nil {
			j.Text[name] = r.text(value)
		}
	}
	if ext := option(obj, "ext"); ext != nil {
		j.Ext = new(ext.ToBoolean())
	}
	if ops := option(obj, "key_ops"); ops != nil {
		j.KeyOps = []string{}
		r.eachItem(ops, "the key_ops of a JSON Web Key", maxKeyOps, func(item goja.Value) { j.KeyOps = append(j.KeyOps, r.text(item)) })
	}
	j.Primes = option(obj, "oth") != nil
	return j
}

// exported makes the value of exportKey.
func (r *realm) exported(m subtle.Material) *goja.Object {
	if m.JWK == nil {
		return r.buffer(m.Raw)
	}
	obj := r.rt.NewObject()
	for _, name := range subtle.TextMembers {
		if text, ok := m.JWK.Text[name]; ok {
			r.put(obj, name, text)
		}
	}
	r.put(obj, "key_ops", r.strings(m.JWK.KeyOps))
	r.put(obj, "ext", *m.JWK.Ext)
	return obj
}
