package web

import "github.com/dop251/goja"

// makeQueueMicrotask makes queueMicrotask: the callback runs as the reaction
// to a promise that is settled already, and so in its place among the others.
// What it throws fails the run.
func (r *realm) makeQueueMicrotask() goja.Value {
	promise, resolve, _ := r.v.Promise()
	resolve(goja.Undefined())
	return r.v.Func("queueMicrotask", func(f goja.FunctionCall) goja.Value {
		callback := r.function(r.v.Arg(f, 0), "the callback of queueMicrotask")
		r.v.Then(promise, func(goja.Value) { must(callback(goja.Undefined())) }, func(goja.Value) {})
		return goja.Undefined()
	})
}
