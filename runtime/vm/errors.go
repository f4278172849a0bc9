package vm

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// thrown carries a JavaScript value that a promise was rejected with.
type thrown struct {
	value     goja.Value
	unhandled bool // nobody had handled the rejection by the end of its turn
}

func (t *thrown) Error() string { return "a promise was rejected" }

// Limits on what is kept of an error, so that a script can not make a huge one.
const (
	maxErrorText  = 16 << 10
	maxErrorCause = 8
)

// markDead records that err leaves the VM in a state that must not be used.
func (v *VM) markDead(err error) {
	if err == nil || v.dead != nil {
		return
	}
	if overflow, ok := find[*goja.StackOverflowError](err); ok {
		v.dead = v.depthError(overflow)
		return
	}
	if _, ok := find[*goja.InterruptedError](err); ok {
		v.dead = call.Errorf(call.CodeInternal, "the script was interrupted")
		return
	}
	e, ok := find[*call.Error](err)
	if ok && (e.Code == string(call.CodeResource) || e.Code == string(call.CodeInternal)) || v.guard.pending != nil {
		v.dead = call.From(err)
	}
}

// find is errors.AsType for what comes out of a VM. It does not unwrap goja's
// exceptions: they look at what was thrown, which may run code of the script, and
// nothing would stop it here.
func find[T error](err error) (target T, ok bool) {
	for err != nil {
		if t, ok := err.(T); ok { //nolint:errorlint // this is what unwraps
			return t, true
		}
		if _, isThrown := err.(*goja.Exception); isThrown { //nolint:errorlint // and this what it does not
			break
		}
		err = errors.Unwrap(err)
	}
	return target, false
}

func (v *VM) depthError(overflow *goja.StackOverflowError) *call.Error {
	depth := v.callDepth()
	e := call.OverLimit("callDepth", int64(depth)+1, int64(depth), "the call stack is deeper than %d; look for a function that calls itself without end", depth)
	e.Name, e.Code = "RangeError", "" // as in every engine, but that nothing can catch it
	e.Stack = stackText(e, overflow.Stack())
	return e
}

// interruptedAt adds to the reason of an interrupt where the script was.
func interruptedAt(reason *call.Error, err error) *call.Error {
	interrupted, ok := find[*goja.InterruptedError](err)
	if !ok {
		return reason
	}
	e := *reason
	e.Stack = stackText(&e, interrupted.Stack())
	return &e
}

// stackText is the stack of an error that the engine made: its innermost
// frames, or nothing when none of them is the user's.
func stackText(e *call.Error, frames []goja.StackFrame) string {
	text := framesText(frames[:min(len(frames), 10)])
	if text == "" {
		return ""
	}
	return e.Error() + text
}

// recovered turns a Go panic into an error. goja panics out of its own
// built-ins on some inputs; the script sees an InternalError, the VM is dead.
// What a script threw is no such panic, and is not made a text here: that could
// run code of the script.
func (v *VM) recovered(x any) error {
	switch x := x.(type) {
	case goja.Value:
		return &thrown{value: x}
	case *goja.Exception, *goja.InterruptedError, *goja.StackOverflowError:
		return x.(error)
	}
	e := call.Errorf(call.CodeInternal, "the JavaScript engine failed: %s", clip(fmt.Sprint(x)))
	e.Data = quoteObject("goStack", string(debug.Stack()))
	return e
}

// errorOf turns whatever ended a turn into an error of plain data. Reading a
// thrown object may run the script's getters, so it happens under a budget.
func (v *VM) errorOf(err error) *call.Error {
	if e, ok := find[*call.Error](err); ok {
		return e
	}
	if overflow, ok := find[*goja.StackOverflowError](err); ok {
		return v.depthError(overflow)
	}
	if t, ok := find[*thrown](err); ok {
		return v.describe(t)
	}
	if ex, ok := find[*goja.Exception](err); ok {
		return v.describe(&thrown{value: ex.Value()})
	}
	if v.dead != nil {
		return v.dead
	}
	return call.From(err)
}

