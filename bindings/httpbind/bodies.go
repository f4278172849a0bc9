package httpbind

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded;charset=UTF-8"
)

// bodyOf reads one of the options json, form and body. JSON goes out as
// exactly the text that JSON.stringify makes.
func (k *kit) bodyOf(option string, value goja.Value) (body web.Content, contentType string) {
	switch option {
	case "json":
		text, err := k.v.Stringify(value)
		if err != nil {
			panic(err)
		}
		if text == nil {
			k.v.Throw(call.CodeInvalidArgument, "json: %s has no JSON form", vm.TypeOf(value))
		}
		return web.Content{Body: call.Bytes(text)}, typeJSON
	case "form":
		return web.Content{Body: call.Bytes([]byte(encodePairs(k.pairs(value, "form"))))}, typeForm
	}
	if obj, ok := value.(*goja.Object); ok && obj.ClassName() == "Array" || isPlain(k.rt, obj) {
		k.v.Throw(call.CodeInvalidArgument, "body takes text or bytes; pass an object as json or as form")
	}
	return k.bodyInit(value)
}

// isPlain reports whether obj is an object literal, which as text would be
// "[object Object]". It asks a new object for its prototype: the global Object
// is the script's to replace.
func isPlain(rt *goja.Runtime, obj *goja.Object) bool {
	return obj != nil && obj.Prototype() == rt.NewObject().Prototype()
}

// setBody is for fetch's init.body.
func (k *kit) setBody(q *request, value goja.Value) {
	if vm.IsNone(value) {
		return
	}
	if q.Method == "GET" || q.Method == "HEAD" {
		panic(k.rt.NewTypeError("a %s request can not have a body", q.Method))
	}
	var implied string
	q.body, implied = k.bodyInit(value)
	if implied != "" && !hasHeader(q.Headers, "content-type") {
		q.Headers = append(q.Headers, [2]string{"content-type", implied})
	}
}

// bodyInit reads what fetch takes as a body.
func (k *kit) bodyInit(value goja.Value) (body web.Content, contentType string) {
	body, contentType, err := web.BodyFrom(k.v, value)
	if err != nil {
		panic(err)
	}
	return body, contentType
}
