package kv

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// atomic is what kv.atomic() returns: checks and writes that are collected and
// then committed together or not at all.
type atomic struct {
	vm.Cell
	s         *space
	checks    []Check
	writes    []Write
	values    []byte
	keyBytes  int
	committed bool
}

func (s *space) atomic(c goja.FunctionCall) goja.Value {
	s.v.Options(c, 0, "kv.atomic")
	obj := s.v.Runtime().CreateObject(atomicProto(s.v))
	vm.Hide(s.v, obj, &atomic{s: s})
	return obj
}

type atomicProtoKey struct{}

// atomicProto is the prototype of the atomic operations of a VM.
func atomicProto(v *vm.VM) *goja.Object {
	return vm.Local(v, atomicProtoKey{}, func() *goja.Object {
		proto := v.Runtime().NewObject()
		chain := map[string]func(*atomic, goja.FunctionCall){
			"check": (*atomic).check, "set": (*atomic).set, "delete": (*atomic).delete, "sum": (*atomic).sum,
		}
		for _, name := range []string{"check", "set", "delete", "sum", "commit"} {
			set(proto, name, v.Func(name, func(c goja.FunctionCall) goja.Value {
				a, ok := vm.Reveal[*atomic](v, c.This)
				if !ok {
					panic(v.Runtime().NewTypeError("%s was called on something that is not a kv.atomic()", name))
				}
				if a.committed {
					v.Throw(call.CodeInvalidArgument, "this kv.atomic() has been committed; begin another")
				}
				if name == "commit" {
					return a.commit()
				}
				chain[name](a, c)
				return c.This
			}))
		}
		return proto
	})
}

// check takes any number of { key, versionstamp }, which entries are too.
func (a *atomic) check(c goja.FunctionCall) {
	v := a.s.v
	for i := range max(1, len(c.Arguments)) {
		obj, ok := v.Arg(c, i).(*goja.Object)
		if !ok {
			v.Throw(call.CodeInvalidArgument, "check takes { key, versionstamp } or an entry, not %s", vm.TypeOf(v.Arg(c, i)))
		}
		for _, k := range obj.Keys() {
			if k != "key" && k != "versionstamp" && k != "value" {
				v.Throw(call.CodeInvalidArgument, "check takes { key, versionstamp } or an entry; it knows no %q", k)
			}
		}
		a.addCheck(obj)
	}
}

func (a *atomic) addCheck(obj *goja.Object) {
	v := a.s.v
	ch := Check{Key: a.s.key(vm.Option(obj, "key"), "the key")}
	switch stamp := vm.Option(obj, "versionstamp"); {
	case goja.IsNull(stamp):
	case goja.IsString(stamp):
		text := stamp.String()
		if _, err := parseVersion(text); err != nil {
			panic(v.NewError(err))
		}
		ch.Versionstamp = &text
	default:
		v.Throw(call.CodeInvalidArgument, "check %s: versionstamp must be an entry's, or null for \"no such key\"; it is %s", ch.Key, vm.TypeOf(stamp))
	}
	if len(a.checks) == MaxChecks {
		panic(v.NewError(tooLarge("an atomic operation of more than %d checks", MaxChecks)))
	}
	a.count(ch.Key)
	a.checks = append(a.checks, ch)
}

func (a *atomic) set(c goja.FunctionCall) {
	w, value := a.s.setWrite(c, "set")
	a.add(w, value)
}

func (a *atomic) delete(c goja.FunctionCall) {
	a.add(a.s.deleteWrite(c, "delete"), nil)
}

func (a *atomic) sum(c goja.FunctionCall) {
	v := a.s.v
	w := Write{Op: OpSum, Key: a.s.key(v.Arg(c, 0), "the key")}
	n := v.Arg(c, 1)
	if !goja.IsNumber(n) {
		v.Throw(call.CodeInvalidArgument, "sum %s: what to add must be a number, not %s", w.Key, vm.TypeOf(n))
	}
	w.Delta = n.ToFloat() + 0
	w.ExpiresMS = a.s.expires(v.Options(c, 2, "sum", "expireIn"))
	a.s.checkWrite(&w)
	a.add(w, nil)
}

func (a *atomic) add(w Write, value []byte) {
	if len(a.writes) == MaxWrites {
		panic(a.s.v.NewError(tooLarge("an atomic operation of more than %d writes", MaxWrites)))
	}
	a.values = append(a.values, value...)
	a.writes = append(a.writes, w)
	a.count(w.Key)
}

// count adds up what the store's transaction will hold.
func (a *atomic) count(k Key) {
	b, err := encodeKey(k)
	if err != nil {
		panic(a.s.v.NewError(err))
	}
	a.keyBytes += len(b)
	if n := a.keyBytes + len(a.values); n > MaxCommit {
		panic(a.s.v.NewError(tooLarge("an atomic operation of %d bytes; keys and values have at most %d together", n, MaxCommit)))
	}
}

func (a *atomic) commit() goja.Value {
	if len(a.checks)+len(a.writes) == 0 {
		a.s.v.Throw(call.CodeInvalidArgument, "this kv.atomic() has nothing to commit; add a check or a write")
	}
	a.committed = true
	return a.s.commit(a.checks, a.writes, a.values, a.target(), a.s.committed)
}

// target is the first key and how much else there is.
func (a *atomic) target() string {
	first := Key(nil)
	if len(a.writes) > 0 {
		first = a.writes[0].Key
	} else {
		first = a.checks[0].Key
	}
	text := a.s.target("atomic", first)
	if n := len(a.checks) + len(a.writes) - 1; n > 0 {
		text += " and " + itoa(n) + " more"
	}
	return text
}
