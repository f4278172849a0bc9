package vm

import (
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// handlerNames are the handlers there are, in the order they are listed in.
var handlerNames = []Handler{HandlerRun, HandlerFetch, HandlerScheduled}

// howToExport is what a script should look like.
const howToExport = "write export default { async fetch(request, env, ctx) {…} } or export default async function (input, env, ctx) {…}"

// findHandlers reads the default export: an object of handlers, or one
// function, which is a run handler. It may be made of getters, so this is
// executed like the script itself.
func (v *VM) findHandlers() error {
	v.handlers = make(map[Handler]goja.Callable, 2)
	if v.exports == nil {
		return call.Errorf(call.CodeLoad, "the bundle exported nothing")
	}
	var bad error
	if err := v.enter(func() { bad = v.handlersIn(v.exports.Get("default")) }); err != nil {
		return err
	}
	return bad
}

func (v *VM) handlersIn(def goja.Value) error {
	if def == nil || goja.IsUndefined(def) {
		return call.Errorf(call.CodeLoad, "the script has no default export; %s", howToExport)
	}
	obj, ok := def.(*goja.Object)
	if !ok {
		return call.Errorf(call.CodeLoad, "the default export is %s; %s", TypeOf(def), howToExport)
	}
	f, ok := goja.AssertFunction(def)
	if !ok {
		return v.handlersOf(obj)
	}
	if strings.HasPrefix(obj.String(), "class") {
		return call.Errorf(call.CodeLoad, "the default export is a class; export an instance of it: export default new …()")
	}
	v.handlers[HandlerRun] = func(_ goja.Value, args ...goja.Value) (goja.Value, error) {
		return f(goja.Undefined(), args...)
	}
	return nil
}

func (v *VM) handlersOf(obj *goja.Object) error {
	for _, h := range handlerNames {
		value := obj.Get(string(h))
		if value == nil || goja.IsUndefined(value) {
			continue
		}
		f, ok := goja.AssertFunction(value)
		if !ok {
			return call.Errorf(call.CodeLoad, "the default export's %s is not a function", h)
		}
		v.handlers[h] = func(_ goja.Value, args ...goja.Value) (goja.Value, error) { return f(obj, args...) }
	}
	if len(v.handlers) > 0 {
		return nil
	}
	hint := ""
	for _, key := range obj.Keys() {
		if near := call.Nearest(key, []string{string(HandlerRun), string(HandlerFetch), string(HandlerScheduled)}); near != "" {
			hint = "; did you mean " + near + " by " + key + "?"
			break
		}
	}
	return call.Errorf(call.CodeLoad, "the default export has none of the handlers run, fetch, scheduled%s", hint)
}

// Handlers returns what the script exports, in the order run, fetch, scheduled.
func (v *VM) Handlers() []Handler {
	var out []Handler
	for _, h := range handlerNames {
		if v.handlers[h] != nil {
			out = append(out, h)
		}
	}
	return out
}
