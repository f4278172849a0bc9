package httpbind

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// makePromises makes the prototype of response promises: a promise with the
// readers of a Response, so that await http.get(url).json() works. It is one
// object for each VM, between the promises and Promise.prototype.
func (k *kit) makePromises() {
	// The global Promise is the script's to replace.
	promise, _, _ := k.rt.NewPromise()
	proto := k.rt.ToValue(promise).(*goja.Object).Prototype()
	then, ok := goja.AssertFunction(proto.Get("then"))
	if !ok {
		panic(k.rt.NewTypeError("Promise.prototype.then is not a function"))
	}
	k.then = then
	k.promises = k.rt.CreateObject(proto)
}

// responsePromises is that prototype. Most VMs never make a request, so that it
// gets its readers with the first one.
func (k *kit) responsePromises() *goja.Object {
	if !k.reading {
		k.reading = true
		k.reader("json", true)
		k.reader("text", false)
		k.reader("bytes", false)
		k.reader("arrayBuffer", false)
		k.reader("blob", false)
		k.reader("formData", false)
	}
	return k.promises
}

// reader defines one of them: the promise of what the Response's method of the
// same name returns.
func (k *kit) reader(name string, isJSON bool) {
	read := k.v.Reaction(name, func(response goja.Value) goja.Value {
		state, ok := web.ResponseOf(k.v, response)
		if ok && isJSON && !state.Body().IsHeld() {
			return k.json(state)
		}
		method, ok := goja.AssertFunction(vm.Option(response.(*goja.Object), name))
		if !ok {
			panic(k.rt.NewTypeError("the response has no method %s", name))
		}
		return must(method(response))
	})
	k.method(k.promises, name, func(c goja.FunctionCall) goja.Value { return must(k.then(c.This, read)) })
}

// json reads a body that is here already, without a promise in between. No
// body at all, as after 204, is undefined.
func (k *kit) json(state *web.ResponseState) goja.Value {
	value, err := k.v.LazyJSON(state.Take().Inline)
	if err != nil {
		panic(k.v.NewError(call.From(state.Explain(err))))
	}
	return value
}

// must passes on what a callback threw.
func must(value goja.Value, err error) goja.Value {
	if err != nil {
		panic(err)
	}
	return value
}
