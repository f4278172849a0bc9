package kv

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// lister is what kv.list() returns: an async iterator that reads batch after
// batch, each when the script asks for an entry that is not there yet.
type lister struct {
	vm.Cell
	s     *space
	pos   call.Position
	args  ListArgs // of the next batch
	left  int      // entries still wanted; negative: all
	batch int

	ready   []goja.Value // entries that were read and not asked for yet
	keys    []Key        // of ready
	more    bool         // the range goes on after ready
	last    string       // the cursor of the entry handed out last
	reading bool
	failed  goja.Value // why reading ended
	waiting []request
}

// request is a next() that has not been answered.
type request struct {
	resolve, reject func(goja.Value)
}

// list returns the iterator. It reads nothing yet.
func (s *space) list(c goja.FunctionCall) goja.Value {
	l := &lister{s: s, pos: s.v.Pos(), more: true, left: -1, batch: DefaultBatch}
	l.selector(c)
	l.options(c)
	l.args.Limit = 1
	if _, err := l.args.check(); err != nil {
		panic(s.v.NewError(err))
	}
	l.last = l.args.Cursor
	obj := s.v.Runtime().CreateObject(listProto(s.v))
	vm.Hide(s.v, obj, l)
	return obj
}

func (l *lister) selector(c goja.FunctionCall) {
	v := l.s.v
	l.args.Namespace = l.s.name
	selector := v.Options(c, 0, "the selector of kv.list", "prefix", "start", "end")
	for _, bound := range []struct {
		name string
		key  **Key
	}{{"prefix", &l.args.Prefix}, {"start", &l.args.Start}, {"end", &l.args.End}} {
		if value := vm.Option(selector, bound.name); !goja.IsUndefined(value) {
			k := l.s.key(value, bound.name)
			*bound.key = &k
		}
	}
}

func (l *lister) options(c goja.FunctionCall) {
	v := l.s.v
	options := v.Options(c, 1, "kv.list", "limit", "reverse", "cursor", "batchSize")
	if value := vm.Option(options, "limit"); !vm.IsNone(value) {
		l.left = l.count(value, "limit")
	}
	if value := vm.Option(options, "batchSize"); !vm.IsNone(value) {
		if l.batch = l.count(value, "batchSize"); l.batch > MaxBatch {
			panic(v.NewError(tooLarge("batchSize is %d; a batch has at most %d entries", l.batch, MaxBatch)))
		}
	}
	if value := vm.Option(options, "reverse"); !vm.IsNone(value) {
		l.args.Reverse = value.ToBoolean()
	}
	if value := vm.Option(options, "cursor"); !vm.IsNone(value) {
		if !goja.IsString(value) {
			v.Throw(call.CodeInvalidArgument, "cursor must be a string, not %s", vm.TypeOf(value))
		}
		l.args.Cursor = value.String()
	}
}

// maxCount keeps counts within what a number can say exactly.
const maxCount = 1 << 53

func (l *lister) count(value goja.Value, name string) int {
	if f := value.ToFloat(); goja.IsNumber(value) && f >= 1 && f <= maxCount && f == float64(int(f)) {
		return int(f)
	}
	l.s.v.Throw(call.CodeInvalidArgument, "%s must be a whole number from 1", name)
	return 0
}

type listProtoKey struct{}

// listProto is the prototype of the iterators of a VM.
func listProto(v *vm.VM) *goja.Object {
	return vm.Local(v, listProtoKey{}, func() *goja.Object {
		proto := v.Runtime().NewObject()
		self := func(name string, f func(*lister) goja.Value) *goja.Object {
			return v.Func(name, func(c goja.FunctionCall) goja.Value {
				l, ok := vm.Reveal[*lister](v, c.This)
				if !ok {
					panic(v.Runtime().NewTypeError("%s was called on something that is not a kv.list()", name))
				}
				return f(l)
			})
		}
		set(proto, "next", self("next", (*lister).next))
		set(proto, "return", self("return", (*lister).stop))
		set(proto, "toArray", self("toArray", (*lister).toArray))
		cursor := self("cursor", func(l *lister) goja.Value { return v.Runtime().ToValue(l.cursor()) })
		if err := proto.DefineAccessorProperty("cursor", cursor, nil, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			panic(err)
		}
		// lists are their own iterators
		itself := v.Func("[Symbol.asyncIterator]", func(c goja.FunctionCall) goja.Value { return c.This })
		if err := proto.DefineDataPropertySymbol(asyncIterator(v), itself, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			panic(err)
		}
		return proto
	})
}

