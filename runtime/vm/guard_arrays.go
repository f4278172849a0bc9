package vm

import (
	"strings"

	"github.com/dop251/goja"
)

// arrayGuards guard what goes through an array, or what says it is like one, by
// its length: 2**53-1 elements take for ever, whether there are any or not.
var arrayGuards = append(walkers(), []guarded{
	{holder: "Array.prototype", name: "join", length: 1, asks: []string{""}, when: makesHuge | makesLong | makesStrings, wrap: guardJoin},
	{holder: "Array.prototype", name: "toLocaleString", asks: []string{"toLocaleString"}, wrap: guardLocaleJoin},
	{holder: "Array.prototype", name: "concat", length: 1, when: makesHuge, wrap: guardArrayConcat},
	{holder: "Array", name: "from", length: 1, asks: []string{".from", "\"from"}, when: makesHuge, wrap: guardItems},
	{holder: typedArray, name: "from", length: 1, asks: []string{"Array.from", "\"from"}, when: makesHuge, wrap: guardItems},
	{holder: "Function.prototype", name: "apply", length: 2, when: makesHuge, wrap: guardApply(1)},
	{holder: "Reflect", name: "apply", length: 3, asks: []string{"Reflect"}, when: makesHuge, wrap: guardApply(2)},
	{holder: "Reflect", name: "construct", length: 2, asks: []string{"Reflect"}, when: makesHuge, wrap: guardApply(1)},
}...)

// typedArray is the path of the constructor that all typed arrays inherit from,
// which has no name.
const typedArray = "%TypedArray%"

// walkers are the methods of Array.prototype that go from one end to the other.
func walkers() (list []guarded) {
	for length, names := range []string{
		0: "reverse shift toReversed flat",
		1: "fill indexOf lastIndexOf includes unshift sort toSorted forEach map filter reduce reduceRight every some " +
			"find findIndex findLast findLastIndex flatMap",
		2: "splice slice copyWithin toSpliced with",
	} {
		for name := range strings.FieldsSeq(names) {
			list = append(list, guarded{holder: "Array.prototype", name: name, length: length, when: makesHuge, wrap: guardWalk})
		}
	}
	return list
}

func guardWalk(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		v.checkLength(c.This, maxItems)
		return f(c)
	}
}

func guardItems(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		v.checkLength(v.Arg(c, 0), maxItems)
		return f(c)
	}
}

// guardApply guards the list of arguments, which is itself the i-th one.
func guardApply(i int) func(*VM, native) native {
	return func(v *VM, f native) native {
		return func(c goja.FunctionCall) goja.Value {
			v.checkLength(v.Arg(c, i), maxArguments)
			return f(c)
		}
	}
}

// checkLength throws when value says it has more elements than most.
func (v *VM) checkLength(value goja.Value, most float64) {
	if n := v.lengthOf(value); n > most {
		v.tooMuch("an array", n, most, "elements")
	}
}

// lengthOf is the length that a built-in will go by, as far as it can be told
// without running code of the script: whatever has to be asked for it may answer
// otherwise the next time.
func (v *VM) lengthOf(value goja.Value) float64 {
	obj, ok := value.(*goja.Object)
	if !ok || obj.ExportType() == proxyType {
		return 0
	}
	if obj.ClassName() == "Array" {
		return obj.Get("length").ToFloat() // of an array it is always a number
	}
	n, _ := plainNumber(v.ownData(obj, "length"))
	return n
}

// ownData returns an own property's value, or nil where there is none or it is
// computed.
func (v *VM) ownData(obj *goja.Object, name string) goja.Value {
	if obj.ExportType() == proxyType {
		return nil
	}
	d, err := v.intrinsic.describe(goja.Undefined(), obj, v.rt.ToValue(name))
	if err != nil {
		panic(err)
	}
	if d, ok := d.(*goja.Object); ok {
		return d.Get("value")
	}
	return nil
}

// guardJoin also guards what grows on the way: separators, elements that are
// arrays themselves, and arrays in arrays without end.
func guardJoin(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		n := v.lengthOf(c.This)
		v.tooMuch("an array", n, maxItems, "elements")
		if by := v.Arg(c, 0); !goja.IsUndefined(by) {
			if s, ok := partOf(by); ok {
				v.tooMuch("a joined string", (n-1)*float64(s.Length()), maxText, "characters")
				c.Arguments = []goja.Value{s}
			}
		}
		return v.joined(c, f)
	}
}

func guardLocaleJoin(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		v.checkLength(c.This, maxItems)
		return v.joined(c, f)
	}
}

func (v *VM) joined(c goja.FunctionCall, f native) goja.Value {
	text := v.nested(&v.joins, "arrays that are made strings", func() goja.Value { return f(c) })
	if s, ok := text.(goja.String); ok {
		v.tooMuch("a joined string", float64(s.Length()), maxText, "characters")
	}
	return text
}

func guardArrayConcat(v *VM, f native) native {
	return func(c goja.FunctionCall) goja.Value {
		n := v.lengthOf(c.This)
		for _, item := range c.Arguments {
			if obj, ok := item.(*goja.Object); ok && obj.ClassName() == "Array" {
				n += v.lengthOf(obj)
			}
		}
		v.tooMuch("an array", n, maxItems, "elements")
		return f(c)
	}
}

// guardIterators lets what goes through an array by its iterator end with the
// turn, although there may be no JavaScript between one element and the next.
func (v *VM) guardIterators() {
	values, ok := goja.AssertFunction(v.rt.NewArray().Get("values"))
	if !ok {
		return
	}
	it, err := values(v.rt.NewArray())
	mustDefine(err)
	proto := it.(*goja.Object).Prototype()
	next, ok := proto.Get("next").Export().(native)
	if !ok {
		return
	}
	fn := v.Func("next", func(c goja.FunctionCall) goja.Value {
		v.StopIfInterrupted()
		return next(c)
	})
	mustDefine(proto.DefineDataProperty("next", fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}
