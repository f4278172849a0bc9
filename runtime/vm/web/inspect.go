// How values look on the console. The walker reads objects by their property
// descriptors, so it runs no getter of the script's, and it has a budget: a
// value may be endless, cyclic or a billion laughs.

package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/vm"
)

// The budget of one printed value.
const (
	maxInspectDepth = 6
	maxInspectItems = 100
	maxInspectBytes = 16 << 10
	maxInspectText  = 8 << 10 // of one string
	lineWidth       = 100     // a longer object is written over several lines
)

// inspector is the printing of one value.
type inspector struct {
	r     *realm
	path  []*goja.Object // the objects we are inside of
	bytes int            // written so far, roughly
	depth int            // how deep to go
}

// unreadable stands for what throws when it is looked at.
const unreadable = "[a value that can not be shown]"

// inspect shows a value. It never fails: what can not be read is named.
func (r *realm) inspect(value goja.Value, depth int) (text string) {
	in := &inspector{r: r, depth: depth}
	if ex := r.rt.Try(func() { text = in.value(value) }); ex != nil {
		return unreadable
	}
	return text
}

func (in *inspector) value(value goja.Value) string {
	text := in.write(value)
	in.bytes += len(text)
	return text
}

func (in *inspector) write(value goja.Value) string {
	obj, ok := vm.Materialized(value).(*goja.Object)
	if !ok {
		return primitive(value)
	}
	if slices.Contains(in.path, obj) {
		return "[Circular]"
	}
	if in.bytes > maxInspectBytes {
		return "…"
	}
	in.path = append(in.path, obj)
	defer func() { in.path = in.path[:len(in.path)-1] }()
	return in.object(obj)
}

func (in *inspector) object(obj *goja.Object) string {
	r := in.r
	switch kind := r.kindOf(obj); kind {
	case kindProxy:
		return "[Proxy]"
	case kindFunction:
		return in.function(obj)
	case kindError:
		return in.err(obj)
	case kindDate:
		return dateText(obj)
	case kindRegExp:
		return "/" + r.slot("RegExp", "source", obj).String() + "/" + r.slot("RegExp", "flags", obj).String()
	case kindBoxed:
		return "[" + obj.ClassName() + ": " + primitive(must(r.method(obj.ClassName(), "valueOf")(obj))) + "]"
	case kindArrayBuffer:
		return "ArrayBuffer { " + hexBytes(arrayBufferBytes(obj)) + " }"
	case kindView:
		return in.view(obj)
	case kindMap, kindSet:
		return in.collection(obj, kind)
	case kindPromise:
		return in.promise(obj)
	case kindArray:
		return in.array(obj)
	case kindGenerator, kindIterator:
		return "Object [" + obj.ClassName() + "] {}"
	}
	if text, ok := in.platformObject(obj); ok {
		return text
	}
	return in.plain(obj)
}

// tooDeep stands for what is nested deeper than we look.
func (in *inspector) tooDeep() bool { return len(in.path) > in.depth }

func (in *inspector) plain(obj *goja.Object) string {
	name := in.className(obj)
	if in.tooDeep() {
		return "[" + orText(name, "Object") + "]"
	}
	if name == "Object" {
		name = ""
	}
	return group(name, "{", in.properties(obj, nil), "}")
}

// className is the name of the constructor of obj, if it is a plain property.
func (in *inspector) className(obj *goja.Object) string {
	proto := obj.Prototype()
	if proto == nil {
		return "[Object: null prototype]"
	}
	if proto.ExportType() == typeProxy {
		return ""
	}
	ctor, _ := in.r.own(proto, "constructor").(*goja.Object)
	if ctor == nil || in.r.kindOf(ctor) != kindFunction {
		return ""
	}
	name := in.r.own(ctor, "name")
	if name == nil || !goja.IsString(name) {
		return ""
	}
	return clipText(name.String())
}

// properties shows the own enumerable properties but for those in skip.
func (in *inspector) properties(obj *goja.Object, skip map[string]bool) (parts []string) {
	for _, key := range obj.Keys() {
		if skip[key] {
			continue
		}
		if len(parts) >= maxInspectItems || in.bytes > maxInspectBytes {
			return append(parts, "…")
		}
		parts = append(parts, propertyName(key)+": "+in.property(obj, in.r.rt.ToValue(key)))
	}
	return parts
}

func (in *inspector) property(obj *goja.Object, key goja.Value) string {
	d := in.r.descriptor(obj, key)
	if d == nil {
		return "undefined"
	}
	if value := d.Get("value"); value != nil {
		return in.value(value)
	}
	switch get, set := option(d, "get"), option(d, "set"); {
	case get != nil && set != nil:
		return "[Getter/Setter]"
	case get != nil:
		return "[Getter]"
	}
	return "[Setter]"
}

func (in *inspector) array(obj *goja.Object) string {
	length := int(orUndefined(in.r.own(obj, "length")).ToInteger())
	if in.tooDeep() {
		return "[Array]"
	}
	name := in.className(obj)
	if name == "Array" {
		name = ""
	} else {
		name = orText(name, "Array") + "(" + strconv.Itoa(length) + ")"
	}
	var parts []string
	empty := 0
	flush := func() {
		if empty > 0 {
			parts = append(parts, "<"+strconv.Itoa(empty)+" empty>")
			empty = 0
		}
	}
	for i := range min(length, maxInspectItems) {
		if in.bytes > maxInspectBytes {
			break
		}
		key := in.r.rt.ToValue(i)
		if in.r.descriptor(obj, key) == nil {
			empty++
			continue
		}
		flush()
		parts = append(parts, in.property(obj, key))
	}
	flush()
	if length > maxInspectItems {
		parts = append(parts, "… "+strconv.Itoa(length-maxInspectItems)+" more")
	}
	return group(name, "[", parts, "]")
}

