package kv

import (
	"encoding/json"
	"math"
	"math/big"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// Module is the VM side of reprise:kv.
func Module() vm.Module { return module{} }

type module struct{}

// Name implements vm.Module.
func (module) Name() string { return "kv" }

// Exports implements vm.Module.
func (module) Exports(v *vm.VM) *goja.Object {
	exports := v.Runtime().NewObject()
	set(exports, "kv", newSpace(v, "").object())
	return exports
}

// set defines an ordinary property of an object of our own.
func set(o *goja.Object, name string, value any) {
	if err := o.Set(name, value); err != nil {
		panic(err)
	}
}

// space is a namespace as a script sees it: what `kv` is, and kv.open(name).
type space struct {
	v    *vm.VM
	name string // empty: the script's own
	*codec
}

func newSpace(v *vm.VM, name string) *space {
	return &space{v: v, name: name, codec: codecOf(v)}
}

// object makes the JavaScript object. Its methods need no `this`.
func (s *space) object() *goja.Object {
	o := s.v.Runtime().NewObject()
	for _, m := range []struct {
		name string
		f    func(goja.FunctionCall) goja.Value
	}{
		{"get", s.get},
		{"getMany", s.getMany},
		{"set", s.set},
		{"delete", s.delete},
		{"list", s.list},
		{"atomic", s.atomic},
		{"open", s.open},
	} {
		set(o, m.name, s.v.Func(m.name, m.f))
	}
	return o
}

// open returns a shared namespace.
func (s *space) open(c goja.FunctionCall) goja.Value {
	name := s.v.StringArg(c, 0, "the name of a shared namespace")
	if err := checkName(name); err != nil {
		panic(s.v.NewError(err))
	}
	return newSpace(s.v, name).object()
}

// target says in log lines what a call is about.
func (s *space) target(verb string, k Key) string {
	if s.name != "" {
		verb += " " + s.name
	}
	return verb + " " + k.String()
}

func (s *space) get(c goja.FunctionCall) goja.Value {
	k := s.key(s.v.Arg(c, 0), "the key")
	s.v.Options(c, 1, "kv.get")
	return s.read([]Key{k}, s.target("get", k), func(entries []goja.Value) goja.Value { return entries[0] })
}

func (s *space) getMany(c goja.FunctionCall) goja.Value {
	list, ok := s.v.Arg(c, 0).(*goja.Object)
	if !ok || !s.isArray(list) {
		s.v.Throw(call.CodeInvalidArgument, "kv.getMany takes an array of keys, not %s", vm.TypeOf(s.v.Arg(c, 0)))
	}
	s.v.Options(c, 1, "kv.getMany")
	n := s.lengthOf(list, "the array of keys")
	if n > MaxGet {
		panic(s.v.NewError(tooLarge("kv.getMany of %d keys; it takes at most %d", n, MaxGet)))
	}
	keys := make([]Key, n)
	for i := range keys {
		keys[i] = s.key(list.Get(itoa(i)), "key "+itoa(i+1))
	}
	var first Key
	if n > 0 {
		first = keys[0]
	}
	target := s.target("get", first)
	if n > 1 {
		target += " and " + itoa(int(n-1)) + " more"
	}
	return s.read(keys, target, func(entries []goja.Value) goja.Value {
		items := make([]any, len(entries))
		for i, e := range entries {
			items[i] = e
		}
		return s.v.Runtime().NewArray(items...)
	})
}

// read makes a "kv.get" call.
func (s *space) read(keys []Key, target string, result func([]goja.Value) goja.Value) goja.Value {
	args := GetArgs{Namespace: s.name, Keys: keys}
	if _, err := args.check(); err != nil {
		panic(s.v.NewError(err))
	}
	c := call.Call{Kind: KindGet, Target: target, Class: call.Read, Args: encodeArgs(args)}
	return s.v.Call(c, func(o call.Outcome) (goja.Value, error) {
		return s.found(o, func(f *Found, values [][]byte) (goja.Value, error) {
			entries, err := s.entries(keys, f, values)
			if err != nil {
				return nil, err
			}
			return result(entries), nil
		})
	})
}

// found reads the outcome of a read. A large body costs another call.
func (s *space) found(o call.Outcome, use func(*Found, [][]byte) (goja.Value, error)) (goja.Value, error) {
	var f Found
	if err := json.Unmarshal(o.Value, &f); err != nil || len(f.Sizes) != len(f.Versionstamps) {
		return nil, call.Errorf(call.CodeInternal, "the answer of the KV store can not be read: %v", err)
	}
	split := func(body []byte) (goja.Value, error) {
		values := make([][]byte, len(f.Sizes))
		for i, n := range f.Sizes {
			if n < 0 || n > len(body) {
				return nil, call.Errorf(call.CodeInternal, "the answer of the KV store is too short")
			}
			values[i], body = body[:n], body[n:]
		}
		return use(&f, values)
	}
	if o.Body.IsHeld() {
		return s.v.ReadBody(o.Body, split), nil
	}
	return split(o.Body.Inline)
}

// entries makes the objects { key, value, versionstamp }.
func (s *space) entries(keys []Key, f *Found, values [][]byte) ([]goja.Value, error) {
	if len(keys) != len(values) {
		return nil, call.Errorf(call.CodeInternal, "the answer of the KV store has %d values for %d keys", len(values), len(keys))
	}
	entries := make([]goja.Value, len(keys))
	for i, k := range keys {
		value, versionstamp := goja.Null(), goja.Null()
		if f.Versionstamps[i] != "" {
			var err error
			if value, err = s.decode(values[i]); err != nil {
				return nil, call.Errorf(call.CodeStore, "the value of %s can not be read", k).WithCause(err)
			}
			versionstamp = s.v.Runtime().ToValue(f.Versionstamps[i])
		}
		entry := s.v.Runtime().NewObject()
		set(entry, "key", s.keyValue(k))
		set(entry, "value", value)
		set(entry, "versionstamp", versionstamp)
		entries[i] = entry
	}
	return entries, nil
}

func (s *space) set(c goja.FunctionCall) goja.Value {
	w, value := s.setWrite(c, "kv.set")
	return s.commit(nil, []Write{w}, value, s.target(OpSet, w.Key), s.committed)
}

func (s *space) delete(c goja.FunctionCall) goja.Value {
	w := s.deleteWrite(c, "kv.delete")
	return s.commit(nil, []Write{w}, nil, s.target(OpDelete, w.Key), func(Done) goja.Value { return goja.Undefined() })
}

func (s *space) setWrite(c goja.FunctionCall, what string) (Write, []byte) {
	w := Write{Op: OpSet, Key: s.key(s.v.Arg(c, 0), "the key")}
	w.ExpiresMS = s.expires(s.v.Options(c, 2, what, "expireIn"))
	value := s.encode(s.v.Arg(c, 1), w.Key)
	w.Size = len(value)
	s.checkWrite(&w)
	return w, value
}

func (s *space) deleteWrite(c goja.FunctionCall, what string) Write {
	w := Write{Op: OpDelete, Key: s.key(s.v.Arg(c, 0), "the key")}
	s.v.Options(c, 1, what)
	s.checkWrite(&w)
	return w
}

func (s *space) checkWrite(w *Write) {
	_, err := encodeKey(w.Key)
	if err == nil {
		err = checkWrite(w)
	}
	if err != nil {
		panic(s.v.NewError(err))
	}
}

// expires reads the option expireIn. It counts from the script's clock, so
// that executing a turn again asks for the same.
func (s *space) expires(options *goja.Object) int64 {
	value := vm.Option(options, "expireIn")
	if vm.IsNone(value) {
		return 0
	}
	d := s.v.Duration(value, "expireIn")
	if d < time.Millisecond {
		s.v.Throw(call.CodeInvalidArgument, "expireIn must be at least 1 ms")
	}
	return s.v.Now().Add(d).UnixMilli()
}

// commit makes a "kv.commit" call.
func (s *space) commit(checks []Check, writes []Write, values []byte, target string, result func(Done) goja.Value) goja.Value {
	c := call.Call{
		Kind: KindCommit, Target: target, Class: classOf(checks, writes),
		Args: encodeArgs(CommitArgs{Namespace: s.name, Checks: checks, Writes: writes}),
	}
	if len(values) > 0 {
		c.Body = call.Bytes(values)
	}
	return s.v.Call(c, func(o call.Outcome) (goja.Value, error) {
		var done Done
		if err := json.Unmarshal(o.Value, &done); err != nil {
			return nil, call.Errorf(call.CodeInternal, "the answer of the KV store can not be read: %v", err)
		}
		return result(done), nil
	})
}

// classOf says what doing the writes twice would mean.
func classOf(checks []Check, writes []Write) call.Class {
	if len(checks) > 0 {
		return call.Write
	}
	for _, w := range writes {
		if w.Op == OpSum {
			return call.Write
		}
	}
	return call.Idempotent
}

// committed makes { ok, versionstamp }.
func (s *space) committed(d Done) goja.Value {
	o := s.v.Runtime().NewObject()
	set(o, "ok", d.OK)
	if d.OK {
		set(o, "versionstamp", d.Versionstamp)
	}
	return o
}

// key reads a key that a script passed.
func (s *space) key(value goja.Value, name string) Key {
	list, ok := value.(*goja.Object)
	if !ok || !s.isArray(list) {
		s.v.Throw(call.CodeInvalidArgument, `%s must be an array such as ["orders", 42], not %s`, name, vm.TypeOf(value))
	}
	n := s.lengthOf(list, name)
	if n > maxParts {
		panic(s.v.NewError(tooLarge("%s has %d parts; a key has at most %d", name, n, maxParts)))
	}
	k := make(Key, n)
	for i := range k {
		k[i] = s.part(list.Get(itoa(i)), name, i+1)
	}
	return k
}

func (s *space) part(value goja.Value, name string, n int) any {
	switch {
	case goja.IsString(value):
		return s.text(value, name, n)
	case goja.IsNumber(value):
		f := value.ToFloat()
		if math.IsNaN(f) {
			s.v.Throw(call.CodeInvalidArgument, "part %d of %s is NaN, which has no place in an order", n, name)
		}
		return f + 0 // -0 becomes 0
	case goja.IsBigInt(value):
		if i, ok := value.Export().(*big.Int); ok {
			return i
		}
	}
	if obj, ok := value.(*goja.Object); ok {
		if b, ok := s.bytesOf(obj); ok {
			return b
		}
	} else if !vm.IsNone(value) {
		if b, ok := value.Export().(bool); ok {
			return b
		}
	}
	s.v.Throw(call.CodeInvalidArgument, "part %d of %s is %s; a part is a string, number, bigint, boolean or Uint8Array", n, name, vm.TypeOf(value))
	return nil
}

// text reads a string. One with half of a surrogate pair has no UTF-8, and two
// such keys would become one.
func (s *space) text(value goja.Value, name string, n int) string {
	units, ok := value.(goja.String)
	if ok && !wellFormed(units) {
		s.v.Throw(call.CodeInvalidArgument, "part %d of %s is not well-formed text: it holds half of a surrogate pair", n, name)
	}
	return value.String()
}

func wellFormed(s goja.String) bool {
	for i, n := 0, s.Length(); i < n; i++ {
		switch c := s.CharAt(i); {
		case c < 0xD800 || c > 0xDFFF:
		case c >= 0xDC00 || i+1 == n || s.CharAt(i+1)&0xFC00 != 0xDC00:
			return false
		default:
			i++
		}
	}
	return true
}

// keyValue makes the JavaScript array of a key.
func (s *space) keyValue(k Key) goja.Value {
	parts := make([]any, len(k))
	for i, part := range k {
		if b, ok := part.([]byte); ok {
			part = s.uint8Array(b)
		}
		parts[i] = s.v.Runtime().ToValue(part)
	}
	return s.v.Runtime().NewArray(parts...)
}
