// Values become JSON text. What JSON can not say is an object of one key that
// begins with a dollar sign:
//
//	{"$bytes":"AQI="}              a Uint8Array
//	{"$date":"2026-01-02T…Z"}      a Date
//	{"$bigint":"123"}              a bigint
//	{"$number":"NaN"}              NaN, Infinity, -Infinity, -0
//	{"$map":[[key,value],…]}       a Map
//	{"$set":[…]}                   a Set
//	{"$object":{"$x":…}}           an object that would look like one of these
//
// The encoder stops at the size limit, so that no value makes it run for long.

package kv

import (
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// maxValueDepth bounds nesting, which costs stack on both sides.
const maxValueDepth = 200

// encode turns a value that a script passed into what is stored under k.
func (c *codec) encode(value goja.Value, k Key) []byte {
	e := &encoder{codec: c, key: k}
	if value == nil || goja.IsUndefined(value) {
		c.v.Throw(call.CodeInvalidArgument, "there is no value to store under %s: undefined is not one; store null, or delete the key", k)
	}
	e.value(value)
	e.checkSize(0)
	return e.out
}

type encoder struct {
	*codec
	key  Key
	out  []byte
	path []*goja.Object // the objects being encoded, to find cycles
	at   []place        // where in the value the encoder is
}

// place is a step into a value: a property, or an index where name is empty.
type place struct {
	name  string
	index int64
}

// where names the place in the value for an error: `the value.items[3]`.
func (e *encoder) where() string {
	var b strings.Builder
	b.WriteString("the value")
	for _, p := range e.at {
		if p.name == "" {
			b.WriteString("[" + strconv.FormatInt(p.index, 10) + "]")
		} else {
			b.WriteString("." + clipText(p.name))
		}
	}
	return b.String()
}

// member encodes a value one level deeper.
func (e *encoder) member(p place, value goja.Value) {
	e.at = append(e.at, p)
	e.value(value)
	e.at = e.at[:len(e.at)-1]
}

// checkSize throws when the text, with more to come, is over the limit.
func (e *encoder) checkSize(more int) {
	if n := len(e.out) + more; n > MaxValue {
		panic(e.v.NewError(tooLarge("the value of %s has more than %d bytes as JSON; split it, or keep it elsewhere and store where", e.key, MaxValue)))
	}
}

func (e *encoder) raw(text string) { e.out = append(e.out, text...) }

// refuse throws.
func (e *encoder) refuse(what string) {
	e.v.Throw(call.CodeInvalidArgument, "%s is %s, which can not be stored; values are JSON (objects, arrays, text, numbers, booleans, null) and Uint8Array, Date, bigint, Map, Set",
		e.where(), what)
}

func (e *encoder) value(value goja.Value) {
	e.checkSize(0)
	switch {
	case goja.IsNull(value):
		e.raw("null")
	case goja.IsString(value):
		e.string(value)
	case goja.IsNumber(value):
		e.number(value.ToFloat())
	case goja.IsBigInt(value):
		e.bigint(value)
	case value == nil || goja.IsUndefined(value):
		e.raw("null") // within an array, as JSON.stringify does
	default:
		e.other(value)
	}
}

func (e *encoder) bigint(value goja.Value) {
	n, ok := value.Export().(*big.Int)
	if !ok || n.BitLen() > 8*MaxKey {
		panic(e.v.NewError(tooLarge("%s is a bigint of more than %d bytes", e.where(), MaxKey)))
	}
	e.raw(`{"$bigint":"` + n.String() + `"}`)
}

func (e *encoder) other(value goja.Value) {
	obj, ok := value.(*goja.Object)
	if !ok {
		if b, ok := value.Export().(bool); ok {
			e.out = strconv.AppendBool(e.out, b)
			return
		}
		e.refuse(vm.TypeOf(value))
	}
	if len(e.path) > maxValueDepth {
		e.v.Throw(call.CodeInvalidArgument, "the value of %s is nested deeper than %d", e.key, maxValueDepth)
	}
	for _, outer := range e.path {
		if outer == obj {
			e.v.Throw(call.CodeInvalidArgument, "%s is an object that contains itself, which can not be stored", e.where())
		}
	}
	e.path = append(e.path, obj)
	e.object(obj)
	e.path = e.path[:len(e.path)-1]
}

func (e *encoder) object(obj *goja.Object) {
	if b, ok := e.bytesOf(obj); ok {
		e.checkSize(len(b) / 3 * 4)
		e.raw(`{"$bytes":"`)
		e.out = append(e.out, encodeBase64(b)...)
		e.raw(`"}`)
		return
	}
	if class := collectionClass(obj); class != "" {
		e.collect(obj, class)
		return
	}
	if e.isArray(obj) {
		e.array(obj)
		return
	}
	switch obj.ClassName() {
	case "Date":
		if obj.Export() == nil {
			e.refuse("an invalid Date")
		}
		e.raw(`{"$date":`)
		e.string(e.call(e.toISO, obj))
		e.raw("}")
	case "String":
		e.string(obj.ToString())
	case "Number", "Boolean":
		e.value(e.v.Runtime().ToValue(obj.Export()))
	case "Object":
		e.plain(obj)
	case "Error":
		e.refuse("an Error (store its message)")
	case "Function", "AsyncFunction", "GeneratorFunction":
		e.refuse("a function")
	default:
		e.refuse("a " + obj.ClassName())
	}
}

func (e *encoder) array(obj *goja.Object) {
	n := e.lengthOf(obj, "an array in the value")
	e.checkSize(int(min(n, MaxValue)) * len("1,"))
	e.raw("[")
	for i := range n {
		if i > 0 {
			e.raw(",")
		}
		e.member(place{index: i}, obj.Get(strconv.FormatInt(i, 10)))
	}
	e.raw("]")
}

// plain encodes an object by its own enumerable properties, or by what its
// toJSON returns, as JSON.stringify does.
func (e *encoder) plain(obj *goja.Object) {
	if toJSON, ok := goja.AssertFunction(obj.Get("toJSON")); ok {
		value, err := toJSON(obj, e.v.Runtime().ToValue(""))
		if err != nil {
			panic(e.v.ErrorValue(err))
		}
		if value == nil || goja.IsUndefined(value) {
			e.refuse("an object whose toJSON returns undefined")
		}
		e.value(value)
		return
	}
	if !isPlainObject(e.v, obj) {
		e.refuse("a " + className(obj))
	}
	keys := obj.Keys()
	start, written := len(e.out), 0
	e.raw("{")
	last := ""
	for _, k := range keys {
		value := obj.Get(k)
		if value == nil || goja.IsUndefined(value) {
			continue
		}
		if written > 0 {
			e.raw(",")
		}
		e.text(k)
		e.raw(":")
		e.member(place{name: k}, value)
		written, last = written+1, k
	}
	e.raw("}")
	if written == 1 && strings.HasPrefix(last, "$") {
		e.wrap(start)
	}
}

// wrap marks the object that begins at start as no tagged form.
func (e *encoder) wrap(start int) {
	inner := string(e.out[start:])
	e.out = append(e.out[:start], `{"$object":`...)
	e.raw(inner)
	e.raw("}")
}

// collectionClass tells maps and sets, whose class name is that of any object.
func collectionClass(obj *goja.Object) string {
	switch {
	case obj.ExportType() == typeMapEntries:
		return "Map"
	case obj.ExportType() == typeList && obj.ClassName() != "Array":
		return "Set"
	}
	return ""
}

var (
	typeMapEntries = reflect.TypeFor[[][2]any]()
	typeList       = reflect.TypeFor[[]any]()
)

func (e *encoder) collect(obj *goja.Object, class string) {
	e.raw(map[string]string{"Map": `{"$map":[`, "Set": `{"$set":[`}[class])
	n := int64(0)
	each := e.v.Func("each", func(c goja.FunctionCall) goja.Value {
		if n > 0 {
			e.raw(",")
		}
		n++
		if class == "Set" {
			e.member(place{index: n - 1}, e.v.Arg(c, 0))
			return goja.Undefined()
		}
		e.raw("[")
		e.member(place{index: n - 1}, e.v.Arg(c, 1))
		e.raw(",")
		e.member(place{index: n - 1}, e.v.Arg(c, 0))
		e.raw("]")
		return goja.Undefined()
	})
	e.call(e.forEach[class], obj, each)
	e.raw("]}")
}

// call calls a built-in; what it throws goes on.
func (e *encoder) call(f goja.Callable, this goja.Value, args ...goja.Value) goja.Value {
	value, err := f(this, args...)
	if err != nil {
		panic(e.v.ErrorValue(err))
	}
	return value
}

func (e *encoder) string(value goja.Value) {
	s, ok := value.(goja.String)
	if ok {
		e.checkSize(s.Length())
		if !wellFormed(s) {
			e.halves(s)
			return
		}
	}
	e.text(value.String())
}

// halves writes a string that UTF-8 can not: the halves of surrogate pairs as
// escapes.
func (e *encoder) halves(s goja.String) {
	e.raw(`"`)
	for i := range s.Length() {
		c := s.CharAt(i)
		e.raw(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			e.out = append(e.out, "0123456789abcdef"[c>>shift&15])
		}
	}
	e.raw(`"`)
	e.checkSize(0)
}

func (e *encoder) text(s string) {
	e.checkSize(len(s))
	if isPlain(s) {
		e.raw(`"`)
		e.raw(s)
		e.raw(`"`)
		return
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always encode
	}
	e.out = append(e.out, b...)
}

// isPlain reports whether s needs no escapes.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (e *encoder) number(f float64) {
	switch {
	case math.IsNaN(f):
		e.raw(`{"$number":"NaN"}`)
	case math.IsInf(f, 0):
		e.raw(`{"$number":"` + infinity(f) + `"}`)
	case f == 0 && math.Signbit(f):
		e.raw(`{"$number":"-0"}`)
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		e.out = strconv.AppendInt(e.out, int64(f), 10)
	default:
		b, err := json.Marshal(f)
		if err != nil {
			panic(err) // finite numbers always encode
		}
		e.out = append(e.out, b...)
	}
}

// isPlainObject tells objects of properties, instances of a script's classes
// among them, from those with something inside: promises, other typed arrays,
// requests.
func isPlainObject(v *vm.VM, obj *goja.Object) bool {
	if _, native := vm.Reveal[goja.DynamicObject](v, obj); native {
		return false
	}
	if tag := obj.GetSymbol(goja.SymToStringTag); goja.IsString(tag) && slices.Contains(opaque, tag.String()) {
		return false
	}
	return obj.ExportType() == typeMap || obj.ExportType() == typeProxy
}

// opaque are built-in classes that look like plain objects from outside.
var opaque = []string{"WeakMap", "WeakSet", "DataView", "Generator", "Math", "JSON", "Reflect"}

var typeMap = reflect.TypeFor[map[string]any]()

// className names what an object is an instance of, for an error.
func className(obj *goja.Object) string {
	if ctor, ok := obj.Get("constructor").(*goja.Object); ok {
		if name := ctor.Get("name"); goja.IsString(name) {
			return name.String()
		}
	}
	return "host object"
}