func (v *VM) describe(t *thrown) *call.Error {
	var out *call.Error
	err := v.execute(func() error {
		return v.enter(func() { out = v.ErrorFrom(t.value) })
	})
	if err != nil || out == nil {
		out = &call.Error{Name: "Error", Message: "the script threw something that can not be read"}
	}
	if t.unhandled {
		return &call.Error{
			Name: call.CodeUnhandledRejection.Name(), Code: string(call.CodeUnhandledRejection),
			Message: "a promise was rejected and nobody handled it: " + out.Error(), Stack: out.Stack, Cause: out,
		}
	}
	return out
}

// ErrorFrom reads a thrown value as an error of plain data. It must be called
// inside the VM.
func (v *VM) ErrorFrom(value goja.Value) *call.Error { return v.errorFrom(value, 0) }

func (v *VM) errorFrom(value goja.Value, depth int) *call.Error {
	obj, ok := value.(*goja.Object)
	if !ok {
		if value == nil || goja.IsUndefined(value) || goja.IsNull(value) {
			return &call.Error{Name: "Error", Message: "the script threw " + v.text(value)}
		}
		return &call.Error{Name: "Error", Message: clip(v.text(value))}
	}
	if obj.ClassName() != "Error" && obj.Get("message") == nil {
		return &call.Error{Name: "Error", Message: "the script threw " + clip(v.preview(obj))}
	}
	e := &call.Error{
		Name:    clip(v.field(obj, "name", "Error")),
		Message: clip(v.field(obj, "message", "")),
		Code:    clip(v.field(obj, "code", "")),
	}
	e.Stack = clip(CleanStack(e.Error(), v.field(obj, "stack", "")))
	if e.Name == "AggregateError" && depth < maxErrorCause { // its own reasons are not told: they may be itself
		e.Message = clip(e.Message + v.reasons(obj))
	}
	hidden := v.stateOf(obj)
	e.Data, e.Call = hidden.data, hidden.call
	if e.Call == 0 {
		e.Call = v.collectedOrigin(obj)
	}
	if cause := obj.Get("cause"); cause != nil && !goja.IsUndefined(cause) && depth < maxErrorCause {
		e.Cause = v.errorFrom(cause, depth+1)
	}
	return e
}

// maxReasons is how many of an AggregateError's errors its message tells.
const maxReasons = 5

// reasons tells the errors of an AggregateError, whose own message rarely does.
func (v *VM) reasons(obj *goja.Object) string {
	list, ok := obj.Get("errors").(*goja.Object)
	if !ok || list.ClassName() != "Array" {
		return ""
	}
	text := ""
	for i := range maxReasons {
		reason := list.Get(strconv.Itoa(i))
		if reason == nil {
			break
		}
		if text += "; "; i == 0 {
			text = ": "
		}
		text += v.errorFrom(reason, maxErrorCause).Error()
	}
	return text
}

// field reads a property as text; what is not a string or number is left out.
func (v *VM) field(obj *goja.Object, name, otherwise string) string {
	value := obj.Get(name)
	if value == nil || goja.IsUndefined(value) || goja.IsNull(value) {
		return otherwise
	}
	if _, isObject := value.(*goja.Object); isObject {
		return otherwise
	}
	return v.text(value)
}

// text returns a primitive as text. Symbols have no String of their own.
func (v *VM) text(value goja.Value) string {
	if value == nil {
		return "undefined"
	}
	if s, ok := value.(*goja.Symbol); ok {
		return s.String()
	}
	return value.String()
}

func (v *VM) preview(obj *goja.Object) string {
	b, err := v.Stringify(obj)
	if err != nil || len(b) == 0 {
		return "an object that is not an Error"
	}
	return string(b)
}

func clip(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	return strings.ToValidUTF8(s[:maxErrorText], "") + "…"
}

