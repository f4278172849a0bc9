package web

import "github.com/dop251/goja"

// makeQueueMicrotask makes queueMicrotask: the callback runs as the reaction
// to a promise that is settled already. What it throws fails the run.
func (r *realm) makeQueueMicrotask() goja.Value {
	promise, resolve, _ := r.v.Promise()
	resolve(goja.Undefined())
	then := r.function(promise.Get("then"), "Promise.prototype.then")
	return r.v.Func("queueMicrotask", func(f goja.FunctionCall) goja.Value {
		callback := r.function(r.v.Arg(f, 0), "the callback of queueMicrotask")
		must(then(promise, r.rt.ToValue(func(goja.FunctionCall) goja.Value {
			return must(callback(goja.Undefined()))
		})))
		return goja.Undefined()
	})
}
