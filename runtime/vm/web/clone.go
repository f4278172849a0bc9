// structuredClone. It walks what the standard calls serializable and copies it;
// identity and cycles are kept through a table of what was copied already.

package web

import (
	"time"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// maxCloneDepth bounds nesting; the copy recurses in Go.
const maxCloneDepth = 1000

// cloner is one call of structuredClone.
type cloner struct {
	r     *realm
	seen  map[*goja.Object]*goja.Object
	depth int
}

func (r *realm) makeStructuredClone() goja.Value {
	return r.v.Func("structuredClone", func(f goja.FunctionCall) goja.Value {
		c := &cloner{r: r, seen: map[*goja.Object]*goja.Object{}}
		transfer := r.transferred(r.v.Arg(f, 1))
		out := c.clone(r.v.Arg(f, 0))
		for _, buf := range transfer {
			buf.Detach()
		}
		return out
	})
}

// transferred reads the transfer option: ArrayBuffers that move. They are
// copied like the others, and detached afterwards.
func (r *realm) transferred(options goja.Value) (list []goja.ArrayBuffer) {
	items := option(r.dictionary(options, "the options of structuredClone"), "transfer")
	if items == nil {
		return nil
	}
	r.rt.ForOf(items, func(item goja.Value) bool {
		obj, ok := item.(*goja.Object)
		if !ok || obj.ExportType() != typeArrayBuffer {
			r.dataClone("only ArrayBuffers can be transferred, not %s", vm.TypeOf(item))
		}
		buf, _ := obj.Export().(goja.ArrayBuffer)
		if buf.Detached() {
			r.dataClone("the ArrayBuffer was transferred before")
		}
		list = append(list, buf)
		return true
	})
	return list
}

func (r *realm) dataClone(format string, args ...any) {
	r.v.Throw(call.CodeDataClone, format, args...)
}

func (c *cloner) clone(value goja.Value) goja.Value {
	obj, ok := vm.Materialized(value).(*goja.Object)
	if !ok {
		if _, isSymbol := value.(*goja.Symbol); isSymbol {
			c.r.dataClone("a symbol can not be cloned")
		}
		return value
	}
	if twin := c.seen[obj]; twin != nil {
		return twin
	}
	if c.depth++; c.depth > maxCloneDepth {
		c.r.dataClone("the value is nested more than %d levels deep", maxCloneDepth)
	}
	defer func() { c.depth-- }()
	return c.object(obj)
}

func (c *cloner) object(obj *goja.Object) goja.Value {
	r := c.r
	switch kind := r.kindOf(obj); kind {
	case kindDate:
		t, _ := obj.Export().(time.Time)
		if t.IsZero() {
			return c.construct(obj, "Date", goja.NaN())
		}
		return c.construct(obj, "Date", r.rt.ToValue(t.UnixMilli()))
	case kindRegExp:
		return c.construct(obj, "RegExp", r.slot("RegExp", "source", obj), r.slot("RegExp", "flags", obj))
	case kindBoxed:
		return c.keep(obj, r.box(obj))
	case kindMap:
		return c.mapOf(obj)
	case kindSet:
		return c.setOf(obj)
	case kindArrayBuffer:
		return c.keep(obj, r.buffer(arrayBufferBytes(obj)))
	case kindView:
		return c.view(obj)
	case kindError:
		return c.err(obj)
	case kindArray:
		return c.array(obj)
	case kindPlain:
		if twin := r.clonePlatform(obj); twin != nil {
			return c.keep(obj, twin)
		}
		if r.isPlatformObject(obj) {
			r.dataClone("a platform object such as a Response can not be cloned; pass its data")
		}
		return c.plain(obj)
	default:
		r.dataClone("%s can not be cloned", kind)
		return nil
	}
}

// clonePlatform copies those of our own objects that never change, which the
// standards make serializable: the copies share what they hold.
func (r *realm) clonePlatform(obj *goja.Object) *goja.Object {
	if b, ok := vm.Reveal[*blob](r.v, obj); ok {
		twin := *b
		if b.file {
			return r.fileClass().object(&twin)
		}
		return r.blobClass().object(&twin)
	}
	if k, ok := vm.Reveal[*cryptoKey](r.v, obj); ok {
		return r.cryptoKey(k.key)
	}
	return nil
}

func (c *cloner) keep(from, to *goja.Object) *goja.Object {
	c.seen[from] = to
	return to
}

func (c *cloner) construct(from *goja.Object, class string, args ...goja.Value) *goja.Object {
	to, err := c.r.rt.New(c.r.intrinsic(class), args...)
	check(err)
	return c.keep(from, to)
}

func (c *cloner) mapOf(obj *goja.Object) goja.Value {
	to := c.construct(obj, "Map")
	set := c.r.method("Map", "set")
	for _, pair := range c.r.mapPairs(obj, 0) {
		must(set(to, c.clone(pair[0]), c.clone(pair[1])))
	}
	return to
}

func (c *cloner) setOf(obj *goja.Object) goja.Value {
	to := c.construct(obj, "Set")
	add := c.r.method("Set", "add")
	for _, item := range c.r.setItems(obj, 0) {
		must(add(to, c.clone(item)))
	}
	return to
}

// view copies a view together with the whole buffer behind it, once.
func (c *cloner) view(obj *goja.Object) goja.Value {
	name := c.r.viewName(obj)
	buf, offset, length := c.r.viewBuffer(obj, name)
	twin := c.clone(buf)
	if size := elementSizes[name]; size > 1 {
		length /= size
	}
	return c.construct(obj, name, twin, c.r.rt.ToValue(offset), c.r.rt.ToValue(length))
}

var elementSizes = map[string]int{
	"Int16Array": 2, "Uint16Array": 2, "Int32Array": 4, "Uint32Array": 4, "Float32Array": 4,
	"Float64Array": 8, "BigInt64Array": 8, "BigUint64Array": 8,
}

// err copies name, message, stack and cause. Classes of the script become Error.
func (c *cloner) err(obj *goja.Object) goja.Value {
	r := c.r
	name := "Error"
	if value := obj.Get("name"); value != nil {
		switch text := r.text(value); text {
		case "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError":
			name = text
		}
	}
	to, err := r.rt.New(r.intrinsic(name))
	check(err)
	c.keep(obj, to)
	for _, key := range []string{"message", "stack", "cause"} {
		if value := obj.Get(key); value != nil && !goja.IsUndefined(value) {
			check(to.DefineDataProperty(key, c.clone(value), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
		}
	}
	return to
}

func (c *cloner) array(obj *goja.Object) goja.Value {
	to := c.keep(obj, c.r.rt.NewArray())
	check(to.Set("length", obj.Get("length")))
	c.copyKeys(obj, to)
	return to
}

func (c *cloner) plain(obj *goja.Object) goja.Value {
	to := c.keep(obj, c.r.rt.NewObject())
	c.copyKeys(obj, to)
	return to
}

func (c *cloner) copyKeys(from, to *goja.Object) {
	for _, key := range from.Keys() {
		value := c.clone(orUndefined(from.Get(key)))
		check(to.DefineDataProperty(key, value, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE))
	}
}

func orUndefined(value goja.Value) goja.Value {
	if value == nil {
		return goja.Undefined()
	}
	return value
}
