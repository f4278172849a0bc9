// Values over JSON text. What a script receives as JSON and only passes on
// never becomes JavaScript values: it is a proxy over an empty target, which
// fills itself from the text when the script first looks inside. From then on
// the proxy has no traps and behaves in every respect like its target.
//
// Untouched, a value whose text is canonical is written out as the bytes it
// came in.

package vm

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// lazyMin is the length from which making values later pays, in bytes: a proxy
// costs about as much as parsing a hundred.
const lazyMin = 192

// LazyJSON is ParseJSON for text that may be passed on untouched. Wrong text is
// an error at once.
func (v *VM) LazyJSON(text []byte) (goja.Value, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if len(text) < lazyMin {
		return v.ParseJSON(text)
	}
	scan, err := v.scanJSON(text)
	if err != nil {
		return nil, err
	}
	body := bytes.TrimLeft(text, " \t\r\n")
	if scan.hook || body[0] != '{' && body[0] != '[' {
		return v.ParseJSON(text)
	}
	l := &lazyValue{v: v, text: body, canonical: scan.canonical}
	if body[0] == '{' {
		l.target = v.rt.NewObject()
	} else {
		l.target = v.rt.NewArray()
	}
	l.traps = goja.ProxyTrapConfig{
		Get: l.get, Has: l.has, Set: l.set, DeleteProperty: l.delete, OwnKeys: l.ownKeys,
		GetOwnPropertyDescriptor: l.descriptor, DefineProperty: l.define, PreventExtensions: l.preventExtensions,
	}
	return v.rt.ToValue(v.rt.NewProxy(l.target, &l.traps)), nil
}

type lazyValue struct {
	v         *VM
	text      []byte
	canonical bool
	target    *goja.Object
	traps     goja.ProxyTrapConfig
}

// fill makes the values and takes the traps away. The scan has accepted the
// text, so there is nothing to go wrong.
func (l *lazyValue) fill() {
	l.traps = goja.ProxyTrapConfig{}
	p := jsonParser{v: l.v, text: l.text}
	l.text = nil
	if p.peek() == '{' {
		p.fillObject(l.target, 0)
		return
	}
	items, _ := p.items(0)
	for i, item := range items {
		l.v.define(l.target, strconv.Itoa(i), item.(goja.Value))
	}
}

// get answers the two questions that promises and JSON.stringify ask of every
// object without looking inside.
func (l *lazyValue) get(target *goja.Object, name string, _ goja.Value) goja.Value {
	switch name {
	case "then":
		return target.Get(name) // not in the text: see jsonScan.hook
	case "toJSON":
		if l.canonical && l.v.splicing && !l.v.scriptAsks() {
			return l.v.Func("toJSON", l.standIn)
		}
	}
	l.fill()
	return target.Get(name)
}

// scriptAsks reports whether a function of the script stands between Stringify
// and here: a toJSON or a getter that itself makes JSON, which must be of values
// and never of stand-ins. What a script saw of those would differ from process
// to process.
func (v *VM) scriptAsks() bool {
	v.frames = v.rt.CaptureCallStack(0, v.frames[:0])
	between := v.frames[:max(0, len(v.frames)-v.spliceDepth)]
	return slices.ContainsFunc(between, func(f goja.StackFrame) bool { return f.SrcName() != nativeName })
}

// standIn is the toJSON of an untouched value: a string that Stringify
// replaces by the text.
func (l *lazyValue) standIn(goja.FunctionCall) goja.Value {
	l.v.splices = append(l.v.splices, l.text)
	return l.v.rt.ToValue(standInText(len(l.v.splices)))
}

// standInSecret makes stand-ins that no script can write.
var standInSecret = rand.Text()

func standInText(n int) string { return standInSecret + strconv.Itoa(n) }