func (in *inspector) collection(obj *goja.Object, kind kind) string {
	name := orText(in.className(obj), string(kind)[2:])
	class := string(kind)[2:]
	size := int(in.r.slot(class, "size", obj).ToInteger())
	name += "(" + strconv.Itoa(size) + ")"
	if in.tooDeep() {
		return "[" + name + "]"
	}
	var parts []string
	if kind == kindMap {
		for _, pair := range in.r.mapPairs(obj, maxInspectItems) {
			if in.bytes > maxInspectBytes {
				break
			}
			parts = append(parts, in.value(pair[0])+" => "+in.value(pair[1]))
		}
	} else {
		for _, item := range in.r.setItems(obj, maxInspectItems) {
			if in.bytes > maxInspectBytes {
				break
			}
			parts = append(parts, in.value(item))
		}
	}
	if size > maxInspectItems {
		parts = append(parts, "… "+strconv.Itoa(size-maxInspectItems)+" more")
	}
	return group(name, "{", parts, "}")
}

func (in *inspector) view(obj *goja.Object) string {
	name := in.r.viewName(obj)
	b, _ := in.r.bytesOf(obj)
	if name == "DataView" {
		return "DataView { " + hexBytes(b) + " }"
	}
	length := len(b)
	if size := elementSizes[name]; size > 1 {
		length /= size
	}
	var parts []string
	for i := range min(length, maxInspectItems) {
		parts = append(parts, primitive(obj.Get(strconv.Itoa(i))))
	}
	if length > maxInspectItems {
		parts = append(parts, "… "+strconv.Itoa(length-maxInspectItems)+" more")
	}
	return group(name+"("+strconv.Itoa(length)+")", "[", parts, "]")
}

func (in *inspector) promise(obj *goja.Object) string {
	p, _ := obj.Export().(*goja.Promise)
	switch p.State() {
	case goja.PromiseStateFulfilled:
		return group("Promise", "{", []string{in.value(p.Result())}, "}")
	case goja.PromiseStateRejected:
		return group("Promise", "{", []string{"<rejected> " + in.value(p.Result())}, "}")
	}
	return "Promise { <pending> }"
}

func (in *inspector) function(obj *goja.Object) string {
	name := ""
	if value := in.r.own(obj, "name"); value != nil && goja.IsString(value) {
		name = clipText(value.String())
	}
	word := "Function"
	if in.r.isClass(obj) {
		word = "class"
	}
	head := "[" + word + " (anonymous)]"
	if name != "" {
		head = "[" + word + ": " + name + "]"
		if word == "class" {
			head = "[class " + name + "]"
		}
	}
	if in.tooDeep() {
		return head
	}
	if parts := in.properties(obj, nil); len(parts) > 0 {
		return group(head, "{", parts, "}")
	}
	return head
}

// platformObject shows one of our own classes by what matters about it.
func (in *inspector) platformObject(obj *goja.Object) (string, bool) {
	r := in.r
	state, ok := vm.Reveal[goja.DynamicObject](r.v, obj)
	if !ok {
		return "", false
	}
	pairs := func(name string, list [][2]string) string {
		var parts []string
		for _, p := range list {
			parts = append(parts, propertyName(p[0])+": "+quoteText(clipText(p[1])))
		}
		return group(name, "{", parts, "}")
	}
	switch s := state.(type) {
	case *headers:
		return pairs("Headers", s.list.sorted()), true
	case *searchParams:
		return pairs("URLSearchParams", s.list), true
	case *urlObject:
		return "URL { " + quoteText(clipText(s.href)) + " }", true
	case *request:
		return group("Request", "{", []string{
			"method: " + quoteText(s.method), "url: " + quoteText(clipText(s.url)),
			"headers: " + pairs("Headers", s.headerLines().sorted()), "bodyUsed: " + strconv.FormatBool(s.used),
		}, "}"), true
	case *ResponseState:
		return group("Response", "{", []string{
			"status: " + strconv.Itoa(s.Status), "statusText: " + quoteText(s.StatusText), "url: " + quoteText(clipText(s.URL)),
			"headers: " + pairs("Headers", s.headerLines().sorted()), "bodyUsed: " + strconv.FormatBool(s.used),
		}, "}"), true
	case *blob:
		if s.file {
			return "File { name: " + quoteText(clipText(s.name)) + ", size: " + strconv.Itoa(len(s.data)) + ", type: " + quoteText(clipText(s.kind)) + " }", true
		}
		return "Blob { size: " + strconv.Itoa(len(s.data)) + ", type: " + quoteText(clipText(s.kind)) + " }", true
	case *formData:
		var parts []string
		for i := range s.list {
			if len(parts) == maxInspectItems {
				parts = append(parts, "…")
				break
			}
			parts = append(parts, propertyName(clipText(s.list[i].name))+": "+in.value(r.rt.ToValue(s.list[i].value())))
		}
		return group("FormData", "{", parts, "}"), true
	case *cryptoKey: // what it is, and never the key
		return group("CryptoKey", "{", []string{
			"type: " + quoteText(s.key.Type), "algorithm: " + quoteText(s.key.Name), "extractable: " + strconv.FormatBool(s.key.Extractable),
			"usages: " + strings.Join(s.key.Usages.Names(), " "),
		}, "}"), true
	case *abortSignal:
		return "AbortSignal { aborted: " + strconv.FormatBool(s.aborted) + " }", true
	case *event:
		return "Event { type: " + quoteText(s.kind) + " }", true
	}
	return "", false
}
