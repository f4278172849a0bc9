package run

import (
	"github.com/dop251/goja"

	"reprise/runtime/call"
	"reprise/runtime/vm"
)

// waitFor(name, options) is the promise of the next signal of that name.
func (k kit) waitFor(c goja.FunctionCall) goja.Value {
	k.needDurable("waitFor")
	name := k.signalName(c, 0, `waitFor("approval")`)
	o := k.v.Options(c, 1, "waitFor", "timeout")
	return k.v.Call(call.Call{
		Kind: call.KindWait, Target: "waitFor " + name, Class: call.Pure,
		Args: encode(call.WaitArgs{Name: name, TimeoutMS: k.timeout(o)}),
	}, nil)
}

func (k kit) signalName(c goja.FunctionCall, i int, example string) string {
	name := k.text(c, i, signalName, example)
	if err := checkSignal(name); err != nil {
		panic(k.v.NewError(err))
	}
	return name
}

// timeout reads the option of that name; zero means there is none. One of zero
// is as short as one can be, like that of a step.
func (k kit) timeout(o *goja.Object) int64 {
	value := vm.Option(o, "timeout")
	if vm.IsNone(value) {
		return 0
	}
	return max(1, millis(k.v.Duration(value, "timeout")))
}

// signal(run, name, value, options) sends a signal to another run.
func (k kit) signal(c goja.FunctionCall) goja.Value {
	const example = `signal(runId, "approval", { ok: true })`
	id := k.text(c, 0, runID, example)
	name := k.signalName(c, 1, example)
	body := k.json(k.v.Arg(c, 2), "the value of signal "+name)
	o := k.v.Options(c, 3, "signal", "idempotencyKey")
	return k.v.Call(call.Call{
		Kind: call.KindSignal, Target: "signal " + name + " → " + id, Class: call.Idempotent,
		Args: encode(call.SignalArgs{Run: id, Name: name, IdempotencyKey: k.key(o)}), Body: body,
	}, nil)
}
