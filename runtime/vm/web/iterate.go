// Iteration over name-value pairs, shared by Headers, URLSearchParams and
// FormData. The list is looked at anew for every step, so changes during iteration show.

package web

import (
	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// pairs returns the pair at a position, and whether there is one. Both parts are
// what ToValue takes.
type pairs func(i int) (pair [2]any, ok bool)

// pairIterator is the state of an iterator.
type pairIterator struct {
	vm.Cell
	next pairs
	pos  int
	part int // 0: names, 1: values, 2: both
}

// pairIterators defines keys, values, entries and the iteration of a class.
// list returns the elements of a receiver, or throws.
func (r *realm) pairIterators(c *class, id classID, list func(this goja.Value, name string) pairs) {
	for part, name := range []string{"keys", "values", "entries"} {
		fn := c.method(name, func(f goja.FunctionCall) goja.Value {
			it := &pairIterator{next: list(f.This, name), part: part}
			return r.class(id, func() *class { return r.makeIterator(c.name + " Iterator") }).object(it)
		})
		if part == 2 {
			c.iterable(fn)
		}
	}
}

func (r *realm) makeIterator(name string) *class {
	c := r.newClass(name, nil, nil)
	method(c, "next", func(it *pairIterator, _ goja.FunctionCall) goja.Value {
		pair, ok := it.next(it.pos)
		result := r.rt.NewObject()
		value := goja.Undefined()
		if ok {
			it.pos++
			value = it.value(r, pair)
		}
		check(result.Set("value", value))
		check(result.Set("done", !ok))
		return result
	})
	check(c.proto.SetPrototype(r.iteratorPrototype()))
	return c
}

func (it *pairIterator) value(r *realm, pair [2]any) goja.Value {
	if it.part < 2 {
		return r.rt.ToValue(pair[it.part])
	}
	return r.rt.NewArray(pair[0], pair[1])
}

// forEachPair calls back with (value, name, object).
func (r *realm) forEachPair(f goja.FunctionCall, next pairs) goja.Value {
	callback := r.function(r.v.Arg(f, 0), "the callback of forEach")
	for i := 0; ; i++ {
		pair, ok := next(i)
		if !ok {
			return goja.Undefined()
		}
		must(callback(r.v.Arg(f, 1), r.rt.ToValue(pair[1]), r.rt.ToValue(pair[0]), f.This))
	}
}