// errorClassProgram makes a subclass of Error, as a script would write it.
var errorClassProgram = mustCompile(`(function (name) {
	const C = class extends Error {};
	Object.defineProperty(C, "name", { value: name, configurable: true });
	Object.defineProperty(C.prototype, "name", { value: name, configurable: true, writable: true });
	return C;
})`)

// ErrorClass returns the constructor of an error class, made at first use; the
// built-in ones are themselves.
func (v *VM) ErrorClass(name string) *goja.Object {
	if c, ok := v.classes[name]; ok {
		return c
	}
	if v.classes == nil {
		v.classes = map[string]*goja.Object{}
	}
	switch name {
	case "Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError", "URIError":
		v.classes[name] = v.rt.Get(name).(*goja.Object)
		return v.classes[name]
	}
	fn, err := v.rt.RunProgram(errorClassProgram)
	if err != nil {
		panic(err)
	}
	makeClass, _ := goja.AssertFunction(fn)
	class, err := makeClass(goja.Undefined(), v.rt.ToValue(name))
	if err != nil {
		panic(err)
	}
	v.classes[name] = class.(*goja.Object)
	return v.classes[name]
}

// NewError makes the JavaScript error of e: an instance of the class that its
// name says, with code, cause and the fields of Data. It must be called inside the VM.
func (v *VM) NewError(e *call.Error) *goja.Object {
	obj, err := v.rt.New(v.ErrorClass(e.Name), v.rt.ToValue(e.Message))
	if err != nil {
		panic(err)
	}
	if e.Code != "" {
		v.hideProperty(obj, "code", v.rt.ToValue(e.Code), goja.FLAG_TRUE)
	}
	if e.Cause != nil {
		v.hideProperty(obj, "cause", v.NewError(e.Cause), goja.FLAG_FALSE)
	}
	if e.Stack != "" {
		v.hideProperty(obj, "stack", v.rt.ToValue(e.Stack), goja.FLAG_FALSE)
	}
	if len(e.Data) > 0 {
		v.copyData(obj, e.Data)
	}
	v.hideState(obj, e)
	return obj
}

func (v *VM) copyData(obj *goja.Object, data []byte) {
	value, err := v.ParseJSON(data)
	if err != nil {
		panic(err)
	}
	fields := value.(*goja.Object)
	for _, k := range fields.Keys() {
		v.define(obj, k, fields.Get(k))
	}
}

func (v *VM) hideProperty(obj *goja.Object, name string, value goja.Value, enumerable goja.Flag) {
	if err := obj.DefineDataProperty(name, value, goja.FLAG_TRUE, goja.FLAG_TRUE, enumerable); err != nil {
		panic(err)
	}
}

// define sets an own property whatever its name is, "__proto__" included.
func (v *VM) define(obj *goja.Object, name string, value goja.Value) {
	v.hideProperty(obj, name, value, goja.FLAG_TRUE)
}

// ErrorValue returns what to reject a promise with for a Go error: the thrown
// value itself where there is one. Uncatchable errors go on as panics.
func (v *VM) ErrorValue(err error) goja.Value {
	if ex, ok := find[*goja.Exception](err); ok {
		return ex.Value()
	}
	if t, ok := find[*thrown](err); ok {
		return t.value
	}
	if isUncatchable(err) {
		panic(err)
	}
	return v.NewError(call.From(err))
}

// isUncatchable tells what no script can catch.
func isUncatchable(err error) bool {
	_, interrupted := find[*goja.InterruptedError](err)
	_, overflow := find[*goja.StackOverflowError](err)
	return interrupted || overflow
}

// Throw throws a catalogued error into the script.
func (v *VM) Throw(code call.Code, format string, args ...any) {
	panic(v.NewError(call.Errorf(code, format, args...)))
}

// quoteObject encodes a JSON object of one string.
func quoteObject(key, text string) []byte {
	return fmt.Appendf(nil, `{%s:%s}`, quoteJSON(key), quoteJSON(text))
}