// asyncIterator is the registered symbol that Symbol.asyncIterator is an alias
// of, in VMs whose script names that.
func asyncIterator(v *vm.VM) *goja.Symbol {
	class, _ := v.Runtime().Get("Symbol").(*goja.Object) // the script may have put anything there
	registered, ok := goja.AssertFunction(vm.Option(class, "for"))
	if !ok {
		panic(v.Runtime().NewTypeError("Symbol.for is not a function"))
	}
	symbol, err := registered(class, v.Runtime().ToValue("Symbol.asyncIterator"))
	if err != nil {
		panic(err)
	}
	s, ok := symbol.(*goja.Symbol)
	if !ok {
		panic(v.Runtime().NewTypeError("Symbol.for does not return a symbol"))
	}
	return s
}

// next promises { done, value }.
func (l *lister) next() goja.Value {
	promise, resolve, reject := l.s.v.Promise()
	l.waiting = append(l.waiting, request{resolve, reject})
	l.serve()
	return promise
}

// stop ends the iteration: what `break` in a for-await calls.
func (l *lister) stop() goja.Value {
	l.left, l.ready, l.keys = 0, nil, nil
	promise, resolve, _ := l.s.v.Promise()
	resolve(l.result(nil))
	return promise
}

// serve answers what it can and reads on when an answer is missing. Answering
// may bring the next request at once, so each leaves the queue before.
func (l *lister) serve() {
	for len(l.waiting) > 0 {
		if l.left != 0 && len(l.ready) == 0 && l.failed == nil && l.more {
			l.read()
			return
		}
		r := l.waiting[0]
		l.waiting = l.waiting[1:]
		switch {
		case l.left != 0 && len(l.ready) > 0:
			r.resolve(l.result(l.take()))
		case l.left != 0 && l.failed != nil:
			r.reject(l.failed)
		default:
			r.resolve(l.result(nil))
		}
	}
}

func (l *lister) take() goja.Value {
	entry, k := l.ready[0], l.keys[0]
	l.ready, l.keys = l.ready[1:], l.keys[1:]
	if l.left > 0 {
		l.left--
	}
	l.last = ""
	if l.more || len(l.ready) > 0 {
		l.last = cursorOf(k)
	}
	return entry
}

// cursor says where to go on after what was handed out; empty: at the end.
func (l *lister) cursor() string { return l.last }

func (l *lister) result(entry goja.Value) goja.Value {
	o := l.s.v.Runtime().NewObject()
	set(o, "done", entry == nil)
	set(o, "value", goja.Undefined())
	if entry != nil {
		set(o, "value", entry)
	}
	return o
}

// read makes a "kv.list" call for the next batch, unless one is open.
func (l *lister) read() {
	if l.reading {
		return
	}
	l.reading = true
	l.args.Limit = l.batch
	if l.left > 0 {
		l.args.Limit = min(l.batch, l.left)
	}
	c := call.Call{Kind: KindList, Target: l.s.target("list", l.about()), Class: call.Read, Args: encodeArgs(l.args)}
	if c.Pos = l.s.v.Pos(); c.Pos.IsZero() {
		c.Pos = l.pos // toArray reads on by itself
	}
	batch := l.s.v.Call(c, func(o call.Outcome) (goja.Value, error) { return l.s.found(o, l.add) })
	l.s.v.Then(batch, func(goja.Value) {
		l.reading = false
		l.serve()
	}, func(reason goja.Value) {
		l.reading, l.failed = false, reason
		l.serve()
	})
}

// about is the key that stands for the range in log lines.
func (l *lister) about() Key {
	for _, k := range []*Key{l.args.Prefix, l.args.Start, l.args.End} {
		if k != nil {
			return *k
		}
	}
	return nil
}

// add takes a batch in.
func (l *lister) add(f *Found, values [][]byte) (goja.Value, error) {
	entries, err := l.s.entries(f.Keys, f, values)
	if err != nil {
		return nil, err
	}
	l.ready, l.keys, l.more = entries, f.Keys, f.More && len(entries) > 0
	if n := len(f.Keys); n > 0 {
		l.args.Cursor = cursorOf(f.Keys[n-1])
	} else {
		l.last = ""
	}
	return goja.Undefined(), nil
}

// toArray promises all entries that are left.
func (l *lister) toArray() goja.Value {
	promise, resolve, reject := l.s.v.Promise()
	var items []any
	var ask func()
	ask = func() {
		l.waiting = append(l.waiting, request{reject: reject, resolve: func(value goja.Value) {
			step := value.(*goja.Object)
			if step.Get("done").ToBoolean() {
				resolve(l.s.v.Runtime().NewArray(items...))
				return
			}
			items = append(items, step.Get("value"))
			ask()
		}})
	}
	ask()
	l.serve()
	return promise
}
