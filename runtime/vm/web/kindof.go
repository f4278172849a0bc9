// What an object is, told without running any code of the script's: by goja's
// own class names and export types, never by properties or by Export of
// containers, which would copy them whole.

package web

import (
	"reflect"
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// kind is what an object is, in words for error messages.
type kind string

const (
	kindPlain       kind = "an object"
	kindArray       kind = "an array"
	kindFunction    kind = "a function"
	kindError       kind = "an error"
	kindDate        kind = "a Date"
	kindRegExp      kind = "a RegExp"
	kindBoxed       kind = "a boxed primitive"
	kindMap         kind = "a Map"
	kindSet         kind = "a Set"
	kindPromise     kind = "a promise"
	kindProxy       kind = "a Proxy"
	kindArrayBuffer kind = "an ArrayBuffer"
	kindView        kind = "a view of an ArrayBuffer"
	kindGenerator   kind = "a generator"
	kindIterator    kind = "an iterator"
)

var (
	typePromise = reflect.TypeFor[*goja.Promise]()
	typeProxy   = reflect.TypeFor[goja.Proxy]()
	typeTime    = reflect.TypeFor[time.Time]()
	typeMap     = reflect.TypeFor[[][2]any]()
	typeList    = reflect.TypeFor[[]any]() // of arrays and Sets
)

func (r *realm) kindOf(obj *goja.Object) kind {
	switch obj.ExportType() {
	case typePromise:
		return kindPromise
	case typeProxy:
		return kindProxy
	case typeArrayBuffer:
		return kindArrayBuffer
	case typeTime:
		return kindDate
	case typeMap:
		return kindMap
	case typeList:
		if obj.ClassName() == "Object" {
			return kindSet
		}
	}
	switch obj.ClassName() {
	case "Function", "AsyncFunction", "GeneratorFunction":
		return kindFunction
	case "Array":
		return kindArray
	case "Error":
		return kindError
	case "RegExp":
		return kindRegExp
	case "Number", "String", "Boolean":
		return kindBoxed
	case "Generator":
		return kindGenerator
	case "Array Iterator", "Map Iterator", "Set Iterator", "String Iterator", "RegExp String Iterator":
		return kindIterator
	}
	if r.viewName(obj) != "" {
		return kindView
	}
	return kindPlain
}

// isPlatformObject reports whether obj is one of our own classes'.
func (r *realm) isPlatformObject(obj *goja.Object) bool {
	_, ok := vm.Reveal[goja.DynamicObject](r.v, obj)
	return ok
}

// method returns a method of a built-in class.
func (r *realm) method(class, name string) goja.Callable {
	proto, _ := r.intrinsic(class).Get("prototype").(*goja.Object)
	return r.function(orUndefined(proto.Get(name)), class+".prototype."+name)
}

// slot reads an accessor of a built-in class, whatever own properties obj has.
func (r *realm) slot(class, name string, obj *goja.Object) goja.Value {
	proto, _ := r.intrinsic(class).Get("prototype").(*goja.Object)
	return must(r.getterOf(proto, r.rt.ToValue(name))(obj))
}

// mapPairs returns the entries of a Map, at most most of them when positive.
func (r *realm) mapPairs(obj *goja.Object, most int) (pairs [][2]goja.Value) {
	r.walk(r.method("Map", "entries"), obj, most, func(item *goja.Object) {
		pairs = append(pairs, [2]goja.Value{orUndefined(item.Get("0")), orUndefined(item.Get("1"))})
	}, nil)
	return pairs
}

// setItems returns the elements of a Set, at most most of them when positive.
func (r *realm) setItems(obj *goja.Object, most int) (items []goja.Value) {
	r.walk(r.method("Set", "values"), obj, most, nil, func(item goja.Value) { items = append(items, item) })
	return items
}

// walk steps through a built-in iterator with its own next.
func (r *realm) walk(start goja.Callable, obj *goja.Object, most int, pair func(*goja.Object), each func(goja.Value)) {
	it := must(start(obj)).(*goja.Object)
	next := r.function(orUndefined(it.Get("next")), "next of an iterator")
	for n := 0; most <= 0 || n < most; n++ {
		step, ok := must(next(it)).(*goja.Object)
		if !ok || truthy(step.Get("done")) {
			return
		}
		value := orUndefined(step.Get("value"))
		if each != nil {
			each(value)
		} else if item, ok := value.(*goja.Object); ok {
			pair(item)
		}
	}
}

// box copies a Number, String or Boolean object.
func (r *realm) box(obj *goja.Object) *goja.Object {
	value := must(r.method(obj.ClassName(), "valueOf")(obj))
	return value.ToObject(r.rt)
}
