package httpbind

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
	"reprise/runtime/vm/web"
)

// Module returns the VM side, which scripts import as "reprise:http".
func Module() vm.Module { return module{} }

type module struct{}

// Name implements vm.Module.
func (module) Name() string { return "http" }

// Exports implements vm.Module.
func (module) Exports(v *vm.VM) *goja.Object {
	k := kitOf(v)
	o := v.Runtime().NewObject()
	k.define(o, "http", k.instance(k.proto, &instance{}))
	k.define(o, "HTTPError", v.ErrorClass(call.CodeHTTP.Name()))
	return o
}

// Connect makes what env.NAME is for a connection: the same verbs, with paths
// below the connection's base URL, and fetch. It fits vm.Config.Connect.
func Connect(v *vm.VM, name string) goja.Value {
	k := kitOf(v)
	i := &instance{}
	i.defaults.connection = name
	return k.instance(k.connectionProto(), i)
}

// instance is the state of http, of what http.create and http.extend return,
// and of a connection.
type instance struct {
	vm.Cell
	defaults defaults
	fetch    *goja.Object // of a connection; made at first use
}

// kit is the module's state in one VM. Methods sit on prototypes, made once.
type kit struct {
	v          *vm.VM
	rt         *goja.Runtime
	proto      *goja.Object // of instances
	connection *goja.Object // of connections; made at first use
	promises   *goja.Object // of response promises: see responsePromises
	reading    bool         // it has its readers
	then       goja.Callable
}

type kitKey struct{}

func kitOf(v *vm.VM) *kit {
	return vm.Local(v, kitKey{}, func() *kit {
		k := &kit{v: v, rt: v.Runtime()}
		k.makeInstances()
		k.makePromises()
		return k
	})
}

func (k *kit) instance(proto *goja.Object, i *instance) *goja.Object {
	o := k.rt.CreateObject(proto)
	vm.Hide(k.v, o, i)
	return o
}

// define defines an ordinary, enumerable property.
func (k *kit) define(o *goja.Object, name string, value goja.Value) {
	k.property(o, name, value, goja.FLAG_TRUE)
}

// method defines a method on a prototype.
func (k *kit) method(proto *goja.Object, name string, f func(goja.FunctionCall) goja.Value) {
	k.property(proto, name, k.v.Func(name, f), goja.FLAG_FALSE)
}

func (k *kit) property(o *goja.Object, name string, value goja.Value, enumerable goja.Flag) {
	if err := o.DefineDataProperty(name, value, goja.FLAG_TRUE, goja.FLAG_TRUE, enumerable); err != nil {
		panic(err)
	}
}

// self returns the instance a verb was called on. Verbs taken off their object
// (const { get } = http) work without its defaults.
func (k *kit) self(this goja.Value) *instance {
	if i, ok := vm.Reveal[*instance](k.v, this); ok {
		return i
	}
	return &instance{}
}