// splice puts the texts of untouched values where their stand-ins are. ok is
// false when one is not where JSON.stringify would have put it, because a
// toJSON of the script took the text apart.
func splice(text string, splices [][]byte) (out []byte, ok bool) {
	size := len(text)
	for _, s := range splices {
		size += len(s)
	}
	out = make([]byte, 0, size)
	for i, s := range splices {
		before, after, found := strings.Cut(text, `"`+standInText(i+1)+`"`)
		if !found || strings.HasSuffix(before, `\`) {
			return nil, false
		}
		out = append(append(out, before...), s...)
		text = after
	}
	return append(out, text...), !strings.Contains(text, standInSecret)
}

func (l *lazyValue) has(target *goja.Object, name string) bool {
	l.fill()
	return l.v.reflect("has", target, l.v.rt.ToValue(name)).ToBoolean()
}

func (l *lazyValue) set(target *goja.Object, name string, value, receiver goja.Value) bool {
	l.fill()
	return l.v.reflect("set", target, l.v.rt.ToValue(name), value, receiver).ToBoolean()
}

func (l *lazyValue) delete(target *goja.Object, name string) bool {
	l.fill()
	return l.v.reflect("deleteProperty", target, l.v.rt.ToValue(name)).ToBoolean()
}

func (l *lazyValue) ownKeys(target *goja.Object) *goja.Object {
	l.fill()
	return l.v.reflect("ownKeys", target).(*goja.Object)
}

func (l *lazyValue) preventExtensions(target *goja.Object) bool {
	l.fill()
	return l.v.reflect("preventExtensions", target).ToBoolean()
}

func (l *lazyValue) descriptor(target *goja.Object, name string) goja.PropertyDescriptor {
	l.fill()
	d, ok := l.v.reflect("getOwnPropertyDescriptor", target, l.v.rt.ToValue(name)).(*goja.Object)
	if !ok {
		return goja.PropertyDescriptor{}
	}
	return goja.PropertyDescriptor{
		Value: d.Get("value"), Writable: flagOf(d, "writable"),
		Configurable: flagOf(d, "configurable"), Enumerable: flagOf(d, "enumerable"),
	}
}

func flagOf(d *goja.Object, name string) goja.Flag { return goja.ToFlag(d.Get(name).ToBoolean()) }

func (l *lazyValue) define(target *goja.Object, name string, p goja.PropertyDescriptor) bool {
	l.fill()
	d := l.v.rt.NewObject()
	put := func(name string, f goja.Flag) {
		if f != goja.FLAG_NOT_SET {
			set(d, name, f == goja.FLAG_TRUE)
		}
	}
	put("writable", p.Writable)
	put("configurable", p.Configurable)
	put("enumerable", p.Enumerable)
	for _, field := range []struct {
		name  string
		value goja.Value
	}{{"value", p.Value}, {"get", p.Getter}, {"set", p.Setter}} {
		if field.value != nil {
			set(d, field.name, field.value)
		}
	}
	return l.v.reflect("defineProperty", target, l.v.rt.ToValue(name), d).ToBoolean()
}

// reflect calls a function of the built-in Reflect.
func (v *VM) reflect(name string, args ...goja.Value) goja.Value {
	f, ok := goja.AssertFunction(v.rt.Get("Reflect").(*goja.Object).Get(name))
	if !ok {
		panic(v.rt.NewTypeError("Reflect.%s is not a function", name))
	}
	result, err := f(goja.Undefined(), args...)
	if err != nil {
		panic(err)
	}
	return result
}

// Materialized returns the plain object behind a value of LazyJSON, filled, and
// any other value as it is. It is for native code that must tell such a value
// from a script's own Proxy; only native code makes proxies with native traps.
func Materialized(value goja.Value) goja.Value {
	obj, ok := value.(*goja.Object)
	if !ok || obj.ExportType() != proxyType {
		return value
	}
	proxy, ok := obj.Export().(goja.Proxy)
	if !ok || proxy.Handler() == nil {
		return value
	}
	traps, ok := proxy.Handler().Export().(*goja.ProxyTrapConfig)
	if !ok {
		return value
	}
	if traps.Has != nil {
		traps.Has(proxy.Target(), "")
	}
	return proxy.Target()
}
