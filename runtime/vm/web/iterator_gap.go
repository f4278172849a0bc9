package web

import (
	"slices"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// iteratorWords are what a source must mention to get hold of an iterator by
// itself, outside a loop.
var iteratorWords = []string{"Iterator", "terator]", "function*", ".values(", ".keys(", ".entries(", ".matchAll("}

// helperNames are the methods that iterators have since ES2025.
var helperNames = []string{"map", "filter", "take", "drop", "flatMap", "reduce", "toArray", "forEach", "some", "every", "find"}

// lazyHelpers stands behind %IteratorPrototype% until a helper is asked for.
type lazyHelpers struct {
	vm.Cell
	r *realm
}

// Get implements goja.DynamicObject.
func (l *lazyHelpers) Get(name string) goja.Value {
	if l.r.iterator != nil || !slices.Contains(helperNames, name) {
		return nil
	}
	l.r.iteratorClass()
	return l.r.iteratorPrototype().Get(name)
}

// Has implements goja.DynamicObject.
func (l *lazyHelpers) Has(name string) bool {
	return l.r.iterator == nil && slices.Contains(helperNames, name)
}

func (r *realm) iteratorPrototype() *goja.Object {
	values := r.method("Array", "values")
	return must(values(r.rt.NewArray())).(*goja.Object).Prototype().Prototype()
}

// fillIteratorGap makes the helpers reachable without making them.
func (r *realm) fillIteratorGap() {
	if r.lazyHelpers {
		return
	}
	r.lazyHelpers = true
	proto := r.iteratorPrototype()
	if proto.Get(helperNames[0]) != nil {
		return // the engine has learned them
	}
	lazy := r.rt.NewDynamicObject(&lazyHelpers{r: r})
	check(lazy.SetPrototype(proto.Prototype()))
	check(proto.SetPrototype(lazy))
}

// iteratorClass makes the Iterator constructor and defines the helpers.
func (r *realm) iteratorClass() goja.Value {
	if r.iterator == nil {
		r.iterator = goja.Undefined() // what the shim itself looks up is not there yet
		r.iterator = r.shim("Iterator")
	}
	return r.iterator
}