func (k *kit) makeInstances() {
	k.proto = k.rt.NewObject()
	for _, verb := range []struct{ name, method string }{
		{"get", "GET"}, {"post", "POST"}, {"put", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"}, {"head", "HEAD"},
	} {
		k.method(k.proto, verb.name, func(c goja.FunctionCall) goja.Value {
			return k.send(k.self(c.This), verb.method, k.v.Arg(c, 0), k.optionsArg(c, 1, "http."+verb.name))
		})
	}
	k.method(k.proto, "request", k.request)
	k.method(k.proto, "extend", func(c goja.FunctionCall) goja.Value {
		i := &instance{defaults: k.self(c.This).defaults}
		k.extend(&i.defaults, k.optionsArg(c, 0, "http.extend"), "http.extend")
		return k.instance(k.proto, i)
	})
	k.method(k.proto, "create", func(c goja.FunctionCall) goja.Value {
		i := &instance{}
		i.defaults.connection = k.self(c.This).defaults.connection
		k.extend(&i.defaults, k.optionsArg(c, 0, "http.create"), "http.create")
		return k.instance(k.proto, i)
	})
}

func (k *kit) connectionProto() *goja.Object {
	if k.connection == nil {
		k.connection = k.rt.CreateObject(k.proto)
		k.fetchProperty(k.connection)
	}
	return k.connection
}

// request is http.request(method?, url, options): the method may also be an
// option, and is GET where nothing says otherwise.
func (k *kit) request(c goja.FunctionCall) goja.Value {
	i := k.self(c.This)
	if goja.IsString(k.v.Arg(c, 1)) || isURL(k.v.Arg(c, 1)) {
		return k.send(i, k.methodName(k.v.Arg(c, 0)), k.v.Arg(c, 1), k.optionsArg(c, 2, "http.request"))
	}
	options := k.optionsArg(c, 1, "http.request")
	method := "GET"
	if value := vm.Option(options, "method"); !goja.IsUndefined(value) {
		method = k.methodName(value)
	}
	return k.send(i, method, k.v.Arg(c, 0), options)
}

func (k *kit) optionsArg(c goja.FunctionCall, i int, what string) *goja.Object {
	return k.v.ObjectArg(c, i, "the options of "+what)
}

// send makes the call.
func (k *kit) send(i *instance, method string, url goja.Value, options *goja.Object) goja.Value {
	q := k.build(&i.defaults, method, url, options)
	q.send.Pos = k.v.Pos()
	q.send.Then = func(response *goja.Object, state *web.ResponseState) (goja.Value, error) {
		if q.throws && (state.Status < 200 || state.Status > 299) {
			panic(k.httpError(q, q.send.Pos, response, state))
		}
		return response, nil
	}
	promise := web.Send(k.v, q.HTTPRequest, q.body, q.send)
	if err := promise.SetPrototype(k.responsePromises()); err != nil {
		panic(err)
	}
	return promise
}

// fetchProperty defines fetch, which stays the connection's when it is taken off: it
// is given to packages that call it as they like.
func (k *kit) fetchProperty(proto *goja.Object) {
	get := k.v.Func("get fetch", func(c goja.FunctionCall) goja.Value {
		i := k.self(c.This)
		if i.fetch == nil {
			i.fetch = k.v.Func("fetch", func(c goja.FunctionCall) goja.Value { return k.fetch(i, c) })
		}
		return i.fetch
	})
	if err := proto.DefineAccessorProperty("fetch", get, nil, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		panic(err)
	}
}

// fetch is env.NAME.fetch(input, init): as the global one, with a path or a URL below
// the base. Packages that are given it send a key of their own, because they insist on
// one: the connection's auth wins.
func (k *kit) fetch(i *instance, c goja.FunctionCall) goja.Value {
	q := &request{}
	input := k.v.Arg(c, 0)
	if from, body, signal, ok := web.RequestFrom(k.v, input); ok {
		q.HTTPRequest, q.body, q.send.Signal = from, body, signal
		input = k.rt.ToValue(from.URL)
	} else {
		q.Method = "GET"
	}
	q.Connection = i.defaults.connection
	q.URL = k.below(&i.defaults, k.urlText(input))
	k.readInit(q, k.v.ObjectArg(c, 1, "the second argument of fetch"))
	q.KeepAuth = q.Connection != "" && hasHeader(q.Headers, "authorization")
	q.Retry = web.BlockRetry(k.v)
	return web.Send(k.v, q.HTTPRequest, q.body, q.send)
}

// readInit reads the second argument of fetch. What it does not say stays.
func (k *kit) readInit(q *request, init *goja.Object) {
	given := func(name string) (goja.Value, bool) {
		value := vm.Option(init, name)
		return value, !goja.IsUndefined(value)
	}
	if value, ok := given("method"); ok {
		q.Method = k.methodName(value)
	}
	if value, ok := given("headers"); ok {
		q.Headers = web.HeadersFrom(k.v, value)
	}
	if value, ok := given("body"); ok {
		k.setBody(q, value)
	}
	if value, ok := given("redirect"); ok {
		q.Redirect = k.redirect(value)
	}
	if value, ok := given("signal"); ok {
		q.send.Signal = value
	}
	if value, ok := given("inDoubt"); ok {
		q.doubt(k.inDoubt(value))
	}
}
