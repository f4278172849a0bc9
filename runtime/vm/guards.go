// Guards stand in front of built-ins that allocate or loop without measure in
// one call: an interrupt does not reach them, and a worker would have to be
// killed for what is mostly a mistake. They are the first line and no more: a
// script that wants to get past them can, and meets the process around the VM.
//
// A guard is a native function in the place of the built-in. It looks at what
// the call asks for, throws a RangeError when that is more than any script
// needs, and otherwise calls the built-in. What it has to convert in order to
// look, it converts once, in the order of the language, and passes on converted:
// a valueOf that answers differently the second time finds nobody who asks.
//
// Making one costs two microseconds, so only those are made whose name is in the
// bundle's text, and of most only if the text also does what makes them dangerous.
// A text that makes code at run time has them all.

package vm

import (
	"slices"
	"strings"

	"github.com/dop251/goja"

	"reprise/runtime/call"
)

// What one call may make or walk through. A worker has 512 MiB for all its VMs,
// and copies are made on the way in and out, so nothing may take more than an
// eighth of it.
const (
	// maxText is the longest string, in UTF-16 units: the largest body there is
	// (32 MiB), as text. 32 Mi × 2 bytes = 64 MiB, half of that for ASCII.
	maxText = 32 << 20
	// maxBuffer is the largest ArrayBuffer in bytes: twice the largest body.
	maxBuffer = 64 << 20
	// maxItems is the longest array that a built-in makes or goes through, in
	// elements. 4 Mi × 16 bytes = 64 MiB; looking at as many holes takes a quarter
	// of a second, and filling them about one, which is a turn.
	maxItems = 4 << 20
	// maxArguments is the most arguments of one call. 1 Mi × 16 bytes = 16 MiB
	// on the stack, several times what other engines allow.
	maxArguments = 1 << 20
	// maxReplacers is the longest list of property names for JSON.stringify.
	maxReplacers = 1 << 16
	// maxNesting is how deep natives may call each other without a JavaScript
	// function between them, which the call depth does not see: as deep as that.
	// At up to 4 KiB of Go stack for each that is 4 MiB of the 512 there are.
	maxNesting = DefaultCallDepth
)

// native is a built-in function as goja calls it.
type native = func(goja.FunctionCall) goja.Value

// guarded is a built-in that is guarded.
type guarded struct {
	holder string // where it is: "String.prototype"
	name   string
	length int // its length property
	// asks are the words of which one must be in a text for the guard to be
	// made; none means its name.
	asks []string
	// when is what the text must also do, any of it, for the built-in to do harm.
	when doing
	wrap func(v *VM, f native) native
}

// path names a guarded built-in, for messages.
func (g *guarded) path() string { return g.holder + "." + g.name }

// guards are all functions that are guarded; constructors are in guard_buffers.go.
var guards = slices.Concat(textGuards, arrayGuards, jsonGuards, generatorGuards)

// asked are the guards that a text asks for, found once for each program.
type asked struct {
	functions    []*guarded
	constructors []string
	iterators    bool // those of arrays: see guardIterators
}

func (a *asked) none() bool { return len(a.functions) == 0 && len(a.constructors) == 0 }

func guardsFor(source string) (a asked) {
	does := doingOf(source)
	mentions := func(words ...string) bool {
		return does&makesCode != 0 || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(source, w) })
	}
	for i := range guards {
		g := &guards[i]
		words := g.asks
		if len(words) == 0 {
			words = []string{g.name}
		}
		if (g.when == 0 || g.when&does != 0) && mentions(words...) {
			a.functions = append(a.functions, g)
		}
	}
	for _, name := range bufferClasses {
		if strings.Contains(source, name) { // they take longest to make
			a.constructors = append(a.constructors, name)
		}
	}
	a.iterators = does&makesHuge != 0 && mentions("...", "Array.from", "new Set", "new Map", "Object.fromEntries")
	return a
}

// installGuards puts the guards that the program asks for in their places. It
// runs before the bundle.
func (v *VM) installGuards(p *Program) {
	p.guards.once.Do(func() { p.guards.asked = guardsFor(p.source) })
	if v.intrinsic.describe == nil && !p.guards.none() {
		v.intrinsic.describe, _ = goja.AssertFunction(v.builtin("Object.getOwnPropertyDescriptor"))
	}
	path, holder := "", (*goja.Object)(nil)
	for _, g := range p.guards.functions { // those of one holder stand together
		if g.holder != path {
			path, holder = g.holder, v.builtin(g.holder)
		}
		v.guardFunction(holder, g)
	}
	for _, name := range p.guards.constructors {
		v.guardBuffer(name)
	}
	if p.guards.iterators {
		v.guardIterators()
	}
}

func (v *VM) guardFunction(holder *goja.Object, g *guarded) {
	f, ok := holder.Get(g.name).Export().(native)
	if !ok {
		panic("vm: " + g.path() + " is no function")
	}
	fn := v.Func(g.name, g.wrap(v, f))
	if g.length > 0 {
		mustDefine(fn.DefineDataProperty("length", v.rt.ToValue(g.length), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE))
	}
	mustDefine(holder.DefineDataProperty(g.name, fn, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE))
}

// builtin returns a built-in object by its path from the global object.
func (v *VM) builtin(path string) *goja.Object {
	switch path {
	case typedArray:
		return v.rt.Get("Uint8Array").(*goja.Object).Prototype()
	case generatorPrototype:
		return v.generatorPrototype()
	}
	obj := v.rt.GlobalObject()
	for name := range strings.SplitSeq(path, ".") {
		obj = obj.Get(name).(*goja.Object)
	}
	return obj
}

func mustDefine(err error) {
	if err != nil {
		panic(err)
	}
}

// rangeError throws a RangeError into the script.
func (v *VM) rangeError(format string, args ...any) {
	e := call.Errorf(call.CodeInvalidArgument, format, args...)
	panic(v.NewError(&call.Error{Name: "RangeError", Message: e.Message}))
}

// tooMuch throws when a call asks for more than there may be.
func (v *VM) tooMuch(what string, n, most float64, unit string) {
	if n > most {
		v.rangeError("%s of %.0f %s is too large; the most is %.0f (%d Mi)", what, n, unit, most, int(most)>>20)
	}
}

// StopIfInterrupted ends a call when the turn is over: natives that only call
// natives would not notice before they are through, and no more would those that compute.
func (v *VM) StopIfInterrupted() {
	if v.guard.stop.Load() {
		panic(&goja.InterruptedError{}) // no script can catch it
	}
}

// nested calls f one level deeper in natives. what is said to nest.
func (v *VM) nested(depth *int, what string, f func() goja.Value) goja.Value {
	if *depth >= maxNesting {
		v.rangeError("%s nest more than %d levels deep", what, maxNesting)
	}
	*depth++
	defer func() { *depth-- }()
	return f()
}

// plainNumber returns a number, or what converts to one without running code
// of the script. ok is false for objects, symbols and BigInts.
func plainNumber(value goja.Value) (n float64, ok bool) {
	switch value.(type) {
	case nil, *goja.Object, *goja.Symbol:
		return 0, false
	}
	if goja.IsBigInt(value) {
		return 0, false
	}
	return value.ToFloat(), true
}
