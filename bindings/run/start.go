package run

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// start(script, input, options) starts a run that goes on by itself. The
// promise is of {id}.
func (k kit) start(c goja.FunctionCall) goja.Value {
	name := k.text(c, 0, scriptName, `start("orders/fulfil", order)`)
	body := k.json(k.v.Arg(c, 1), "the input of "+name)
	o := k.v.Options(c, 2, "start", "idempotencyKey")
	return k.v.Call(call.Call{
		Kind: call.KindStart, Target: "start " + name, Class: call.Idempotent,
		Args: encode(call.StartArgs{Script: name, IdempotencyKey: k.key(o)}), Body: body,
	}, nil)
}

// invoke(script, input) starts a run that belongs to this one. The promise is
// of its output. There is no key to give: the call itself is one.
func (k kit) invoke(c goja.FunctionCall) goja.Value {
	name := k.text(c, 0, scriptName, `invoke("orders/fulfil", order)`)
	body := k.json(k.v.Arg(c, 1), "the input of "+name)
	k.v.Options(c, 2, "invoke")
	return k.v.Call(call.Call{
		Kind: call.KindInvoke, Target: "invoke " + name, Class: call.Idempotent,
		Args: encode(call.StartArgs{Script: name}), Body: body,
	}, nil)
}

// continueAs(input) ends the run; another one begins with the input. Nobody
// answers the call, so the promise never settles, unless the run is cancelled
// before.
func (k kit) continueAs(c goja.FunctionCall) goja.Value {
	k.needDurable("continueAs")
	return k.v.Call(call.Call{
		Kind: call.KindContinue, Target: "continueAs", Class: call.Idempotent,
		Body: k.json(k.v.Arg(c, 0), "the input of continueAs"),
	}, nil)
}
