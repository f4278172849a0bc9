package web

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
	"reprise/runtime/vm/web/subtle"
)

func (a subtleArgs) arg(i int) goja.Value { return a.r.v.Arg(a.f, i) }

func (a subtleArgs) flag(i int) bool { return a.arg(i).ToBoolean() }

// bytes takes an argument that is binary. Nothing of the script's runs between
// this and the operation, so they are not copied.
func (a subtleArgs) bytes(i int, what string) []byte { return a.r.octets(a.arg(i), what) }

// octets takes an ArrayBuffer or a view of one.
func (r *realm) octets(value goja.Value, what string) []byte {
	if obj, ok := value.(*goja.Object); ok {
		if b, ok := r.bytesOf(obj); ok {
			return b
		}
	}
	r.typeError("%s must be an ArrayBuffer or a view of one, not %s", what, vm.TypeOf(value))
	return nil
}

func (a subtleArgs) key(i int) *subtle.Key {
	k, ok := vm.Reveal[*cryptoKey](a.r.v, a.arg(i))
	if !ok {
		a.r.typeError("crypto.subtle.%s needs a CryptoKey, not %s", a.name, vm.TypeOf(a.arg(i)))
	}
	return k.key
}

func (a subtleArgs) format(i int) string {
	format := a.r.text(a.arg(i))
	if !slices.Contains(subtle.Formats, format) {
		a.r.typeError("the format of a key must be %s, not %s", strings.Join(subtle.Formats, ", "), quoted(format))
	}
	return format
}

// usages takes a list of key usages.
func (a subtleArgs) usages(i int) (u subtle.Usages) {
	a.r.eachItem(a.arg(i), "the usages of a key", maxKeyOps, func(item goja.Value) {
		one, err := subtle.ParseUsages([]string{a.r.text(item)})
		u |= done(a, one, err)
	})
	return u
}

// eachItem goes through a list: any object that can be iterated over. A native
// iterator need not end, so there is a most.
func (r *realm) eachItem(value goja.Value, what string, most int, each func(item goja.Value)) {
	obj, ok := value.(*goja.Object)
	if !ok || vm.IsNone(obj.GetSymbol(goja.SymIterator)) {
		r.typeError("%s must be a list, not %s", what, vm.TypeOf(value))
	}
	count := 0
	r.rt.ForOf(obj, func(item goja.Value) bool {
		if count++; count > most {
			r.throw("RangeError", fmt.Sprintf("%s may be at most %d", what, most))
		}
		each(item)
		return true
	})
}

// algorithm takes an argument that names an algorithm, with what the operation
// needs to know.
func (a subtleArgs) algorithm(op subtle.Op, i int) *subtle.Params {
	r, value := a.r, a.arg(i)
	dict, name := r.algorithmName(value)
	canonical, members, err := subtle.Members(op, name)
	p := &subtle.Params{Name: done(a, canonical, err), Numbers: map[string]uint32{}, Octets: map[string][]byte{}}
	for _, m := range members {
		member := option(dict, m.Name)
		if member == nil {
			if !m.Optional {
				r.typeError("%s needs %q in the algorithm: crypto.subtle.%s({ name: %q, %s: … }, …)", canonical, m.Name, a.name, canonical, m.Name)
			}
			continue
		}
		a.member(p, m, member)
	}
	return p
}

func (a subtleArgs) member(p *subtle.Params, m subtle.Member, value goja.Value) {
	r := a.r
	switch m.Kind {
	case subtle.KindNumber:
		p.Numbers[m.Name] = r.unsigned(value, m.Name)
	case subtle.KindOctets:
		p.Octets[m.Name] = slices.Clone(r.octets(value, m.Name)) // a getter that is still to come may change it
	case subtle.KindText:
		p.NamedCurve = r.text(value)
	case subtle.KindHash:
		_, name := r.algorithmName(value)
		canonical, _, err := subtle.Members(subtle.OpDigest, name)
		p.Hash = done(a, canonical, err)
	}
}

// algorithmName reads a name, or an object that has one.
func (r *realm) algorithmName(value goja.Value) (dict *goja.Object, name string) {
	dict, ok := value.(*goja.Object)
	if !ok {
		return nil, r.text(value)
	}
	member := option(dict, "name")
	if member == nil {
		r.typeError("an algorithm must be a string, or an object with a name")
	}
	return dict, r.text(member)
}

// unsigned takes a whole number of 32 bits.
func (r *realm) unsigned(value goja.Value, what string) uint32 {
	if _, isSymbol := value.(*goja.Symbol); isSymbol || goja.IsBigInt(value) {
		r.typeError("%s must be a number, not %s", what, vm.TypeOf(value))
	}
	n := math.Trunc(value.ToFloat())
	if !(n >= 0 && n <= math.MaxUint32) {
		r.typeError("%s must be a whole number between 0 and 4294967295", what)
	}
	return uint32(n)
}
